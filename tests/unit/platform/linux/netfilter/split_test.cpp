// Interval sets and tests on classes against a slow reference: every value of a small class by
// itself.
#include <cstring>
#include <random>

#include "platform/linux/netfilter/split.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

using Random = std::mt19937;

unsigned pick(Random& random, unsigned low, unsigned high) {
  return std::uniform_int_distribution<unsigned>(low, high)(random);
}

IntervalSet random_set(Random& random, std::vector<bool>& members) {
  std::vector<Interval> intervals;
  for (unsigned count = pick(random, 0, 5); count > 0; --count) {
    const unsigned first = pick(random, 0, 255), last = pick(random, first, 255);
    intervals.push_back({first, last});
    for (unsigned value = first; value <= last; ++value)
      members[value] = true;
  }
  return IntervalSet::from(std::move(intervals));
}

bool same(const IntervalSet& set, const std::vector<bool>& members) {
  for (unsigned value = 0; value < members.size(); ++value)
    if (set.contains(Wide{value}) != members[value])
      return false;
  return true;
}

/// 64 addresses, 4 ports, and octets that mix the variables with known bytes.
PacketClass small_class() {
  PacketClass packet;
  packet.addresses = IntervalSet::range(0x0a4d00e0, 0x0a4d011f);
  packet.ports = IntervalSet::range(40000, 40003);
  return packet;
}

std::vector<Octet> random_octets(Random& random) {
  std::vector<Octet> octets;
  const unsigned shape = pick(random, 0, 5);
  const unsigned from = shape == 3 ? pick(random, 0, 3) : 0;
  if (shape != 1)
    for (unsigned at = from; at < 4; ++at)
      octets.push_back(Octet::variable(ByteSource::client_address, at));
  if (shape == 1 || shape == 2)
    for (unsigned at = 0; at < 2; ++at)
      octets.push_back(Octet::variable(ByteSource::client_port, at));
  if (shape >= 4)
    octets.insert(pick(random, 0, 1) == 0 ? octets.begin() : octets.end(), Octet::of(0x50));
  return octets;
}

std::vector<std::uint8_t> concrete(const std::vector<Octet>& octets, unsigned address,
                                   unsigned port) {
  std::vector<std::uint8_t> bytes;
  for (const auto& octet : octets)
    bytes.push_back(octet.is_known() ? octet.value
                    : octet.source == ByteSource::client_address
                        ? static_cast<std::uint8_t>(address >> (24 - 8 * octet.index))
                        : static_cast<std::uint8_t>(port >> (8 - 8 * octet.index)));
  return bytes;
}

unsigned holders(const std::vector<PacketClass>& parts, unsigned address, unsigned port,
                 bool& conditional) {
  unsigned count = 0;
  for (const auto& part : parts)
    if (part.addresses.contains(Wide{address}) && part.ports.contains(Wide{port})) {
      ++count;
      conditional = conditional || !part.conditions.empty();
    }
  return count;
}

/// Every member of the class is in exactly one part, the right one (or in conditional ones).
template <typename Test> bool parts_agree(const Split& split, Test test) {
  for (unsigned address = 0x0a4d00e0; address <= 0x0a4d011f; ++address)
    for (unsigned port = 40000; port <= 40003; ++port) {
      bool conditional = false;
      const unsigned yes = holders(split.yes, address, port, conditional);
      const unsigned no = holders(split.no, address, port, conditional);
      if (conditional)
        continue;
      const bool wanted = test(address, port);
      if (yes != (wanted ? 1U : 0U) || no != (wanted ? 0U : 1U))
        return false;
    }
  return true;
}

} // namespace

/// 200 intervals of 0 … 2047: great enough that what is cut out of it is kept beside it.
IntervalSet great_set(Random& random, std::vector<bool>& members) {
  std::vector<Interval> intervals;
  for (unsigned at = 0; at < 200; ++at) {
    const unsigned first = 10 * at + pick(random, 0, 3), last = first + pick(random, 0, 4);
    intervals.push_back({first, last});
    for (unsigned value = first; value <= last; ++value)
      members[value] = true;
  }
  return IntervalSet::from(std::move(intervals));
}

TEST_CASE("cutting a little out of a great set and putting it back equals single values") {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<bool> members(2048);
    auto set = great_set(random, members);
    const auto whole = set;
    for (int step = 0; step < 60; ++step) {
      const unsigned first = pick(random, 0, 2000), last = first + pick(random, 0, 40);
      const auto part = whole & IntervalSet::range(first, last);
      const bool back = pick(random, 0, 2) == 0;
      const bool cut = !back;
      const auto before = set;
      set = back ? set | part : set - IntervalSet::range(first, last);
      for (unsigned value = first; value <= last; ++value)
        members[value] = cut ? false : whole.contains(Wide{value}) || members[value];
      CHECK((set & part).empty() == set.disjoint(part));
      CHECK(set.contains(part) == (part - set).empty());
      CHECK((set == before) == (set.intervals() == before.intervals()));
    }
    CHECK(same(set, members));
    if (!set.empty())
      CHECK(set.first() == set.intervals().front().first);
  }
}

