#include "platform/linux/routing/policy_rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "messages.h"
#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

MessageBytes rule_message(unsigned char action) {
  fib_rule_hdr head{};
  head.family = AF_INET;
  head.action = action;
  head.table = RT_TABLE_MAIN;
  return MessageBytes(head);
}

} // namespace

TEST_CASE("a rule's selectors that are not there are absent") {
  const auto rule = decode_policy_rule(rule_message(FR_ACT_TO_TBL).message(RTM_NEWRULE), 1, 0);
  REQUIRE(rule);
  CHECK(rule->action.is("table"));
  CHECK(rule->table.is(254));
  CHECK(rule->priority.is(0));
  CHECK(rule->from.absent());
  CHECK(rule->mark.absent());
  CHECK(rule->uid_first.absent());
  CHECK(rule->suppress_prefix_length.absent());
  CHECK(rule->more.absent());
}

TEST_CASE("a mask without a mark selects packets without these bits") {
  auto bytes = rule_message(FR_ACT_TO_TBL);
  bytes.number<std::uint32_t>(FRA_FWMASK, 0xff);
  const auto rule = decode_policy_rule(bytes.message(RTM_NEWRULE), 1, 0);
  REQUIRE(rule);
  CHECK(rule->mark.is(0));
  CHECK(rule->mark_mask.is(0xff));
}

TEST_CASE("a selector of a newer kernel is named instead of ignored") {
  auto bytes = rule_message(FR_ACT_TO_TBL);
  bytes.number<std::uint32_t>(26, 0xff).number<std::uint16_t>(28, 1);
  const auto rule = decode_policy_rule(bytes.message(RTM_NEWRULE), 1, 0);
  REQUIRE(rule);
  CHECK(rule->more.is("26,28"));
}

TEST_CASE("the kernel's rules are read in the order they are tried", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip rule add pref 100 from 10.0.0.0/8 to 10.1.2.3 iif lo fwmark 0x10/0xf0 "
                  "uidrange 5-9 ipproto tcp sport 1-100 dport 8080 tos 8 lookup 1000"));
    REQUIRE(shell("ip rule add pref 200 not oif rt-gone unreachable && "
                  "ip rule add pref 300 goto 32766 && "
                  "ip rule add pref 400 lookup main suppress_prefixlength 0 && "
                  "ip -6 rule add pref 500 from fd00::/8 prohibit"));
    auto socket = RouteSocket::open();
    REQUIRE(socket);
    const auto rules = read_policy_rules(*socket, 1);
    REQUIRE(rules);
    REQUIRE(rules->size() == 10);
    CHECK(rules->at(0).priority.is(0));
    CHECK(rules->at(0).table.is(255));
    const auto& narrow = rules->at(1);
    CHECK(narrow.priority.is(100));
    CHECK(narrow.from.is(ip("10.0.0.0")));
    CHECK(narrow.from_length.is(8));
    CHECK(narrow.to.is(ip("10.1.2.3")));
    CHECK(narrow.input_interface.is("lo"));
    CHECK(narrow.mark.is(0x10));
    CHECK(narrow.mark_mask.is(0xf0));
    CHECK(narrow.uid_last.is(9));
    CHECK(narrow.source_port_last.is(100));
    CHECK(narrow.destination_port_first.is(8080));
    CHECK(narrow.ip_proto.is(6));
    CHECK(narrow.tos.is(8));
    CHECK(narrow.table.is(1000));
    CHECK(rules->at(2).inverted.is(true));
    CHECK(rules->at(2).output_detached.is(true));
    CHECK(rules->at(2).action.is("unreachable"));
    CHECK(rules->at(3).action.is("goto"));
    CHECK(rules->at(3).go_to.is(32766));
    CHECK(rules->at(4).suppress_prefix_length.is(0));
    CHECK(rules->at(7).family.is("ip6"));
    CHECK(rules->at(7).position.is(0));
    CHECK(rules->at(8).action.is("prohibit"));
  });
}
