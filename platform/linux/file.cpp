#include "platform/linux/file.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace synfate {

ErrorCode file_error_code(int os_error) {
  switch (os_error) {
  case ENOENT:
  case ENOTDIR:
    return ErrorCode::not_found;
  case EACCES:
  case EPERM:
    return ErrorCode::denied;
  case ESRCH:
    return ErrorCode::interrupted;
  default:
    return ErrorCode::system;
  }
}

namespace {

/// A part of a file: what one read(2) gives.
using Part = std::array<char, 16384>;

/// read(2), again if a signal came.
ssize_t read_part(const FileDescriptor& file, Part& part) {
  ssize_t size = -1;
  do
    size = read(file.get(), part.data(), part.size());
  while (size < 0 && errno == EINTR);
  return size;
}

Error failure(const char* name) {
  const int os_error = errno;
  return {file_error_code(os_error), "reading a file", name, os_error, {}, {}};
}

} // namespace

Result<std::string> read_file_at(int directory, const char* name) {
  const FileDescriptor file(openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid())
    return failure(name);
  std::string content;
  Part part;
  for (;;) {
    const ssize_t size = read_part(file, part);
    if (size == 0)
      return content;
    if (size < 0)
      return failure(name);
    content.append(part.data(), static_cast<std::size_t>(size));
  }
}

Result<std::string> read_record_at(int directory, const char* name) {
  const FileDescriptor file(openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid())
    return failure(name);
  Part part;
  const ssize_t size = read_part(file, part);
  if (size < 0)
    return failure(name);
  if (static_cast<std::size_t>(size) == part.size())
    return read_file_at(directory, name); // there was no room
  return std::string(part.data(), static_cast<std::size_t>(size));
}

Result<std::string> read_file(const std::string& path) {
  return read_file_at(AT_FDCWD, path.c_str());
}

Status read_lines(const std::string& path, const std::function<bool(std::string_view)>& visit) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.valid())
    return failure(path.c_str());
  std::string content;
  Part part;
  for (;;) {
    const ssize_t size = read_part(file, part);
    if (size < 0)
      return failure(path.c_str());
    content.append(part.data(), static_cast<std::size_t>(size));
    std::size_t start = 0;
    for (auto end = content.find('\n'); end != std::string::npos; end = content.find('\n', start)) {
      if (!visit(std::string_view(content).substr(start, end - start)))
        return Done{};
      start = end + 1;
    }
    content.erase(0, start);
    if (size > 0)
      continue;
    if (!content.empty())
      visit(content);
    return Done{};
  }
}

bool file_exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (valid())
      close(fd_);
    fd_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (valid())
    close(fd_);
}

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

} // namespace synfate
