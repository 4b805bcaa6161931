// Overlapping sets of addresses cut into disjoint cells, each within the same sets everywhere.
//
// A line sweeps over the starts and ends of all intervals; between two of them nothing changes.
// Nothing is enumerated: the work grows with the number of intervals.
// Tested by tests/unit/platform/linux/model/cells_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "platform/linux/netfilter/interval_set.h"

namespace synfate {

/// Addresses that lie in the same sets.
struct AddressCell {
  std::vector<std::uint32_t> sets; ///< positions of the sets, ascending; at least one
  IntervalSet addresses;
};

/// Disjoint; together the union of the sets.
std::vector<AddressCell> overlay(std::span<const IntervalSet> sets);

} // namespace synfate
