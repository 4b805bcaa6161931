// Is a packet in a set of ipset? Asked by the match `set`, the target SET, and nothing else.
//
// A packet that is fully known is put to the kernel (ipset_test); a class of clients is held
// against the set's elements (ipset_element), the most specific network first, exceptions (nomatch)
// as such. Follows net/netfilter/ipset/ip_set_core.c: ip_set_test(), ip_set_hash_gen.h:
// mtype_test_cidrs(), ip_set_list_set.c: list_set_ktest(); Linux 6.12.
// Tested by tests/twin/firewall.py.
#pragma once

#include "platform/linux/xtables/test_core.h"

namespace synfate::xt {

/// How a rule asks a set.
struct SetQuestion {
  std::uint16_t index = 0;
  unsigned dimensions = 0;
  std::uint8_t flags = 0;      ///< IPSET_DIM_*_SRC bits, IPSET_INV_MATCH
  bool return_nomatch = false; ///< exceptions match, and nothing else
  bool counters = false;       ///< compares the element's counters
};

/// What the target SET does to a set, net/netfilter/xt_set.c: set_target_v3(). Nothing: the packet
/// lacks what an element is made of, so nothing is done.
std::optional<SetChange> set_change_of(const TargetCall& call, const SetQuestion& question,
                                       bool added);

/// Without regard to IPSET_INV_MATCH.
MatchAnswer test_set_membership(const MatchCall& call, const SetQuestion& question);

/// The name of a set by its index, or "".
std::string set_name_of(Inquiry& inquiry, Int netns, std::uint16_t index);

} // namespace synfate::xt
