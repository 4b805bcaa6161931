// Rules that would have accepted what a table stopped, but for one field.
#pragma once

#include <functional>

#include "platform/linux/xtables/walk.h"

namespace synfate::xt {

struct NearMissSearch {
  HookContext& context;
  const HookRequest& request;
  const LoadedTable& table;
  unsigned hook;
  std::function<Culprit(std::uint32_t)> culprit; ///< of the rule at an offset
};

/// Adds near misses to the branches that were stopped.
void add_near_misses(const NearMissSearch& search, Branches& branches);

} // namespace synfate::xt
