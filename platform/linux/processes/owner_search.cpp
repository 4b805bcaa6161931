#include "platform/linux/processes/owner_search.h"

#include <algorithm>
#include <limits>

#include "platform/linux/processes/parallel.h"
#include "platform/linux/processes/proc_pid.h"

namespace synfate {

namespace {

constexpr std::int32_t part_size = 8192; ///< descriptors of one part of a large process
/// Where one holder of each is enough, these of every process come first: a server opens its
/// listeners early, and most descriptors need not be looked at at all.
constexpr std::size_t lowest = 8;
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

/// Descriptors that are still to be walked.
struct Part {
  std::int32_t pid = 0;
  DescriptorRange range;
};

/// What one thread gathers.
struct Gathered {
  Search search;
  std::vector<Part> unfinished;
};

/// Shared by the threads of one search.
class Searcher {
public:
  Searcher(int proc, WantedSockets& wanted, const SearchLimits& limits)
      : proc_(proc), wanted_(wanted), limits_(limits) {}

  bool over() {
    if (limits_.stop_when_seen && wanted_.all_seen())
      return true;
    if (std::chrono::steady_clock::now() >= limits_.deadline)
      timed_out_ = true;
    return timed_out_;
  }
  bool timed_out() const { return timed_out_; }

  /// `most`: descriptors; if there are more, the rest of them is a part for later.
  void look_into(Gathered& gathered, std::int32_t pid, std::size_t most) {
    if (over())
      return;
    const auto directory = std::to_string(pid);
    if (limits_.threads)
      return look_into_own_tables(gathered.search, pid, directory);
    const DescriptorWalk walk = walk_directory(gathered.search, pid, directory, {}, most);
    ++gathered.search.looked_at;
    if (walk.end == WalkEnd::denied)
      ++gathered.search.denied;
    if (walk.end == WalkEnd::guarded)
      ++gathered.search.guarded;
    if (walk.end == WalkEnd::full)
      gathered.unfinished.push_back({pid, {walk.next}});
    if (walk.end == WalkEnd::complete && !walk.any)
      look_into_threads(gathered.search, pid, directory);
  }

  void look_into(Gathered& gathered, const Part& part, std::size_t most) {
    if (over())
      return;
    const DescriptorWalk walk =
        walk_directory(gathered.search, part.pid, std::to_string(part.pid), part.range, most);
    if (walk.end == WalkEnd::full)
      gathered.unfinished.push_back({part.pid, {walk.next}});
  }

private:
  DescriptorWalk walk_directory(Search& search, std::int32_t pid, const std::string& directory,
                                DescriptorRange range, std::size_t most) {
    return walk_sockets(proc_, directory, range, most, [&](std::int32_t fd, std::int64_t inode) {
      if (wanted_.see(inode))
        search.holders.push_back({inode, pid, fd});
      return !(limits_.stop_when_seen && wanted_.all_seen());
    });
  }

  /// A first thread that ended has no descriptors any more; the others keep the process's.
  void look_into_threads(Search& search, std::int32_t pid, const std::string& directory) {
    const auto threads = read_numbers(proc_, (directory + "/task").c_str());
    if (!threads || threads->size() < 2)
      return;
    for (const auto thread : *threads)
      if (thread != pid)
        if (walk_directory(search, pid, directory + "/task/" + std::to_string(thread), {},
                           unlimited)
                .any)
          return;
  }

  /// Each table of descriptors that threads have beside the process's.
  void look_into_own_tables(Search& search, std::int32_t pid, const std::string& directory) {
    const auto threads = read_numbers(proc_, (directory + "/task").c_str());
    if (!threads || threads->size() < 2)
      return;
    std::vector<std::int32_t> seen{pid}; // one thread of each table
    for (const auto thread : *threads) {
      const bool again = std::ranges::any_of(seen, [&](std::int32_t other) {
        return other == thread || (limits_.in_parts && share_descriptors(other, thread));
      });
      if (again || over())
        continue;
      seen.push_back(thread);
      walk_directory(search, pid, directory + "/task/" + std::to_string(thread), {}, unlimited);
    }
  }

