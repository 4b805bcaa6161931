// NAT bindings: what a rule of a NAT chain decides for a connection, and what the hook then does to
// its packets. net/netfilter/nf_nat_core.c: nf_nat_setup_info(), nf_nat_inet_fn(); Linux 6.12.
//
// NAT chains are consulted for the first packet of a connection only. The rule calls bind_*(),
// which changes the connection's reply tuple; the hook rewrites the headers (apply_nat()), for this
// packet and, from the connection's tuples, for every later one. Tested by
// tests/unit/platform/linux/netfilter/hooks_test.cpp.
#pragma once

#include <optional>

#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// What a rule asks for; absent parts stay as they are.
struct NatTarget {
  std::optional<AddressTerm> address;
  std::optional<PortTerm> port;
};

/// What a rule says of ports.
struct NatPortRange {
  bool given = false; ///< a range; else the port is kept where it can be
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool random = false; ///< random or fully-random
};
/// The port that the kernel gives instead of `now`, if nobody else has it; nothing: none is asked
/// for. net/netfilter/nf_nat_core.c: get_unique_tuple(), nf_nat_l4proto_unique_tuple().
std::optional<PortTerm> nat_port(const PacketClass& packet, const PortTerm& now, NatPortRange ports,
                                 bool destination);

/// The address of a range that destination NAT gives the connection of one client: a hash of the
/// addresses and the zone, nothing random. Nothing: it is not one client's.
/// net/netfilter/nf_nat_core.c: find_best_ips_proto().
std::optional<IpAddress> chosen_of_range(const PacketClass& packet, const IpAddress& low,
                                         const IpAddress& high, bool persistent);

/// The connection's NAT for a direction was decided already (nf_nat_initialized()).
bool destination_bound(const ConntrackView& ct);
bool source_bound(const ConntrackView& ct);

/// A rule's DNAT, REDIRECT, NETMAP: packets of the connection go to `target`. Does nothing when the
/// connection has its binding already, or does not exist.
void bind_destination(PacketClass& packet, const NatTarget& target, const Culprit& by);
/// A rule's SNAT, MASQUERADE (`masquerade`), NETMAP.
void bind_source(PacketClass& packet, const NatTarget& target, const Culprit& by,
                 bool masquerade = false);
/// No rule matched: the connection keeps its addresses at this point.
void bind_nothing(PacketClass& packet, bool source);

/// Rewrites the headers of a packet at a NAT hook as its connection's tuples say. `source`: the
/// hook changes source addresses of original packets (postrouting, input), else destinations.
void apply_nat(PacketClass& packet, bool source);

} // namespace synfate
