// One search over the descriptors of many processes, on all processors.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/linux/file.h"
#include "platform/linux/processes/descriptors.h"

namespace synfate {

/// A descriptor that refers to a wanted socket.
struct Holder {
  std::int64_t inode = 0;
  std::int32_t pid = 0;
  std::int32_t fd = 0;

  friend auto operator<=>(const Holder&, const Holder&) = default;
};

/// What a search came to.
struct Search {
  std::vector<Holder> holders; ///< by inode and process, the lowest descriptor of each
  std::size_t looked_at = 0;   ///< processes
  std::size_t denied = 0;      ///< of them belong to somebody else
  std::size_t guarded = 0;     ///< of them do not let their descriptors be read
  bool timed_out = false;

  void add(Search other);
};

/// The sockets that are looked for.
class WantedSockets {
public:
  /// Every socket there is.
  WantedSockets() = default;
  explicit WantedSockets(std::vector<std::int64_t> inodes);

  /// Notes that a socket was seen; false if it is none of the wanted. Any thread.
  bool see(std::int64_t inode);
  std::size_t count() const { return inodes_.size(); }
  /// Every wanted one was seen at least once.
  bool all_seen() const { return !all_ && missing_.load(std::memory_order_relaxed) == 0; }

private:
  bool all_ = true;
  std::vector<std::int64_t> inodes_; ///< ascending
  std::unique_ptr<std::atomic<bool>[]> seen_;
  std::atomic<std::size_t> missing_{0};
};

struct SearchLimits {
  bool stop_when_seen = false; ///< one holder of each is enough
  bool in_parts = true;        ///< false: `proc` is a plain directory, not the kernel's
  std::size_t first = 256;     ///< descriptors of every process, before anybody's others
  bool first_only = false;     ///< and no others
  /// Instead of those of the processes: descriptors of threads that have a table of their own
  /// (clone(2) without CLONE_FILES, unshare(2)).
  bool threads = false;
  std::chrono::steady_clock::time_point deadline;
};

/// Sorts by inode and process; the lowest descriptor of each is kept.
void tidy(std::vector<Holder>& holders);

/// Looks through these processes in this order. `proc` is the open directory /proc.
Search search_owners(int proc, const std::vector<std::int32_t>& pids, WantedSockets& wanted,
                     const SearchLimits& limits);

} // namespace synfate
