#include "platform/linux/netfilter/nat.h"

#include <array>
#include <bit>

namespace synfate {
namespace {

/// The end with the rule's parts put in.
Endpoint with(Endpoint endpoint, const NatTarget& target) {
  if (target.address)
    endpoint.address = *target.address;
  if (target.port)
    endpoint.port = *target.port;
  return endpoint;
}

/// All that the port may be; nothing if that is not known.
std::optional<Interval> span_of(const PacketClass& packet, const PortTerm& port) {
  if (port.kind == PortTerm::Kind::known || port.kind == PortTerm::Kind::range)
    return Interval{port.first, port.last};
  if (port.kind != PortTerm::Kind::client || packet.ports.empty())
    return std::nullopt;
  return Interval{packet.ports.intervals().front().first, packet.ports.intervals().back().last};
}

/// Without a range a source port stays among those of its kind.
PortTerm random_port(const PacketClass& packet, const PortTerm& now) {
  const auto span = span_of(packet, now);
  if (span && span->first >= 1024)
    return PortTerm::range(1024, 65535);
  if (span && span->last < 512)
    return PortTerm::range(1, 511);
  if (span && span->first >= 512 && span->last < 1024)
    return PortTerm::range(600, 1023);
  return PortTerm::unknown("the port that the kernel chooses at random");
}

using Words = std::array<std::uint32_t, 4>;

/// union nf_inet_addr as the kernel hashes it: words in memory (of little endian).
Words words_of(const IpAddress& address) {
  Words words{};
  const auto bytes = address.bytes();
  for (std::size_t at = 0; at < bytes.size(); ++at)
    words[at / 4] |= std::to_integer<std::uint32_t>(bytes[at]) << at % 4 * 8;
  return words;
}

std::uint32_t in_host_order(std::uint32_t word) {
  return std::byteswap(word);
}

/// include/linux/jhash.h: jhash2() of four words.
std::uint32_t jhash2(const Words& key, std::uint32_t seed) {
  constexpr std::uint32_t start = 0xdeadbeef; // JHASH_INITVAL
  std::uint32_t a = start + (std::uint32_t{4} << 2U) + seed;
  std::uint32_t b = a + key[1];
  std::uint32_t c = a + key[2];
  a += key[0];
  const auto mix = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t& z, int by) {
    x = (x - z) ^ std::rotl(z, by);
    z += y;
  };
  mix(a, b, c, 4);
  mix(b, c, a, 6);
  mix(c, a, b, 8);
  mix(a, b, c, 16);
  mix(b, c, a, 19);
  mix(c, a, b, 4);
  a += key[3];
  const auto end = [](std::uint32_t& x, std::uint32_t y, int by) {
    x = (x ^ y) - std::rotl(y, by);
  };
  end(c, b, 14);
  end(a, c, 11);
  end(b, a, 25);
  end(c, b, 16);
  end(a, c, 4);
  end(b, a, 14);
  end(c, b, 24);
  return c;
}

/// Of one client the address, if the term has one.
std::optional<IpAddress> only_address(const PacketClass& packet, const AddressTerm& term) {
  if (term.kind == AddressTerm::Kind::known)
    return term.first;
  const auto one = term.kind == AddressTerm::Kind::client ? packet.addresses.only() : std::nullopt;
  return one ? std::optional(to_address(*one, packet.family)) : std::nullopt;
}

} // namespace

