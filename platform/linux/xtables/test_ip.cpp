#include "platform/linux/xtables/test_ip.h"

#include <algorithm>
#include <cstring>

namespace synfate::xt {
namespace {

std::optional<std::uint32_t> known_word(const PacketClass& packet, std::size_t offset) {
  std::array<std::uint8_t, 4> bytes{};
  const Octets octets = octets_at(packet, offset, 4);
  if (octets.empty())
    return std::nullopt;
  for (std::size_t at = 0; at < 4; ++at) {
    const Octet octet = resolve(packet, octets[at]);
    if (!octet.is_known())
      return std::nullopt;
    bytes[at] = octet.value;
  }
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

std::uint32_t word_of(ByteView bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

/// ifname_compare_aligned() == 0.
bool name_matches(std::string_view name, ByteView wanted, ByteView mask) {
  for (std::size_t at = 0; at < 16; ++at) {
    const auto letter = static_cast<std::byte>(at < name.size() ? name[at] : '\0');
    if (((letter ^ wanted[at]) & mask[at]) != std::byte{0})
      return false;
  }
  return true;
}

bool inverts(const IpPart& ip, std::uint8_t flag) {
  return (ip.invert & flag) != 0;
}

bool in_matches(const IpPart& ip, const QuickFacts& facts) {
  return name_matches(facts.in, ip.in_name, ip.in_mask) != inverts(ip, wire::invert_in);
}

bool out_matches(const IpPart& ip, const QuickFacts& facts) {
  return name_matches(facts.out, ip.out_name, ip.out_mask) != inverts(ip, wire::invert_out);
}

/// The protocol, and for IPv4 the fragment flag.
bool proto_matches(const IpPart& ip, const QuickFacts& facts) {
  const bool same = facts.transport.valid && facts.transport.proto == ip.proto;
  if (ip.family == IpFamily::v4)
    return ip.proto == 0 || same != inverts(ip, wire::invert_proto);
  if ((ip.flags & wire::flag_proto6) == 0)
    return true;
  if (same)
    return !inverts(ip, wire::invert_proto);
  return ip.proto == 0 || inverts(ip, wire::invert_proto);
}

bool fragment_matches(const IpPart& ip, const QuickFacts& facts) {
  if (ip.family == IpFamily::v6)
    return true;
  const bool wants = (ip.flags & wire::flag_fragment) != 0;
  const bool fails = wants && facts.transport.fragment_offset == 0;
  return fails == inverts(ip, wire::invert_fragment);
}

/// IPv6 asks for a header that is not there: hotdrop.
bool header_missing(const IpPart& ip, const QuickFacts& facts) {
  return ip.family == IpFamily::v6 && (ip.flags & wire::flag_proto6) != 0 && !facts.transport.valid;
}

bool word_matches(const std::optional<std::uint32_t>& address, ByteView mask, ByteView wanted,
                  bool inverted) {
  return !address || ((*address & word_of(mask)) == word_of(wanted)) != inverted;
}

MatchAnswer test_source(const MatchCall& call, const IpPart& ip) {
  return inverted(test_address(call, source_octets(call.packet), ip.source_mask, ip.source,
                               source_field(call.packet)),
                  inverts(ip, wire::invert_source));
}

MatchAnswer test_destination(const MatchCall& call, const IpPart& ip) {
  return inverted(test_address(call, destination_octets(call.packet), ip.destination_mask,
                               ip.destination, destination_field(call.packet)),
                  inverts(ip, wire::invert_destination));
}

} // namespace

QuickFacts quick_facts(const PacketClass& packet) {
  QuickFacts facts;
  facts.transport = transport_info(packet);
  facts.in = packet.meta.in.present() ? std::string_view(packet.meta.in.name) : std::string_view();
  facts.out =
      packet.meta.out.present() ? std::string_view(packet.meta.out.name) : std::string_view();
  if (packet.family == IpFamily::v4) {
    facts.source = known_word(packet, 12);
    facts.destination = known_word(packet, 16);
  }
  return facts;
}

bool addresses_may_match(ByteView entry, IpFamily family, const QuickFacts& facts) {
  if (family != IpFamily::v4)
    return true;
  const auto invert = std::to_integer<std::uint8_t>(entry[offsetof(wire::Ip4, invert)]);
  const auto fits = [&](const std::optional<std::uint32_t>& address, std::size_t wanted,
                        std::size_t mask, std::uint8_t flag) {
    return word_matches(address, entry.subspan(mask), entry.subspan(wanted), (invert & flag) != 0);
  };
  return fits(facts.source, offsetof(wire::Ip4, source), offsetof(wire::Ip4, source_mask),
              wire::invert_source) &&
         fits(facts.destination, offsetof(wire::Ip4, destination),
              offsetof(wire::Ip4, destination_mask), wire::invert_destination);
}

bool may_match(const IpPart& ip, const QuickFacts& facts) {
  if (ip.family == IpFamily::v4 &&
      (!word_matches(facts.source, ip.source_mask, ip.source, inverts(ip, wire::invert_source)) ||
       !word_matches(facts.destination, ip.destination_mask, ip.destination,
                     inverts(ip, wire::invert_destination))))
    return false;
  return in_matches(ip, facts) && out_matches(ip, facts) &&
         (header_missing(ip, facts) || proto_matches(ip, facts)) && fragment_matches(ip, facts);
}

MatchAnswer test_ip(const MatchCall& call, const IpPart& ip, const QuickFacts& facts) {
  if (octets_at(call.packet, 0, ip.family == IpFamily::v4 ? 20 : 40).empty())
    return hotdrop();
  const bool source_decided = facts.source.has_value(); // by may_match()
  const bool destination_decided = facts.destination.has_value();
  return all(
      call,
      [&](const MatchCall& part) { return source_decided ? answer(true) : test_source(part, ip); },
      [&](const MatchCall& part) {
        return destination_decided ? answer(true) : test_destination(part, ip);
      },
      [&](const MatchCall&) { return header_missing(ip, facts) ? hotdrop() : answer(true); });
}

IpFailures ip_failures(const MatchCall& call, const IpPart& ip, const QuickFacts& facts) {
  IpFailures failures;
  const auto fail = [&](bool failed, std::string_view field) {
    if (failed && ++failures.count == 1)
      failures.field = field;
  };
  fail(test_source(call, ip).truth == Truth::no, source_field(call.packet));
  fail(test_destination(call, ip).truth == Truth::no, destination_field(call.packet));
  fail(!in_matches(ip, facts), "iifname");
  fail(!out_matches(ip, facts), "oifname");
  fail(!proto_matches(ip, facts), "meta l4proto");
  fail(!fragment_matches(ip, facts), "ip frag-off");
  return failures;
}

} // namespace synfate::xt
