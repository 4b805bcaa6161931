#include "platform/linux/netfilter/client_cuts.h"

#include <algorithm>

namespace synfate {
namespace {

constexpr std::size_t little = 64; ///< parts of more intervals are cut out at once

} // namespace

bool ClientCuts::touches_taken(const IntervalSet& part) const {
  return std::ranges::any_of(part.intervals(), [&](const Interval& interval) {
    const auto behind = taken_.upper_bound(interval.last);
    return behind != taken_.begin() && std::prev(behind)->second >= interval.first;
  });
}

const IntervalSet& ClientCuts::rest() {
  if (taken_.empty())
    return left_;
  std::vector<Interval> intervals;
  intervals.reserve(taken_.size());
  for (const auto& [first, last] : taken_)
    intervals.push_back({first, last});
  left_ = left_ - IntervalSet::from(std::move(intervals));
  taken_.clear();
  return left_;
}

IntervalSet ClientCuts::take(const IntervalSet& addresses) {
  IntervalSet part = left_ & addresses;
  if (touches_taken(part))
    part = rest() & addresses;
  if (part.intervals().size() > little)
    left_ = rest() - part;
  else
    for (const auto& interval : part.intervals())
      taken_.emplace(interval.first, interval.last);
  return part;
}

} // namespace synfate
