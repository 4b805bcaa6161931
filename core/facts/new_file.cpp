// Files that appear whole or not at all; see snapshot_file.h.
//
// Portable and without a moment in which others could open the file: it is written in a new
// directory of mode 0700 beside its place. mkdir never follows or reuses what somebody else put
// there, and nobody else can pass through the directory once its mode is set, which happens before
// the file is made.
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "core/facts/snapshot_file.h"

namespace synfate {
namespace {

namespace fs = std::filesystem;

/// A place where no file can be is a wrong call; a full disk is not.
ErrorCode kind_of(const std::error_code& code) {
  if (code == std::errc::permission_denied)
    return ErrorCode::denied;
  const bool no_place = code == std::errc::no_such_file_or_directory ||
                        code == std::errc::not_a_directory || code == std::errc::is_a_directory;
  return no_place ? ErrorCode::not_found : ErrorCode::system;
}

Error file_error(const fs::path& path, const std::error_code& code, std::string detail = {}) {
  return {.code = kind_of(code),
          .doing = "writing a file",
          .where = path.string(),
          .os_error = code.value(),
          .detail = std::move(detail)};
}

/// Writes into something that exists and is no regular file.
class DirectFile final : public NewFile {
public:
  explicit DirectFile(const fs::path& path) : path_(path), stream_(path, std::ios::binary) {}

  std::ostream& stream() override { return stream_; }
  bool open() const { return stream_.is_open(); }
  Status commit() override {
    stream_.close();
    return stream_ ? Status(Done{}) : Status(file_error(path_, {}, "it could not be written"));
  }

private:
  fs::path path_;
  std::ofstream stream_;
};

class RenamedFile final : public NewFile {
public:
  RenamedFile(fs::path target, fs::path directory)
      : target_(std::move(target)), directory_(std::move(directory)),
        temporary_(directory_ / target_.filename()), stream_(temporary_, std::ios::binary) {}
  RenamedFile(const RenamedFile&) = delete;
  RenamedFile& operator=(const RenamedFile&) = delete;
  ~RenamedFile() override {
    std::error_code code;
    fs::remove(temporary_, code);
    fs::remove(directory_, code);
  }

  std::ostream& stream() override { return stream_; }

  Status protect() {
    std::error_code code;
    if (!stream_.is_open())
      return file_error(temporary_, {}, "it could not be opened");
    fs::permissions(temporary_, fs::perms::owner_read | fs::perms::owner_write, code);
    return code ? Status(file_error(temporary_, code)) : Status(Done{});
  }

  Status commit() override {
    stream_.close();
    if (!stream_)
      return file_error(target_, {}, "it could not be written");
    std::error_code code;
    fs::rename(temporary_, target_, code);
    return code ? Status(file_error(target_, code)) : Status(Done{});
  }

private:
  fs::path target_;
  fs::path directory_;
  fs::path temporary_;
  std::ofstream stream_;
};

/// A new directory beside `path` that only its owner can enter.
Result<fs::path> make_private_directory(const fs::path& path) {
  std::random_device random;
  constexpr int attempts = 16;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    fs::path directory = path;
    directory += fmt::format(".{:08x}.part", random());
    std::error_code code;
    if (!fs::create_directory(directory, code)) {
      if (code)
        return file_error(path, code);
      continue; // somebody has that name
    }
    fs::permissions(directory, fs::perms::owner_all, code);
    if (!code)
      return directory;
    fs::remove(directory, code);
    return file_error(path, code);
  }
  return file_error(path, {}, "no name was free for a temporary directory beside it");
}

} // namespace

Result<std::unique_ptr<NewFile>> NewFile::create(const std::string& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (fs::is_directory(status)) {
    Error error = file_error(path, {}, "it is a directory");
    error.code = ErrorCode::invalid_input;
    return error;
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    auto file = std::make_unique<DirectFile>(path);
    if (!file->open())
      return file_error(path, {}, "it could not be opened");
    return std::unique_ptr<NewFile>(std::move(file));
  }
  SYNFATE_TRY(directory, make_private_directory(path));
  auto file = std::make_unique<RenamedFile>(path, std::move(directory));
  SYNFATE_TRY(protection, file->protect());
  static_cast<void>(protection);
  return std::unique_ptr<NewFile>(std::move(file));
}

} // namespace synfate
