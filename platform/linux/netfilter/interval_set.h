// Sets of addresses or ports as sorted, disjoint intervals.
//
// A packet class says "any source in these intervals"; rules cut it. Sets of firewalls have
// hundreds of thousands of elements, so nothing here enumerates values, copies share their storage,
// and a little that is cut out of a great set is kept beside it for as long as it is little: twenty
// thousand rules may each cut one address out of a class. Values are numbers: an IPv4 address is 0
// … 2^32-1, an IPv6 address 0 … 2^128-1, a port 0 … 65535. Tested by
// tests/unit/platform/linux/netfilter/split_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ip.h"

namespace synfate {

__extension__ typedef unsigned __int128 Wide; ///< wide enough for an IPv6 address

/// The number of an address, most significant byte first.
Wide to_number(const IpAddress& address);
/// The address of a number; bits beyond the family's width are cut.
IpAddress to_address(Wide number, IpFamily family);
/// 2^bits - 1, for 0 to 128 bits.
Wide all_ones(unsigned bits);

/// All numbers from first to last, both included.
struct Interval {
  Wide first = 0;
  Wide last = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

class IntervalSet {
public:
  IntervalSet() = default; ///< empty
  static IntervalSet single(Wide value) { return IntervalSet({{value, value}}); }
  static IntervalSet range(Wide first, Wide last); ///< empty if last < first
  static IntervalSet all(unsigned bits) { return range(0, all_ones(bits)); }
  static IntervalSet prefix(const IpPrefix& prefix);
  static IntervalSet address(const IpAddress& address) { return single(to_number(address)); }
  /// Any order, overlaps allowed.
  static IntervalSet from(std::vector<Interval> intervals);
  /// The union of many sets at once.
  static IntervalSet unite(std::span<const IntervalSet> sets);
  /// All values v of a width for which (v & mask) == value. Nothing when that would take more than
  /// `most` intervals.
  static std::optional<IntervalSet> masked(Wide mask, Wide value, unsigned bits,
                                           std::size_t most = 4096);

  bool empty() const { return !base_; }
  /// The one value of a set of one.
  std::optional<Wide> only() const;
  /// The lowest value; only if not empty.
  Wide first() const;
  /// No value lies outside; it may be wider than it had to be. Only if not empty.
  Interval hull() const { return {base_->front().first, base_->back().last}; }
  bool contains(Wide value) const;
  bool contains(const IntervalSet& other) const;
  bool disjoint(const IntervalSet& other) const;
  const std::vector<Interval>& intervals() const;
  /// Number of values; 0 also for all 2^128.
  Wide count() const;

  IntervalSet operator&(const IntervalSet& other) const;
  IntervalSet operator|(const IntervalSet& other) const;
  IntervalSet operator-(const IntervalSet& other) const;
  friend bool operator==(const IntervalSet& a, const IntervalSet& b);

private:
  using Intervals = std::vector<Interval>;
  using Shared = std::shared_ptr<const Intervals>;

  explicit IntervalSet(Intervals sorted);
  IntervalSet(Shared base, Shared without) : base_(std::move(base)), without_(std::move(without)) {}
  IntervalSet less(const IntervalSet& other) const;

  // Sorted, disjoint, not adjacent. The set is `base_` less `without_`, which lies within it and
  // leaves more than one value; intervals() makes one of both.
  mutable Shared base_;
  mutable Shared without_; ///< null: nothing
};

/// The fewest prefixes that make up the set, in order.
std::vector<IpPrefix> to_prefixes(const IntervalSet& set, IpFamily family);
/// "10.0.0.0/8, 192.0.2.7-192.0.2.9": for people.
std::string to_string(const IntervalSet& set, IpFamily family);
/// "32768-60999": for people.
std::string ports_to_string(const IntervalSet& set);

} // namespace synfate
