#include "platform/linux/netfilter/interval_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

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

/// A set of fewer intervals is copied rather than kept with what is cut out of it.
constexpr std::size_t great = 64;
/// What is cut out of a great set is little up to here.
constexpr std::size_t little = 512;

using Intervals = std::vector<Interval>;

/// The first interval that ends at `value` or later.
Intervals::const_iterator at_or_after(const Intervals& sorted, Wide value) {
  auto at = std::ranges::upper_bound(sorted, value, {}, &Interval::first);
  if (at != sorted.begin() && std::prev(at)->last >= value)
    --at;
  return at;
}

bool within(const Intervals& sorted, const Interval& interval) {
  const auto at = at_or_after(sorted, interval.first);
  return at != sorted.end() && at->first <= interval.first && interval.last <= at->last;
}

bool touches(const Intervals& sorted, const Interval& interval) {
  const auto at = at_or_after(sorted, interval.first);
  return at != sorted.end() && at->first <= interval.last;
}

Intervals common(const Intervals& few, const Intervals& many) {
  Intervals both;
  for (const auto& interval : few)
    for (auto at = at_or_after(many, interval.first);
         at != many.end() && at->first <= interval.last; ++at)
      both.push_back({std::max(at->first, interval.first), std::min(at->last, interval.last)});
  return both;
}

Intervals difference(const Intervals& from, const Intervals& cut) {
  Intervals rest;
  rest.reserve(from.size() + cut.size());
  auto next = cut.begin();
  for (const auto& interval : from) {
    if (next != cut.end() && next->last < interval.first)
      next = at_or_after(cut, interval.first);
    Wide begin = interval.first;
    bool open = true;
    for (auto at = next; open && at != cut.end() && at->first <= interval.last; ++at) {
      if (at->first > begin)
        rest.push_back({begin, at->first - 1});
      open = at->last < interval.last;
      begin = at->last + 1;
    }
    if (open)
      rest.push_back({begin, interval.last});
  }
  return rest;
}

/// One more interval, which touches none of those there.
Intervals with_one(const Intervals& sorted, const Interval& more) {
  Intervals together;
  together.reserve(sorted.size() + 1);
  const auto place = std::ranges::upper_bound(sorted, more.first, {}, &Interval::first);
  together.assign(sorted.begin(), place);
  append(together, more);
  if (place != sorted.end())
    append(together, *place);
  together.insert(together.end(), place == sorted.end() ? place : std::next(place), sorted.end());
  return together;
}

/// Joins sorted intervals that overlap or follow upon each other.
Intervals without_overlap(const Intervals& sorted) {
  Intervals together;
  together.reserve(sorted.size());
  for (const auto& interval : sorted)
    if (interval.first <= interval.last)
      append(together, interval);
  return together;
}

Intervals joined(const Intervals& a, const Intervals& b) {
  if (b.size() == 1 && !touches(a, b.front()))
    return with_one(a, b.front());
  Intervals together;
  together.reserve(a.size() + b.size());
  auto mine = a.begin();
  for (const auto& other : b) {
    for (; mine != a.end() && mine->first <= other.first; ++mine)
      append(together, *mine);
    append(together, other);
  }
  for (; mine != a.end(); ++mine)
    append(together, *mine);
  return together;
}

/// From so many on, values of 32 bits are sorted digit by digit.
constexpr std::size_t many = 1024;

/// By their first values, those of 32 bits.
void sort_by_digits(Intervals& intervals) {
  struct Place {
    std::uint32_t first;
    std::uint32_t at;
  };
  constexpr unsigned digit_bits = 11;
  constexpr std::uint32_t last_digit = (1U << digit_bits) - 1;
  std::vector<Place> places;
  std::vector<Place> sorted(intervals.size());
  places.reserve(intervals.size());
  for (const auto& interval : intervals)
    places.push_back(
        {static_cast<std::uint32_t>(interval.first), static_cast<std::uint32_t>(places.size())});
  for (unsigned shift = 0; shift < 32; shift += digit_bits) {
    std::array<std::uint32_t, last_digit + 1> begins{};
    for (const auto& place : places)
      ++begins[place.first >> shift & last_digit];
    std::exclusive_scan(begins.begin(), begins.end(), begins.begin(), 0U);
    for (const auto& place : places)
      sorted[begins[place.first >> shift & last_digit]++] = place;
    places.swap(sorted);
  }
  Intervals ordered;
  ordered.reserve(intervals.size());
  for (const auto& place : places)
    ordered.push_back(intervals[place.at]);
  intervals = std::move(ordered);
}

void sort_by_first(Intervals& intervals) {
  const auto is_short = [](const Interval& interval) { return interval.first >> 32 == 0; };
  if (intervals.size() >= many && intervals.size() >> 32 == 0 &&
      std::ranges::all_of(intervals, is_short))
    sort_by_digits(intervals);
  else
    std::ranges::sort(intervals, {}, &Interval::first);
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
    base_ = std::make_shared<const std::vector<Interval>>(std::move(sorted));
}

IntervalSet IntervalSet::range(Wide first, Wide last) {
  return last < first ? IntervalSet() : IntervalSet({{first, last}});
}

IntervalSet IntervalSet::prefix(const IpPrefix& prefix) {
  return range(to_number(prefix.first()), to_number(prefix.last()));
}

IntervalSet IntervalSet::from(std::vector<Interval> intervals) {
  if (!std::ranges::is_sorted(intervals, {}, &Interval::first))
    sort_by_first(intervals);
  return IntervalSet(without_overlap(intervals));
}

