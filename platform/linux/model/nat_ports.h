// Which ports the NAT rules of a namespace may lead elsewhere.
//
// Rules are not evaluated here: every port that some rule of a NAT table compares the destination
// port with is named, and whoever asks walks a packet to it to see what becomes of it. What a rule
// compares in another way (a large range, a named set or map, a hash) is listed by the rule's id.
// Looks at the nf_tables tables with a NAT chain at prerouting and at iptables-legacy's table nat.
// Tested by tests/unit/platform/linux/model/nat_ports_test.cpp.
#pragma once

#include "platform/linux/netfilter/ruleset.h"

namespace synfate {

/// Meaningless while inquiry.pending().
NatPorts find_nat_ports(Inquiry& inquiry, Ruleset& ruleset);

/// What one nf_tables rule compares the destination with; exposed for its test.
struct NatRulePorts {
  std::optional<Proto> proto;
  std::optional<IpAddress> address;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ports; ///< ranges
  bool translates = false;                                    ///< DNAT, REDIRECT or TPROXY
  bool elsewhere = false; ///< compared with a set or a map that is not looked into
};
NatRulePorts ports_of_rule(const nft::Expressions& rule);

} // namespace synfate
