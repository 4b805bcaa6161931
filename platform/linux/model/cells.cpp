#include "platform/linux/model/cells.h"

#include <algorithm>
#include <unordered_map>

namespace synfate {
namespace {

/// At `at` a set begins, or ends before it.
struct Event {
  Wide at = 0;
  std::uint32_t set = 0;
  bool begins = false;
};

bool earlier(const Event& a, const Event& b) {
  return a.at < b.at;
}

/// All events, in order. An end behind the last number there is never comes.
std::vector<Event> events_of(std::span<const IntervalSet> sets) {
  std::vector<Event> events;
  std::vector<std::size_t> runs{0}; // where the sorted events of each set begin
  for (std::uint32_t set = 0; set < sets.size(); ++set) {
    for (const auto& interval : sets[set].intervals()) {
      events.push_back({interval.first, set, true});
      if (interval.last + 1 != 0)
        events.push_back({interval.last + 1, set, false});
    }
    runs.push_back(events.size());
  }
  const auto begin = events.begin();
  while (runs.size() > 2) {
    std::vector<std::size_t> longer{0};
    for (std::size_t at = 0; at + 1 < runs.size(); at += 2) {
      const bool pair = at + 2 < runs.size();
      if (pair)
        std::inplace_merge(begin + static_cast<std::ptrdiff_t>(runs[at]),
                           begin + static_cast<std::ptrdiff_t>(runs[at + 1]),
                           begin + static_cast<std::ptrdiff_t>(runs[at + 2]), earlier);
      longer.push_back(runs[pair ? at + 2 : at + 1]);
    }
    runs = std::move(longer);
  }
  return events;
}

struct HashSets {
  std::size_t operator()(const std::vector<std::uint32_t>& sets) const {
    std::size_t hash = sets.size();
    for (const auto set : sets)
      hash = (hash ^ set) * 1099511628211U;
    return hash;
  }
};

void change(std::vector<std::uint32_t>& active, const Event& event) {
  const auto at = std::ranges::lower_bound(active, event.set);
  if (event.begins)
    active.insert(at, event.set);
  else
    active.erase(at);
}

/// Their members together are as many as the members of their union.
bool are_disjoint(std::span<const IntervalSet> sets) {
  Wide sum = 0;
  for (const auto& set : sets) {
    const Wide count = set.count();
    if ((count == 0 && !set.empty()) || sum + count < sum) // 2^128
      return sets.size() == 1;
    sum += count;
  }
  return IntervalSet::unite(sets).count() == sum;
}

} // namespace

std::vector<AddressCell> overlay(std::span<const IntervalSet> sets) {
  if (are_disjoint(sets)) {
    std::vector<AddressCell> cells;
    for (std::uint32_t set = 0; set < sets.size(); ++set)
      if (!sets[set].empty())
        cells.push_back({{set}, sets[set]});
    return cells;
  }
  const auto events = events_of(sets);
  std::vector<AddressCell> cells;
  std::vector<std::vector<Interval>> intervals;
  std::unordered_map<std::vector<std::uint32_t>, std::size_t, HashSets> known;
  std::vector<std::uint32_t> active;
  for (std::size_t at = 0; at < events.size();) {
    const Wide first = events[at].at;
    for (; at < events.size() && events[at].at == first; ++at)
      change(active, events[at]);
    if (active.empty())
      continue;
    const Wide last = (at < events.size() ? events[at].at : Wide{0}) - 1; // else: to the end of all
    const auto [cell, fresh] = known.emplace(active, cells.size());
    if (fresh) {
      cells.push_back({active, {}});
      intervals.emplace_back();
    }
    intervals[cell->second].push_back({first, last});
  }
  for (std::size_t at = 0; at < cells.size(); ++at)
    cells[at].addresses = IntervalSet::from(std::move(intervals[at]));
  return cells;
}

} // namespace synfate
