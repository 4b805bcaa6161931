// Clients that rule after rule takes out of a class.
//
// Each of twenty thousand rules may take one address out of a class that has as many holes by then:
// what is taken is kept beside the class and cut out of it all at once, when somebody asks for the
// rest. Tested by tests/unit/platform/linux/netfilter/client_cuts_test.cpp.
#pragma once

#include <map>

#include "platform/linux/netfilter/interval_set.h"

namespace synfate {

class ClientCuts {
public:
  explicit ClientCuts(IntervalSet addresses) : left_(std::move(addresses)) {}

  /// Takes out what is left of `addresses`, and gives it.
  IntervalSet take(const IntervalSet& addresses);
  /// Whatever has not been taken.
  const IntervalSet& rest();

private:
  bool touches_taken(const IntervalSet& part) const;

  IntervalSet left_; ///< and what has been taken since it was cut the last time
  std::map<Wide, Wide> taken_;
};

} // namespace synfate
