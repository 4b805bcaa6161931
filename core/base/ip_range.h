// Blocks of addresses that need not be prefixes: what is left of a network when rules have cut it.
// Tested by tests/unit/core/ip_range_test.cpp.
#pragma once

#include <string>

#include "core/base/ip.h"

namespace synfate {

/// All addresses of one family from first to last, both included.
struct IpRange {
  IpAddress first;
  IpAddress last;

  IpRange() = default; ///< 0.0.0.0
  IpRange(const IpAddress& from, const IpAddress& to) : first(from), last(to) {}
  IpRange(const IpPrefix& prefix) : first(prefix.first()), last(prefix.last()) {}

  bool contains(const IpAddress& address) const {
    return address.family() == first.family() && first <= address && address <= last;
  }
  /// The prefix that it is, if it is one.
  std::optional<IpPrefix> prefix() const;
  /// "10.0.0.0/8", "192.0.2.7" for one address, "192.0.2.7-192.0.2.9".
  std::string to_string() const;
  friend bool operator==(const IpRange&, const IpRange&) = default;
};

} // namespace synfate
