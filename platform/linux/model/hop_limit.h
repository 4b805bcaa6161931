// Whether what this host sends gets as far as its TTL or hop limit has to bring it.
//
// Every router on the way takes one off, and gives up a packet that has none left
// (net/ipv4/ip_forward.c: ip_forward(), net/ipv6/ip6_output.c: ip6_forward(); Linux 6.12). The
// error goes to this host, the client hears nothing. Routers in namespaces of this machine are
// counted; of others it is known that the next hop is one.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// The TTL or hop limit of what a namespace sends by a device: ip4_dst_hoplimit(),
/// ip6_dst_hoplimit(), without metrics of routes; Linux 6.12.
void set_own_hops(Walk& walk, Int netns, Int device, PacketClass& packet);
/// The packet's TTL or hop limit is used up: who would forward it gives it up.
bool has_no_hop_left(const PacketClass& packet);

/// Of an answer that leaves for good, to journey.next_hop by a device: it stops where its TTL is
/// used up before it is with the client, `to`.
void count_hops_to_client(Walk& walk, Journey& journey, const Interface& device,
                          const IpAddress& to);

} // namespace synfate
