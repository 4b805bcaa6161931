#include "platform/linux/routing/routes.h"

#include <algorithm>

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

const InterfaceNames names{{2, "eth0"}, {3, "eth1"}};

MessageBytes route_message(unsigned char family, unsigned char length, unsigned char type,
                           unsigned flags = 0) {
  rtmsg head{};
  head.rtm_family = family;
  head.rtm_dst_len = length;
  head.rtm_table = RT_TABLE_MAIN;
  head.rtm_type = type;
  head.rtm_flags = flags;
  return MessageBytes(head);
}

const Route& find_route(const std::vector<Route>& rows, const char* prefix, Int hop = 0) {
  const auto wanted = IpPrefix::parse(prefix).value();
  const auto at = std::ranges::find_if(rows, [&](const Route& row) {
    return row.destination.is(wanted.address()) && row.prefix_length.is(wanted.length()) &&
           row.hop.is(hop);
  });
  REQUIRE(at != rows.end());
  return *at;
}

} // namespace

TEST_CASE("a default route has the family's zero address and length 0") {
  auto bytes = route_message(AF_INET6, 0, RTN_UNICAST);
  bytes.number<std::uint32_t>(RTA_OIF, 2).add(RTA_GATEWAY, ip("fe80::1"));
  bytes.number<std::uint32_t>(RTA_PRIORITY, 1024).number<std::uint8_t>(RTA_PREF, 3);
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  const auto& row = rows->front();
  CHECK(row.destination.is(ip("::")));
  CHECK(row.prefix_length.is(0));
  CHECK(row.metric.is(1024));
  CHECK(row.gateway.is(ip("fe80::1")));
  CHECK(row.interface.is("eth0"));
  CHECK(row.preference.is("low"));
  CHECK(row.from_address.absent());
}

TEST_CASE("every hop of a multipath route is a row with its own flags and weight") {
  MessageBytes hops(rtnexthop{.rtnh_len = 16, .rtnh_flags = 0, .rtnh_hops = 0, .rtnh_ifindex = 2});
  hops.add(RTA_GATEWAY, ip("10.0.0.1"));
  MessageBytes second(
      rtnexthop{.rtnh_len = 16, .rtnh_flags = RTNH_F_DEAD, .rtnh_hops = 4, .rtnh_ifindex = 3});
  second.add(RTA_GATEWAY, ip("10.0.1.1"));
  hops.bytes().insert(hops.bytes().end(), second.bytes().begin(), second.bytes().end());
  auto bytes = route_message(AF_INET, 8, RTN_UNICAST);
  bytes.add(RTA_DST, ip("10.0.0.0")).add(RTA_MULTIPATH, hops);
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).interface.is("eth0"));
  CHECK(rows->at(0).weight.is(1));
  CHECK(rows->at(0).dead.is(false));
  CHECK(rows->at(1).hop.is(1));
  CHECK(rows->at(1).interface.is("eth1"));
  CHECK(rows->at(1).weight.is(5));
  CHECK(rows->at(1).dead.is(true));
  CHECK(rows->at(1).gateway.is(ip("10.0.1.1")));
}

TEST_CASE("a hop that is longer than its route is damaged") {
  MessageBytes hops(rtnexthop{.rtnh_len = 90, .rtnh_flags = 0, .rtnh_hops = 0, .rtnh_ifindex = 2});
  auto bytes = route_message(AF_INET, 8, RTN_UNICAST);
  bytes.add(RTA_MULTIPATH, hops);
  CHECK_FALSE(decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {}));
}

TEST_CASE("an IPv4 route may lead to an IPv6 gateway") {
  std::string via("\x0a\x00", 2);
  const auto gateway = ip("fe80::7");
  via.append(reinterpret_cast<const char*>(gateway.bytes().data()), 16);
  auto bytes = route_message(AF_INET, 0, RTN_UNICAST);
  bytes.number<std::uint32_t>(RTA_OIF, 2).add(RTA_VIA, std::string_view(via));
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {});
  REQUIRE(rows);
  CHECK(rows->front().gateway.is(ip("fe80::7")));
}

