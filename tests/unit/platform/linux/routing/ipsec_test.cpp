#include "platform/linux/routing/ipsec.h"

#include <arpa/inet.h>
#include <linux/xfrm.h>
#include <sys/socket.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

xfrm_userpolicy_info policy() {
  xfrm_userpolicy_info info{};
  info.sel.family = AF_INET;
  info.sel.saddr.a4 = htonl(0x0a4d0002);
  info.sel.prefixlen_s = 32;
  info.index = 8;
  info.action = XFRM_POLICY_BLOCK;
  return info;
}

Result<IpsecPolicy> decode(MessageBytes& bytes) {
  return decode_ipsec_policy({XFRM_MSG_NEWPOLICY, 0, 0, bytes.bytes()}, 1);
}

} // namespace

TEST_CASE("what a policy of IPsec does not ask for is absent") {
  MessageBytes bytes(policy());
  const auto row = decode(bytes);
  REQUIRE(row);
  CHECK(row->direction.is("in"));
  CHECK(row->index.is(8));
  CHECK(row->family.is("ip"));
  CHECK(row->action.is("block"));
  CHECK(row->source.is(ip("10.77.0.2")));
  CHECK(row->source_length.is(32));
  CHECK(row->destination_length.is(0));
  CHECK(row->proto.absent());
  CHECK(row->source_port.absent());
  CHECK(row->destination_port_mask.absent());
  CHECK(row->interface_index.absent());
  CHECK(row->mark_mask.absent());
  CHECK(row->if_id.absent());
  CHECK(row->sub.is(false));
  CHECK(row->templates.is(0));
}

TEST_CASE("of the transformations of a policy those are counted that are required") {
  auto info = policy();
  info.index = 9;
  std::array<xfrm_user_tmpl, 3> templates{};
  templates[1].optional = 1;
  MessageBytes bytes(info);
  bytes.add(XFRMA_TMPL, std::as_bytes(std::span(templates)));
  const auto row = decode(bytes);
  REQUIRE(row);
  CHECK(row->direction.is("out"));
  CHECK(row->templates.is(3));
  CHECK(row->required.is(2));
}

TEST_CASE("a message that is too short is no policy of IPsec") {
  MessageBytes bytes(xfrm_selector{});
  CHECK_FALSE(decode(bytes));
}

TEST_CASE("the kernel's policies of IPsec are read, the oldest first", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip xfrm policy add src 10.0.0.0/8 dst 10.1.2.3/32 proto tcp sport 5 dport 80 "
                  "dir in action block priority 7 mark 0x10 mask 0xf0 if_id 3"));
    REQUIRE(shell("ip xfrm policy add src ::/0 dst fd00::/8 dev lo dir fwd "
                  "tmpl proto esp mode transport level use"));
    const auto rows = read_ipsec_policies(1);
    REQUIRE(rows);
    REQUIRE(rows->size() == 2);
    const auto& first = rows->at(0);
    CHECK(first.position.is(0));
    CHECK(first.priority.is(7));
    CHECK(first.proto.is(6));
    CHECK(first.source_length.is(8));
    CHECK(first.destination.is(ip("10.1.2.3")));
    CHECK(first.source_port.is(5));
    CHECK(first.destination_port.is(80));
    CHECK(first.destination_port_mask.is(0xffff));
    CHECK(first.mark.is(0x10));
    CHECK(first.mark_mask.is(0xf0));
    CHECK(first.if_id.is(3));
    const auto& second = rows->at(1);
    CHECK(second.direction.is("fwd"));
    CHECK(second.family.is("ip6"));
    CHECK(second.action.is("allow"));
    CHECK(second.interface_index.is(1));
    CHECK(second.templates.is(1));
    CHECK(second.required.is(0));
    REQUIRE(shell("ip xfrm policy setdefault fwd block"));
    const auto state = read_ipsec(1);
    REQUIRE(state);
    REQUIRE(*state);
    CHECK((*state)->default_in.is("allow"));
    CHECK((*state)->default_forward.is("block"));
    CHECK((*state)->associations.is(0));
  });
}