  int proc_;
  WantedSockets& wanted_;
  const SearchLimits& limits_;
  std::atomic<bool> timed_out_{false};
};

/// Splits what is left of large processes; FDSize is above the highest descriptor.
std::vector<Part> split(int proc, std::vector<Part> unfinished) {
  std::vector<Part> parts;
  for (const auto& left : unfinished) {
    const auto status = read_file_at(proc, (std::to_string(left.pid) + "/status").c_str());
    const auto slots =
        status ? parse_process_status(*status).descriptor_slots.value_or(0) : std::int64_t{0};
    std::int64_t from = left.range.first;
    for (; from + part_size < slots; from += part_size)
      parts.push_back(
          {left.pid,
           {static_cast<std::int32_t>(from), static_cast<std::int32_t>(from + part_size)}});
    parts.push_back({left.pid, {static_cast<std::int32_t>(from)}});
  }
  return parts;
}

/// Looks into processes, or into parts of them, on all processors; returns what is left of them.
template <typename Place>
std::vector<Part> look_into_all(Searcher& searcher, Search& search,
                                const std::vector<Place>& places, std::size_t most) {
  const std::size_t at_once = most == unlimited ? 1 : 16;
  std::vector<Part> unfinished;
  auto all = for_each_in_parallel<Gathered>(
      places.size(), at_once,
      [&](Gathered& gathered, std::size_t at) { searcher.look_into(gathered, places[at], most); });
  for (auto& gathered : all) {
    search.add(std::move(gathered.search));
    unfinished.insert(unfinished.end(), gathered.unfinished.begin(), gathered.unfinished.end());
  }
  return unfinished;
}

} // namespace

void tidy(std::vector<Holder>& holders) {
  std::ranges::sort(holders);
  const auto again = std::ranges::unique(holders, [](const Holder& a, const Holder& b) {
    return a.inode == b.inode && a.pid == b.pid;
  });
  holders.erase(again.begin(), again.end());
}

void Search::add(Search other) {
  if (holders.empty())
    holders = std::move(other.holders);
  else
    holders.insert(holders.end(), other.holders.begin(), other.holders.end());
  looked_at += other.looked_at;
  denied += other.denied;
  guarded += other.guarded;
  timed_out = timed_out || other.timed_out;
}

WantedSockets::WantedSockets(std::vector<std::int64_t> inodes)
    : all_(false), inodes_(std::move(inodes)) {
  std::ranges::sort(inodes_);
  const auto again = std::ranges::unique(inodes_);
  inodes_.erase(again.begin(), again.end());
  seen_ = std::make_unique<std::atomic<bool>[]>(inodes_.size());
  missing_ = inodes_.size();
}

bool WantedSockets::see(std::int64_t inode) {
  if (all_)
    return true;
  const auto place = std::ranges::lower_bound(inodes_, inode);
  if (place == inodes_.end() || *place != inode)
    return false;
  if (!seen_[static_cast<std::size_t>(place - inodes_.begin())].exchange(true))
    missing_.fetch_sub(1);
  return true;
}

Search search_owners(int proc, const std::vector<std::int32_t>& pids, WantedSockets& wanted,
                     const SearchLimits& limits) {
  Searcher searcher(proc, wanted, limits);
  Search search;
  const std::size_t first = limits.in_parts ? limits.first : unlimited;
  const bool in_turns = limits.in_parts && limits.stop_when_seen;
  const std::size_t few = in_turns ? std::min(lowest, first) : first;
  auto unfinished = look_into_all(searcher, search, pids, few);
  if (few < first)
    unfinished = look_into_all(searcher, search, unfinished, first - few);
  if (!unfinished.empty() && !limits.first_only && !searcher.over())
    look_into_all(searcher, search, split(proc, std::move(unfinished)), unlimited);
  tidy(search.holders);
  search.timed_out = searcher.timed_out();
  return search;
}

} // namespace synfate
