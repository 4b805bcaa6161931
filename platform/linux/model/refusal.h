// What this host sends when it refuses: an RST or an ICMP error has to get out as well.
//
// It is a packet of its own: routed, through output, postrouting and the device's egress, for a
// local client back in over lo. net/ipv4/tcp_ipv4.c: tcp_v4_send_reset(); net/ipv4/icmp.c:
// __icmp_send(); net/ipv6/icmp.c: icmp6_send(); net/ipv4/netfilter/nf_reject_ipv4.c:
// nf_send_reset(), nf_send_unreach(); Linux 6.12. Tested by tests/twin/firewall.py.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// Who refuses: conntrack sees an answer of a rule as part of the connection it answers
/// (nf_ct_attach()), one of the socket lookup as a packet like any other.
enum class Refuser : std::uint8_t { lookup, rule };

/// The ways of a refusal, each stopped as the client sees it: `refused` becomes `timeout` on a way
/// where the answer is lost. `packet` is what is refused, as it was at that moment.
Journeys refuse(Walk& walk, Journey journey, const PacketClass& packet, Stop stop, Refuser by);

} // namespace synfate
