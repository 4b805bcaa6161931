#include "platform/linux/processes/descriptors.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr std::size_t directory_buffer = 32768;
constexpr off_t position_of_first = 2; // "." and ".." come before descriptor 0

/// Room for so many short names, "." and "..", and one that tells that there are more. The kernel
/// makes an inode for every entry that it returns (proc_fill_cache() in fs/proc/base.c, Linux
/// 6.12): a process with thousands of descriptors is listed no further than is needed.
std::size_t room_for(std::size_t entries) {
  constexpr std::size_t entry_size = 24; // struct linux_dirent64 with a name of at most four digits
  constexpr std::size_t others = 3;
  return std::min(entries, directory_buffer / entry_size - others) * entry_size +
         others * entry_size;
}

/// Calls visit(name) for each entry, `room` bytes of them at a time; false if reading fails.
template <typename Visit>
bool for_each_entry(int directory, Visit visit, std::size_t room = directory_buffer) {
  alignas(dirent64) std::array<char, directory_buffer> buffer;
  for (;;) {
    const long size = syscall(SYS_getdents64, directory, buffer.data(), room);
    if (size == 0)
      return true;
    if (size < 0)
      return false;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      if (!visit(entry->d_name))
        return true;
      at += entry->d_reclen;
    }
  }
}

bool is_denial(int os_error) {
  return os_error == EACCES || os_error == EPERM;
}

struct Link {
  std::optional<std::int64_t> socket;
  bool denied = false; ///< the directory may be listed, its links may not be read
};

Link read_descriptor(int directory, const char* name) {
  std::array<char, 64> link; // longer ones are no sockets
  const ssize_t size = readlinkat(directory, name, link.data(), link.size());
  if (size <= 0)
    return {std::nullopt, size < 0 && is_denial(errno)};
  return {parse_inode_link({link.data(), static_cast<std::size_t>(size)}, "socket"), false};
}

/// The descriptors below `numbers`, asked for one by one: a listing would have the kernel make an
/// inode for each entry before it is looked at. Nothing where none is seen, for whatever reason.
template <typename Visit>
std::optional<DescriptorWalk> walk_lowest(int proc, const std::string& directory,
                                          std::int32_t numbers, const Visit& visit) {
  const FileDescriptor links(
      openat(proc, (directory + "/fd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!links.valid())
    return std::nullopt;
  std::array<char, 64> target; // longer ones are no sockets
  DescriptorWalk walk{WalkEnd::full, numbers, false};
  for (std::int32_t fd = 0; fd < numbers; ++fd) {
    const ssize_t size =
        readlinkat(links.get(), std::to_string(fd).c_str(), target.data(), target.size());
    if (size < 0 && errno != ENOENT)
      return std::nullopt;
    if (size <= 0)
      continue;
    walk.any = true;
    const auto socket = parse_inode_link({target.data(), static_cast<std::size_t>(size)}, "socket");
    if (socket && !visit(fd, *socket)) {
      walk.end = WalkEnd::stopped;
      return walk;
    }
  }
  return walk.any ? std::optional(walk) : std::nullopt;
}

WalkEnd end_of(int os_error) {
  return is_denial(os_error) ? WalkEnd::denied : WalkEnd::vanished;
}

} // namespace

DescriptorWalk walk_sockets(int proc, const std::string& directory, DescriptorRange range,
                            std::size_t most,
                            const std::function<bool(std::int32_t, std::int64_t)>& visit) {
  constexpr std::size_t few = 16;
  if (range.first == 0 && most <= few)
    if (const auto walk = walk_lowest(proc, directory, static_cast<std::int32_t>(most), visit))
      return *walk;
  const FileDescriptor links(
      openat(proc, (directory + "/fd").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!links.valid())
    return {end_of(errno), 0, false};
  if (range.first > 0 && lseek(links.get(), range.first + position_of_first, SEEK_SET) < 0)
    return {WalkEnd::vanished, 0, false};
  DescriptorWalk walk;
  std::size_t seen = 0;
  const auto see = [&](const char* name) {
    const auto fd = parse_number<std::int32_t>(name);
    if (!fd || *fd < range.first)
      return true;
    if (*fd >= range.end)
      return false;
    if (seen++ == most) {
      walk = {WalkEnd::full, *fd, true};
      return false;
    }
    walk.any = true;
    const Link link = read_descriptor(links.get(), name);
    if (!link.denied && (!link.socket || visit(*fd, *link.socket)))
      return true;
    walk.end = link.denied ? WalkEnd::guarded : WalkEnd::stopped;
    return false;
  };
  if (!for_each_entry(links.get(), see, room_for(most)))
    return {end_of(errno), 0, false};
  return walk;
}

bool share_descriptors(std::int32_t one, std::int32_t other) {
  return syscall(SYS_kcmp, one, other, KCMP_FILES, 0, 0) == 0;
}

std::vector<std::int32_t> read_processes_from(int proc, std::int32_t first, std::size_t most) {
  constexpr off_t position_of_process_0 = 258; // TGID_OFFSET in fs/proc/base.c, Linux 6.12
  const FileDescriptor entries(openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::int32_t> processes;
  if (!entries.valid() || lseek(entries.get(), first + position_of_process_0, SEEK_SET) < 0)
    return processes;
  for_each_entry(
      entries.get(),
      [&](const char* name) {
        if (const auto number = parse_number<std::int32_t>(name))
          processes.push_back(*number);
        return processes.size() < most;
      },
      room_for(most));
  return processes;
}

Result<std::vector<std::int32_t>> read_numbers(int at, const char* directory) {
  const FileDescriptor entries(openat(at, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::int32_t> numbers;
  const bool read = entries.valid() && for_each_entry(entries.get(), [&](const char* name) {
                      if (const auto number = parse_number<std::int32_t>(name))
                        numbers.push_back(*number);
                      return true;
                    });
  if (!read) {
    const int os_error = errno;
    return Error{file_error_code(os_error), "listing a directory", directory, os_error, {}, {}};
  }
  std::ranges::sort(numbers);
  return numbers;
}

} // namespace synfate
