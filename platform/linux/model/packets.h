// The packets of a flow, with what the kernel keeps beside their bytes.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// The SYN, or the datagram, before it meets anything.
Journey first_packet(Walk& walk);
/// The SYN again, from the same client: it meets what the first one has left. Unconfirmed entries
/// of conntrack are gone with their packet (nf_conntrack_put()); Linux 6.12.
Journey second_try(Walk& walk, const Journey& first);
/// The client's next packet of the same connection.
void next_client_packet(Walk& walk, Journey& journey, Packet kind);
/// The answer of this host to the packet that the journey carries: a SYN-ACK, a datagram.
PacketClass answer_to(Walk& walk, const Journey& journey, Packet kind);

/// The sockets of the kernel itself have no file, so no owner.
SocketView kernel_socket();

/// What rules see of an interface.
InterfaceView view_of(const Interface& interface);
/// Its TTL or hop limit.
auto& hops_of(auto& packet) {
  return packet.network[packet.family == IpFamily::v4 ? 8 : 7];
}
/// The interface that a remote client's packets arrive on, or lo; nothing if it does not exist.
std::optional<Interface> arrival_interface(Walk& walk, Int netns);

/// Rules of nf_tables or iptables-legacy may look at packets there; true also where it is not
/// known.
bool has_rules(Walk& walk, Int netns);

/// The address that a term stands for: where it is the client's, that of the one client, or of any
/// of many. Nothing if it cannot be told.
std::optional<IpAddress> address_of(const Walk& walk, const AddressTerm& term,
                                    const PacketClass& packet);

/// A TCP client of a link-local address is bound to its link and does not find the error that its
/// own kernel sends over lo when nobody answers for the neighbour: net/ipv6/tcp_ipv6.c:
/// tcp_v6_err() looks for a socket by the device of the error, Linux 6.12.
bool misses_own_errors(const Journey& journey);

} // namespace synfate
