#include "platform/linux/routing/fib_classes.h"

#include <random>

#include "fib_world.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

FibWorld filtering_host() {
  FibWorld world;
  world.own("10.1.0.0/24", "10.1.0.1", 2);
  world.own("10.2.0.0/24", "10.2.0.1", 3);
  world.own("fd01::/64", "fd01::1", 2);
  world.route("0.0.0.0/0", 2, "10.1.0.254");
  world.route("192.0.2.0/24", 0).type = Text("blackhole");
  world.facts.settings[2].rp_filter = 1;
  world.facts.settings[3].rp_filter = 1;
  return world;
}

const AddressClass& class_of(const std::vector<AddressClass>& classes, const char* text) {
  for (const auto& one : classes)
    if (one.addresses.contains(to_number(address(text))))
      return one;
  FAIL("no class has " << text);
  return classes.front();
}

/// Disjoint, and together everything.
void check_partition(const std::vector<AddressClass>& classes, unsigned width) {
  IntervalSet all;
  for (const auto& one : classes) {
    CHECK(all.disjoint(one.addresses));
    CHECK_FALSE(one.addresses.empty());
    all = all | one.addresses;
  }
  CHECK(all == IntervalSet::all(width));
}

} // namespace

TEST_CASE("sources fall into classes by what becomes of their packets") {
  const auto world = filtering_host();
  const auto fib = world.fib();
  const auto classes =
      partition_sources(fib, {.destination = address("10.2.0.1"), .input_interface = 3});
  check_partition(classes, 32);
  CHECK(only(class_of(classes, "10.2.0.9").answers).error == 0);
  CHECK(only(class_of(classes, "8.8.8.8").answers).reason == FibReason::rp_filter);
  CHECK(only(class_of(classes, "192.0.2.1").answers).reason == FibReason::rp_filter);
  CHECK(only(class_of(classes, "10.2.0.1").answers).reason == FibReason::local_source);
  CHECK(only(class_of(classes, "127.5.5.5").answers).reason == FibReason::martian_source);
  CHECK(only(class_of(classes, "230.0.0.1").answers).reason == FibReason::martian_source);
  CHECK(class_of(classes, "10.2.0.0").addresses.contains(to_number(address("10.2.0.200"))));
}

TEST_CASE("clients fall into classes by the way of the answer") {
  const auto world = filtering_host();
  const auto fib = world.fib();
  const auto classes = partition_destinations(
      fib, {.destination = address("0.0.0.0"), .source = address("10.1.0.1")});
  check_partition(classes, 32);
  CHECK(only(class_of(classes, "192.0.2.77").answers).reason == FibReason::route);
  CHECK(only(class_of(classes, "8.8.8.8").answers).gateway == address("10.1.0.254"));
  CHECK_FALSE(only(class_of(classes, "10.2.0.7").answers).gateway);
  CHECK(only(class_of(classes, "10.2.0.7").answers).interface_index == 3);
}

TEST_CASE("classes of IPv6 cover its whole space") {
  const auto world = filtering_host();
  const auto fib = world.fib();
  const auto classes =
      partition_sources(fib, {.destination = address("fd01::1"), .input_interface = 2});
  check_partition(classes, 128);
  CHECK(only(class_of(classes, "ff02::1").answers).reason == FibReason::martian_source);
  CHECK(only(class_of(classes, "2001:db8::1").answers).error == 0);
}

TEST_CASE("a class says for each of its addresses what a single question says") {
  auto world = filtering_host();
  auto& rule = world.rule("ip", 100, 0);
  rule.action = Text("unreachable");
  rule.to = address("10.2.0.64");
  rule.to_length = Int(27);
  const auto fib = world.fib();
  const FibPacket packet{.destination = address("10.1.0.1"), .input_interface = 2};
  const auto sources = partition_sources(fib, packet);
  const auto destinations = partition_destinations(fib, {.destination = address("0.0.0.0")});
  check_partition(sources, 32);
  check_partition(destinations, 32);
  std::mt19937 engine(20261120);
  for (int count = 0; count < 3000; ++count) {
    const auto number = static_cast<std::uint32_t>(engine());
    const auto near = count % 2 == 0 ? number : 0x0A000000U | (number & 0x3FFFF);
    const IpAddress one = IpAddress::v4(near);
    FibPacket single = packet;
    single.source = one;
    CAPTURE(one.to_string());
    CHECK(class_of(sources, one.to_string().c_str()).answers == fib.input(single));
    CHECK(class_of(destinations, one.to_string().c_str()).answers ==
          fib.output({.destination = one}));
  }
}
