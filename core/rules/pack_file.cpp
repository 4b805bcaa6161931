#include "core/rules/pack_file.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace synfate::rules {
namespace {

constexpr std::uintmax_t largest_pack = 4U << 20U;

PackError file_error(const std::filesystem::path& path, std::string_view code, std::string message,
                     std::string hint = {}) {
  return {path.string(), {}, std::string(code), std::move(message), {}, {}, std::move(hint)};
}

std::string error_text(int number) {
  return std::generic_category().message(number);
}

std::shared_ptr<const SourceFile> read_file(const std::filesystem::path& path, Errors& errors) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > largest_pack) {
    errors.add(file_error(path, code::unreadable, "this is larger than 4 MiB: not a rule pack"));
    return nullptr;
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream)
    text << stream.rdbuf();
  if (!stream || error) {
    errors.add(file_error(path, code::unreadable,
                          "cannot read the file: " + error_text(error ? error.value() : errno)));
    return nullptr;
  }
  return std::make_shared<SourceFile>(path.string(), text.str());
}

} // namespace

std::vector<std::filesystem::path> pack_files(const std::filesystem::path& path, Errors& errors) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error))
    return {path};
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".toml")
      files.push_back(entry->path());
  if (error)
    errors.add(
        file_error(path, code::unreadable, "cannot read the folder: " + error_text(error.value())));
  std::ranges::sort(files);
  return files;
}

bool is_unsafe(const std::filesystem::path& path, const WritersOf& writers_of, Errors& errors) {
  const auto writers = writers_of(path);
  if (!writers)
    return false; // reading it will say what is wrong
  if (writers->owner != 0) {
    errors.add(file_error(
        path, code::unsafe,
        fmt::format("belongs to user {}, who could change what root runs", writers->owner),
        fmt::format("chown root:root '{}'", path.string())));
    return true;
  }
  if (!writers->others)
    return false;
  errors.add(file_error(path, code::unsafe, "others than root can write it",
                        fmt::format("chmod go-w '{}'", path.string())));
  return true;
}

std::vector<std::shared_ptr<const SourceFile>>
read_pack_files(const std::vector<std::filesystem::path>& paths, const WritersOf& writers_of,
                Errors& errors) {
  std::vector<std::shared_ptr<const SourceFile>> files;
  for (const auto& path : paths) {
    std::error_code error;
    if (writers_of && std::filesystem::is_directory(path, error) &&
        is_unsafe(path, writers_of, errors))
      continue;
    for (const auto& file : pack_files(path, errors)) {
      if (writers_of && is_unsafe(file, writers_of, errors))
        continue;
      if (auto read = read_file(file, errors))
        files.push_back(std::move(read));
    }
  }
  return files;
}

} // namespace synfate::rules
