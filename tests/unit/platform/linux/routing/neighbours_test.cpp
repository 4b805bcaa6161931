#include "platform/linux/routing/neighbours.h"

#include <algorithm>

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "messages.h"
#include "platform/linux/routing/links.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

TEST_CASE("a proxy entry without an interface holds for all of them") {
  ndmsg head{};
  head.ndm_family = AF_INET;
  head.ndm_flags = NTF_PROXY;
  auto bytes = MessageBytes(head).add(NDA_DST, ip("10.0.0.1"));
  const auto row = decode_neighbour(bytes.message(RTM_NEWNEIGH), 1);
  REQUIRE(row);
  CHECK(row->proxy.is(true));
  CHECK(row->interface_index.absent());
  CHECK(row->state.is("none"));
}

TEST_CASE("a neighbour message without an address is damaged") {
  CHECK_FALSE(decode_neighbour(MessageBytes(ndmsg{}).message(RTM_NEWNEIGH), 1));
}

TEST_CASE("the kernel's neighbours are read as they are", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link add rt-a type veth peer name rt-b && ip link set rt-a up && "
                  "ip link set rt-b up && ip addr add 10.1.0.1/24 dev rt-a && "
                  "ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev rt-a nud permanent && "
                  "ip neigh add 10.1.0.3 dev rt-a nud failed && "
                  "ip neigh add proxy 10.1.0.4 dev rt-b"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto rows = read_neighbours(*socket, 1);
    REQUIRE(rows);
    const auto row_of = [&](const char* text) {
      const auto at = std::ranges::find_if(
          *rows, [&](const Neighbour& row) { return row.address.is(ip(text)); });
      REQUIRE(at != rows->end());
      return *at;
    };
    CHECK(row_of("10.1.0.2").state.is("permanent"));
    CHECK(row_of("10.1.0.2").hardware_address.is("02:00:00:00:00:02"));
    CHECK(row_of("10.1.0.3").state.is("failed"));
    CHECK(row_of("10.1.0.3").hardware_address.absent());
    CHECK(row_of("10.1.0.4").proxy.is(true));
    const auto other = read_neighbours(*socket, 1, row_of("10.1.0.4").interface_index.value());
    REQUIRE(other);
    CHECK(std::ranges::none_of(
        *other, [](const Neighbour& row) { return row.address.is(ip("10.1.0.2")); }));
  });
}
