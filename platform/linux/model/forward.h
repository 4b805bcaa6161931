// Where a packet goes that is not for this host: through the hook forward, out of a device, and if
// that leads into another network namespace of this machine, on from there.
//
// net/ipv4/ip_forward.c: ip_forward(); net/ipv6/ip6_output.c: ip6_forward(); drivers/net/veth.c:
// veth_xmit() (dev_forward_skb() scrubs mark, conntrack and socket); Linux 6.12.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// Takes a packet that was routed to another host to the device it leaves by, and into the
/// namespace behind it. Where it leaves this machine the journey is stopped as unknown.
Journeys forward(Walk& walk, Journey journey);

/// How a packet leaves a namespace.
struct WayOn {
  Int in = 0;  ///< the interface it came by; 0: it began here
  Int out = 0; ///< the interface it leaves by
  IpAddress next_hop;
  bool bridged = false;  ///< from port to port of a bridge,
  bool below_ip = false; ///< and past the hooks of IP
};

/// A packet behind its last hook: into the namespace that its next hop is in. Where there is none
/// it is stopped.
Journeys leave_host(Walk& walk, Journey journey, const WayOn& way);

/// A packet of this host that a rule in output has changed is routed again by its addresses and its
/// mark alone: ip_route_me_harder(), ip6_route_me_harder(). `forward_by` 0 afterwards: over lo.
Journeys route_again(Walk& walk, Journey journey);

/// One namespace on the way back of an answer, and the hooks it passes there.
struct Leg {
  Int netns = 0;
  Int in = 0;  ///< the interface it comes by; 0: it begins here
  Int out = 0; ///< the interface it leaves by; 0: it ends here
  std::vector<Hook> hooks;
  bool bridged = false; ///< from port to port of a bridge
};
/// To a client in the namespace that the answer is made in.
std::vector<Leg> legs_over_lo(const Journey& journey, Int lo);
/// The way back from the namespace the packet ended in; `out` is the interface it leaves by there.
std::vector<Leg> legs_back(const Walk& walk, const Journey& journey, Int out);
/// The packet at the begin of a leg: its interfaces, and what conntrack knows in that namespace.
/// `origin`: the namespace that the answer began in.
void enter_leg(Walk& walk, const Leg& leg, Int origin,
               const std::map<Int, ConntrackView>& conntracks, PacketClass& packet);
/// The packet before a hook of its leg: routed and counted as a hop before the hook forward.
void enter_hook(Walk& walk, const Leg& leg, Hook hook, PacketClass& packet);
/// The ports of a bridged leg, which -m physdev sees: br_nf_pre_routing(), br_nf_forward().
void note_ports(Walk& walk, const Leg& leg, Hook hook, Journey& journey);

} // namespace synfate
