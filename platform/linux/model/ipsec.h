// What IPsec's policies (`ip xfrm policy`) make of a packet.
//
// net/xfrm/xfrm_policy.c: __xfrm_policy_check() for packets that arrive (tcp_v4_rcv(),
// udp_queue_rcv_one_skb(), and what they have no socket for) or are forwarded (ip_forward(),
// ip6_forward()), before any answer to them; xfrm_lookup_with_ifid() for what leaves
// (ip_route_output_flow(), ip6_dst_lookup_flow(), __xfrm_route_forward()); Linux 6.12. What is
// dropped is dropped silently, but a local client is told EPERM. A policy with transformations lets
// pass, or sends, what IPsec carries: whether it does is not followed. A socket's own policies are
// not told apart. Tested by tests/lab/cases_ipsec.py.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

enum class IpsecWay : std::uint8_t {
  in,      ///< to this host
  out,     ///< from it
  forward, ///< through it: policies of the directions fwd and out
  renamed, ///< what leaves once NAT has given it another source
};

/// The ways of a packet past the policies of its namespace; those that are stopped are so by one of
/// them. `out`: the interface it leaves by. Of many clients those with another policy are cut off.
Journeys pass_ipsec(Walk& walk, Journey journey, IpsecWay way, Int out = 0);

/// nf_nat_ipv4_out(), nf_nat_ipv6_out(): behind postrouting the policies for what leaves are looked
/// up again for what NAT has changed the source of. The later packets fare like the handshake's.
Journeys pass_ipsec_after_nat(Walk& walk, Journeys journeys);

/// The namespace has policies, or blocks without one.
bool has_ipsec_policies(Inquiry& inquiry, Int netns);

/// Asks for what pass_ipsec() needs, so that it is collected with what else is asked.
void foresee_ipsec(Inquiry& inquiry, Int netns);

} // namespace synfate