TEST_CASE("the members of a next hop group become the hops of its route") {
  NextHops objects;
  const auto add = [&](MessageBytes bytes) {
    REQUIRE(decode_next_hop(bytes.message(RTM_NEWNEXTHOP), objects));
  };
  add(MessageBytes(nhmsg{}).number<std::uint32_t>(NHA_ID, 1).number<std::uint32_t>(NHA_OIF, 2));
  add(MessageBytes(nhmsg{})
          .number<std::uint32_t>(NHA_ID, 2)
          .number<std::uint32_t>(NHA_OIF, 3)
          .add(NHA_GATEWAY, ip("10.0.1.1")));
  MessageBytes group(nexthop_grp{1, 0, 0, 0});
  const MessageBytes other(nexthop_grp{2, 3, 0, 0});
  auto copy = other;
  group.bytes().insert(group.bytes().end(), copy.bytes().begin(), copy.bytes().end());
  add(MessageBytes(nhmsg{}).number<std::uint32_t>(NHA_ID, 9).add(NHA_GROUP, group));

  auto bytes = route_message(AF_INET, 0, RTN_UNICAST);
  bytes.number<std::uint32_t>(RTA_NH_ID, 9);
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, objects);
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->at(0).interface.is("eth0"));
  CHECK(rows->at(1).gateway.is(ip("10.0.1.1")));
  CHECK(rows->at(1).weight.is(4));
}

TEST_CASE("a blackhole has a row without an interface") {
  auto bytes = route_message(AF_INET, 32, RTN_BLACKHOLE);
  bytes.add(RTA_DST, ip("192.0.2.1"));
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().type.is("blackhole"));
  CHECK(rows->front().interface_index.absent());
  CHECK(rows->front().interface.absent());
}

TEST_CASE("entries of the route cache are no routes") {
  auto bytes = route_message(AF_INET, 32, RTN_UNICAST, RTM_F_CLONED);
  bytes.add(RTA_DST, ip("192.0.2.1"));
  const auto rows = decode_route(bytes.message(RTM_NEWROUTE), 9, &names, {});
  REQUIRE(rows);
  CHECK(rows->empty());
}

TEST_CASE("the kernel's routes are read as they are, next hop objects resolved", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link set lo up && ip link add rt-a type veth peer name rt-b && "
                  "ip link set rt-a up && ip link set rt-b up && "
                  "ip addr add 10.1.0.1/24 dev rt-a && ip addr add 10.2.0.1/24 dev rt-b"));
    REQUIRE(shell("ip route add 10.9.0.0/16 nexthop via 10.1.0.2 weight 3 nexthop via 10.2.0.2 && "
                  "ip route add unreachable 10.8.0.0/16 && "
                  "ip route add 10.7.0.0/16 via 10.1.0.9 table 1000 metric 5"));
    REQUIRE(shell("ip nexthop add id 5 via 10.1.0.5 dev rt-a && "
                  "ip route add 10.6.0.0/16 nhid 5"));
    REQUIRE(shell("ip -6 route add fd09::/64 via fe80::1 dev rt-a metric 7"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    for (const bool compatible : {true, false}) {
      REQUIRE(shell(std::string("sysctl -qw net.ipv4.nexthop_compat_mode=") +
                    (compatible ? "1" : "0")));
      const auto rows = read_routes(*socket, 1, nullptr);
      REQUIRE(rows);
      CHECK(find_route(*rows, "10.9.0.0/16").weight.is(3));
      CHECK(find_route(*rows, "10.9.0.0/16", 1).gateway.is(ip("10.2.0.2")));
      CHECK(find_route(*rows, "10.8.0.0/16").type.is("unreachable"));
      CHECK(find_route(*rows, "10.7.0.0/16").table.is(1000));
      CHECK(find_route(*rows, "10.7.0.0/16").metric.is(5));
      CHECK(find_route(*rows, "10.6.0.0/16").gateway.is(ip("10.1.0.5")));
      CHECK(find_route(*rows, "10.1.0.1/32").type.is("local"));
      CHECK(find_route(*rows, "10.1.0.1/32").table.is(255));
      CHECK(find_route(*rows, "fd09::/64").metric.is(7));
    }
    const auto one_table = read_routes(*socket, 1, nullptr, 1000);
    REQUIRE(one_table);
    CHECK(one_table->size() == 1);
    const auto no_table = read_routes(*socket, 1, nullptr, 4444);
    REQUIRE(no_table);
    CHECK(no_table->empty());
  });
}
