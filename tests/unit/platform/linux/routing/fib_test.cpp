#include "platform/linux/routing/fib.h"

#include <cerrno>

#include "fib_world.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

FibPacket arriving(const char* from, const char* to, Int interface = 2) {
  return {.destination = address(to), .source = address(from), .input_interface = interface};
}
FibPacket leaving(const char* to) {
  return {.destination = address(to)};
}

FibWorld two_networks() {
  FibWorld world;
  world.own("10.1.0.0/24", "10.1.0.1", 2);
  world.own("10.2.0.0/24", "10.2.0.1", 3);
  world.own("fd01::/64", "fd01::1", 2);
  return world;
}

} // namespace

TEST_CASE("the longest prefix wins, whatever its place in the table") {
  auto world = two_networks();
  world.route("0.0.0.0/0", 2, "10.1.0.254");
  world.route("10.9.0.0/16", 3, "10.2.0.254");
  const auto answer = only(world.fib().output(leaving("10.9.1.1")));
  CHECK(answer.gateway == address("10.2.0.254"));
  CHECK(answer.prefix == IpPrefix::parse("10.9.0.0/16"));
  CHECK(only(world.fib().output(leaving("10.8.1.1"))).gateway == address("10.1.0.254"));
}

TEST_CASE("no route is ENETUNREACH, rejecting routes have their own errors") {
  auto world = two_networks();
  CHECK(only(world.fib().output(leaving("192.0.2.1"))).error == ENETUNREACH);
  CHECK(only(world.fib().output(leaving("192.0.2.1"))).reason == FibReason::no_route);
  for (const auto& [type, error] :
       {std::pair("blackhole", EINVAL), {"unreachable", EHOSTUNREACH}, {"prohibit", EACCES}}) {
    auto rejecting = two_networks();
    rejecting.route("192.0.2.0/24", 0).type = Text(type);
    const auto answer = only(rejecting.fib().output(leaving("192.0.2.1")));
    CHECK(answer.error == error);
    CHECK(answer.reason == FibReason::route);
    REQUIRE(answer.culprit);
    CHECK(answer.culprit->id == "254/192.0.2.0%2F24");
  }
}

TEST_CASE("a throw route leaves its table and the next rule is asked") {
  auto world = two_networks();
  world.rule("ip", 100, 100);
  world.route("10.9.0.0/16", 0, {}, 100).type = Text("throw");
  world.route("0.0.0.0/0", 2, "10.1.0.254", 100);
  world.route("10.9.0.0/16", 3, "10.2.0.254");
  CHECK(only(world.fib().output(leaving("10.9.0.1"))).gateway == address("10.2.0.254"));
  CHECK(only(world.fib().output(leaving("10.8.0.1"))).gateway == address("10.1.0.254"));
}

TEST_CASE("a route whose only next hop is dead is passed over") {
  auto world = two_networks();
  world.route("0.0.0.0/0", 2, "10.1.0.254");
  world.route("10.9.0.0/16", 3, "10.2.0.254").dead = true;
  CHECK(only(world.fib().output(leaving("10.9.0.1"))).gateway == address("10.1.0.254"));
}

TEST_CASE("every living next hop of a multipath route is a possible way") {
  auto world = two_networks();
  world.route("10.9.0.0/16", 2, "10.1.0.254");
  world.route("10.9.0.0/16", 3, "10.2.0.254").hop = Int(1);
  world.route("10.9.0.0/16", 3, "10.2.0.253").hop = Int(2);
  world.facts.routes.back().dead = true;
  const auto answers = world.fib().output(leaving("10.9.0.1"));
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].gateway == address("10.1.0.254"));
  CHECK(answers[1].gateway == address("10.2.0.254"));
}

TEST_CASE("a rule with a mark holds for packets with that mark only") {
  auto world = two_networks();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("prohibit");
  rule.mark = Int(0x10);
  rule.mark_mask = Int(0xf0);
  auto packet = leaving("10.1.0.9");
  CHECK(only(world.fib().output(packet)).error == 0);
  packet.mark = 0x13;
  const auto answer = only(world.fib().output(packet));
  CHECK(answer.error == EACCES);
  CHECK(answer.reason == FibReason::rule);
  CHECK(answer.rule == 100);
  packet.mark = 0x20;
  CHECK(only(world.fib().output(packet)).error == 0);
}

TEST_CASE("a rule about a port that was not told may hold or not") {
  auto world = two_networks();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("blackhole");
  rule.destination_port_first = Int(8000);
  rule.destination_port_last = Int(9000);
  auto packet = leaving("10.1.0.9");
  CHECK(world.fib().output(packet).size() == 2);
  packet.destination_port = 8080;
  CHECK(only(world.fib().output(packet)).error == EINVAL);
  packet.destination_port = 7999;
  CHECK(only(world.fib().output(packet)).error == 0);
}

