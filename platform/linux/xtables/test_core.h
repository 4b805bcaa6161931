// What tests of matches are made of: tests on bytes, and how answers are combined.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {

using Octets = std::span<const Octet>;

MatchAnswer answer(bool matched);
/// With the field that was tested, should the answer be inverted or asked for.
MatchAnswer matched(std::string_view field);
MatchAnswer not_matched(std::string_view field);
/// hotdrop: the packet is dropped.
MatchAnswer hotdrop();
MatchAnswer answer(Split split, std::string_view field);
MatchAnswer inverted(MatchAnswer answer, bool invert);

/// Both answers: `what` names the state, "the limit"; `yes` and `no` say when.
MatchAnswer undecided(const MatchCall& call, std::string_view what, std::string_view yes,
                      std::string_view no, std::string_view field = {});

/// Known: the predicate's answer; else both, for the reason it is not known.
template <typename T, typename Predicate>
MatchAnswer perhaps(const MatchCall& call, const Perhaps<T>& value, std::string_view field,
                    Predicate predicate) {
  if (value.known())
    return predicate(value.value()) ? matched(field) : not_matched(field);
  return undecided(call, value.why(), "matches", "does not match", field);
}

/// The octets at an offset from the network header; empty if they reach past the headers.
Octets octets_at(const PacketClass& packet, std::size_t offset, std::size_t size);
/// A header of the transport layer.
struct HeaderView {
  Octets octets;
  bool missing = false; ///< the packet is too short; otherwise, if empty, it lies in the payload
};
HeaderView header_at(const MatchCall& call, std::size_t offset, std::size_t size);

MatchAnswer test_equal(const MatchCall& call, Octets octets, std::span<const std::uint8_t> mask,
                       std::span<const std::uint8_t> value, std::string_view field);
MatchAnswer test_between(const MatchCall& call, Octets octets, std::span<const std::uint8_t> first,
                         std::span<const std::uint8_t> last, std::string_view field);
/// A 16-bit number in network order lies between two.
MatchAnswer test_number(const MatchCall& call, Octets octets, std::uint32_t first,
                        std::uint32_t last, std::string_view field);
/// (byte & mask) == value.
MatchAnswer test_byte(const MatchCall& call, Octet octet, std::uint8_t mask, std::uint8_t value,
                      std::string_view field);

/// Addresses as the headers have them.
Octets source_octets(const PacketClass& packet);
Octets destination_octets(const PacketClass& packet);
std::string_view source_field(const PacketClass& packet);
std::string_view destination_field(const PacketClass& packet);
/// A term's octets against an address under a mask.
MatchAnswer test_address(const MatchCall& call, Octets octets, ByteView mask, ByteView value,
                         std::string_view field);

inline std::span<const std::uint8_t> as_u8(ByteView bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// Continues with `next` on the parts that matched.
template <typename Next> MatchAnswer and_then(const MatchCall& call, MatchAnswer first, Next next) {
  if (first.truth == Truth::yes)
    return next(call);
  if (first.truth == Truth::no)
    return first;
  MatchAnswer joined{Truth::depends, false, {}, {}};
  for (auto& part : first.parts) {
    if (!part.matched) {
      joined.parts.push_back(std::move(part));
      continue;
    }
    MatchAnswer deeper = next(call.with(part.packet));
    if (deeper.truth != Truth::depends) {
      joined.parts.push_back({std::move(part.packet), deeper.truth == Truth::yes, deeper.dropped});
      continue;
    }
    for (auto& inner : deeper.parts)
      joined.parts.push_back(std::move(inner));
  }
  return joined;
}

/// All tests, in order, as && does.
template <typename First> MatchAnswer all(const MatchCall& call, const First& first) {
  return first(call);
}
template <typename First, typename... Rest>
MatchAnswer all(const MatchCall& call, const First& first, const Rest&... rest) {
  return and_then(call, first(call), [&](const MatchCall& part) { return all(part, rest...); });
}

/// Either test, as || does.
template <typename First, typename Second>
MatchAnswer either(const MatchCall& call, const First& first, const Second& second) {
  return inverted(all(
                      call, [&](const MatchCall& part) { return inverted(first(part), true); },
                      [&](const MatchCall& part) { return inverted(second(part), true); }),
                  true);
}

} // namespace synfate::xt
