// Policy routing rules: RTM_GETRULE, the answer of net/core/fib_rules.c: fib_nl_fill_rule().
//
//   fib_rule_hdr { family, dst_len, src_len, tos, table, 0, 0, action, flags (FIB_RULE_) }
//   FRA_PRIORITY · FRA_TABLE · FRA_SRC · FRA_DST · FRA_IIFNAME · FRA_FWMARK · FRA_UID_RANGE { 2 u32
//   } FRA_SPORT_RANGE { 2 u16, host order } · FRA_SUPPRESS_PREFIXLEN · …
//
// Rules with equal priority are tried in the order of the dump. A selector this file does not know
// is named in the row, so that nobody takes the rule for a wider one than it is.
// Tested by tests/unit/platform/linux/routing/policy_rules_test.cpp.
#pragma once

#include <vector>

#include "platform/linux/routing/netlink.h"
#include "platform/linux/routing/tables.h"

namespace synfate::linux_routing {

/// One RTM_NEWRULE message as a row.
Result<PolicyRule> decode_policy_rule(const Message& message, Int netns, Int position);

/// The rules of both families, in the order the kernel tries them.
Result<std::vector<PolicyRule>> read_policy_rules(RouteSocket& socket, Int netns);

} // namespace synfate::linux_routing
