#include "platform/linux/netfilter/interval_set.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace synfate {
namespace {

const std::vector<Interval> no_intervals;

std::string decimal(Wide value) {
  return fmt::format("{}", static_cast<std::uint64_t>(value));
}

/// Appends to sorted intervals, joining neighbours.
void append(std::vector<Interval>& sorted, Interval next) {
  if (!sorted.empty()) {
    auto& back = sorted.back();
    if (next.first <= back.last || next.first == back.last + 1) {
      back.last = std::max(back.last, next.last);
      return;
    }
  }
  sorted.push_back(next);
}

/// Number of zero bits below the lowest one.
unsigned trailing_zeros(Wide value) {
  const auto low = static_cast<std::uint64_t>(value);
  if (low != 0)
    return static_cast<unsigned>(std::countr_zero(low));
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high == 0 ? 128U : 64U + static_cast<unsigned>(std::countr_zero(high));
}

/// Length of the longest prefix that starts at `first` and does not go past `last`.
unsigned prefix_length(Wide first, Wide last, unsigned bits) {
  unsigned free_bits = std::min(bits, trailing_zeros(first));
  while (free_bits > 0 && last - first < all_ones(free_bits))
    --free_bits;
  return bits - free_bits;
}

} // namespace

Wide to_number(const IpAddress& address) {
  Wide number = 0;
  for (const auto byte : address.bytes())
    number = number << 8 | static_cast<unsigned>(byte);
  return number;
}

IpAddress to_address(Wide number, IpFamily family) {
  if (family == IpFamily::v4)
    return IpAddress::v4(static_cast<std::uint32_t>(number));
  std::array<std::byte, 16> bytes{};
  for (std::size_t at = bytes.size(); at-- > 0; number >>= 8)
    bytes[at] = static_cast<std::byte>(number & 0xff);
  return IpAddress::v6(bytes);
}

Wide all_ones(unsigned bits) {
  if (bits == 0)
    return 0;
  return ~Wide{0} >> (128 - std::min(bits, 128U));
}

IntervalSet::IntervalSet(std::vector<Interval> sorted) {
  if (!sorted.empty())
    intervals_ = std::make_shared<const std::vector<Interval>>(std::move(sorted));
}

IntervalSet IntervalSet::range(Wide first, Wide last) {
  return last < first ? IntervalSet() : IntervalSet({{first, last}});
}

IntervalSet IntervalSet::prefix(const IpPrefix& prefix) {
  return range(to_number(prefix.first()), to_number(prefix.last()));
}

IntervalSet IntervalSet::from(std::vector<Interval> intervals) {
  if (!std::ranges::is_sorted(intervals, {}, &Interval::first))
    std::ranges::sort(intervals, {}, &Interval::first);
  std::vector<Interval> sorted;
  sorted.reserve(intervals.size());
  for (const auto& interval : intervals)
    if (interval.first <= interval.last)
      append(sorted, interval);
  return IntervalSet(std::move(sorted));
}

IntervalSet IntervalSet::unite(std::span<const IntervalSet> sets) {
  if (sets.size() == 1)
    return sets.front();
  std::vector<Interval> all;
  std::vector<std::size_t> runs{0}; // where the sorted intervals of each set begin
  for (const auto& set : sets) {
    if (set.empty())
      continue;
    all.insert(all.end(), set.intervals().begin(), set.intervals().end());
    runs.push_back(all.size());
  }
  const auto at = [&](std::size_t run) {
    return all.begin() + static_cast<std::ptrdiff_t>(runs[run]);
  };
  for (std::size_t step = 1; step + 1 < runs.size(); step *= 2)
    for (std::size_t run = 0; run + step + 1 < runs.size(); run += 2 * step)
      std::ranges::inplace_merge(at(run), at(run + step),
                                 at(std::min(run + 2 * step, runs.size() - 1)), {},
                                 &Interval::first);
  return from(std::move(all));
}

std::optional<IntervalSet> IntervalSet::masked(Wide mask, Wide value, unsigned bits,
                                               std::size_t most) {
  const Wide width = all_ones(bits);
  mask &= width;
  if ((value & ~mask) != 0)
    return IntervalSet();
  if (mask == 0)
    return all(bits);
  const unsigned low = trailing_zeros(mask);
  const Wide block = all_ones(low);
  const Wide above = width & ~mask & ~block; // free bits over the lowest tested one
  std::vector<Interval> intervals;
  Wide choice = 0;
  do {
    if (intervals.size() == most)
      return std::nullopt;
    intervals.push_back({value | choice, value | choice | block});
    choice = (choice - above) & above; // the next subset of `above`
  } while (choice != 0);
  return from(std::move(intervals));
}

std::optional<Wide> IntervalSet::only() const {
  if (!intervals_ || intervals_->size() != 1 ||
      intervals_->front().first != intervals_->front().last)
    return std::nullopt;
  return intervals_->front().first;
}

