// Would this host answer a client that asks the link for one of its addresses?
//
// A client on the link sends no SYN before its ARP request or neighbour solicitation is answered;
// without an answer it sees EHOSTUNREACH after three tries. IPv4: net/ipv4/arp.c: arp_process(),
// arp_ignore(), arp_filter(), arp_fwd_proxy(); the request is routed like a packet, so what routing
// refuses is not answered. IPv6: net/ipv6/ndisc.c: ndisc_recv_ns(): only the interface's own
// addresses, anycast and proxied ones; ip6_input.c drops everything where IPv6 is disabled.
// Linux 6.12. Static entries and answers a client has cached are its own affair.
//
// Not modelled: medium_id, proxy_arp_pvlan, VRFs, optimistic DAD, ARP rules of a firewall.
// Pure; tested by tests/unit/platform/linux/routing/reachability_test.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/model/model.h"
#include "platform/linux/routing/route_question.h"

namespace synfate::linux_routing {

enum class Answering : std::uint8_t {
  yes,
  no,
  not_needed, ///< the link has no addresses to ask for (lo, tunnels)
  unknown,    ///< facts are missing: see the inquiry's gaps
};

struct NeighbourAnswer {
  Answering answering = Answering::unknown;
  std::string why;                ///< in words, for `no`
  std::optional<Culprit> culprit; ///< what keeps it from answering, if it is one object
};

/// Who is asked for the routes that an answer hangs on, which differ in addresses and interface.
/// Nothing: the kernel's answers alone, which a snapshot of a whole host has not all.
using RouteFinder = std::function<std::optional<RouteLookup>(const RouteQuestion&)>;

/// Would a request for `target` from `client` that arrives on the interface be answered? Means
/// nothing while inquiry.pending().
NeighbourAnswer neighbour_reachability(Inquiry& inquiry, Int netns, Int interface_index,
                                       const IpAddress& target, const IpAddress& client,
                                       const RouteFinder& routes = {});

} // namespace synfate::linux_routing
