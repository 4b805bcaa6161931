// Two orders in which the functions of one hook may run, and what each makes of a class.
//
// net/netfilter/core.c: nf_hook_entries_grow() puts what is registered later in front of what has
// the same priority. Of nf_tables chains the handles tell which is newer; of a chain and a table of
// iptables-legacy nothing that can be read does. Only the part of the class for which the order
// makes a difference hangs on it. Tested by tests/unit/platform/linux/netfilter/tied_order_test.cpp
// and tests/lab/cases_fw.py.
#pragma once

#include "platform/linux/netfilter/evaluation.h"

namespace synfate {

/// What becomes of a class in one order, and the condition that stands for it.
struct OrderedRun {
  Branches branches;
  Condition condition;
};

/// A function has stopped the packets, or changed them; to part the class alone is neither.
bool acts(const PacketClass& before, const Branch& result);

/// Both runs of the same class as one: what ends alike once, the rest under each condition. Clients
/// that are missing from the second run end as in the first.
Branches join_orders(const PacketClass& whole, OrderedRun first, OrderedRun second);

} // namespace synfate