TEST_CASE("a great set of which all is cut out is empty, and of which one is left has only that") {
  std::vector<Interval> intervals;
  for (unsigned at = 0; at < 100; ++at)
    intervals.push_back({10 * at, 10 * at});
  auto set = IntervalSet::from(intervals);
  for (unsigned at = 99; at > 0; --at)
    set = set - IntervalSet::single(10 * at);
  CHECK(set.only() == Wide{0});
  CHECK((set - IntervalSet::single(0)).empty());
}

TEST_CASE("the union of many sets is that of all pairs") {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<IntervalSet> sets;
    IntervalSet one_by_one;
    for (unsigned count = pick(random, 0, 6); count > 0; --count) {
      std::vector<bool> ignored(256);
      sets.push_back(random_set(random, ignored));
      one_by_one = one_by_one | sets.back();
    }
    CHECK(IntervalSet::unite(sets) == one_by_one);
  }
}

TEST_CASE("set operations equal those on single values") {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<bool> a(256), b(256), both(256), either(256), rest(256);
    const auto x = random_set(random, a), y = random_set(random, b);
    bool contained = true, disjoint = true;
    for (unsigned value = 0; value < 256; ++value) {
      both[value] = a[value] && b[value];
      either[value] = a[value] || b[value];
      rest[value] = a[value] && !b[value];
      contained = contained && (!b[value] || a[value]);
      disjoint = disjoint && !both[value];
    }
    REQUIRE(same(x & y, both));
    REQUIRE(same(x | y, either));
    REQUIRE(same(x - y, rest));
    REQUIRE(x.contains(y) == contained);
    REQUIRE(x.disjoint(y) == disjoint);
  }
}

TEST_CASE("a mask selects exactly the values whose masked bits are equal") {
  for (unsigned mask = 0; mask < 256; ++mask)
    for (const unsigned value : {0U, 5U, 0x80U, 0xa4U}) {
      std::vector<bool> members(256);
      for (unsigned at = 0; at < 256; ++at)
        members[at] = (at & mask) == value;
      REQUIRE(same(*IntervalSet::masked(mask, value, 8), members));
    }
  CHECK_FALSE(IntervalSet::masked(1, 1, 32, 100));
}

TEST_CASE("the whole address space has edges") {
  const auto all = IntervalSet::all(128);
  CHECK((all - IntervalSet::single(0)).contains(all_ones(128)));
  CHECK((all - all).empty());
  CHECK((IntervalSet::range(0, all_ones(128) - 1) | IntervalSet::single(all_ones(128))) == all);
  CHECK(to_string(IntervalSet::all(32), IpFamily::v4) == "0.0.0.0/0");
  CHECK(to_prefixes(IntervalSet::range(1, 6), IpFamily::v4).size() == 4);
}

TEST_CASE("equality cuts a class into exactly the packets that pass and the rest") {
  Random random(11);
  for (int round = 0; round < 3000; ++round) {
    const auto packet = small_class();
    const auto octets = random_octets(random);
    auto value = concrete(octets, 0x0a4d00e0 + pick(random, 0, 70), 40000 + pick(random, 0, 5));
    std::vector<std::uint8_t> mask(octets.size(), 0xff);
    if (pick(random, 0, 1) == 0)
      for (std::size_t at = 0; at < mask.size(); ++at)
        mask[at] = static_cast<std::uint8_t>(0xff << pick(random, 0, 8));
    for (std::size_t at = 0; at < mask.size(); ++at)
      value[at] &= mask[at];
    const auto test = [&](unsigned address, unsigned port) {
      auto bytes = concrete(octets, address, port);
      for (std::size_t at = 0; at < bytes.size(); ++at)
        bytes[at] &= mask[at];
      return bytes == value;
    };
    const auto split = split_equals(packet, octets, mask, value, TestContext{});
    REQUIRE(parts_agree(split, test));
    const auto truth = equals(octets, mask, value, packet);
    REQUIRE((truth == Truth::yes) == split.no.empty());
    REQUIRE((truth == Truth::no) == split.yes.empty());
  }
}

TEST_CASE("a range cuts a class into exactly the packets inside and outside") {
  Random random(13);
  for (int round = 0; round < 3000; ++round) {
    const auto packet = small_class();
    const auto octets = random_octets(random);
    auto first = concrete(octets, 0x0a4d00e0 + pick(random, 0, 70), 40000 + pick(random, 0, 5));
    auto last = concrete(octets, 0x0a4d00e0 + pick(random, 0, 70), 40000 + pick(random, 0, 5));
    const auto test = [&](unsigned address, unsigned port) {
      const auto bytes = concrete(octets, address, port);
      return bytes >= first && bytes <= last;
    };
    if (first > last)
      std::swap(first, last);
    REQUIRE(parts_agree(split_between(packet, octets, first, last, TestContext{}), test));
  }
}

TEST_CASE("a test of what nobody knows gives both answers, each with its condition") {
  const auto packet = small_class();
  const std::vector<Octet> octets(4);
  const std::vector<std::uint8_t> value{1, 2, 3, 4};
  const auto split =
      split_equals(packet, octets, {}, value, {"tcp sequence", "tcp sequence 1", {}});
  REQUIRE(split.yes.size() == 1);
  REQUIRE(split.no.size() == 1);
  CHECK(split.yes.front().conditions.front().field == "tcp sequence");
  CHECK(split.no.front().conditions.front().when == "tcp sequence 1 does not hold");
}

} // namespace synfate
