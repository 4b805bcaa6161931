#include "platform/linux/netfilter/packet.h"

#include <algorithm>
#include <charconv>

#include "platform/linux/netfilter/evaluation.h"

namespace synfate {
namespace {

constexpr std::size_t v4_source = 12;
constexpr std::size_t v4_destination = 16;
constexpr std::size_t v6_source = 8;
constexpr std::size_t v6_destination = 24;

std::optional<std::uint8_t> known_byte(const PacketClass& packet, std::size_t offset) {
  if (offset >= packet.network.size() || !packet.network[offset].is_known())
    return std::nullopt;
  return packet.network[offset].value;
}

TransportInfo v4_transport(const PacketClass& packet) {
  const auto first = known_byte(packet, 0);
  const auto proto = known_byte(packet, 9);
  const auto high = known_byte(packet, 6);
  const auto low = known_byte(packet, 7);
  if (!first || !proto || *first >> 4 != 4)
    return {};
  TransportInfo info;
  info.valid = true;
  info.proto = *proto;
  info.offset = static_cast<std::uint16_t>((*first & 0xf) * 4);
  if (high && low)
    info.fragment_offset = static_cast<std::uint16_t>((*high & 0x1f) << 8 | *low);
  return info;
}

bool is_extension(std::uint8_t header) {
  return header == 0 || header == 43 || header == 44 || header == 51 || header == 60;
}

/// net/ipv6/exthdrs_core.c: ipv6_find_hdr() for "the upper layer".
TransportInfo v6_transport(const PacketClass& packet) {
  auto next = known_byte(packet, 6);
  std::size_t offset = 40;
  TransportInfo info;
  while (next && is_extension(*next)) {
    const auto length = known_byte(packet, offset + 1);
    if (!length)
      return {};
    const auto after = known_byte(packet, offset);
    if (*next == 44) {
      const auto high = known_byte(packet, offset + 2);
      const auto low = known_byte(packet, offset + 3);
      if (!high || !low)
        return {};
      info.fragment_offset = static_cast<std::uint16_t>((*high << 8 | *low) & 0xfff8);
      offset += 8;
      if (info.fragment_offset != 0) {
        next = after;
        break;
      }
    } else {
      offset += *next == 51 ? (*length + 2U) * 4U : (*length + 1U) * 8U;
    }
    next = after;
  }
  if (!next)
    return {};
  info.valid = true;
  info.proto = *next;
  info.offset = static_cast<std::uint16_t>(offset);
  return info;
}

bool has_ports(std::uint8_t proto) {
  return proto == 6 || proto == 17 || proto == 136 || proto == 132 || proto == 33;
}

AddressTerm address_at(const PacketClass& packet, std::size_t offset) {
  const std::size_t size = packet.family == IpFamily::v4 ? 4 : 16;
  if (offset + size > packet.network.size())
    return AddressTerm::unknown("an address beyond the header");
  std::array<std::byte, 16> bytes{};
  bool client = true;
  bool known = true;
  for (std::size_t at = 0; at < size; ++at) {
    const Octet octet = packet.network[offset + at];
    client = client && octet.known == 0 && octet.source == ByteSource::client_address &&
             octet.index == at;
    known = known && octet.is_known();
    bytes[at] = static_cast<std::byte>(octet.value);
  }
  if (client)
    return AddressTerm::client();
  if (known)
    return AddressTerm::known(*IpAddress::from_bytes(std::span(bytes).first(size)));
  return AddressTerm::unknown("an address that the kernel chooses");
}

PortTerm port_at(const PacketClass& packet, std::size_t offset) {
  const auto info = transport_info(packet);
  if (!info.valid || !has_ports(info.proto))
    return PortTerm::known(0);
  offset += info.offset;
  if (offset + 2 > packet.network.size())
    return PortTerm::unknown("a port beyond the header");
  const Octet high = packet.network[offset];
  const Octet low = packet.network[offset + 1];
  if (high.is_known() && low.is_known())
    return PortTerm::known(static_cast<std::uint16_t>(high.value << 8 | low.value));
  if (high.source == ByteSource::client_port && low.source == ByteSource::client_port &&
      high.known == 0 && low.known == 0)
    return PortTerm::client();
  return PortTerm::unknown("a port that the kernel chooses");
}

void put(PacketClass& packet, std::size_t offset, const std::vector<Octet>& octets) {
  if (offset + octets.size() <= packet.network.size())
    std::ranges::copy(octets, packet.network.begin() + static_cast<std::ptrdiff_t>(offset));
}

void forget(PacketClass& packet, std::size_t offset, std::size_t size) {
  put(packet, offset, std::vector<Octet>(size));
}

/// Checksums follow every change of the headers.
void forget_checksums(PacketClass& packet, const TransportInfo& info) {
  if (packet.family == IpFamily::v4)
    forget(packet, 10, 2);
  if (info.proto == 6)
    forget(packet, info.offset + 16U, 2);
  if (info.proto == 17 || info.proto == 136)
    forget(packet, info.offset + 6U, 2);
}

void set_endpoint(PacketClass& packet, const Endpoint& endpoint, bool source) {
  const bool v4 = packet.family == IpFamily::v4;
  const auto info = transport_info(packet);
  put(packet, source ? (v4 ? v4_source : v6_source) : (v4 ? v4_destination : v6_destination),
      octets_of(endpoint.address, packet.family));
  if (info.valid && info.fragment_offset == 0 && has_ports(info.proto))
    put(packet, info.offset + (source ? 0U : 2U), octets_of(endpoint.port));
  forget_checksums(packet, info);
}

} // namespace

void note_change(std::vector<SetChange>& changes, SetChange change) {
  std::erase(changes, change);
  changes.push_back(std::move(change));
}

ChangedTo changed_to(const std::vector<SetChange>& changes, std::string_view set,
                     const std::optional<std::string>& element, bool was_there) {
  bool perhaps = false; // a later change may have turned round what the element was
  bool there = was_there;
  bool touched = false;
  for (const auto& change : changes) {
    if (change.set != set)
      continue;
    if (element && change.element == element) {
      there = change.added;
      touched = true;
      perhaps = false;
    } else if (!element || !change.element) {
      perhaps = perhaps || change.added != there;
    }
  }
  if (perhaps)
    return there ? ChangedTo::perhaps_gone : ChangedTo::perhaps_present;
  return !touched ? ChangedTo::unchanged : there ? ChangedTo::present : ChangedTo::gone;
}

TransportInfo transport_info(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? v4_transport(packet) : v6_transport(packet);
}

Octet resolve(const PacketClass& packet, Octet octet) {
  if (octet.is_known() || octet.source == ByteSource::free || octet.source == ByteSource::derived)
    return octet;
  const bool address = octet.source == ByteSource::client_address;
  const auto only = address ? packet.addresses.only() : packet.ports.only();
  if (!only)
    return octet;
  const unsigned size = !address ? 2 : packet.family == IpFamily::v4 ? 4 : 16;
  if (octet.index >= size)
    return octet;
  const auto bits = static_cast<std::uint8_t>(*only >> (8U * (size - 1U - octet.index)));
  return Octet::of(static_cast<std::uint8_t>((octet.value & octet.known) | (bits & ~octet.known)));
}

std::optional<std::vector<Octet>> load(const PacketClass& packet, std::size_t offset,
                                       std::size_t length) {
  if (offset + length > packet.network.size())
    return std::nullopt;
  std::vector<Octet> octets;
  octets.reserve(length);
  for (std::size_t at = 0; at < length; ++at)
    octets.push_back(resolve(packet, packet.network[offset + at]));
  return octets;
}

bool reaches_payload(const PacketClass& packet, std::size_t offset, std::size_t length) {
  if (offset + length <= packet.network.size())
    return false;
  if (!packet.payload_length.known())
    return true;
  return offset + length <= packet.network.size() + packet.payload_length.value();
}

Endpoint source_of(const PacketClass& packet) {
  return {address_at(packet, packet.family == IpFamily::v4 ? v4_source : v6_source),
          port_at(packet, 0)};
}

Endpoint destination_of(const PacketClass& packet) {
  return {address_at(packet, packet.family == IpFamily::v4 ? v4_destination : v6_destination),
          port_at(packet, 2)};
}

std::optional<IpAddress> only_address(const AddressTerm& term, const PacketClass& packet) {
  if (term.kind == AddressTerm::Kind::known)
    return term.first;
  const auto only = term.kind == AddressTerm::Kind::client ? packet.addresses.only() : std::nullopt;
  return only ? std::optional(to_address(*only, packet.family)) : std::nullopt;
}

void set_source(PacketClass& packet, const Endpoint& endpoint) {
  set_endpoint(packet, endpoint, true);
}

void set_destination(PacketClass& packet, const Endpoint& endpoint) {
  set_endpoint(packet, endpoint, false);
}

namespace {

/// Where the quoted packet of an ICMP error begins; 0: it has none.
std::size_t offset_of_quote(const PacketClass& error) {
  constexpr std::size_t icmp_header = 8;
  const auto info = transport_info(error);
  const bool icmp = info.valid && info.proto == (error.family == IpFamily::v4 ? 1 : 58);
  const std::size_t begin = info.offset + icmp_header;
  const std::size_t header = error.family == IpFamily::v4 ? 20 : 40;
  return icmp && error.network.size() >= begin + header ? begin : 0;
}

} // namespace

std::optional<PacketClass> quoted_by(const PacketClass& error) {
  const std::size_t begin = offset_of_quote(error);
  if (begin == 0)
    return std::nullopt;
  PacketClass quote;
  quote.family = error.family;
  quote.addresses = error.addresses;
  quote.ports = error.ports;
  quote.network.assign(error.network.begin() + static_cast<std::ptrdiff_t>(begin),
                       error.network.end());
  return quote;
}

void set_quote(PacketClass& error, const PacketClass& quote) {
  const std::size_t begin = offset_of_quote(error);
  if (begin != 0 && error.network.size() == begin + quote.network.size())
    std::ranges::copy(quote.network, error.network.begin() + static_cast<std::ptrdiff_t>(begin));
}

std::vector<Octet> octets_of(const AddressTerm& term, IpFamily family) {
  const std::size_t size = family == IpFamily::v4 ? 4 : 16;
  std::vector<Octet> octets(size);
  if (term.kind == AddressTerm::Kind::client)
    for (unsigned at = 0; at < size; ++at)
      octets[at] = Octet::variable(ByteSource::client_address, at);
  if (term.kind == AddressTerm::Kind::known && term.first.bytes().size() == size)
    for (std::size_t at = 0; at < size; ++at)
      octets[at] = Octet::of(static_cast<std::uint8_t>(term.first.bytes()[at]));
  return octets;
}

std::vector<Octet> octets_of(const PortTerm& term) {
  if (term.kind == PortTerm::Kind::client)
    return {Octet::variable(ByteSource::client_port, 0),
            Octet::variable(ByteSource::client_port, 1)};
  if (term.kind == PortTerm::Kind::known)
    return {Octet::of(static_cast<std::uint8_t>(term.first >> 8)),
            Octet::of(static_cast<std::uint8_t>(term.first & 0xff))};
  return {Octet::any(), Octet::any()};
}

bool is_arp(const PacketClass& packet) {
  constexpr std::size_t ethertype = 12;
  return packet.link.size() > ethertype + 1 && packet.link[ethertype].is_known() &&
         packet.link[ethertype].value == 0x08 && packet.link[ethertype + 1].value == 0x06;
}

std::vector<Octet> hardware_octets(std::string_view text) {
  std::vector<Octet> bytes;
  for (std::size_t at = 0; at + 2 <= text.size() && bytes.size() < 6; at += 3) {
    unsigned value = 0;
    const auto* end = text.data() + at + 2;
    if (std::from_chars(text.data() + at, end, value, 16).ptr != end)
      break;
    bytes.push_back(Octet::of(static_cast<std::uint8_t>(value)));
  }
  return bytes.size() == 6 ? bytes : std::vector<Octet>(6);
}

std::array<std::uint8_t, 2> ethertype_of(const PacketClass& packet) {
  if (packet.family == IpFamily::v6)
    return {0x86, 0xdd};
  return {0x08, static_cast<std::uint8_t>(is_arp(packet) ? 0x06 : 0x00)};
}

std::vector<Octet> link_header(const PacketClass& packet, bool leaving) {
  constexpr Int ethernet = 1;
  const auto& device = leaving ? packet.meta.out : packet.meta.in;
  if (leaving ? !device.present() : !packet.link.empty() || !device.present())
    return packet.link;
  if (!device.loopback && !device.type.is(ethernet))
    return leaving ? std::vector<Octet>() : packet.link;
  std::vector<Octet> header(12, device.loopback ? Octet::of(0) : Octet::any());
  if (!leaving && device.sender.size() == 6)
    std::ranges::copy(device.sender, header.begin() + 6);
  for (const std::uint8_t byte : ethertype_of(packet))
    header.push_back(Octet::of(byte));
  return header;
}

Perhaps<std::uint32_t> packet_length(const PacketClass& packet) {
  if (!packet.payload_length.known())
    return packet.payload_length;
  return static_cast<std::uint32_t>(packet.network.size()) + packet.payload_length.value();
}

std::string_view to_string(HookVerdict verdict) {
  switch (verdict) {
  case HookVerdict::accept:
    return "accept";
  case HookVerdict::drop:
    return "drop";
  case HookVerdict::reject:
    return "reject";
  case HookVerdict::queue:
    return "queue";
  case HookVerdict::stolen:
    return "stolen";
  case HookVerdict::unknown:
    return "unknown";
  }
  return "unknown";
}

} // namespace synfate
