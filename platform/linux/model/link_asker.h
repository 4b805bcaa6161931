// Who asks on the link for this host's link-layer address, and what it knows already.
//
// A client on the link asks for itself, its router for all others: with which address, is theirs to
// choose (net/ipv4/arp.c: arp_solicit(); net/ipv6/ndisc.c: ndisc_solicit()); Linux 6.12. Where that
// neighbour is in a namespace of this machine, its routes, addresses and neighbour table tell.
#pragma once

#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {

/// Who asks on the link, where that can be seen.
struct Asker {
  LinkQuestion question;
  IpAddress sender;
  bool knows = false;    ///< it has the answer already,
  bool doubtful = false; ///< and is about to ask again
};

/// Routers ask by their link-local address: ndisc_solicit(), ipv6_get_lladdr().
AddressTerm routers_of(IpFamily family);

LinkQuestion question_from(const IpAddress& sender, const IpAddress& target);

/// The address that a namespace asks with on a device, for a packet from `sender` to `target`.
/// Nothing: it has none, and cannot ask.
std::optional<IpAddress> address_for_asking(Walk& walk, Int netns, const Interface& device,
                                            const IpAddress& sender, const IpAddress& target);

/// The device asks on an Ethernet, real or virtual; others (dummy, ipvlan, tunnels) need no
/// addresses, or have nobody behind them.
bool has_neighbours(const Interface& device);

/// Nothing is known of a next hop: the kernel asks for it before it sends anything.
bool is_stranger(Walk& walk, Int netns, const Interface& out, const IpAddress& hop);

/// The neighbour of this host that sends the client's packets; nothing where it is out of sight.
/// `behind_router`: the client is not of a network of the link.
std::optional<Asker> find_asker(Walk& walk, const Journey& journey, const Interface& device,
                                const IpAddress& client, bool behind_router);

/// The link-layer address that the client's frames have as their source; nothing where who sends
/// them is out of sight.
std::optional<std::string> sender_of_frames(Walk& walk, const Journey& journey,
                                            const Interface& device, const IpAddress& from);

} // namespace synfate
