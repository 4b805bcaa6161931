#include "platform/linux/routing/counters.h"

#include <algorithm>

#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

Int value_of(const std::vector<NamedCount>& counters, std::string_view name) {
  const auto at = std::ranges::find(counters, name, &NamedCount::name);
  REQUIRE(at != counters.end());
  return at->value;
}

} // namespace

TEST_CASE("names and values of a group stand in two lines") {
  const auto counters = parse_counter_pairs("Tcp: RtoMin MaxConn\nTcp: 200 -1\n"
                                            "IcmpMsg: InType3\nIcmpMsg: 4\n");
  REQUIRE(counters);
  CHECK(*counters ==
        std::vector<NamedCount>{{"Tcp.RtoMin", 200}, {"Tcp.MaxConn", -1}, {"IcmpMsg.InType3", 4}});
}

TEST_CASE("a group whose names and values differ in number is damaged") {
  CHECK_FALSE(parse_counter_pairs("Tcp: A B\nTcp: 1\n"));
  CHECK_FALSE(parse_counter_pairs("Tcp: A\nUdp: 1\n"));
  CHECK_FALSE(parse_counter_pairs("Tcp: A\nTcp: x\n"));
  CHECK_FALSE(parse_counter_pairs("Tcp: A\n"));
}

TEST_CASE("IPv6 counters get their group back") {
  const auto counters = parse_counter_lines("Ip6InReceives     \t17\nIcmp6OutType1 2\n"
                                            "UdpLite6InErrors 0\nXfrmInPolBlock 3\n");
  REQUIRE(counters);
  CHECK(value_of(*counters, "Ip6.InReceives") == 17);
  CHECK(value_of(*counters, "Icmp6.OutType1") == 2);
  CHECK(value_of(*counters, "UdpLite6.InErrors") == 0);
  CHECK(value_of(*counters, "Xfrm.InPolBlock") == 3);
  CHECK_FALSE(parse_counter_lines("Ip6InReceives\n"));
}

TEST_CASE("a line of sockstat is a group, then names and numbers in turn") {
  const auto counters = parse_sockstat("sockets: used 9\nTCP: inuse 5 orphan 1\n", "sockstat");
  REQUIRE(counters);
  CHECK(value_of(*counters, "sockstat.TCP.orphan") == 1);
  CHECK_FALSE(parse_sockstat("TCP: inuse\n", "sockstat"));
}

TEST_CASE("counters of CPUs are summed, the number of entries is not") {
  const auto counters =
      parse_cpu_counters("entries drop found\n0000000a 00000001 0\n0000000a 0000000f 1\n", "nf");
  REQUIRE(counters);
  CHECK(value_of(*counters, "nf.entries") == 10);
  CHECK(value_of(*counters, "nf.drop") == 16);
  CHECK(value_of(*counters, "nf.found") == 1);
  CHECK_FALSE(parse_cpu_counters("a b\n1\n", "nf"));
  CHECK_FALSE(parse_cpu_counters("a\nxyz\n", "nf"));
}

TEST_CASE("a counter's group tells the file it is in") {
  CHECK(counter_files("", "TcpExt.ListenOverflows") == std::vector<std::string>{"netstat"});
  CHECK(counter_files("", "Tcp.OutRsts") == std::vector<std::string>{"snmp"});
  CHECK(counter_files("", "Icmp6.OutType1") == std::vector<std::string>{"snmp6"});
  CHECK(counter_files("", "nf_conntrack.drop") == std::vector<std::string>{"stat/nf_conntrack"});
  CHECK(counter_files("", "../../x.y").empty());
}

TEST_CASE("this kernel's counter files can all be read, and belong to the namespace", "[root]") {
  in_private_netns([] {
    for (const auto& file : counter_files("", std::nullopt)) {
      const auto counters = read_counters("", file);
      CAPTURE(file);
      CHECK(counters.ok());
      if (counters && file == "snmp") {
        CHECK(value_of(*counters, "Ip.InReceives") == 0);
        CHECK(value_of(*counters, "Ip.DefaultTTL") == 64);
      }
    }
  });
}
