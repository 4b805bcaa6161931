#include <cerrno>

#include "core/facts/snapshot.h"
#include "messages.h"
#include "platform/linux/routing/route_question.h"
#include "platform/linux/routing/routes.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

TEST_CASE("a question comes back from the row that answers it") {
  const RouteQuestion question{.destination = ip("10.0.0.9"),
                               .source = ip("10.0.0.1"),
                               .input_interface = 3,
                               .output_interface = {},
                               .mark = 7,
                               .proto = std::uint8_t(6),
                               .source_port = 8080,
                               .destination_port = 40000,
                               .uid = 1000};
  const auto back = question_of(row_for(1, question));
  REQUIRE(back);
  CHECK(route_request(1, *back) == route_request(1, question));
}

TEST_CASE("a question about an ICMP error names the protocol of its family") {
  for (const auto& [target, number] : {std::pair{"10.0.0.9", 1}, std::pair{"fd00::9", 58}}) {
    RouteLookup row;
    row.destination = ip(target);
    row.proto = Text("icmp");
    const auto question = question_of(row);
    REQUIRE(question);
    CHECK(question->proto == std::uint8_t(number));
    CHECK(row_for(1, *question).proto.is("icmp"));
  }
}

TEST_CASE("the answer to one question is no answer to a narrower one") {
  Schema schema;
  REQUIRE(schema.add(spec_of<RouteLookup>()));
  Snapshot snapshot(schema);
  const RouteQuestion marked{.destination = ip("10.0.0.9"), .mark = 7};
  const RouteQuestion plain{.destination = ip("10.0.0.9")};
  auto row = row_for(1, marked);
  row.error = Int(EACCES);
  snapshot.add(row);
  CHECK(snapshot.find(route_request(1, marked)).size() == 1);
  CHECK(snapshot.find(route_request(1, plain)).empty());
}

TEST_CASE("the kernel's answers and errors are rows", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link set lo up && ip link add rt-a type veth peer name rt-b && "
                  "ip link set rt-a up && ip link set rt-b up && "
                  "ip addr add 10.1.0.1/24 dev rt-a && ip addr add fd01::1/64 dev rt-a nodad"));
    REQUIRE(shell("ip route add blackhole 10.2.0.0/16 && ip route add prohibit 10.3.0.0/16 && "
                  "ip route add unreachable 10.4.0.0/16 && "
                  "ip route add 10.5.0.0/16 via 10.1.0.2 mtu 1300 && "
                  "ip rule add sport 8080 ipproto tcp prohibit && "
                  "ip -6 route add unreachable fd04::/64"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto ask = [&](const RouteQuestion& question) {
      auto row = read_route_lookup(*socket, 1, question);
      REQUIRE(row);
      return *row;
    };
    CHECK(ask({.destination = ip("10.2.0.1")}).error.is(EINVAL));
    CHECK(ask({.destination = ip("10.3.0.1")}).error.is(EACCES));
    CHECK(ask({.destination = ip("10.4.0.1")}).error.is(EHOSTUNREACH));
    CHECK(ask({.destination = ip("192.0.2.1")}).error.is(ENETUNREACH));
    CHECK(ask({.destination = ip("fd04::1")}).error.is(EHOSTUNREACH));
    const auto far = ask({.destination = ip("10.5.6.7")});
    CHECK(far.error.is(0));
    CHECK(far.type.is("unicast"));
    CHECK(far.gateway.is(ip("10.1.0.2")));
    CHECK(far.preferred_source.is(ip("10.1.0.1")));
    CHECK(far.prefix.is(ip("10.5.0.0")));
    CHECK(far.prefix_length.is(16));
    CHECK(far.table.is(254));
    CHECK(far.mtu.is(1300));
    const auto refused = ask({.destination = ip("10.5.6.7"),
                              .proto = std::uint8_t(6),
                              .source_port = std::uint16_t(8080)});
    CHECK(refused.error.is(EACCES));
    CHECK(refused.source_port.is(8080));
    CHECK(refused.type.absent());
    const auto six = ask({.destination = ip("fd01::9"), .source = ip("fd01::1")});
    CHECK(six.type.is("unicast"));
    CHECK(six.prefix.is(ip("fd01::")));
    CHECK(six.prefix_length.is(64));
  });
}

TEST_CASE("a source that fails validation is refused with EXDEV or EINVAL", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link set lo up && ip link add rt-a type veth peer name rt-b && "
                  "ip link set rt-a up && ip link set rt-b up && "
                  "ip addr add 10.1.0.1/24 dev rt-a && ip addr add 10.2.0.1/24 dev rt-b && "
                  "sysctl -qw net.ipv4.conf.rt-b.rp_filter=1 net.ipv4.conf.all.rp_filter=0 "
                  "net.ipv4.conf.rt-a.rp_filter=0"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto links = read_links(*socket, 1);
    REQUIRE(links);
    Int index_b = 0;
    for (const auto& link : *links)
      if (link.name.is("rt-b"))
        index_b = link.index.value();
    const auto ask = [&](const char* source) {
      auto row = read_route_lookup(
          *socket, 1,
          {.destination = ip("10.2.0.1"), .source = ip(source), .input_interface = index_b});
      REQUIRE(row);
      return *row;
    };
    CHECK(ask("10.2.0.9").error.is(0));
    CHECK(ask("10.2.0.9").type.is("local"));
    // EXDEV up to Linux 6.13; since drop reasons replaced error numbers it is EINVAL like all.
    const auto filtered = ask("10.1.0.9").error.value_or(0);
    CHECK((filtered == EXDEV || filtered == EINVAL));
    CHECK(ask("10.1.0.1").error.is(EINVAL));
  });
}
