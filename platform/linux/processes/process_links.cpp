#include "platform/linux/processes/process_links.h"

#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "platform/linux/processes/descriptors.h"

namespace synfate {

namespace {

Error failure(const char* name) {
  const int os_error = errno;
  return {file_error_code(os_error), "reading a link", name, os_error, {}, {}};
}

} // namespace

Result<std::string> read_link_at(int directory, const char* name) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = readlinkat(directory, name, target.data(), target.size());
  if (size < 0)
    return failure(name);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<std::int64_t> count_descriptors(int directory) {
  struct stat status{};
  struct statfs system{};
  if (fstatat(directory, "fd", &status, 0) != 0)
    return failure("fd");
  const bool of_kernel = fstatfs(directory, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
  if (of_kernel && status.st_size > 0)
    return status.st_size;
  const auto numbers = read_numbers(directory, "fd");
  if (!numbers)
    return numbers.error();
  return static_cast<std::int64_t>(numbers->size());
}

} // namespace synfate
