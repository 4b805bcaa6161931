// Tests of an address against a set of addresses, and sets that the routing tables define.
#pragma once

#include <string_view>

#include "platform/linux/netfilter/interval_set.h"
#include "platform/linux/xtables/test_core.h"

namespace synfate::xt {

/// The term is in the set: cut, decided, or undecided for a term that cannot be told.
MatchAnswer in_addresses(const MatchCall& call, const AddressTerm& term, const IntervalSet& set,
                         std::string_view field);

/// What could be read from the kernel's tables.
struct ReadSet {
  IntervalSet addresses;
  bool known = false; ///< false: not read, or not yet
};

/// Addresses whose type (RTN_ number) has its bit set in `types`, as inet_addr_type() tells it from
/// the local table; with `device` only what belongs to that interface counts as such.
/// net/ipv4/fib_frontend.c: __inet_dev_addr_type(), Linux 6.12.
ReadSet addresses_of_type(const MatchCall& call, std::uint32_t types, Int device);

/// Sources whose way back leads out by `device` (0: by any): longest prefix of the local, main and
/// default tables.
ReadSet sources_routed_by(const MatchCall& call, Int device, bool accept_local);

} // namespace synfate::xt