TEST_CASE("a rule with a selector this program does not know may hold or not") {
  auto world = two_networks();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("blackhole");
  rule.more = Text("28");
  CHECK(world.fib().output(leaving("10.1.0.9")).size() == 2);
}

TEST_CASE("an inverted rule with an interface that is not there always holds") {
  auto world = two_networks();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("unreachable");
  rule.inverted = true;
  rule.output_interface = Text("gone0");
  CHECK(only(world.fib().output(leaving("10.1.0.9"))).error == ENETUNREACH);
}

TEST_CASE("goto goes on at the first rule of that priority") {
  auto world = two_networks();
  auto& jump = world.rule("ip", 100, 0);
  jump.action = Text("goto");
  jump.go_to = Int(300);
  world.rule("ip", 200, 0).action = Text("blackhole");
  world.rule("ip", 300, 0).action = Text("prohibit");
  CHECK(only(world.fib().output(leaving("10.1.0.9"))).error == EACCES);
}

TEST_CASE("a suppressed default route does not count") {
  auto world = two_networks();
  world.route("0.0.0.0/0", 2, "10.1.0.254");
  world.route("0.0.0.0/0", 3, "10.2.0.254", 100);
  world.rule("ip", 100, 254).suppress_prefix_length = Int(0);
  world.rule("ip", 200, 100);
  CHECK(only(world.fib().output(leaving("192.0.2.1"))).gateway == address("10.2.0.254"));
  CHECK(only(world.fib().output(leaving("10.1.0.9"))).interface_index == 2);
}

TEST_CASE("while rules are untouched a longer prefix in main beats a shorter one in local") {
  auto world = two_networks();
  auto& local = world.route("127.0.0.0/8", 1, {}, 255);
  local.type = Text("local");
  world.route("127.9.0.0/16", 2, "10.1.0.254");
  CHECK(only(world.fib().output(leaving("127.9.0.1"))).type == "unicast");
  world.rule("ip", 100, 100);
  CHECK(only(world.fib().output(leaving("127.9.0.1"))).type == "local");
}

TEST_CASE("a sender's address must be an address of this host unless it is transparent") {
  auto world = two_networks();
  auto packet = leaving("10.1.0.9");
  packet.source = address("10.1.0.77");
  CHECK(only(world.fib().output(packet)).reason == FibReason::source_not_local);
  packet.any_source = true;
  CHECK(only(world.fib().output(packet)).error == 0);
}

TEST_CASE("strict rp_filter wants the way back by the same interface, loose any way back") {
  auto world = two_networks();
  auto& settings = world.facts.settings[2];
  settings.rp_filter = 1;
  settings.rp_filter_name = "net.ipv4.conf.all.rp_filter";
  const auto strict = only(world.fib().input(arriving("10.2.0.9", "10.1.0.1")));
  CHECK(strict.error == EXDEV);
  REQUIRE(strict.culprit);
  CHECK(strict.culprit->kind == "sysctl");
  CHECK(strict.culprit->id == "net.ipv4.conf.all.rp_filter");
  CHECK(only(world.fib().input(arriving("10.1.0.9", "10.1.0.1"))).error == 0);
  settings.rp_filter = 2;
  CHECK(only(world.fib().input(arriving("10.2.0.9", "10.1.0.1"))).error == 0);
  CHECK(only(world.fib().input(arriving("192.0.2.9", "10.1.0.1"))).error == EXDEV);
  settings.rp_filter = 0;
  CHECK(only(world.fib().input(arriving("192.0.2.9", "10.1.0.1"))).error == 0);
}

TEST_CASE("a packet from one of our own addresses is refused unless accept_local is set") {
  auto world = two_networks();
  const auto answer = only(world.fib().input(arriving("10.2.0.1", "10.1.0.1")));
  CHECK(answer.error == EINVAL);
  CHECK(answer.reason == FibReason::local_source);
  world.facts.settings[2].accept_local = true;
  CHECK(only(world.fib().input(arriving("10.2.0.1", "10.1.0.1"))).error == 0);
}

TEST_CASE("martians are refused whatever the tables say") {
  auto world = two_networks();
  const auto fib = world.fib();
  CHECK(only(fib.input(arriving("127.0.0.1", "10.1.0.1"))).reason == FibReason::martian_source);
  CHECK(only(fib.input(arriving("224.0.0.1", "10.1.0.1"))).reason == FibReason::martian_source);
  CHECK(only(fib.input(arriving("0.0.0.0", "10.1.0.1"))).reason == FibReason::martian_source);
  CHECK(only(fib.input(arriving("10.1.0.9", "127.0.0.1"))).reason ==
        FibReason::martian_destination);
  CHECK(only(fib.input(arriving("::1", "fd01::1"))).reason == FibReason::martian_source);
}

