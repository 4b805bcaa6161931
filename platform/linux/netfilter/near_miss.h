// Which of the rules that nearly let a packet in help an operator most.
#pragma once

#include <vector>

#include "core/model/flow.h"

namespace synfate {

/// What is looked at of one chain, and what is kept of it.
inline constexpr std::size_t most_near_miss_candidates = 256;
inline constexpr std::size_t most_near_misses = 8;

/// The nearest first: rules that are for another client, then those for another interface or mark,
/// then those for another port. Rules for later packets of a connection (ct state established) are
/// left out if there are others. Keeps most_near_misses.
void keep_nearest(std::vector<NearMiss>& near_misses);

} // namespace synfate