IntervalSet IntervalSet::unite(std::span<const IntervalSet> sets) {
  if (sets.size() == 1)
    return sets.front();
  Intervals some; // of small sets
  std::vector<const Intervals*> others;
  for (const auto& set : sets)
    if (const auto& own = set.intervals(); own.size() < great)
      some.insert(some.end(), own.begin(), own.end());
    else
      others.push_back(&own);
  if (!std::ranges::is_sorted(some, {}, &Interval::first))
    sort_by_first(some);
  some = without_overlap(some);
  std::ranges::sort(others, {}, [](const Intervals* each) { return each->size(); });
  for (const auto* each : others)
    some = joined(some, *each);
  return IntervalSet(std::move(some));
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
  if (!base_ || without_ || base_->size() != 1 || base_->front().first != base_->front().last)
    return std::nullopt;
  return base_->front().first;
}

const std::vector<Interval>& IntervalSet::intervals() const {
  if (without_) {
    base_ = std::make_shared<const Intervals>(difference(*base_, *without_));
    without_.reset();
  }
  return base_ ? *base_ : no_intervals;
}

Wide IntervalSet::first() const {
  if (!without_)
    return base_->front().first;
  for (const auto& interval : *base_) {
    Wide value = interval.first;
    for (auto cut = at_or_after(*without_, value);
         cut != without_->end() && cut->first <= value && value <= interval.last; ++cut)
      value = cut->last + 1;
    if (value <= interval.last && value >= interval.first)
      return value;
  }
  return intervals().front().first;
}

bool IntervalSet::contains(Wide value) const {
  return base_ && within(*base_, {value, value}) &&
         !(without_ && within(*without_, {value, value}));
}

bool IntervalSet::contains(const IntervalSet& other) const {
  if (other.empty())
    return true;
  if (!base_ || !contains(other.first()))
    return false;
  return std::ranges::all_of(other.intervals(), [&](const Interval& interval) {
    return within(*base_, interval) && !(without_ && touches(*without_, interval));
  });
}

bool IntervalSet::disjoint(const IntervalSet& other) const {
  if (empty() || other.empty())
    return true;
  if (base_->size() > other.base_->size())
    return other.disjoint(*this);
  if (other.without_)
    return (other & *this).empty();
  return std::ranges::none_of(
      intervals(), [&](const Interval& interval) { return touches(*other.base_, interval); });
}

Wide IntervalSet::count() const {
  Wide sum = 0;
  for (const auto& interval : intervals())
    sum += interval.last - interval.first + 1;
  return sum;
}

IntervalSet IntervalSet::operator&(const IntervalSet& other) const {
  if (empty() || other.empty())
    return {};
  if (base_ == other.base_ && without_ == other.without_)
    return *this;
  if (base_->size() > other.base_->size())
    return other & *this;
  const auto& few = intervals();
  const auto& many = *other.base_;
  if (few.size() == 1 && many.front().first >= few.front().first &&
      many.back().last <= few.front().last)
    return other;
  auto both = common(few, many);
  if (other.without_)
    both = difference(both, *other.without_);
  return IntervalSet(std::move(both));
}

IntervalSet IntervalSet::operator|(const IntervalSet& other) const {
  if (empty())
    return other;
  if (other.empty())
    return *this;
  if (without_ && other.without_ && base_ == other.base_) {
    auto both = common(*without_, *other.without_);
    return both.empty() ? IntervalSet(base_, nullptr)
                        : IntervalSet(base_, std::make_shared<const Intervals>(std::move(both)));
  }
  if (!without_ && other.without_)
    return other | *this;
  // What was cut out of a great set comes back.
  if (without_ && other.base_->size() <= little &&
      std::ranges::all_of(other.intervals(),
                          [&](const Interval& interval) { return within(*without_, interval); })) {
    auto rest = difference(*without_, other.intervals());
    return rest.empty() ? IntervalSet(base_, nullptr)
                        : IntervalSet(base_, std::make_shared<const Intervals>(std::move(rest)));
  }
  return IntervalSet(joined(intervals(), other.intervals()));
}

/// Without a little: the great set stays where it is.
IntervalSet IntervalSet::less(const IntervalSet& other) const {
  auto cut = common(other.intervals(), *base_);
  if (cut.empty())
    return *this;
  if (without_)
    cut = joined(*without_, cut);
  const auto left = [&](const Interval& interval) { return !within(cut, interval); };
  // Something of the first and of the last interval is left: more than one value.
  if (cut.size() > little || !left(base_->front()) || !left(base_->back()))
    return IntervalSet(difference(*base_, cut));
  return {base_, std::make_shared<const Intervals>(std::move(cut))};
}

IntervalSet IntervalSet::operator-(const IntervalSet& other) const {
  if (empty() || other.empty())
    return *this;
  if (base_ == other.base_ && !other.without_)
    return {};
  if (base_->size() >= great && other.base_->size() <= great)
    return less(other);
  return IntervalSet(difference(intervals(), other.intervals()));
}

bool operator==(const IntervalSet& a, const IntervalSet& b) {
  if (a.base_ == b.base_ && a.without_ == b.without_)
    return true;
  if (a.empty() || b.empty() || a.first() != b.first())
    return false;
  if (a.base_ == b.base_ && a.without_ && b.without_)
    return *a.without_ == *b.without_;
  return a.intervals() == b.intervals();
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
