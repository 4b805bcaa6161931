#include "platform/linux/routing/addresses.h"

#include <algorithm>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

const InterfaceNames names{{2, "eth0"}};

MessageBytes address_message(unsigned char family, unsigned char length, unsigned char flags = 0) {
  return MessageBytes(ifaddrmsg{family, length, flags, RT_SCOPE_UNIVERSE, 2});
}

} // namespace

TEST_CASE("an ordinary IPv4 address has no peer") {
  auto bytes = address_message(AF_INET, 24);
  bytes.add(IFA_ADDRESS, ip("10.77.0.1")).add(IFA_LOCAL, ip("10.77.0.1"));
  const auto row = decode_address(bytes.message(RTM_NEWADDR), 5, &names);
  REQUIRE(row);
  CHECK(row->address.is(ip("10.77.0.1")));
  CHECK(row->prefix_length.is(24));
  CHECK(row->peer.absent());
  CHECK(row->interface.is("eth0"));
  CHECK(row->scope.is("global"));
}

TEST_CASE("the address of a point-to-point link is the local one, the other is its peer") {
  auto bytes = address_message(AF_INET, 32);
  bytes.add(IFA_ADDRESS, ip("10.0.0.2")).add(IFA_LOCAL, ip("10.0.0.1"));
  const auto row = decode_address(bytes.message(RTM_NEWADDR), 5, &names);
  REQUIRE(row);
  CHECK(row->address.is(ip("10.0.0.1")));
  CHECK(row->peer.is(ip("10.0.0.2")));
}

TEST_CASE("the 32-bit flags win over the 8-bit ones") {
  auto bytes = address_message(AF_INET6, 64);
  bytes.add(IFA_ADDRESS, ip("fd00::1"));
  bytes.number<std::uint32_t>(IFA_FLAGS, IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_TEMPORARY);
  const auto row = decode_address(bytes.message(RTM_NEWADDR), 5, &names);
  REQUIRE(row);
  CHECK(row->tentative.is(true));
  CHECK(row->duplicate.is(true));
  CHECK(row->temporary.is(true));
  CHECK(row->secondary.is(false));
  CHECK(row->deprecated.is(false));
}

TEST_CASE("the bit that means temporary in IPv6 means secondary in IPv4") {
  auto bytes = address_message(AF_INET, 24, IFA_F_SECONDARY);
  bytes.add(IFA_LOCAL, ip("10.77.0.9"));
  const auto row = decode_address(bytes.message(RTM_NEWADDR), 5, &names);
  REQUIRE(row);
  CHECK(row->secondary.is(true));
  CHECK(row->temporary.is(false));
}

TEST_CASE("without the links an address's interface name is unknown, and is not empty") {
  auto bytes = address_message(AF_INET, 24);
  bytes.add(IFA_LOCAL, ip("10.77.0.9"));
  const auto row = decode_address(bytes.message(RTM_NEWADDR), 5, nullptr);
  REQUIRE(row);
  CHECK(row->interface.unknown());
  CHECK(row->interface.gap() == links_gap);
}

TEST_CASE("an address message without an address is damaged") {
  CHECK_FALSE(decode_address(address_message(AF_INET, 24).message(RTM_NEWADDR), 5, &names));
}

TEST_CASE("the kernel's addresses are read as they are", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link set lo up && ip link add rt-a type bridge && ip link set rt-a up"));
    REQUIRE(shell("ip addr add 10.1.0.1/24 dev rt-a && ip addr add 10.1.0.2/24 dev rt-a"));
    REQUIRE(shell("ip addr add 10.2.0.1 peer 10.2.0.2 dev rt-a"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto links = read_links(*socket, 1);
    REQUIRE(links);
    const auto kernel_names = names_of(*links);
    const auto rows = read_addresses(*socket, 1, &kernel_names);
    REQUIRE(rows);
    const auto row_of = [&](std::string_view text) {
      const auto at =
          std::ranges::find_if(*rows, [&](const Address& row) { return row.address.is(ip(text)); });
      REQUIRE(at != rows->end());
      return *at;
    };
    CHECK(row_of("127.0.0.1").scope.is("host"));
    CHECK(row_of("10.1.0.1").secondary.is(false));
    CHECK(row_of("10.1.0.2").secondary.is(true));
    CHECK(row_of("10.2.0.1").peer.is(ip("10.2.0.2")));
    CHECK(row_of("10.2.0.1").interface.is("rt-a"));
  });
}
