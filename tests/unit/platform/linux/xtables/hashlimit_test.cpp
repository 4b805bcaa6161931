#include "platform/linux/xtables/read_hashlimit.h"

#include "tests/unit/catch.h"

namespace synfate::xt {
namespace {

TEST_CASE("an entry of the match hashlimit has what it tells apart, and its credit") {
  const auto entries = parse_hashlimit(
      "58 10.0.0.9:0->0.0.0.0:22 1374389530000 6871947650000 1374389530000\n", 5, "ip", "ssh");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].netns.is(5));
  CHECK(entries[0].family.is("ip"));
  CHECK(entries[0].list.is("ssh"));
  CHECK(entries[0].source.is(*IpAddress::parse("10.0.0.9")));
  CHECK(entries[0].source_port.is(0));
  CHECK(entries[0].destination.is(*IpAddress::parse("0.0.0.0")));
  CHECK(entries[0].destination_port.is(22));
  CHECK(entries[0].expires_in.is(58));
  CHECK(entries[0].credit.is(1374389530000));
  CHECK(entries[0].credit_cap.is(6871947650000));
  CHECK(entries[0].cost.is(1374389530000));
}

TEST_CASE("an IPv6 entry's port comes after the last colon") {
  const auto entries = parse_hashlimit("-1 fd00:0000:0000:0000:0000:0000:0000:0009:40000->"
                                       "0000:0000:0000:0000:0000:0000:0000:0000:0 1 2 3\n",
                                       5, "ip6", "a");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].source.is(*IpAddress::parse("fd00::9")));
  CHECK(entries[0].source_port.is(40000));
  CHECK(entries[0].destination.is(*IpAddress::parse("::")));
  CHECK(entries[0].expires_in.is(-1));
}

TEST_CASE("a credit beyond 63 bits is not known") {
  const auto entries = parse_hashlimit(
      "9 10.0.0.9:0->0.0.0.0:0 11874725539200000000 11874725539200000000 1\n", 5, "ip", "a");
  REQUIRE(entries.size() == 1);
  CHECK(!entries[0].credit.known());
  CHECK(entries[0].cost.is(1));
}

TEST_CASE("lines that are no entries of hashlimit are left out") {
  CHECK(parse_hashlimit("", 5, "ip", "a").empty());
  CHECK(parse_hashlimit("\n5\n5 10.0.0.9\n5 10.0.0.9:0->\n5 10.0.0.9:0->0.0.0.0:0\n"
                        "5 10.0.0.9:0->0.0.0.0:0 1 2\n5 10.0.0.9:0->0.0.0.0:0 1 2 x\n"
                        "5 10.0.0.9:70000->0.0.0.0:0 1 2 3\n",
                        5, "ip", "a")
            .empty());
}

} // namespace
} // namespace synfate::xt
