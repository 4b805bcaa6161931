#include "platform/linux/processes/owner_order.h"

#include <algorithm>
#include <cstdlib>
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
constexpr std::size_t further = 8; ///< processes behind one that has no socket of its own

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

/// What a process told of the asked socket: whether it, or only others that are younger or older.
struct Probe {
  std::size_t position = 0;
  std::int64_t youngest = 0; ///< of its sockets
  bool holds = false;        ///< the asked one
};

/// The first sockets of a process; nothing if it has none or may not be looked into.
std::optional<Probe> probe_of(int proc, const Placed& process, std::int64_t inode) {
  Probe probe{process.position};
  walk_sockets(proc, std::to_string(process.pid), {}, probed_descriptors,
               [&](std::int32_t, std::int64_t held) {
                 probe.youngest = std::max(probe.youngest, held);
                 probe.holds = probe.holds || held == inode;
                 return !probe.holds;
               });
  return probe.youngest > 0 ? std::optional(probe) : std::nullopt;
}

std::optional<Probe> probe_from(int proc, const ByAge& processes, std::size_t at,
                                std::int64_t inode) {
  for (const auto& process : processes.from(at, further))
    if (const auto probe = probe_of(proc, process, inode))
      return probe;
  return std::nullopt;
}

/// Between which processes the socket was opened: at the first of them or behind it, and before
/// the last.
struct Place {
  std::size_t first = 0;
  std::size_t last = 0;

  std::size_t middle() const { return first + (last - first) / 2; }
};

/// Where the older sockets end and the younger ones begin, with the fewest processes that fit
/// neither: old ones that opened a socket lately, young ones that were handed an old one. `found`
/// ascends by position.
Place place_of(const std::vector<Probe>& found, std::int64_t inode, std::size_t end) {
  const auto older = [&](const Probe& probe) { return probe.youngest <= inode; };
  auto misfits = std::ranges::count_if(found, older); // with the boundary before all of them
  auto fewest = misfits;
  std::size_t boundary = 0;
  for (std::size_t at = 0; at < found.size(); ++at) {
    misfits += older(found[at]) ? -1 : 1;
    if (misfits <= fewest) {
      fewest = misfits;
      boundary = at + 1;
    }
  }
  return {boundary > 0 ? found[boundary - 1].position : 0,
          boundary < found.size() ? found[boundary].position : end};
}

/// Looks into the middle of the place, as long as that narrows it.
Place find_place(int proc, const ByAge& processes, std::int64_t inode) {
  constexpr std::size_t narrow = 4;
  const std::size_t end = processes.end();
  std::vector<Probe> found;
  if (end > probes)
    for (std::size_t number = 0; number < probes; ++number)
      if (const auto probe =
              probe_from(proc, processes, number * (end - 1) / (probes - 1), inode)) {
        if (probe->holds)
          return {probe->position, probe->position};
        if (found.empty() || probe->position > found.back().position)
          found.push_back(*probe);
      }
  Place place = place_of(found, inode, end);
  for (std::size_t step = 0; step < refinements && place.last - place.first > narrow; ++step) {
    const std::size_t middle = place.middle();
    const auto probe = probe_from(proc, processes, middle, inode);
    if (!probe || probe->position >= place.last) { // nobody there
      place.last = middle;
      continue;
    }
    if (probe->holds)
      return {probe->position, probe->position};
    (probe->youngest <= inode ? place.first : place.last) = probe->position;
  }
  return place;
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

/// Numbers are given out in batches, each to one processor (get_next_ino() in fs/inode.c, Linux
/// 6.12): where one was idle for a while its numbers are older than those of the others at the same
/// time. Within a batch they ascend. The process near `middle` whose socket is of the asked one's
/// batch and nearest to it.
std::optional<std::size_t> place_in_batch(int proc, const ByAge& processes, std::size_t middle,
                                          std::int64_t inode) {
  constexpr std::int64_t batch = 1024;
  constexpr std::size_t step = 8;
  constexpr std::size_t farthest = 512;
  std::optional<Probe> best;
  const auto distance = [&](const Probe& probe) { return std::abs(probe.youngest - inode); };
  const auto look_at = [&](std::size_t position) {
    const auto probe = probe_from(proc, processes, position, inode);
    if (!probe || (!probe->holds && probe->youngest / batch != inode / batch))
      return false;
    const bool better = !best || probe->holds || distance(*probe) < distance(*best);
    if (better)
      best = probe;
    return better && !probe->holds;
  };
  for (std::size_t away = 0; away <= farthest && !best; away += step) {
    look_at(middle + away);
    if (!best && middle >= away)
      look_at(middle - away);
  }
  if (!best || best->holds)
    return best ? std::optional(best->position) : std::nullopt;
  if (best->youngest < inode)
    while (look_at(best->position + step)) {
    }
  else
    while (best->position >= step && look_at(best->position - step)) {
    }
  return best->position;
}

/// How many processes are looked into at each place.
constexpr std::size_t nearest = 64;
constexpr std::size_t near = 640;

} // namespace

bool look_where_likely(int proc, bool live, std::int64_t inode,
                       const std::function<bool(const std::vector<std::int32_t>&)>& look) {
  const ByAge processes(proc, live);
  if (processes.end() == 0)
    return false;
  std::unordered_set<std::int32_t> seen;
  const auto look_around = [&](std::size_t place, std::size_t most) {
    auto pids = around(processes, place, most);
    std::erase_if(pids, [&](std::int32_t pid) { return !seen.insert(pid).second; });
    return look(pids);
  };
  const std::size_t place = find_place(proc, processes, inode).middle();
  if (look_around(place, nearest))
    return true;
  const auto in_batch = place_in_batch(proc, processes, place, inode);
  if (in_batch && look_around(*in_batch, nearest))
    return true;
  return look_around(processes.end() - 1, nearest) || // a service that was just started
         look_around(place, near);
}

} // namespace synfate
