// How readers hand over what they found, one row at a time, and what they could not read.
#pragma once

#include <functional>

#include "core/facts/snapshot.h"

namespace synfate {

/// `row` returns false to want no more.
template <typename Row> struct Delivery {
  std::function<bool(const Row&)> row;
  std::function<void(const Gap&)> gap;
};

} // namespace synfate
