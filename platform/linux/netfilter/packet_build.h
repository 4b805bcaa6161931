// The packets of a handshake as a Linux client and this host send them.
//
// net/ipv4/tcp_output.c: tcp_syn_options(), tcp_synack_options(), tcp_established_options(); 6.12.
// A SYN has 40 bytes of TCP header: MSS, SACK permitted, timestamps, window scale.
#pragma once

#include <optional>

#include "core/model/outcome.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// What the builder needs to know of a flow.
/// The TCP options that a handshake packet offers. A rule on the way may have taken some away.
struct TcpOffer {
  bool timestamps = true;
  bool selective = true; ///< SACK permitted
  bool scale = true;     ///< window scale
};
/// Those of a SYN or SYN-ACK as it arrived. What cannot be told counts as offered.
TcpOffer offer_of(const PacketClass& handshake);

struct FlowFacts {
  IpFamily family = IpFamily::v4;
  std::uint8_t proto = 6; ///< IPPROTO_TCP or IPPROTO_UDP
  IntervalSet addresses;  ///< the client's
  IntervalSet ports;      ///< the client's; 32768-60999 unless asked otherwise
  Perhaps<std::uint32_t> mtu = Perhaps<std::uint32_t>::unknown("the MTU of the client");
  TcpOffer peer = {}; ///< what the other end offered: only that is answered, and used later
};

/// A packet of the given kind from one end to the other. `source` and `destination` are as the
/// headers show them there: for a SYN of the client {client, client} and the address it calls; for
/// a SYN-ACK the reverse. Packet::datagram: UDP with a payload of unknown content and length.
PacketClass build_packet(Packet kind, const FlowFacts& facts, const Endpoint& source,
                         const Endpoint& destination);

/// The "destination unreachable" about a packet, whose first bytes it carries, to its sender.
/// `source`: the address that the kernel sends it from. net/ipv4/icmp.c: __icmp_send(),
/// net/ipv6/icmp.c: icmp6_send().
PacketClass build_icmp_error(const PacketClass& about, std::uint8_t code,
                             const AddressTerm& source);

/// Another MTU than the SYN was built with: what it offers in its MSS option.
void set_segment_size(PacketClass& syn, std::uint32_t mtu);

/// The TOS byte of an IPv4 packet, the traffic class of an IPv6 one; nothing if it is not known.
std::optional<std::uint8_t> traffic_class(const PacketClass& packet);
void set_traffic_class(PacketClass& packet, std::optional<std::uint8_t> value);

/// Who asks on a link for the link-layer address of whom.
struct LinkQuestion {
  AddressTerm asker;
  IpAddress target;
  IntervalSet addresses; ///< what the client's address may be
};
/// The question as a Linux host sends it to all: an ARP request (net/ipv4/arp.c: arp_create()), or
/// a neighbour solicitation (net/ipv6/ndisc.c: ndisc_send_ns(), ip6_nd_hdr()); Linux 6.12.
PacketClass build_link_question(const LinkQuestion& question);
/// The answer: an ARP reply, or a neighbour advertisement (ndisc_send_na()). `router`: the device
/// forwards.
PacketClass build_link_answer(const LinkQuestion& question, bool router);

/// The usual source ports of a Linux client: 32768-60999.
IntervalSet client_ports();

/// An Ethernet header in front, as on a packet that arrived by a device: addresses as far as known
/// ("02:00:00:00:00:01"; empty: not known).
void add_ethernet(PacketClass& packet, std::string_view destination, std::string_view source);

/// The next packet of the same connection: takes over what conntrack knows from the one before, in
/// the same namespace. `reply`: it travels against the first packet's direction.
void continue_connection(PacketClass& packet, const ConntrackView& before, bool reply);

} // namespace synfate
