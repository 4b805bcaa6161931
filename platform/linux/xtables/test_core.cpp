#include "platform/linux/xtables/test_core.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/xtables/text.h"

namespace synfate::xt {
namespace {

TestContext context_of(const MatchCall& call, std::string_view field) {
  if (call.extension.name.empty()) // the rule's own addresses
    return {std::string(field), fmt::format("{} of {}", field, call.rule().id), call.rule()};
  return {
      std::string(field),
      fmt::format("{} ({})", field, match_text(call.extension, call.packet.family, TextNames{})),
      call.rule()};
}

bool all_known(Octets octets) {
  return std::ranges::all_of(octets, [](const Octet& octet) { return octet.is_known(); });
}

/// memcmp() of known octets.
int compare(Octets octets, std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 0; at < octets.size(); ++at)
    if (octets[at].value != bytes[at])
      return octets[at].value < bytes[at] ? -1 : 1;
  return 0;
}

} // namespace

MatchAnswer answer(bool matched) {
  return {matched ? Truth::yes : Truth::no, false, {}, {}};
}

MatchAnswer not_matched(std::string_view field) {
  return {Truth::no, false, {}, std::string(field)};
}

MatchAnswer matched(std::string_view field) {
  return {Truth::yes, false, {}, std::string(field)};
}

MatchAnswer hotdrop() {
  return {Truth::no, true, {}, {}};
}

MatchAnswer answer(Split split, std::string_view field) {
  if (split.no.empty())
    return matched(field);
  if (split.yes.empty())
    return not_matched(field);
  MatchAnswer parts{Truth::depends, false, {}, std::string(field)};
  for (auto& packet : split.yes)
    parts.parts.push_back({std::move(packet), true, false});
  for (auto& packet : split.no)
    parts.parts.push_back({std::move(packet), false, false});
  return parts;
}

MatchAnswer inverted(MatchAnswer answer, bool invert) {
  if (!invert)
    return answer;
  if (answer.truth != Truth::depends && !answer.dropped)
    answer.truth = answer.truth == Truth::yes ? Truth::no : Truth::yes;
  for (auto& part : answer.parts)
    part.matched = !part.dropped && !part.matched;
  return answer;
}

MatchAnswer undecided(const MatchCall& call, std::string_view what, std::string_view yes,
                      std::string_view no, std::string_view field) {
  const Culprit by = call.rule();
  const auto when = [&](std::string_view how) {
    return Condition{fmt::format("{} of {} {}", what, by.id, how), by, std::string(field)};
  };
  return answer(split_undecided(call.packet, when(yes), when(no)), field);
}

Octets octets_at(const PacketClass& packet, std::size_t offset, std::size_t size) {
  const Octets network(packet.network);
  return offset + size <= network.size() ? network.subspan(offset, size) : Octets();
}

HeaderView header_at(const MatchCall& call, std::size_t offset, std::size_t size) {
  HeaderView view{octets_at(call.packet, offset, size), false};
  view.missing = view.octets.empty() && !reaches_payload(call.packet, offset, size);
  return view;
}

MatchAnswer test_equal(const MatchCall& call, Octets octets, std::span<const std::uint8_t> mask,
                       std::span<const std::uint8_t> value, std::string_view field) {
  switch (equals(octets, mask, value, call.packet)) {
  case Truth::yes:
    return matched(field);
  case Truth::no:
    return not_matched(field);
  case Truth::depends:
    break;
  }
  return answer(split_equals(call.packet, octets, mask, value, context_of(call, field)), field);
}

MatchAnswer test_between(const MatchCall& call, Octets octets, std::span<const std::uint8_t> first,
                         std::span<const std::uint8_t> last, std::string_view field) {
  if (all_known(octets)) {
    const bool inside = compare(octets, first) >= 0 && compare(octets, last) <= 0;
    return inside ? matched(field) : not_matched(field);
  }
  switch (between(octets, first, last, call.packet)) {
  case Truth::yes:
    return matched(field);
  case Truth::no:
    return not_matched(field);
  case Truth::depends:
    break;
  }
  return answer(split_between(call.packet, octets, first, last, context_of(call, field)), field);
}

MatchAnswer test_number(const MatchCall& call, Octets octets, std::uint32_t first,
                        std::uint32_t last, std::string_view field) {
  if (first > last)
    return not_matched(field);
  std::array<std::uint8_t, 4> low{};
  std::array<std::uint8_t, 4> high{};
  for (std::size_t at = 0; at < octets.size(); ++at) {
    const auto shift = 8 * (octets.size() - 1 - at);
    low[at] = static_cast<std::uint8_t>(first >> shift);
    high[at] = static_cast<std::uint8_t>(last >> shift);
  }
  const std::span<const std::uint8_t> from(low);
  const std::span<const std::uint8_t> to(high);
  return test_between(call, octets, from.first(octets.size()), to.first(octets.size()), field);
}

MatchAnswer test_byte(const MatchCall& call, Octet octet, std::uint8_t mask, std::uint8_t value,
                      std::string_view field) {
  return test_equal(call, Octets(&octet, 1), std::span(&mask, 1), std::span(&value, 1), field);
}

Octets source_octets(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? octets_at(packet, 12, 4) : octets_at(packet, 8, 16);
}

Octets destination_octets(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? octets_at(packet, 16, 4) : octets_at(packet, 24, 16);
}

std::string_view source_field(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? "ip saddr" : "ip6 saddr";
}

std::string_view destination_field(const PacketClass& packet) {
  return packet.family == IpFamily::v4 ? "ip daddr" : "ip6 daddr";
}

MatchAnswer test_address(const MatchCall& call, Octets octets, ByteView mask, ByteView value,
                         std::string_view field) {
  return test_equal(call, octets, as_u8(mask).first(octets.size()),
                    as_u8(value).first(octets.size()), field);
}

} // namespace synfate::xt
