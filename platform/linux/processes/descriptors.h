// Walks the descriptors of a process for sockets.
//
// /proc/PID/fd is a directory of links; a socket's reads "socket:[INODE]". Its positions are
// descriptor numbers plus 2 (proc_readfd_common() in fs/proc/fd.c, Linux 6.12), so a walk can begin
// at any descriptor, and one process with very many can be walked in parts by several threads.
// Links are read, not followed: following one to a file on a dead NFS server could hang, and
// reading costs the same within a few percent. A process of another user may let its descriptors be
// listed and not read: root without CAP_SYS_PTRACE owns the directory, and proc_pid_readlink() asks
// ptrace_may_access(). Tested by
// tests/unit/platform/linux/processes/read_owners_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "platform/linux/file.h"

namespace synfate {

/// A part of a process's descriptors.
struct DescriptorRange {
  std::int32_t first = 0;
  std::int32_t end = std::numeric_limits<std::int32_t>::max(); ///< not included
};

enum class WalkEnd : std::uint8_t {
  complete, ///< every descriptor of the range was seen
  stopped,  ///< the visitor had enough
  full,     ///< `most` descriptors were seen, there may be more
  denied,   ///< the process belongs to somebody else
  guarded,  ///< its descriptors may be listed, not read
  vanished, ///< the process is gone
};

struct DescriptorWalk {
  WalkEnd end = WalkEnd::complete;
  std::int32_t next = 0; ///< when full: where to go on
  bool any = false;      ///< there were descriptors at all
};

/// Calls visit(fd, inode) for each socket among the descriptors of `directory`, which is
/// /proc/PID or /proc/PID/task/TID relative to the directory `proc`.
DescriptorWalk walk_sockets(int proc, const std::string& directory, DescriptorRange range,
                            std::size_t most,
                            const std::function<bool(std::int32_t fd, std::int64_t inode)>& visit);

/// True if two threads use one table of descriptors (kcmp(2)); false also where that cannot be
/// told.
bool share_descriptors(std::int32_t one, std::int32_t other);

/// Processes of the kernel's /proc, ascending: up to `most` of those with this id or a higher one.
std::vector<std::int32_t> read_processes_from(int proc, std::int32_t first, std::size_t most);

/// The numeric names in a directory, ascending: the processes of /proc, the threads of a process.
Result<std::vector<std::int32_t>> read_numbers(int at, const char* directory);

} // namespace synfate
