// Walks one table of iptables-legacy with a packet class.
//
// Follows net/ipv4/netfilter/ip_tables.c: ipt_do_table() and net/ipv6/netfilter/ip6_tables.c:
// ip6t_do_table(), Linux 6.12: entry after entry; a jump remembers where it came from, a goto does
// not; RETURN goes back, or from a built-in chain to its policy (the entry at the underflow); a
// match that finds a broken packet ends the table with DROP (hotdrop).
// Tested by tests/twin/firewall.py.
#pragma once

#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/xtables/blob.h"

namespace synfate::xt {

/// A table, decoded once. The index is made when a rule is first named.
struct LoadedTable {
  Blob blob;
  std::string family; ///< ip, ip6
  std::string name;
  mutable std::optional<BlobIndex> index;

  const BlobIndex& places() const {
    if (!index)
      index = blob.index();
    return *index;
  }
};

/// Runs the table's chain of the request's hook. Branches are disjoint and cover the class.
Branches run_xt_table(HookContext& context, const HookRequest& request, const LoadedTable& table,
                      int priority, const PacketClass& packet);

/// The number of a hook that tables know (NF_INET_PRE_ROUTING …); nothing for the others.
std::optional<unsigned> hook_number(Hook hook);

} // namespace synfate::xt
