// What is refused at a glance, the machine refuses as well; and of what both understand, the
// glance misses nothing.
#include <algorithm>
#include <bit>
#include <deque>
#include <random>
#include <tuple>

#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/netfilter/live_rules.h"

namespace synfate {
namespace {

constexpr ByteOrder this_machine =
    std::endian::native == std::endian::little ? ByteOrder::little : ByteOrder::big;

std::string u16(std::size_t value) {
  const auto number = static_cast<std::uint16_t>(value);
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string attribute(unsigned type, const std::string& payload) {
  std::string bytes = u16(payload.size() + 4) + u16(type) + payload;
  bytes.resize((bytes.size() + 3) & ~std::size_t{3}, '\0');
  return bytes;
}

std::string number(unsigned value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string expression(const std::string& name, const std::string& attributes) {
  return attribute(1, attribute(1, name + '\0') + attribute(2, attributes));
}

std::string data(unsigned type, const std::string& value) {
  return attribute(type, attribute(1, value));
}

/// Rules of loads and tests on one register, and the packets they are put to.
class RandomRules {
public:
  explicit RandomRules(unsigned seed) : random_(seed) {}

  std::string rule() {
    std::string bytes;
    for (unsigned tests = 1 + pick(3); tests > 0; --tests)
      bytes += load() + (pick(4) == 0 ? mask() : std::string()) + test();
    return bytes + (pick(2) == 0 ? expression("counter", "") : std::string()) +
           expression("immediate", attribute(1, number(0)) +
                                       attribute(2, attribute(2, attribute(1, number(1)))));
  }

  PacketClass packet(bool one_client) {
    FlowFacts facts;
    facts.family = pick(4) == 0 ? IpFamily::v6 : IpFamily::v4;
    const bool v4 = facts.family == IpFamily::v4;
    const auto client = *IpAddress::parse(v4 ? "10.77.0.2" : "2001:db8::2");
    facts.addresses = one_client ? IntervalSet::address(client) : some_clients(client);
    facts.ports = one_client ? IntervalSet::single(40000) : some_ports();
    facts.mtu = 1500;
    auto packet =
        build_packet(Packet::syn, facts, {AddressTerm::client(), PortTerm::client()},
                     {AddressTerm::known(*IpAddress::parse(v4 ? "10.77.0.1" : "2001:db8::1")),
                      PortTerm::known(8080)});
    packet.meta.in = {2, "eth0", Int{1}, Int{0}, std::string("veth"), Int{0}, false, {}};
    return packet;
  }

  /// One of the class's clients; the machine cuts not every class as finely as it might.
  PacketClass member(const PacketClass& packet) {
    PacketClass one = packet;
    for (auto* values : {&one.addresses, &one.ports}) {
      const auto [first, last] = values->intervals().front();
      *values = IntervalSet::single(first + (last == first ? 0 : random_() % (last - first)));
    }
    return one;
  }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

private:
  /// All of them, or those from this one on: they have some bits in common.
  IntervalSet some_clients(const IpAddress& client) {
    const unsigned bits = client.family() == IpFamily::v4 ? 32 : 128;
    if (pick(2) == 0)
      return IntervalSet::all(bits);
    const Wide first = to_number(client);
    return IntervalSet::range(first, first + random_() % (Wide(1) << pick(28)));
  }

  IntervalSet some_ports() {
    if (pick(2) == 0)
      return client_ports();
    const Wide first = pick(2) == 0 ? 8080 : random_() % 60000;
    return IntervalSet::range(first, first + pick(1U << pick(12)));
  }

  std::string load() {
    static constexpr unsigned keys[] = {1, 3, 4, 6, 7, 15, 16}; // protocol, mark … l4proto
    static constexpr unsigned sizes[] = {2, 4, 4, 16, 16, 1, 1};
    if (const unsigned at = pick(12); at < 7) {
      size_ = sizes[at];
      text_ = size_ == 16;
      return expression("meta", attribute(1, number(1)) + attribute(2, number(keys[at])));
    }
    text_ = false;
    static constexpr unsigned lengths[] = {1, 2, 4, 16};
    size_ = lengths[pick(4)];
    const unsigned base = 1 + pick(2);
    const unsigned offset = base == 1 ? pick(24) : pick(6);
    return expression("payload", attribute(1, number(1)) + attribute(2, number(base)) +
                                     attribute(3, number(offset)) + attribute(4, number(size_)));
  }

  std::string mask() {
    std::string bits, flip;
    for (unsigned at = 0; at < size_; ++at) {
      bits += static_cast<char>(pick(2) == 0 ? 0xff : random_());
      flip += static_cast<char>(pick(8) == 0 ? random_() : 0);
    }
    return expression("bitwise", attribute(1, number(1)) + attribute(2, number(1)) +
                                     attribute(3, number(size_)) + data(4, bits) + data(5, flip) +
                                     attribute(6, number(0)));
  }

  /// Of bytes that packets have, often.
  std::string value() {
    static const std::string usual[] = {std::string("\x06", 1),
                                        std::string("\x02", 1),
                                        std::string("\x1f\x90", 2),
                                        std::string("\x08\x00", 2),
                                        std::string("\x0a\x4d\x00\x02", 4),
                                        std::string("\x0a\x4d\x00\x01", 4)};
    std::string bytes = text_ ? "eth0" : usual[pick(6)];
    for (auto& byte : bytes)
      if (pick(8) == 0)
        byte = static_cast<char>(random_());
    bytes.resize(size_, '\0');
    return bytes;
  }

  std::string test() {
    if (pick(5) != 0)
      return expression("cmp",
                        attribute(1, number(1)) + attribute(2, number(pick(6))) + data(3, value()));
    std::string first = value(), last = value();
    if (last < first)
      std::swap(first, last);
    return expression("range", attribute(1, number(1)) + attribute(2, number(pick(2))) +
                                   data(3, first) + data(4, last));
  }

  std::mt19937 random_;
  unsigned size_ = 1;
  bool text_ = false;
};

/// How the rule ends for the packets of the class.
std::vector<RuleEnd> ends_of(const std::string& bytes, const PacketClass& packet) {
  test::LiveRules live;
  Inquiry inquiry(live.snapshot);
  HookContext context{inquiry, live.ruleset, nullptr, live.options};
  const HookRequest request{.hook = Hook::input, .netns = 1};
  const NftScope scope{1, "inet", "t"};
  const std::string chain = "c";
  RuleRow rule;
  rule.bytes = bytes;
  std::vector<RuleEnd> ends;
  Machine(context, request)
      .run({&scope, &chain, &rule}, std::make_shared<const PacketClass>(packet), ends);
  return ends;
}

/// Every part of the class breaks the rule.
bool machine_refuses(const std::string& bytes, const PacketClass& packet) {
  return std::ranges::all_of(ends_of(bytes, packet), &RuleEnd::broke);
}

bool glance_refuses(const std::string& bytes, const PacketClass& packet) {
  std::vector<QuickTest> tests;
  QuickTestReader().add(bytes, this_machine, tests);
  const std::uint8_t family = packet.family == IpFamily::v4 ? 2 : 10;
  return QuickPacket(packet, family).refuses(tests);
}

/// The addresses of those that a rule lets in, as the machine has it. Nothing: ports or conditions
/// have a say.
std::optional<IntervalSet> let_in(const std::string& bytes, const PacketClass& packet) {
  const auto ends = ends_of(bytes, packet);
  IntervalSet in;
  for (const auto& end : ends) {
    if (!end.packet->conditions.empty() || !(end.packet->ports == packet.ports))
      return std::nullopt;
    if (end.verdict.code == nft::VerdictCode::accept)
      in = in | end.packet->addresses;
  }
  return in;
}

auto members(const QuickTest& test) {
  return std::tuple(test.at, test.size, test.number, test.kind, test.transport, test.mask,
                    test.value);
}

bool same(const QuickTest& a, const QuickTest& b) {
  return members(a) == members(b);
}

} // namespace

TEST_CASE("what was read before changes nothing of the tests that a rule begins with") {
  RandomRules random(9);
  QuickTestReader used;
  unsigned other_values = 0;
  std::string bytes = random.rule();
  std::deque<std::string> kept; // the reader looks back at the last one
  for (unsigned round = 0; round < 40000; ++round) {
    if (random.pick(4) == 0)
      bytes = random.rule();
    else
      bytes[random.pick(static_cast<unsigned>(bytes.size()))] =
          static_cast<char>(random.pick(random.pick(2) == 0 ? 8 : 256));
    kept.push_back(bytes);
    std::vector<QuickTest> tests, fresh;
    used.add(kept.back(), this_machine, tests);
    QuickTestReader().add(kept.back(), this_machine, fresh);
    INFO("round " << round);
    REQUIRE(tests.size() <= fresh.size()); // the front of the tests refuses as well
    REQUIRE(std::equal(tests.begin(), tests.end(), fresh.begin(), same));
    other_values += tests.size() == fresh.size() && !tests.empty();
  }
  CHECK(other_values > 8000); // or nothing was tried
}

TEST_CASE("of rules that differ in values and counters alone every test is found") {
  QuickTestReader reader;
  const auto rule = [](unsigned at) {
    const std::string address{'\x0a', '\x4d', '\x00', static_cast<char>(at)};
    const std::string port{'\x1f', static_cast<char>(at)};
    const auto is = [](const std::string& value) {
      return expression("cmp", attribute(1, number(1)) + attribute(2, number(0)) + data(3, value));
    };
    return expression("payload", attribute(1, number(1)) + attribute(2, number(1)) +
                                     attribute(3, number(12)) + attribute(4, number(4))) +
           is(address) +
           expression("payload", attribute(1, number(1)) + attribute(2, number(2)) +
                                     attribute(3, number(2)) + attribute(4, number(2))) +
           is(port) + expression("counter", attribute(1, number(0) + number(at))) +
           expression("immediate", attribute(1, number(0)));
  };
  std::deque<std::string> kept;
  for (unsigned at = 0; at < 256; ++at) {
    std::vector<QuickTest> tests, fresh;
    kept.push_back(rule(at));
    reader.add(kept.back(), this_machine, tests);
    QuickTestReader().add(kept.back(), this_machine, fresh);
    REQUIRE(tests.size() == 2);
    CHECK(std::ranges::equal(tests, fresh, same));
  }
}

TEST_CASE("a rule that is refused at a glance is refused by the machine") {
  RandomRules random(7);
  unsigned refused = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    const auto bytes = random.rule();
    const auto packet = random.packet(random.pick(2) == 0);
    if (!glance_refuses(bytes, packet))
      continue;
    ++refused;
    INFO("round " << round);
    REQUIRE(machine_refuses(bytes, random.member(packet)));
  }
  CHECK(refused > 5000); // or nothing was tried
}

TEST_CASE("whom a rule lets in is told at a glance as the machine tells it") {
  RandomRules random(11);
  QuickTestReader used;
  std::deque<std::string> kept; // the reader looks back at the last one
  kept.push_back(random.rule());
  unsigned told = 0, some = 0;
  for (unsigned round = 0; round < 60000; ++round) {
    auto bytes = random.pick(2) == 0 ? random.rule() : kept.back();
    if (random.pick(4) == 0) {
      const unsigned size = 1 + random.pick(4);
      bytes = expression("payload", attribute(1, number(1)) + attribute(2, number(1)) +
                                        attribute(3, number(12)) + attribute(4, number(size))) +
              expression("cmp", attribute(1, number(1)) + attribute(2, number(0)) +
                                    data(3, std::string("\x0a\x4d\x00\x02", 4).substr(0, size))) +
              bytes;
    }
    if (random.pick(2) == 0)
      bytes[random.pick(static_cast<unsigned>(bytes.size()))] =
          static_cast<char>(random.pick(random.pick(2) == 0 ? 8 : 256));
    kept.push_back(bytes);
    std::vector<QuickTest> tests;
    const std::size_t from = used.add(kept.back(), this_machine, tests);
    const auto end = from == 0 ? std::nullopt : quick_end(kept.back(), from);
    auto packet = random.packet(false);
    if (!end || end->kind != QuickEnd::Kind::accept)
      continue;
    const QuickPacket quick(packet, packet.family == IpFamily::v4 ? 2 : 10);
    if (quick.refuses(tests))
      continue;
    const auto passing = passing_addresses(tests, quick, packet);
    if (!passing)
      continue;
    INFO("round " << round);
    const auto in = let_in(kept.back(), packet);
    if (!in) // test by test an address may be too much to tell apart
      continue;
    REQUIRE(*in == (packet.addresses & *passing));
    ++told;
    some += !in->empty() && !(*in == packet.addresses);
  }
  CHECK(told > 1000); // or nothing was tried
  CHECK(some > 100);
}

TEST_CASE("what a rule does behind its tests is told only where it is all it does") {
  const auto verdict = [](std::int32_t code) {
    return expression(
        "immediate",
        attribute(1, number(0)) +
            attribute(2, attribute(2, attribute(1, number(static_cast<unsigned>(code))))));
  };
  const auto counter = expression("counter", "");
  using enum QuickEnd::Kind;
  CHECK(quick_end(verdict(0), 0)->kind == drop);
  CHECK(quick_end(counter + verdict(1), 0)->kind == accept);
  CHECK(quick_end(counter + verdict(1), counter.size())->kind == accept);
  CHECK_FALSE(quick_end(verdict(-3), 0)); // a jump
  CHECK_FALSE(quick_end(verdict(0) + counter, 0));
  CHECK_FALSE(quick_end(expression("log", "") + verdict(0), 0));
  CHECK_FALSE(quick_end(counter, 0));
  const auto answering = [](unsigned type, unsigned code) {
    return expression("reject", attribute(1, number(type)) +
                                    attribute(2, std::string(1, static_cast<char>(code))));
  };
  const auto answer = quick_end(counter + answering(2, 3), 0);
  REQUIRE(answer);
  CHECK(answer->kind == QuickEnd::Kind::reject);
  CHECK(answer->reject.type == nft::RejectType::icmpx);
  CHECK(answer->reject.code == 3);
  CHECK_FALSE(quick_end(answering(3, 0), 0)); // no such kind
}

TEST_CASE("of rules on another port or address none gets past the glance") {
  RandomRules random(8);
  const auto packet = [&] {
    auto one = random.packet(true);
    while (one.family != IpFamily::v4)
      one = random.packet(true);
    return one;
  }();
  const auto port = expression("payload", attribute(1, number(1)) + attribute(2, number(2)) +
                                              attribute(3, number(2)) + attribute(4, number(2)));
  const auto source = expression("payload", attribute(1, number(1)) + attribute(2, number(1)) +
                                                attribute(3, number(12)) + attribute(4, number(4)));
  const auto is = [](const std::string& value) {
    return expression("cmp", attribute(1, number(1)) + attribute(2, number(0)) + data(3, value));
  };
  CHECK(glance_refuses(port + is(std::string("\x1f\x91", 2)), packet));
  CHECK_FALSE(glance_refuses(port + is(std::string("\x1f\x90", 2)), packet));
  CHECK(glance_refuses(source + is(std::string("\x0a\x4d\x00\x03", 4)), packet));
  CHECK_FALSE(glance_refuses(source + is(std::string("\x0a\x4d\x00\x02", 4)), packet));
  CHECK(glance_refuses(source + is(std::string("\x0a\x4d\x00\x02", 4)) + port +
                           is(std::string("\x1f\x91", 2)),
                       packet));
  // what stands behind an expression with effects is not looked at
  CHECK_FALSE(
      glance_refuses(expression("limit", "") + port + is(std::string("\x1f\x91", 2)), packet));
}

TEST_CASE("a rule's last verdict and its lookups are told from its bytes") {
  const auto verdict = [](std::int32_t code) {
    return expression(
        "immediate",
        attribute(1, number(0)) +
            attribute(2, attribute(2, attribute(1, number(static_cast<unsigned>(code))))));
  };
  const auto counter = expression("counter", "");
  CHECK(last_verdict(counter + verdict(1), this_machine) == nft::VerdictCode::accept);
  CHECK(last_verdict(verdict(-3), this_machine) == nft::VerdictCode::jump);
  CHECK(last_verdict(verdict(1) + counter, this_machine) == nft::VerdictCode::proceed);
  CHECK(last_verdict("", this_machine) == nft::VerdictCode::proceed);
  CHECK(
      looks_up(counter + expression("lookup", attribute(1, std::string("s\0", 2))), this_machine));
  CHECK_FALSE(looks_up(counter + verdict(1), this_machine));
}

} // namespace synfate
