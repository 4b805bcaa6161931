#include "platform/linux/netfilter/packet_build.h"

#include <algorithm>
#include <charconv>

#include "platform/linux/netfilter/conntrack.h"

namespace synfate {
namespace {

constexpr std::uint8_t proto_tcp = 6;
constexpr std::uint8_t proto_icmp = 1;
constexpr std::uint8_t proto_icmpv6 = 58;
constexpr std::uint8_t flag_syn = 0x02;
constexpr std::uint8_t flag_rst = 0x04;
constexpr std::uint8_t flag_psh = 0x08;
constexpr std::uint8_t flag_ack = 0x10;

void known(std::vector<Octet>& bytes, std::initializer_list<unsigned> values) {
  for (const auto value : values)
    bytes.push_back(Octet::of(static_cast<std::uint8_t>(value)));
}

void unknown(std::vector<Octet>& bytes, std::size_t count) {
  bytes.insert(bytes.end(), count, Octet::any());
}

void append(std::vector<Octet>& bytes, const std::vector<Octet>& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void number16(std::vector<Octet>& bytes, const Perhaps<std::uint32_t>& value) {
  if (value.known())
    known(bytes, {value.value() >> 8 & 0xff, value.value() & 0xff});
  else
    unknown(bytes, 2);
}

constexpr std::uint32_t icmp_header = 8;
/// __icmp_send(): errors have the precedence "internetwork control" in their TOS byte, and what
/// RT_TOS() leaves of that of the packet they are about.
constexpr std::uint8_t internetwork_control = 0xc0;
constexpr std::uint8_t tos_mask = 0x1e;

bool is_tcp(const FlowFacts& facts) {
  return facts.proto == proto_tcp;
}

bool begins(Packet kind) {
  return kind == Packet::syn || kind == Packet::synack;
}

Perhaps<std::uint32_t> payload_of(Packet kind) {
  if (kind == Packet::data || kind == Packet::datagram)
    return Perhaps<std::uint32_t>::unknown("the length of the data");
  return std::uint32_t{0};
}

/// The MSS option's value: the MTU less the smallest IP and TCP headers.
Perhaps<std::uint32_t> segment_size(const FlowFacts& facts) {
  if (!facts.mtu.known())
    return facts.mtu;
  const std::uint32_t headers = facts.family == IpFamily::v4 ? 40 : 60;
  return std::min<std::uint32_t>(facts.mtu.value() - headers, 65495);
}

/// net/ipv4/tcp_output.c: tcp_syn_options(), tcp_synack_options(), tcp_options_write().
void syn_options(std::vector<Octet>& bytes, const FlowFacts& facts) {
  const TcpOffer& offer = facts.peer;
  known(bytes, {2, 4}); // MSS
  number16(bytes, segment_size(facts));
  if (offer.timestamps) {
    known(bytes, {offer.selective ? 4U : 1U, offer.selective ? 2U : 1U, 8, 10});
    unknown(bytes, 8);
  } else if (offer.selective) {
    known(bytes, {1, 1, 4, 2});
  }
  if (offer.scale) {
    known(bytes, {1, 3, 3}); // NOP, window scale
    unknown(bytes, 1);
  }
}

void later_options(std::vector<Octet>& bytes, const FlowFacts& facts) {
  if (!facts.peer.timestamps)
    return;
  known(bytes, {1, 1, 8, 10});
  unknown(bytes, 8);
}

/// The number of 4-byte words of a header, where the header has it.
Octet data_offset(std::size_t bytes) {
  return Octet::of(static_cast<std::uint8_t>(bytes / 4 << 4));
}

unsigned flags_of(Packet kind) {
  switch (kind) {
  case Packet::syn:
    return flag_syn;
  case Packet::synack:
    return flag_syn | flag_ack;
  case Packet::data:
    return flag_psh | flag_ack;
  case Packet::reset:
    return flag_rst | flag_ack;
  case Packet::ack:
  case Packet::datagram:
  case Packet::icmp:
  case Packet::neighbour:
    return flag_ack;
  }
  return flag_ack;
}

std::vector<Octet> tcp_header(Packet kind, const FlowFacts& facts, const Endpoint& source,
                              const Endpoint& destination) {
  std::vector<Octet> bytes = octets_of(source.port);
  append(bytes, octets_of(destination.port));
  if (kind == Packet::reset)
    known(bytes, {0, 0, 0, 0}); // of the answer to a SYN
  else
    unknown(bytes, 4); // sequence number
  if (kind == Packet::syn)
    known(bytes, {0, 0, 0, 0});
  else
    unknown(bytes, 4);
  if (kind == Packet::reset) {
    known(bytes, {0x50, flags_of(kind), 0, 0}); // no options, no window
    unknown(bytes, 2);
    known(bytes, {0, 0});
    return bytes;
  }
  known(bytes, {0, flags_of(kind)});
  unknown(bytes, 4); // window, checksum
  known(bytes, {0, 0});
  if (begins(kind))
    syn_options(bytes, facts);
  else
    later_options(bytes, facts);
  bytes[12] = data_offset(bytes.size());
  return bytes;
}

std::vector<Octet> udp_header(const Endpoint& source, const Endpoint& destination) {
  std::vector<Octet> bytes = octets_of(source.port);
  append(bytes, octets_of(destination.port));
  unknown(bytes, 4); // length, checksum
  return bytes;
}

void v4_header(PacketClass& packet, const FlowFacts& facts, std::size_t transport,
               const Endpoint& source, const Endpoint& destination) {
  auto& bytes = packet.network;
  const auto payload = packet.payload_length;
  known(bytes, {0x45, 0});
  number16(bytes, payload.known()
                      ? Perhaps<std::uint32_t>(20 + static_cast<std::uint32_t>(transport))
                      : payload);
  unknown(bytes, 2); // identification
  // TCP sets don't-fragment (path MTU discovery); so does UDP unless the program says otherwise.
  bytes.push_back(Octet::of(0x40));
  known(bytes, {0, 64, facts.proto});
  unknown(bytes, 2);
  append(bytes, octets_of(source.address, facts.family));
  append(bytes, octets_of(destination.address, facts.family));
}

void v6_header(PacketClass& packet, const FlowFacts& facts, std::size_t transport,
               const Endpoint& source, const Endpoint& destination) {
  auto& bytes = packet.network;
  const auto payload = packet.payload_length;
  known(bytes, {0x60});
  bytes.push_back(
      {0, 0xf0, ByteSource::free, 0}); // traffic class 0, flow label chosen by the sender
  unknown(bytes, 2);
  number16(bytes, payload.known() ? Perhaps<std::uint32_t>(static_cast<std::uint32_t>(transport))
                                  : payload);
  known(bytes, {facts.proto, 64});
  append(bytes, octets_of(source.address, facts.family));
  append(bytes, octets_of(destination.address, facts.family));
}

} // namespace

TcpOffer offer_of(const PacketClass& handshake) {
  const auto info = transport_info(handshake);
  const auto& bytes = handshake.network;
  if (!info.valid || info.proto != proto_tcp || info.offset + 20U > bytes.size())
    return {};
  TcpOffer offer{false, false, false};
  for (std::size_t at = info.offset + 20U; at < bytes.size();) {
    const Octet kind = bytes[at];
    const bool single = kind.is_known() && kind.value <= 1;
    if (!kind.is_known() || (!single && (at + 1 == bytes.size() || !bytes[at + 1].is_known())))
      return {};
    offer.timestamps = offer.timestamps || kind.value == 8;
    offer.selective = offer.selective || kind.value == 4;
    offer.scale = offer.scale || kind.value == 3;
    at += single ? 1U : std::max<std::size_t>(bytes[at + 1].value, 1);
  }
  return offer;
}

IntervalSet client_ports() {
  return IntervalSet::range(32768, 60999);
}

PacketClass build_packet(Packet kind, const FlowFacts& facts, const Endpoint& source,
                         const Endpoint& destination) {
  PacketClass packet;
  packet.family = facts.family;
  packet.addresses = facts.addresses;
  packet.ports = facts.ports;
  packet.payload_length = payload_of(kind);
  const auto transport = is_tcp(facts) ? tcp_header(kind, facts, source, destination)
                                       : udp_header(source, destination);
  if (facts.family == IpFamily::v4)
    v4_header(packet, facts, transport.size(), source, destination);
  else
    v6_header(packet, facts, transport.size(), source, destination);
  append(packet.network, transport);
  return packet;
}

void set_segment_size(PacketClass& syn, std::uint32_t mtu) {
  const auto info = transport_info(syn);
  const std::size_t at = info.offset + 22U; // see syn_options()
  if (!info.valid || info.proto != proto_tcp || at + 2 > syn.network.size())
    return;
  FlowFacts facts;
  facts.family = syn.family;
  facts.mtu = mtu;
  std::vector<Octet> bytes;
  number16(bytes, segment_size(facts));
  std::ranges::copy(bytes, syn.network.begin() + static_cast<std::ptrdiff_t>(at));
}

std::optional<std::uint8_t> traffic_class(const PacketClass& packet) {
  const Octet first = packet.network[0];
  const Octet second = packet.network[1];
  if (packet.family == IpFamily::v4)
    return second.is_known() ? std::optional(second.value) : std::nullopt;
  if ((first.known & 0x0fU) != 0x0f || (second.known & 0xf0U) != 0xf0)
    return std::nullopt;
  return static_cast<std::uint8_t>((first.value & 0x0fU) << 4U | (second.value & 0xf0U) >> 4U);
}

void set_traffic_class(PacketClass& packet, std::optional<std::uint8_t> value) {
  auto& first = packet.network[0];
  auto& second = packet.network[1];
  if (packet.family == IpFamily::v4) {
    second = value ? Octet::of(*value) : Octet::any();
    return;
  }
  const unsigned bits = value.value_or(0);
  const unsigned known = value ? 0xffU : 0U;
  first = {static_cast<std::uint8_t>(0x60U | bits >> 4U),
           static_cast<std::uint8_t>(0xf0U | known >> 4U), ByteSource::free, 0};
  second = {static_cast<std::uint8_t>((bits << 4U & 0xf0U) | (second.value & 0x0fU)),
            static_cast<std::uint8_t>((known << 4U & 0xf0U) | (second.known & 0x0fU)),
            ByteSource::free, 0};
}

PacketClass build_icmp_error(const PacketClass& about, std::uint8_t code,
                             const AddressTerm& source) {
  PacketClass packet;
  packet.family = about.family;
  packet.addresses = about.addresses;
  packet.ports = about.ports;
  packet.payload_length = about.payload_length;
  const bool v4 = about.family == IpFamily::v4;
  const auto quoted = static_cast<std::uint32_t>(about.network.size());
  const FlowFacts facts{about.family, v4 ? proto_icmp : proto_icmpv6, {}, {}};
  const Endpoint from{source, {}};
  const Endpoint to{source_of(about).address, {}};
  if (v4)
    v4_header(packet, facts, icmp_header + quoted, from, to);
  else
    v6_header(packet, facts, icmp_header + quoted, from, to);
  if (v4) {
    const auto called = traffic_class(about);
    set_traffic_class(
        packet, called ? std::optional<std::uint8_t>((*called & tos_mask) | internetwork_control)
                       : std::nullopt);
    packet.network[6] = Octet::of(0); // icmp_sk_init(): IP_PMTUDISC_DONT
  }
  known(packet.network, {v4 ? 3U : 1U, code});
  unknown(packet.network, 2);
  known(packet.network, {0, 0, 0, 0});
  append(packet.network, about.network);
  return packet;
}

namespace {

/// struct arphdr, for Ethernet and IPv4.
PacketClass arp_message(const LinkQuestion& question, bool answer) {
  PacketClass packet;
  packet.addresses = question.addresses;
  packet.ports = client_ports();
  const auto asker = octets_of(question.asker, IpFamily::v4);
  const auto target = octets_of(AddressTerm::known(question.target), IpFamily::v4);
  known(packet.network, {0, 1, 8, 0, 6, 4, 0, answer ? 2U : 1U});
  unknown(packet.network, 6);
  append(packet.network, answer ? target : asker);
  if (answer)
    unknown(packet.network, 6);
  else
    known(packet.network, {0, 0, 0, 0, 0, 0});
  append(packet.network, answer ? asker : target);
  add_ethernet(packet, answer ? "" : "ff:ff:ff:ff:ff:ff", "");
  packet.link.back() = Octet::of(0x06);
  return packet;
}

/// addrconf_addr_solict_mult(): ff02::1:ff00:0/104 with the target's last three bytes.
std::vector<Octet> solicited_node(const IpAddress& target) {
  auto bytes = octets_of(AddressTerm::known(*IpAddress::parse("ff02::1:ff00:0")), IpFamily::v6);
  const auto own = octets_of(AddressTerm::known(target), IpFamily::v6);
  std::copy(own.end() - 3, own.end(), bytes.end() - 3);
  return bytes;
}

/// struct nd_msg with one option, the sender's link-layer address.
PacketClass discovery_message(const LinkQuestion& question, bool answer, bool router) {
  PacketClass packet;
  packet.family = IpFamily::v6;
  packet.addresses = question.addresses;
  packet.ports = client_ports();
  const auto asker = octets_of(question.asker, IpFamily::v6);
  const auto target = octets_of(AddressTerm::known(question.target), IpFamily::v6);
  known(packet.network, {0x60, 0, 0, 0, 0, 32, proto_icmpv6, 255});
  append(packet.network, answer ? target : asker);
  append(packet.network, answer ? asker : solicited_node(question.target));
  known(packet.network, {answer ? 136U : 135U, 0});
  unknown(packet.network, 2);
  const unsigned solicited_and_override = 0x60;
  known(packet.network, {answer ? (router ? 0x80U : 0U) | solicited_and_override : 0U, 0, 0, 0});
  append(packet.network, target);
  known(packet.network, {answer ? 2U : 1U, 1});
  unknown(packet.network, 6);
  return packet;
}

} // namespace

PacketClass build_link_question(const LinkQuestion& question) {
  constexpr std::uint8_t broadcast = 1;
  constexpr std::uint8_t multicast = 2;
  const bool v4 = question.target.is_v4();
  PacketClass packet =
      v4 ? arp_message(question, false) : discovery_message(question, false, false);
  packet.meta.packet_type = v4 ? broadcast : multicast;
  return packet;
}

PacketClass build_link_answer(const LinkQuestion& question, bool router) {
  return question.target.is_v4() ? arp_message(question, true)
                                 : discovery_message(question, true, router);
}

void add_ethernet(PacketClass& packet, std::string_view destination, std::string_view source) {
  packet.link = hardware_octets(destination);
  append(packet.link, hardware_octets(source));
  for (const std::uint8_t byte : ethertype_of(packet))
    packet.link.push_back(Octet::of(byte));
}

void continue_connection(PacketClass& packet, const ConntrackView& before, bool reply) {
  packet.ct = continued(before, reply);
}

} // namespace synfate
