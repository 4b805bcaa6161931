#include "platform/linux/routing/links.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

MessageBytes link_message() {
  ifinfomsg head{};
  head.ifi_type = 1;
  head.ifi_index = 7;
  head.ifi_flags = IFF_UP | (1U << 16);
  MessageBytes message(head);
  message.add(IFLA_IFNAME, std::string_view("we\xff\x1b[31m\0", 9));
  return message;
}

} // namespace

TEST_CASE("a link's name keeps hostile bytes and loses its NUL") {
  const auto link = decode_link(link_message().message(RTM_NEWLINK), 4711);
  REQUIRE(link);
  CHECK(link->name.is("we\xff\x1b[31m"));
  CHECK(link->netns.is(4711));
  CHECK(link->index.is(7));
  CHECK(link->up.is(true));
  CHECK(link->carrier.is(true));
  CHECK(link->loopback.is(false));
}

TEST_CASE("what the kernel does not say of a link is absent, not zero") {
  const auto link = decode_link(link_message().message(RTM_NEWLINK), 1);
  REQUIRE(link);
  CHECK(link->master_index.absent());
  CHECK(link->link_netns_id.absent());
  CHECK(link->xdp_program.absent());
  CHECK(link->mtu.absent());
  CHECK(link->operational_state.absent());
}

TEST_CASE("kind, state, XDP program and hardware address are read from a link's attributes") {
  auto bytes = link_message();
  bytes.add(IFLA_LINKINFO, MessageBytes().add(IFLA_INFO_KIND, std::string_view("veth\0", 5)));
  bytes.number<std::uint8_t>(IFLA_OPERSTATE, 6);
  bytes.number<std::uint32_t>(IFLA_MTU, 1500);
  bytes.number<std::int32_t>(IFLA_LINK_NETNSID, 0);
  bytes.number<std::uint32_t>(IFLA_GROUP, 3);
  bytes.add(IFLA_ADDRESS, std::string_view("\x52\x54\x00\x12\x34\xff", 6));
  bytes.add(IFLA_XDP, MessageBytes()
                          .number<std::uint8_t>(IFLA_XDP_ATTACHED, 2)
                          .number<std::uint32_t>(IFLA_XDP_PROG_ID, 99));
  const auto link = decode_link(bytes.message(RTM_NEWLINK), 1);
  REQUIRE(link);
  CHECK(link->kind.is("veth"));
  CHECK(link->operational_state.is("up"));
  CHECK(link->mtu.is(1500));
  CHECK(link->link_netns_id.is(0));
  CHECK(link->group.is(3));
  CHECK(link->hardware_address.is("52:54:00:12:34:ff"));
  CHECK(link->xdp_program.is(99));
}

TEST_CASE("programs in several XDP modes still show one program") {
  auto bytes = link_message();
  bytes.add(IFLA_XDP, MessageBytes()
                          .number<std::uint8_t>(IFLA_XDP_ATTACHED, 4)
                          .number<std::uint32_t>(IFLA_XDP_SKB_PROG_ID, 12));
  const auto link = decode_link(bytes.message(RTM_NEWLINK), 1);
  REQUIRE(link);
  CHECK(link->xdp_program.is(12));
}

TEST_CASE("a link message shorter than its head is damaged") {
  const Message message{RTM_NEWLINK, 0, ByteSpan(link_message().bytes()).first(10)};
  const auto link = decode_link(message, 1);
  REQUIRE_FALSE(link);
  CHECK(link.error().code == ErrorCode::damaged);
}

TEST_CASE("the kernel's links are read as they are", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link add rt-a type bridge && ip link set rt-a mtu 1400 group 5 up"));
    REQUIRE(shell("ip link add rt-v0 type veth peer name rt-v1"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto links = read_links(*socket, 1);
    REQUIRE(links);
    REQUIRE(links->size() == 4);
    CHECK(links->at(0).name.is("lo"));
    CHECK(links->at(0).loopback.is(true));
    CHECK(links->at(0).up.is(false));
    const auto& bridge = links->at(1);
    CHECK(bridge.name.is("rt-a"));
    CHECK(bridge.kind.is("bridge"));
    CHECK(bridge.mtu.is(1400));
    CHECK(bridge.group.is(5));
    CHECK(bridge.up.is(true));
    CHECK(links->at(2).kind.is("veth"));
    CHECK(links->at(2).link_index.is(links->at(3).index.value()));

    const auto one = read_links(*socket, 1, bridge.index.value());
    REQUIRE(one);
    REQUIRE(one->size() == 1);
    CHECK(one->front().name.is("rt-a"));
    const auto none = read_links(*socket, 1, 4000);
    REQUIRE(none);
    CHECK(none->empty());
  });
}
