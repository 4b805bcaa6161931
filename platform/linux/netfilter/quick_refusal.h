// Rules that a class certainly does not match, told at a glance.
//
// Of twenty thousand rules a packet fails nearly all at the first tests: on its protocol, an
// address or a port. These tests are taken from a rule's bytes once, as sixteen bytes each, and put
// to whatever comes by. A rule is refused if one of them fails for the whole class, whatever the
// others say: what stands before it only loads, compares or counts. What is not told apart here
// (unknown bytes, other expressions) goes to the machine, which is exact. Follows machine.h's
// sources; tested by tests/unit/platform/linux/netfilter/quick_refusal_test.cpp, which has both
// answer alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// One comparison of up to four bytes of a QuickPacket.
struct QuickTest {
  enum class Kind : std::uint8_t { equal, not_equal, inside, outside };
  std::uint16_t at = 0;    ///< where the bytes lie in a QuickPacket
  std::uint8_t size = 0;   ///< inside, outside: of the big-endian number
  std::uint8_t number = 0; ///< which test of the rule: a long value is compared in several steps
  Kind kind = Kind::equal;
  bool transport = false;  ///< `at` counts from the transport header
  std::uint32_t mask = 0;  ///< equal, not_equal: the bits to compare; else the lowest number
  std::uint32_t value = 0; ///< equal, not_equal: what they are compared with; else the highest
};

/// What is known of a class, laid out for comparisons. Belongs to one class and one scope.
class QuickPacket {
public:
  /// `protocol_family`: NFPROTO_ number that `meta nfproto` gives there.
  QuickPacket(const PacketClass& packet, std::uint8_t protocol_family);

  /// Of the rule's tests those that certainly fail for the whole class, counted up to `most`.
  unsigned failing(std::span<const QuickTest> tests, unsigned most) const;
  bool refuses(std::span<const QuickTest> tests) const { return failing(tests, 1) > 0; }
  /// The test certainly holds for the whole class.
  bool holds(const QuickTest& test) const;
  /// Where the bytes that a test looks at lie from the network header on; nothing if they do not.
  std::optional<std::size_t> place(const QuickTest& test) const;

private:
  bool fails(const QuickTest& test) const;
  void put(std::size_t at, const void* value, std::size_t size);
  /// The word that a test looks at, and which of its bits are known; false: it lies too far behind.
  bool load(const QuickTest& test, std::uint32_t& word, std::uint32_t& known) const;

  /// Metadata, then the packet from the network header on; and which of the bits are known.
  std::array<char, 256> bytes_{};
  std::array<char, 256> known_{};
  std::size_t transport_ = 0; ///< where the transport header begins
};

/// The client's addresses for which all tests hold. Nothing if anything else has a say that the
/// packet does not decide.
std::optional<IntervalSet> passing_addresses(std::span<const QuickTest> tests,
                                             const QuickPacket& quick, const PacketClass& packet);

/// How a rule goes on behind its tests, if it does nothing but count and give a verdict.
struct QuickEnd {
  enum class Kind : std::uint8_t { drop, accept, reject };
  Kind kind = Kind::drop;
  nft::Reject reject; ///< kind reject
};
/// Nothing: the rule does more, or something else. `from`: where its tests end.
std::optional<QuickEnd> quick_end(std::string_view expressions, std::size_t from);

/// Takes the tests from rules. Most rules of a chain differ from the one before in values alone:
/// then these are all that is read.
class QuickTestReader {
public:
  /// Appends the tests at the front of a rule; of rules of another byte order: none. The bytes must
  /// outlive the reader. Gives where they end, 0 if some were not understood: for quick_end().
  std::size_t add(std::string_view expressions, ByteOrder order, std::vector<QuickTest>& tests);

private:
  /// A value that a test compares with, in the bytes of a rule.
  struct Hole {
    std::size_t at = 0;
    std::size_t size = 0; ///< up to four
    std::size_t test = 0;
  };
  bool like_the_last(std::string_view expressions) const;

  std::string_view last_;        ///< the last rule that was read in full
  std::size_t significant_ = 0;  ///< how many of its bytes its tests hang on
  std::size_t end_ = 0;          ///< of its tests; 0: they are not all there is
  std::vector<Hole> holes_;      ///< in the order of their places
  std::vector<QuickTest> tests_; ///< its tests
};

/// True if the rule looks into a set or map.
bool looks_up(std::string_view expressions, ByteOrder order);

/// The verdict a rule ends with: that of its last expression; `proceed` if it is none.
nft::VerdictCode last_verdict(std::string_view expressions, ByteOrder order);

} // namespace synfate
