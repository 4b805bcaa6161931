// Rules that a class certainly does not match, told from their bytes.
//
// Of twenty thousand rules a packet fails nearly all at the first tests. A rule is refused here if
// one of the tests at its front fails for the whole class, whatever the others say: what stands
// before it only loads, compares or counts. Nothing is decoded, nothing asked, nothing kept. What is
// not told apart here (unknown bytes, other expressions) goes to the machine, which is exact.
// Follows machine.h's sources; tested by
// tests/unit/platform/linux/netfilter/quick_refusal_test.cpp, which has both answer alike.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// What is known of a class, laid out for comparisons. Belongs to one class and one scope.
class QuickPacket {
public:
  /// `protocol_family`: NFPROTO_ number that `meta nfproto` gives there.
  QuickPacket(const PacketClass& packet, std::uint8_t protocol_family);

  /// Bytes and which of their bits are known; both from the network header on.
  std::array<std::uint8_t, 128> bytes{};
  std::array<std::uint8_t, 128> known{};
  std::size_t size = 0; ///< of the headers, or as many as fit
  TransportInfo transport;
  std::uint8_t protocol_family = 0;
  std::uint16_t ethertype = 0;
  Perhaps<std::uint32_t> mark;
  std::uint32_t in = 0;  ///< interface index
  std::uint32_t out = 0; ///< interface index
  std::array<char, 16> in_name{};
  std::array<char, 16> out_name{};
};

/// How many of the tests at the front of a rule certainly fail for the whole class; counts no
/// further than `most`. `expressions` in this machine's byte order; another order: 0.
unsigned failing_tests(std::string_view expressions, ByteOrder order, const QuickPacket& packet,
                       unsigned most);

/// The verdict a rule ends with: that of its last expression; `proceed` if it is none.
nft::VerdictCode last_verdict(std::string_view expressions, ByteOrder order);

} // namespace synfate
