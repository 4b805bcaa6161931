#include "platform/linux/routing/netlink.h"

#include <linux/rtnetlink.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

TEST_CASE("an attribute that is longer than the message is damage") {
  auto bytes = MessageBytes().number<std::uint32_t>(1, 5);
  bytes.bytes()[0] = std::byte{200};
  const auto attributes = Attributes::parse(bytes.bytes());
  REQUIRE_FALSE(attributes);
  CHECK(attributes.error().code == ErrorCode::damaged);
}

TEST_CASE("a value that is too short for its type is no value") {
  auto bytes = MessageBytes().number<std::uint16_t>(1, 5);
  const auto attributes = Attributes::parse(bytes.bytes());
  REQUIRE(attributes);
  CHECK_FALSE(attributes->u32(1));
  CHECK(attributes->u16(1) == 5);
  CHECK_FALSE(attributes->address(1));
  CHECK_FALSE(attributes->u16(2));
}

TEST_CASE("a message that claims more bytes than were received is damage") {
  std::vector<std::byte> block(sizeof(nlmsghdr));
  const nlmsghdr head{400, RTM_NEWLINK, 0, 1, 0};
  std::memcpy(block.data(), &head, sizeof head);
  CHECK_FALSE(for_each_message(block, [](const Message&) -> Status { return Done{}; }));
}

TEST_CASE("messages are visited one after the other, padding between them") {
  std::vector<std::byte> block(20 + 16);
  const nlmsghdr first{17, 50, 0, 1, 0};
  const nlmsghdr second{16, 51, 0, 1, 0};
  std::memcpy(block.data(), &first, sizeof first);
  std::memcpy(block.data() + 20, &second, sizeof second);
  std::vector<int> types;
  REQUIRE(for_each_message(block, [&](const Message& message) -> Status {
    types.push_back(message.type);
    return Done{};
  }));
  CHECK(types == std::vector<int>{50, 51});
}

TEST_CASE("the kernel's refusal is an answer with its number") {
  auto socket = RouteSocket::open();
  REQUIRE(socket);
  ifinfomsg head{};
  head.ifi_index = 1 << 30;
  const auto answer =
      socket->ask(RTM_GETLINK, RequestBytes(head), [](const Message&) -> Status { return Done{}; });
  REQUIRE(answer);
  CHECK(answer->error == ENODEV);
}
