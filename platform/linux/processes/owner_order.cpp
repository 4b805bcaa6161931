#include "platform/linux/processes/owner_order.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <sys/sysinfo.h>
#include <unistd.h>

#include "platform/linux/file.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr std::size_t probes = 17;             ///< processes that are looked at first
constexpr std::size_t refinements = 16;        ///< and then, each time in the middle of the rest
constexpr std::size_t probed_descriptors = 32; ///< of each of them
constexpr std::size_t further = 3; ///< processes behind one that has no socket of its own

/// A process and where it stands among the others.
struct Placed {
  std::size_t position = 0;
  std::int32_t pid = 0;
};

/// The processes by their age, the oldest first. Ids wrap: those above our own, which is the
/// youngest, are of the round before. Where all are listed a position is one in that list, else it
/// is one among all ids, and not every one is taken.
class ByAge {
public:
  ByAge(int proc, bool live) : proc_(proc), own_(getpid()), listed_(!live || few()) {
    if (!listed_) {
      constexpr std::size_t just_started = 32;
      older_ids_ = read_processes_from(proc, own_ + 1, just_started).size() == just_started
                       ? highest_id() - own_
                       : 0;
      end_ = static_cast<std::size_t>(older_ids_ + own_) + 1;
      return;
    }
    if (auto pids = read_numbers(proc, "."))
      list_ = std::move(*pids);
    std::ranges::rotate(list_, std::ranges::upper_bound(list_, own_));
    end_ = list_.size();
  }

  std::size_t end() const { return end_; }

  /// Up to `most` processes from this position on.
  std::vector<Placed> from(std::size_t position, std::size_t most) const {
    std::vector<Placed> found;
    if (listed_) {
      for (std::size_t at = position; at < std::min(position + most, end_); ++at)
        found.push_back({at, list_[at]});
      return found;
    }
    const auto at = static_cast<std::int32_t>(position);
    if (at < older_ids_)
      for (const auto pid : read_processes_from(proc_, own_ + 1 + at, most))
        found.push_back({static_cast<std::size_t>(pid - own_ - 1), pid});
    if (found.size() == most)
      return found;
    for (const auto pid :
         read_processes_from(proc_, std::max(at - older_ids_, 0), most - found.size()))
      if (pid <= own_)
        found.push_back({static_cast<std::size_t>(pid + older_ids_), pid});
    return found;
  }

private:
  /// Few enough to list them all; threads count as well here.
  static bool few() {
    constexpr unsigned short most = 512;
    struct sysinfo info{};
    return sysinfo(&info) == 0 && info.procs <= most;
  }

  std::int32_t highest_id() const {
    const auto text = read_file_at(proc_, "sys/kernel/pid_max");
    const auto line = text ? std::string_view(*text) : std::string_view();
    const auto highest = parse_number<std::int32_t>(line.substr(0, line.find('\n')));
    return std::max(highest.value_or(own_), own_);
  }

  int proc_;
  std::int32_t own_;
  bool listed_;
  std::int32_t older_ids_ = 0; ///< ids above our own, which stand before the others
  std::vector<std::int32_t> list_;
  std::size_t end_ = 0;
};

/// The youngest socket of a process; nothing if it has none or may not be looked into.
std::optional<std::int64_t> youngest_socket(int proc, std::int32_t pid) {
  std::optional<std::int64_t> youngest;
  walk_sockets(proc, std::to_string(pid), {}, probed_descriptors,
               [&](std::int32_t, std::int64_t inode) {
                 youngest = std::max(youngest.value_or(0), inode);
                 return true;
               });
  return youngest;
}

struct Probe {
  std::size_t position = 0;
  std::int64_t inode = 0;
};

std::optional<Probe> probe_from(int proc, const ByAge& processes, std::size_t at) {
  for (const auto& [position, pid] : processes.from(at, further))
    if (const auto inode = youngest_socket(proc, pid))
      return Probe{position, *inode};
  return std::nullopt;
}

/// The places next to the socket: of the process with the nearest older socket, and of that with
/// the nearest younger one.
struct Place {
  std::optional<Probe> older;
  std::optional<Probe> younger;
};

Place place_of(const std::vector<Probe>& found, std::int64_t inode) {
  Place place;
  for (const auto& probe : found) {
    if (probe.inode <= inode && (!place.older || probe.inode > place.older->inode))
      place.older = probe;
    if (probe.inode > inode && (!place.younger || probe.inode < place.younger->inode))
      place.younger = probe;
  }
  return place;
}

/// Looks into the middle between the two neighbours of the socket, as long as that may narrow it.
void refine(int proc, const ByAge& processes, std::int64_t inode, std::vector<Probe>& found) {
  constexpr std::size_t narrow = 8;
  for (std::size_t step = 0; step < refinements; ++step) {
    const Place place = place_of(found, inode);
    if (!place.older || !place.younger || place.older->inode == inode)
      return;
    const auto [first, last] = std::minmax(place.older->position, place.younger->position);
    const auto probe = last - first < narrow
                           ? std::nullopt
                           : probe_from(proc, processes, first + (last - first) / 2);
    if (!probe || probe->position >= last)
      return;
    found.push_back(*probe);
  }
}

/// Where to begin to look.
std::vector<std::size_t> starts(const Place& place, std::int64_t inode, std::size_t end) {
  constexpr std::size_t near = 64;
  if (place.older && place.older->inode == inode)
    return {place.older->position};
  std::vector<std::size_t> found;
  if (place.older && place.younger) {
    const auto [first, last] = std::minmax(place.older->position, place.younger->position);
    if (last - first < end / near + near) // neighbours: it is between them
      found.push_back(first + (last - first) / 2);
  }
  if (found.empty() && place.older)
    found.push_back(place.older->position);
  if (found.empty() && place.younger)
    found.push_back(place.younger->position);
  found.push_back(end - 1); // a service that was just started
  return found;
}

/// Processes on both sides of a place, the nearer first.
std::vector<std::int32_t> around(const ByAge& processes, std::size_t start, std::size_t most) {
  const std::size_t side = most / 2;
  const auto after = processes.from(start, side);
  auto before = processes.from(start - std::min(start, side), side);
  std::erase_if(before, [&](const Placed& process) { return process.position >= start; });
  std::ranges::reverse(before);
  std::vector<std::int32_t> pids;
  for (std::size_t at = 0; at < std::max(after.size(), before.size()); ++at) {
    if (at < after.size())
      pids.push_back(after[at].pid);
    if (at < before.size())
      pids.push_back(before[at].pid);
  }
  return pids;
}

} // namespace

std::vector<std::int32_t> likely_holders(int proc, bool live, std::int64_t inode,
                                         std::size_t most) {
  const ByAge processes(proc, live);
  std::vector<Probe> found;
  if (processes.end() == 0)
    return {};
  if (processes.end() > probes)
    for (std::size_t number = 0; number < probes; ++number)
      if (const auto probe =
              probe_from(proc, processes, number * (processes.end() - 1) / (probes - 1)))
        found.push_back(*probe);
  refine(proc, processes, inode, found);
  std::vector<std::vector<std::int32_t>> ways;
  for (const auto start : starts(place_of(found, inode), inode, processes.end()))
    ways.push_back(around(processes, start, most));
  std::vector<std::int32_t> order; // outwards from each start in turn
  std::unordered_set<std::int32_t> taken;
  for (std::size_t at = 0; at < most && order.size() < most; ++at)
    for (const auto& way : ways)
      if (at < way.size() && taken.insert(way[at]).second)
        order.push_back(way[at]);
  return order;
}

} // namespace synfate
