// Where to look first for the holder of a socket.
//
// Inodes of sockets are given out in ascending order (get_next_ino() in fs/inode.c, Linux 6.12, in
// batches of 1024 for each processor), and process ids too but for one wrap. A listener is mostly
// opened soon after its process started, so its holder is to be found near those processes whose
// own sockets have inodes like it. A few processes are looked at to find that place; a wrong guess
// costs time and nothing else. /proc is read at any process id (proc_pid_readdir() in
// fs/proc/base.c takes it from the position), so that among many processes only those near the
// place are listed. Tested by tests/unit/platform/linux/processes/read_owners_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace synfate {

/// Calls look(processes) with those that are likely to hold the socket, the likeliest first and
/// none twice, until it returns true; false if it never does. `proc` is the open directory /proc;
/// `live`: it is the kernel's.
bool look_where_likely(int proc, bool live, std::int64_t inode,
                       const std::function<bool(const std::vector<std::int32_t>&)>& look);

} // namespace synfate
