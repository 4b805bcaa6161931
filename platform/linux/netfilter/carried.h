// What a connection has carried when one of its packets passes: the counters of conntrack.
//
// net/netfilter/nf_conntrack_core.c: nf_ct_refresh_acct() counts each packet with skb->len before
// the rules behind conntrack see it; net/netfilter/nf_conntrack_acct.c: only connections that began
// with net.netfilter.nf_conntrack_acct set have counters; Linux 6.12. Counted are those of the
// model's packets that conntrack saw (conntrack.h). Tested by tests/netfilter/trials.py.
#pragma once

#include <cstdint>
#include <optional>

#include "platform/linux/netfilter/hooks.h"

namespace synfate {

enum class Accounting : std::uint8_t { off, on, unknown };
/// Whether new connections of a namespace have counters.
Accounting accounting(HookContext& context, Int netns);

enum class Carried : std::uint8_t { packets, bytes, average };
/// One counter, of one direction or of both. Nothing: it hangs on what is not known.
std::optional<std::uint64_t> carried(const HookRequest& request, const PacketClass& packet,
                                     Carried what, std::optional<bool> reply);

} // namespace synfate
