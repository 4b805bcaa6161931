// What a bridge of this host forwards from port to port: client and target are both behind it.
//
// net/bridge/br_input.c: br_handle_frame_finish(), net/bridge/br_forward.c: should_deliver(). IP's
// hooks see such packets by br_netfilter alone (net.bridge.bridge-nf-call-iptables), which forwards
// there as well what NAT sends to another port: net/bridge/br_netfilter_hooks.c:
// br_nf_pre_routing_finish(); Linux 6.12. Tested by
// tests/lab/cases_nat.py.
#pragma once

#include "platform/linux/model/ask.h"
#include "platform/linux/model/walk.h"

namespace synfate {

/// A port of a bridge that takes and sends no frames, whoever is behind it: br_handle_frame(),
/// br_handle_frame_finish(), should_deliver().
bool is_shut(const Interface& port);
/// What is said of such a port.
std::string shut_text(const Interface& port);

/// The port of a bridge that an address is behind, if that is shut and no other leads there.
std::optional<Interface> shut_port_of(Walk& walk, Int netns, const Interface& bridge,
                                      const IpAddress& address);

/// br_netfilter has let NAT give the packet another destination.
bool is_turned_by_nat(const PacketClass& packet);

/// br_netfilter hands the bridge's packets to the hooks of IP.
bool calls_ip(Inquiry& inquiry, Int netns, IpFamily family);

/// Tells the clients who call a neighbour over the bridge `device` (Journey::bridged) from others:
/// they are in its networks, ask on the link for the target itself, and nothing is routed.
Journeys part_bridged(Walk& walk, Journey journey, const Interface& device);

/// Whether a packet at this host goes from port to port: nobody routes it, or br_netfilter turns it
/// round after NAT.
bool is_bridged(const Walk& walk, const Journey& journey);
/// Likewise, and no hook of IP sees it.
bool passes_below_ip(const Walk& walk, const Journey& journey);

/// NAT sends an IPv6 packet to another port of the bridge it came by, for which forwarding need not
/// be on: br_nf_pre_routing_finish_ipv6() asks for a route alone. Over IPv4 ip_route_input() gives
/// the packet to ip_error().
bool turns_round_in_bridge(Walk& walk, const Journey& journey, const IpAddress& to);

/// Nobody answers for where NAT sends the packet: br_nf_pre_routing_finish_bridge() asks before the
/// hook forward.
bool is_given_up_in_bridge(Walk& walk, const Journey& journey, const IpAddress& next_hop);

/// The port of the bridge behind which the address is; unknown_port where it cannot be told, as of
/// many clients.
Int port_of(Walk& walk, const Journey& journey, Int bridge, const AddressTerm& address);

/// A bridged packet for `next_hop`; those whom the ports keep apart are stopped.
Journeys part_by_ports(Walk& walk, Journey journey, const IpAddress& next_hop);

} // namespace synfate
