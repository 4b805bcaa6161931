#include "core/rules/builtin.h"

namespace synfate::rules {

RuleSet builtin_rules() {
  return rules_of(builtin_table());
}

} // namespace synfate::rules