TEST_CASE("what is not for this host is refused while forwarding is off") {
  auto world = two_networks();
  const auto answer = only(world.fib().input(arriving("10.1.0.9", "10.2.0.9")));
  CHECK(answer.error == EHOSTUNREACH);
  CHECK(answer.reason == FibReason::forwarding_off);
  world.facts.settings[2].forwarding = true;
  const auto forwarded = only(world.fib().input(arriving("10.1.0.9", "10.2.0.9")));
  CHECK(forwarded.error == 0);
  CHECK(forwarded.interface_index == 3);
  CHECK(only(world.fib().input(arriving("10.1.0.9", "192.0.2.1"))).error == ENETUNREACH);
}

TEST_CASE("an arriving packet is routed as user 0, whoever asks") {
  auto world = two_networks();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("blackhole");
  rule.uid_first = Int(1000);
  rule.uid_last = Int(2000);
  auto packet = leaving("10.1.0.9");
  packet.uid = 1500;
  CHECK(only(world.fib().output(packet)).error == EINVAL);
  auto input = arriving("10.1.0.9", "10.1.0.1");
  input.uid = 1500;
  CHECK(only(world.fib().input(input)).error == 0);
}

TEST_CASE("an interface that is not there answers ENODEV") {
  const auto world = two_networks();
  CHECK(only(world.fib().input(arriving("10.1.0.9", "10.1.0.1", 44))).error == ENODEV);
}

TEST_CASE("IPv6: a source-specific route is for its sources only") {
  auto world = two_networks();
  world.route("::/0", 2, "fe80::1");
  auto& specific = world.route("::/0", 3, "fe80::2");
  specific.from_address = address("fd02::");
  specific.from_prefix_length = Int(64);
  auto packet = leaving("2001:db8::1");
  packet.source = address("fd01::1");
  CHECK(only(world.fib().output(packet)).gateway == address("fe80::1"));
  packet.source = address("fd02::5");
  CHECK(only(world.fib().output(packet)).gateway == address("fe80::2"));
}

TEST_CASE("IPv6: the lower metric wins, and at equal metrics the preferred router") {
  auto world = two_networks();
  world.route("2001:db8::/32", 2, "fe80::1").metric = Int(20);
  world.route("2001:db8::/32", 3, "fe80::2").metric = Int(20);
  world.facts.routes.back().preference = Text("high");
  world.route("2001:db8::/32", 3, "fe80::3").metric = Int(30);
  CHECK(only(world.fib().output(leaving("2001:db8::1"))).gateway == address("fe80::2"));
}

TEST_CASE("IPv6: a host passes over a router that does not answer, a router does not") {
  auto world = two_networks();
  world.route("2001:db8::/32", 2, "fe80::1").metric = Int(20);
  world.route("2001:db8::/32", 3, "fe80::2").metric = Int(30);
  Neighbour failed;
  failed.interface_index = Int(2);
  failed.address = address("fe80::1");
  failed.state = Text("failed");
  world.facts.neighbours.push_back(failed);
  CHECK(only(world.fib().output(leaving("2001:db8::1"))).gateway == address("fe80::2"));
  world.facts.ipv6_forwarding = true;
  CHECK(only(world.fib().output(leaving("2001:db8::1"))).gateway == address("fe80::1"));
}

TEST_CASE("IPv6: what leads over lo is not dropped for want of forwarding") {
  auto world = two_networks();
  world.route("fd09::/64", 1);
  world.route("fd08::/64", 2);
  CHECK(only(world.fib().input(arriving("fd01::2", "fd08::1"))).reason ==
        FibReason::forwarding_off);
  const auto answer = only(world.fib().input(arriving("fd01::2", "fd09::1")));
  CHECK(answer.error == 0);
  CHECK(answer.interface_index == 1);
}

TEST_CASE("IPv6: an interface may forward what it takes though the host does not") {
  auto world = two_networks();
  world.route("fd08::/64", 3);
  world.facts.settings[3].ipv6_forwards = true;
  CHECK(only(world.fib().input(arriving("fd01::2", "fd08::1"))).reason ==
        FibReason::forwarding_off);
  world.facts.settings[2].ipv6_forwards = true;
  CHECK(only(world.fib().input(arriving("fd01::2", "fd08::1"))).error == 0);
}

TEST_CASE("IPv6: nothing arrives where IPv6 is disabled") {
  auto world = two_networks();
  world.facts.settings[2].ipv6_disabled = true;
  const auto answer = only(world.fib().input(arriving("fd01::9", "fd01::1")));
  CHECK(answer.reason == FibReason::ipv6_disabled);
  REQUIRE(answer.culprit);
  CHECK(answer.culprit->id == "net.ipv6.conf.eth0.disable_ipv6");
}
