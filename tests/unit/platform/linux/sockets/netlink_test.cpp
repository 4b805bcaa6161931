// The pure part of netlink on bytes, and the socket against the kernel.
#include "platform/linux/netlink.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/bytes.h"

using namespace synfate;
using netlink::Attributes;
using netlink::ByteView;

TEST_CASE("attributes are visited in order, with their padding skipped") {
  const auto bytes = test::bytes_of("0500 0100 ff000000  0800 0280 01020304  0400 0300");
  const Attributes attributes{ByteView(bytes)};
  std::vector<int> types;
  for (const auto& attribute : attributes)
    types.push_back(attribute.type);
  CHECK(types == std::vector<int>{1, 2, 3});
  CHECK(attributes.find(1)->u8() == 0xff);
  CHECK(attributes.find(2)->nested);
  CHECK(attributes.find(2)->big32() == 0x01020304U);
  CHECK_FALSE(attributes.find(1)->big32());
  CHECK_FALSE(attributes.find(9));
  CHECK(attributes.well_formed());
}

TEST_CASE("attributes that claim more than there is end the iteration") {
  for (const auto* hex : {"0900 0100 ff000000", "0300 0100 ff000000", "0000 0000", "0500 01"}) {
    const auto bytes = test::bytes_of(hex);
    const Attributes attributes{ByteView(bytes)};
    CHECK(attributes.begin() == attributes.end());
    CHECK_FALSE(attributes.well_formed());
  }
  const auto last_unpadded = test::bytes_of("0500 0100 ff");
  CHECK(Attributes(ByteView(last_unpadded)).find(1)->u8() == 0xff);
  CHECK(Attributes(ByteView(last_unpadded)).well_formed());
  CHECK(Attributes().well_formed());
}

TEST_CASE("text ends at its first NUL or at the attribute's end") {
  const auto closed = test::bytes_of("0800 0100 61620063");
  const auto open = test::bytes_of("0600 0100 6162");
  CHECK(Attributes(ByteView(closed)).find(1)->text() == "ab");
  CHECK(Attributes(ByteView(open)).find(1)->text() == "ab");
}

TEST_CASE("messages are visited up to the first that does not fit") {
  const auto bytes = test::bytes_of("14000000 1400 0200 01000000 00000000 aabbccdd"
                                    "12000000 1500 0000 02000000 00000000 eeff 0000"
                                    "ff000000 1600 0000 03000000 00000000");
  std::vector<std::size_t> sizes;
  netlink::for_each_message(ByteView(bytes), [&](const auto& message) {
    sizes.push_back(message.payload.size());
    return true;
  });
  CHECK(sizes == std::vector<std::size_t>{4, 2});
}

TEST_CASE("a request is a message with padded attributes and nests") {
  netlink::Request request(20, NLM_F_DUMP);
  request.append(std::uint32_t{7});
  const auto nest = request.begin_nest(5);
  request.attribute(1, std::string_view("abc")).attribute_big32(2, 0x01020304);
  request.end_nest(nest);
  const auto bytes = request.finish(9);
  std::size_t count = 0;
  netlink::for_each_message(bytes, [&](const netlink::Message& message) {
    ++count;
    CHECK(message.sequence == 9);
    const auto found = message.attributes(4).find(5);
    REQUIRE(found);
    CHECK(found->nested);
    CHECK(Attributes(found->payload).find(1)->text() == "abc");
    CHECK(Attributes(found->payload).find(2)->big32() == 0x01020304U);
    return true;
  });
  CHECK(count == 1);
}

namespace {

netlink::Request listeners(std::uint8_t family) {
  inet_diag_req_v2 header{};
  header.sdiag_family = family;
  header.sdiag_protocol = IPPROTO_TCP;
  header.idiag_states = 1U << 10;
  netlink::Request request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  request.append(header);
  return request;
}

} // namespace

TEST_CASE("the kernel's error comes back with its number and what we were doing") {
  auto socket = netlink::Socket::open(NETLINK_SOCK_DIAG);
  REQUIRE(socket);
  auto request = listeners(200);
  const auto status =
      socket->exchange(request, "asking nonsense", [](const auto&) { return true; });
  REQUIRE_FALSE(status);
  CHECK(status.error().os_error == EINVAL);
  CHECK(status.error().doing == "asking nonsense");
}

TEST_CASE("a socket can be used again after an error and after an answer nobody wanted") {
  auto socket = netlink::Socket::open(NETLINK_SOCK_DIAG);
  REQUIRE(socket);
  auto bad = listeners(200);
  CHECK_FALSE(socket->exchange(bad, "asking nonsense", [](const auto&) { return true; }));
  auto good = listeners(AF_INET);
  CHECK(socket->exchange(good, "asking", [](const auto&) { return false; }));
  CHECK(socket->exchange(good, "asking", [](const auto&) { return true; }));
  auto none = listeners(AF_INET6);
  CHECK(socket->exchange(none, "asking", [](const auto&) { return true; }));
}

TEST_CASE("a dump that has always more to tell ends at the deadline") {
  auto socket = netlink::Socket::open(NETLINK_ROUTE, std::chrono::milliseconds(50));
  REQUIRE(socket);
  netlink::Request links(RTM_GETLINK, NLM_F_DUMP);
  links.append(ifinfomsg{});
  const auto slowly = [](const netlink::Message&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    return true;
  };
  const auto status = socket->exchange(links, "reading links", slowly);
  REQUIRE_FALSE(status); // its end is a datagram of its own
  CHECK(status.error().code == ErrorCode::timed_out);
  socket->set_timeout(std::chrono::seconds(10));
  CHECK(socket->exchange(links, "reading links", [](const auto&) { return true; }));
}
