// An answer on its way to the client: what every answer meets, whatever it says.
//
// net/ipv4/ip_output.c: ip_finish_output2() gives it to a neighbour; who that is decides whether it
// arrives. net/core/neighbour.c; net/ipv4/arp.c: arp_constructor(); net/ipv6/ndisc.c:
// ndisc_constructor(); Linux 6.12. Used for the data of a socket (reply.cpp) and for the resets and
// ICMP errors of a refusal (refusal.cpp). Tested by tests/twin/host.py and tests/lab/cases_path.py.
#pragma once

#include "platform/linux/model/ask.h"
#include "platform/linux/model/forward.h"

namespace synfate {

/// A next hop that is the destination itself; which one is known of each part of a class.
inline const IpAddress on_link;

/// The device that an answer to a link-local address has to leave by, the one that the call came
/// by; 0: any. net/ipv6/tcp_ipv6.c: tcp_v6_init_req(), tcp_v6_send_response(), net/ipv6/icmp.c:
/// icmp6_send().
Int link_of_answer(const IpAddress& to, const InterfaceView& arrived);
/// Of many clients those with a link-local address, and the others.
Journeys cut_by_link(Journey journey);

/// A stop of an answer that gets lost: its client hears nothing.
Stop sent_astray(const Journey& journey, std::optional<Culprit> by, std::string note);
/// A stop of an answer that has no route.
Stop no_way_back(const RouteLookup& answer, const IpAddress& client, bool many);

/// The route leads over lo, but not to this host: nobody takes what goes there. net/ipv4/route.c:
/// __mkroute_output(): it is delivered here, where no socket has the address, and TCP resets only
/// what came by a local route (tcp_v4_send_reset()). IPv6 makes such a route one that rejects,
/// though it is shown as any other: net/ipv6/route.c: fib6_is_reject(), ip6_pkt_discard().
bool leads_into_lo(Walk& walk, Int netns, const RouteLookup& answer);
/// A stop of an answer with such a route.
Stop lost_in_lo(const RouteLookup& answer, const IpAddress& client, bool many);

/// The answer stays where it is made, though its client is not there: IPv6 has no check for own
/// addresses on arrival. Behind source NAT to an address of that host it is turned round in output,
/// and routed again: net/netfilter/nf_nat_proto.c: nf_nat_ipv4_local_fn(), Linux 6.12.
bool stays_there(const Walk& walk, const Journey& journey, const PacketClass& packet,
                 const RouteLookup& answer);

/// Somebody has set a route of the type broadcast for the client. A socket of UDP may not send by
/// it (net/ipv4/udp.c: udp_sendmsg()); other answers go to everybody on the link, and TCP takes
/// none of these (net/ipv4/tcp_ipv4.c: tcp_v4_rcv()), unless there is a neighbour entry from before
/// (net/ipv4/arp.c: arp_constructor()). Linux 6.12.
bool is_sent_to_all(Walk& walk, Int netns, const RouteLookup& answer, const IpAddress& client);

/// The route of a later try of TCP, where the router of the first one does not answer: an IPv6 host
/// that is no router itself then takes the next best one. Else the same route again.
RouteLookup past_silent_router(Walk& walk, const Journey& journey, const RouteQuestion& question,
                               const RouteLookup& answer);

/// An answer that came by a device on its way back is routed like any packet.
Journeys route_leg(Walk& walk, Journey journey, const Leg& leg);

/// Who takes an answer on the link that it leaves by (`forward_by`, `next_hop`), and, where that is
/// in another namespace of this machine that can be seen, whether it comes to the client from
/// there: of many clients, which. `next`: where it has to come to, null: to the client,
/// wherever that is.
Journeys check_next_hop(Walk& walk, Journey journey, const Leg* next);

/// reply.cpp: an answer, with the device and neighbour that it leaves by, through every namespace
/// on its way. Of many clients those whose answer is stopped by rules have ended.
Journeys travel(Walk& walk, Journey journey, const std::vector<Leg>& legs);

/// The parts of many clients that have a neighbour entry of their own, which somebody has set.
Journeys cut_by_fixed_neighbours(Walk& walk, Journey journey);

} // namespace synfate
