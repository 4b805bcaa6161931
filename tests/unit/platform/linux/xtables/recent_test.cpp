#include "platform/linux/xtables/read_recent.h"

#include "tests/unit/catch.h"

namespace synfate::xt {
namespace {

TEST_CASE("an entry of the match recent has its address and as many times as are listed") {
  const auto entries = parse_recent(
      "src=10.0.0.9 ttl: 64 last_seen: 4296270310 oldest_pkt: 2 4296269554, 4296270310\n"
      "src=fd00:0000:0000:0000:0000:0000:0000:0009 ttl: 255 last_seen: 7 oldest_pkt: 1 7\n",
      5, "SSH");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].netns.is(5));
  CHECK(entries[0].list.is("SSH"));
  CHECK(entries[0].address.is(*IpAddress::parse("10.0.0.9")));
  CHECK(entries[0].ttl.is(64));
  CHECK(entries[0].stamps.is(2));
  CHECK(entries[1].address.is(*IpAddress::parse("fd00::9")));
  CHECK(entries[1].stamps.is(1));
}

TEST_CASE("an entry without times has none") {
  const auto entries = parse_recent("src=10.0.0.9 ttl: 64 last_seen: 1 oldest_pkt: 0\n", 5, "a");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].stamps.is(0));
}

TEST_CASE("lines that are no entries are left out") {
  CHECK(parse_recent("", 5, "a").empty());
  CHECK(parse_recent("\n\nsrc= ttl: 1\nsrc=10.0.0.1\nsrc=x ttl: 1 oldest_pkt: 1 1\n"
                     "src=10.0.0.1 ttl: x oldest_pkt: 1 1",
                     5, "a")
            .empty());
}

} // namespace
} // namespace synfate::xt
