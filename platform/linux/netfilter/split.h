// Tests on packet classes: which part of a class passes, which part does not.
//
// Each test answers yes, no, or depends. Only when it depends is the class cut: into disjoint
// classes by the client's address and port, or, for what nobody can know, into two equal classes
// with a condition each. Both firewalls' evaluators use these.
// Tested by tests/unit/platform/linux/netfilter/split_test.cpp.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "platform/linux/netfilter/packet.h"

namespace synfate {

enum class Truth : std::uint8_t { no, yes, depends };

/// The parts of a class for which a test holds and for which it does not.
struct Split {
  std::vector<PacketClass> yes;
  std::vector<PacketClass> no;
};

/// What is tested, for conditions: the field in nft syntax, and the object whose rule tests it.
struct TestContext {
  std::string field; ///< "tcp sequence"
  std::string test;  ///< "tcp sequence 5": the whole test
  Culprit by;
};

/// Makes the words when they are needed.
using TestWords = std::function<TestContext()>;

/// The client's addresses for which (octets & mask) == value, where nothing else decides it.
std::optional<IntervalSet> equal_addresses(const PacketClass& packet, std::span<const Octet> octets,
                                           std::span<const std::uint8_t> mask,
                                           std::span<const std::uint8_t> value);

/// (octets & mask) == value, byte by byte. `mask` empty: all ones.
Truth equals(std::span<const Octet> octets, std::span<const std::uint8_t> mask,
             std::span<const std::uint8_t> value, const PacketClass& packet);
Split split_equals(const PacketClass& packet, std::span<const Octet> octets,
                   std::span<const std::uint8_t> mask, std::span<const std::uint8_t> value,
                   const TestContext& context);
Split split_equals(const PacketClass& packet, std::span<const Octet> octets,
                   std::span<const std::uint8_t> mask, std::span<const std::uint8_t> value,
                   const TestWords& words);

/// first <= octets <= last, compared as memcmp() does.
Truth between(std::span<const Octet> octets, std::span<const std::uint8_t> first,
              std::span<const std::uint8_t> last, const PacketClass& packet);
Split split_between(const PacketClass& packet, std::span<const Octet> octets,
                    std::span<const std::uint8_t> first, std::span<const std::uint8_t> last,
                    const TestContext& context);
Split split_between(const PacketClass& packet, std::span<const Octet> octets,
                    std::span<const std::uint8_t> first, std::span<const std::uint8_t> last,
                    const TestWords& words);

/// The client's address (or port) is in a set.
Split split_addresses(const PacketClass& packet, const IntervalSet& set);
Split split_ports(const PacketClass& packet, const IntervalSet& set);

/// Both answers are possible: yes when `condition` holds, no when it does not.
Split split_undecided(const PacketClass& packet, const Condition& yes, const Condition& no);

} // namespace synfate
