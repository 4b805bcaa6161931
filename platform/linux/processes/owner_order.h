// In which order to look for the holder of a socket.
//
// Inodes of sockets are given out in ascending order (get_next_ino() in fs/inode.c, Linux 6.12, in
// batches of 1024 for each processor), and process ids too but for one wrap. A listener is mostly
// opened soon after its process started, so its holder is to be found near those processes whose
// own sockets have inodes like it. A few processes are looked at to find that place; a wrong guess
// costs time and nothing else. Tested by tests/unit/platform/linux/processes/read_owners_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

namespace synfate {

/// The same processes, those first that are likely to hold the socket. `proc` is the open directory
/// /proc; `pids` ascend.
std::vector<std::int32_t> likely_holders_first(int proc, const std::vector<std::int32_t>& pids,
                                               std::int64_t inode);

/// Positions 0 … count-1 by their distance from one of them, the nearer first.
std::vector<std::size_t> outwards_from(std::size_t middle, std::size_t count);

} // namespace synfate