const std::vector<Interval>& IntervalSet::intervals() const {
  return intervals_ ? *intervals_ : no_intervals;
}

bool IntervalSet::contains(Wide value) const {
  const auto& all = intervals();
  const auto next = std::ranges::upper_bound(all, value, {}, &Interval::first);
  return next != all.begin() && value <= std::prev(next)->last;
}

bool IntervalSet::contains(const IntervalSet& other) const {
  const auto& mine = intervals();
  for (const auto& interval : other.intervals()) {
    const auto next = std::ranges::upper_bound(mine, interval.first, {}, &Interval::first);
    if (next == mine.begin() || interval.last > std::prev(next)->last)
      return false;
  }
  return true;
}

bool IntervalSet::disjoint(const IntervalSet& other) const {
  if (intervals().size() > other.intervals().size())
    return other.disjoint(*this);
  const auto& theirs = other.intervals();
  for (const auto& interval : intervals()) {
    const auto next = std::ranges::upper_bound(theirs, interval.last, {}, &Interval::first);
    if (next != theirs.begin() && std::prev(next)->last >= interval.first)
      return false;
  }
  return true;
}

Wide IntervalSet::count() const {
  Wide sum = 0;
  for (const auto& interval : intervals())
    sum += interval.last - interval.first + 1;
  return sum;
}

IntervalSet IntervalSet::operator&(const IntervalSet& other) const {
  if (intervals_ == other.intervals_)
    return *this;
  if (intervals().size() > other.intervals().size())
    return other & *this;
  const auto& theirs = other.intervals();
  if (intervals().size() == 1 && !theirs.empty() && theirs.front().first >= intervals().front().first &&
      theirs.back().last <= intervals().front().last)
    return other;
  std::vector<Interval> common;
  for (const auto& interval : intervals()) {
    auto at = std::ranges::upper_bound(theirs, interval.first, {}, &Interval::first);
    if (at != theirs.begin() && std::prev(at)->last >= interval.first)
      --at;
    for (; at != theirs.end() && at->first <= interval.last; ++at)
      common.push_back({std::max(at->first, interval.first), std::min(at->last, interval.last)});
  }
  return IntervalSet(std::move(common));
}

IntervalSet IntervalSet::operator|(const IntervalSet& other) const {
  if (empty())
    return other;
  if (other.empty())
    return *this;
  std::vector<Interval> merged;
  merged.reserve(intervals().size() + other.intervals().size());
  std::ranges::merge(intervals(), other.intervals(), std::back_inserter(merged), {},
                     &Interval::first, &Interval::first);
  std::vector<Interval> joined;
  joined.reserve(merged.size());
  for (const auto& interval : merged)
    append(joined, interval);
  return IntervalSet(std::move(joined));
}

IntervalSet IntervalSet::operator-(const IntervalSet& other) const {
  const auto& theirs = other.intervals();
  std::vector<Interval> rest;
  for (const auto& interval : intervals()) {
    Wide from = interval.first;
    bool open = true;
    auto at = std::ranges::upper_bound(theirs, from, {}, &Interval::first);
    if (at != theirs.begin() && std::prev(at)->last >= from)
      --at;
    for (; open && at != theirs.end() && at->first <= interval.last; ++at) {
      if (at->first > from)
        rest.push_back({from, at->first - 1});
      open = at->last < interval.last;
      from = at->last + 1;
    }
    if (open)
      rest.push_back({from, interval.last});
  }
  return IntervalSet(std::move(rest));
}

std::vector<IpPrefix> to_prefixes(const IntervalSet& set, IpFamily family) {
  const unsigned bits = family == IpFamily::v4 ? 32 : 128;
  std::vector<IpPrefix> prefixes;
  for (const auto& interval : set.intervals()) {
    Wide first = interval.first;
    while (true) {
      const unsigned length = prefix_length(first, interval.last, bits);
      prefixes.emplace_back(to_address(first, family), length);
      const Wide end = first + all_ones(bits - length);
      if (end >= interval.last)
        break;
      first = end + 1;
    }
  }
  return prefixes;
}

std::string to_string(const IntervalSet& set, IpFamily family) {
  const unsigned bits = family == IpFamily::v4 ? 32 : 128;
  std::string text;
  for (const auto& interval : set.intervals()) {
    if (!text.empty())
      text += ", ";
    const unsigned length = prefix_length(interval.first, interval.last, bits);
    const auto first = to_address(interval.first, family);
    if (interval.first + all_ones(bits - length) != interval.last)
      text += first.to_string() + "-" + to_address(interval.last, family).to_string();
    else
      text += length == bits ? first.to_string() : IpPrefix(first, length).to_string();
  }
  return text;
}

std::string ports_to_string(const IntervalSet& set) {
  std::string text;
  for (const auto& interval : set.intervals()) {
    if (!text.empty())
      text += ", ";
    text += decimal(interval.first);
    if (interval.last != interval.first)
      text += "-" + decimal(interval.last);
  }
  return text;
}

} // namespace synfate
