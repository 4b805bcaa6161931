// Small files of /proc, /sys and /etc, read whole.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace synfate {

/// The whole file, of any size stat may claim. Errors: not_found, denied, interrupted (ESRCH: the
/// process vanished), system.
Result<std::string> read_file(const std::string& path);
/// The same below an open directory.
Result<std::string> read_file_at(int directory, const char* name);
/// The same with one read(2), for a file that the kernel gives whole to one with room enough: a
/// record of single_open() (fs/seq_file.c), as all files of /proc/PID made by ONE() in
/// fs/proc/base.c are, and cmdline (get_mm_cmdline() there), Linux 6.12.
Result<std::string> read_record_at(int directory, const char* name);

/// Each line of a file without its line feed, as it is read; `visit` returns false to stop. For
/// files that may be very long.
Status read_lines(const std::string& path, const std::function<bool(std::string_view)>& visit);

bool file_exists(const std::string& path);

/// What an error number of a system call on such a file means.
ErrorCode file_error_code(int os_error);

/// Each line without its line feed; `visit` returns false to stop.
template <typename Visit> void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    if (!visit(line))
      return;
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
}

/// A descriptor that is closed when it goes out of scope.
class FileDescriptor {
public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();

private:
  int fd_ = -1;
};

} // namespace synfate
