// Sets against a slow search: every key of a small class asked by itself.
#include <deque>
#include <random>

#include "platform/linux/netfilter/set_index.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

using Random = std::mt19937;

unsigned pick(Random& random, unsigned low, unsigned high) {
  return std::uniform_int_distribution<unsigned>(low, high)(random);
}

std::string bytes32(unsigned value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string bytes16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value), 0, 0};
}

constexpr unsigned base = 0x0a4d0000;

/// The class of 32 addresses and 4 ports, and the key "address . port" of it.
PacketClass small_class() {
  PacketClass packet;
  packet.addresses = IntervalSet::range(base, base + 31);
  packet.ports = IntervalSet::range(1000, 1003);
  return packet;
}

std::vector<Octet> class_key(bool port) {
  std::vector<Octet> key;
  for (unsigned at = 0; at < 4; ++at)
    key.push_back(Octet::variable(ByteSource::client_address, at));
  if (port) {
    key.push_back(Octet::variable(ByteSource::client_port, 0));
    key.push_back(Octet::variable(ByteSource::client_port, 1));
    key.push_back(Octet::of(0));
    key.push_back(Octet::of(0));
  }
  return key;
}

/// Each member of the class is in exactly one part, and that says what the key alone says.
bool agrees(const SetIndex& index, bool with_port) {
  const auto parts = index.find(class_key(with_port), small_class());
  if (!parts)
    return false;
  for (unsigned address = base; address < base + 32; ++address)
    for (unsigned port = 1000; port <= 1003; ++port) {
      const auto* wanted =
          index.find(bytes32(address) + (with_port ? bytes16(port) : std::string()));
      unsigned holders = 0;
      for (const auto& part : *parts)
        if (part.addresses.contains(Wide{address}) && part.ports.contains(Wide{port})) {
          ++holders;
          if (part.value != wanted)
            return false;
        }
      if (holders != 1)
        return false;
    }
  return true;
}

} // namespace

TEST_CASE("an interval lasts until its end element, a start at the same key wins") {
  SetIndex index({nft_set_interval, 4, {}, 0, 0, false});
  const std::string keys[] = {bytes32(10), bytes32(20), bytes32(20), bytes32(30)};
  const auto value = index.value({"a", "", ""});
  index.add({keys[0], {}, false, false, value});
  index.add({keys[1], {}, true, false, value});
  index.add({keys[2], {}, false, false, index.value({"b", "", ""})});
  index.add({keys[3], {}, true, false, value});
  index.finish();
  CHECK(index.find(bytes32(9)) == nullptr);
  CHECK(index.find(bytes32(19))->data == "a");
  CHECK(index.find(bytes32(20))->data == "b");
  CHECK(index.find(bytes32(30)) == nullptr);
}

TEST_CASE("the catch-all element answers for what no other holds") {
  SetIndex index({nft_set_map, 4, {}, 0, 4, false});
  const std::string key = bytes32(base + 1);
  index.add({key, {}, false, false, index.value({"one", "", ""})});
  index.add({{}, {}, false, true, index.value({"rest", "", ""})});
  index.finish();
  CHECK(index.find(key)->data == "one");
  CHECK(index.find(bytes32(5))->data == "rest");
  CHECK(agrees(index, false));
}

TEST_CASE("a class is cut by a set exactly as its members are told apart one by one") {
  Random random(5);
  for (int round = 0; round < 300; ++round) {
    std::deque<std::string> kept;
    const unsigned kind = pick(random, 0, 2); // exact, intervals, concatenated ranges
    SetIndex index(kind == 0   ? SetShape{0, 4, {}, 0, 0, false}
                   : kind == 1 ? SetShape{nft_set_interval, 4, {}, 0, 0, false}
                               : SetShape{nft_set_interval, 8, {4, 2}, 0, 0, false});
    unsigned from = base - 3;
    for (unsigned count = pick(random, 0, 6); count > 0; --count) {
      const auto value = index.value({std::string(1, static_cast<char>('a' + count % 2)), "", ""});
      const auto keep = [&](std::string bytes) -> std::string_view {
        return kept.emplace_back(std::move(bytes));
      };
      from += pick(random, 1, 6);
      const unsigned to = from + pick(random, 0, 5);
      if (kind == 0)
        index.add({keep(bytes32(from)), {}, false, false, value});
      if (kind == 1) {
        index.add({keep(bytes32(from)), {}, false, false, value});
        index.add({keep(bytes32(to + 1)), {}, true, false, value});
      }
      if (kind == 2) {
        const unsigned low = pick(random, 999, 1003);
        index.add({keep(bytes32(from) + bytes16(low)),
                   keep(bytes32(to) + bytes16(pick(random, low, 1004))), false, false, value});
      }
      from = to + 1;
    }
    index.finish();
    REQUIRE(agrees(index, kind == 2));
  }
}

TEST_CASE("a key of which bytes are free is undecided only where an element could hold it") {
  SetIndex index({0, 4, {}, 0, 0, false});
  const std::string key = {1, 2, 3, 4};
  index.add({key, {}, false, false, index.value({"", "", ""})});
  index.finish();
  std::vector<Octet> half{Octet::of(1), Octet::of(2), Octet::any(), Octet::any()};
  CHECK(index.find(half, small_class())->size() == 2);
  half[0] = Octet::of(9);
  const auto parts = index.find(half, small_class());
  REQUIRE(parts->size() == 1);
  CHECK(parts->front().value == nullptr);
  CHECK_FALSE(parts->front().undecided);
}

} // namespace synfate