std::optional<IpAddress> chosen_of_range(const PacketClass& packet, const IpAddress& low,
                                         const IpAddress& high, bool persistent) {
  const auto from = only_address(packet, packet.ct.answer.destination.address);
  const auto to = only_address(packet, packet.ct.answer.source.address);
  const auto& zone = packet.ct.zone.id;
  if (!from || !to || !zone.known())
    return std::nullopt;
  const std::size_t count = low.bytes().size() / 4;
  const Words called = words_of(*to);
  const Words least = words_of(low);
  const Words most = words_of(high);
  std::uint32_t hash = jhash2(words_of(*from), persistent ? 0 : called[count - 1] ^ zone.value());
  std::array<std::byte, 16> bytes{};
  bool whole = false;
  for (std::size_t at = 0; at < count; ++at) {
    const std::uint32_t first = whole ? 0 : in_host_order(least[at]);
    const std::uint32_t distance = whole ? ~0U : in_host_order(most[at]) - first + 1;
    const auto chosen = static_cast<std::uint32_t>(
        first + (std::uint64_t{hash} * distance >> 32U)); // reciprocal_scale()
    for (std::size_t byte = 0; byte < 4; ++byte)
      bytes[4 * at + byte] = static_cast<std::byte>(chosen >> (24 - 8 * byte));
    whole = whole || chosen != in_host_order(most[at]);
    if (!persistent)
      hash ^= called[at];
  }
  return IpAddress::from_bytes(std::span(bytes).first(4 * count));
}

std::optional<PortTerm> nat_port(const PacketClass& packet, const PortTerm& now, NatPortRange ports,
                                 bool destination) {
  if (!ports.given)
    return ports.random && !destination ? std::optional(random_port(packet, now)) : std::nullopt;
  if (ports.last < ports.first)
    std::swap(ports.first, ports.last);
  const auto span = span_of(packet, now);
  const bool inside = span && span->first >= ports.first && span->last <= ports.last;
  const bool outside = span && (span->last < ports.first || span->first > ports.last);
  if (inside && !ports.random)
    return now;
  if (destination && outside && !ports.random)
    return PortTerm::known(ports.first);
  return PortTerm::range(ports.first, ports.last);
}

bool destination_bound(const ConntrackView& ct) {
  return (ct.status & ct_status_destination_nat_done) != 0;
}

bool source_bound(const ConntrackView& ct) {
  return (ct.status & ct_status_source_nat_done) != 0;
}

void bind_destination(PacketClass& packet, const NatTarget& target, const Culprit& by) {
  auto& ct = packet.ct;
  if (!ct.exists || destination_bound(ct))
    return;
  const Endpoint changed = with(ct.answer.source, target);
  if (changed != ct.answer.source) {
    ct.status |= ct_status_destination_nat;
    ct.destination_nat = by;
  }
  ct.answer.source = changed;
  ct.status |= ct_status_destination_nat_done;
}

void bind_source(PacketClass& packet, const NatTarget& target, const Culprit& by, bool masquerade) {
  auto& ct = packet.ct;
  if (!ct.exists || source_bound(ct))
    return;
  const Endpoint changed = with(ct.answer.destination, target);
  if (changed != ct.answer.destination) {
    ct.status |= ct_status_source_nat;
    ct.source_nat = by;
    ct.masquerade = masquerade;
  }
  ct.answer.destination = changed;
  ct.status |= ct_status_source_nat_done;
}

void bind_nothing(PacketClass& packet, bool source) {
  if (packet.ct.exists)
    packet.ct.status |= source ? ct_status_source_nat_done : ct_status_destination_nat_done;
}

void apply_nat(PacketClass& packet, bool source) {
  // nf_nat_packet(): the bit of this manipulation, or for replies of the opposite one.
  const auto& ct = packet.ct;
  const bool source_bit = source != ct.reply;
  if ((ct.status & (source_bit ? ct_status_source_nat : ct_status_destination_nat)) == 0)
    return;
  const CtTuple& other = ct.reply ? ct.original : ct.answer; // inverted, it is what the packet gets
  // nf_nat_icmp_reply_translation(): in what an error quotes it is the other end.
  if (auto quote = quoted_by(packet)) {
    if (source)
      set_destination(*quote, other.destination);
    else
      set_source(*quote, other.source);
    set_quote(packet, *quote);
  }
  if (source)
    set_source(packet, other.destination);
  else
    set_destination(packet, other.source);
}

} // namespace synfate
