// Two orders of the same functions, over branches made by hand.
#include "platform/linux/netfilter/tied_order.h"

#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

IntervalSet network(const char* prefix) {
  return IntervalSet::prefix(*IpPrefix::parse(prefix));
}

PacketClass clients(const char* prefix) {
  PacketClass packet;
  packet.addresses = network(prefix);
  packet.ports = client_ports();
  return packet;
}

Branch ending(const char* prefix, HookVerdict verdict, bool reset = false) {
  Branch branch;
  branch.packet = clients(prefix);
  branch.verdict = verdict;
  branch.rejection.reset = reset;
  return branch;
}

Condition when(const char* text) {
  return {text, Culprit{"hook_order", "7/input", {}}, {}};
}

Branches join(Branches first, Branches second) {
  return join_orders(clients("10.0.0.0/8"), {std::move(first), when("one")},
                     {std::move(second), when("other")});
}

IntervalSet of_condition(const Branches& branches, const char* text) {
  IntervalSet found;
  for (const auto& branch : branches)
    for (const auto& condition : branch.packet.conditions)
      if (condition.when == text)
        found = found | branch.packet.addresses;
  return found;
}

} // namespace

TEST_CASE("an order that changes nothing leaves no condition") {
  const auto joined =
      join({ending("10.0.0.0/9", HookVerdict::drop), ending("10.128.0.0/9", HookVerdict::accept)},
           {ending("10.128.0.0/9", HookVerdict::accept), ending("10.0.0.0/10", HookVerdict::drop),
            ending("10.64.0.0/10", HookVerdict::drop)});
  CHECK(joined.size() == 2);
  CHECK(of_condition(joined, "one").empty());
  CHECK(of_condition(joined, "other").empty());
}

TEST_CASE("only those hang on the order who end differently") {
  const auto joined =
      join({ending("10.0.0.0/9", HookVerdict::drop), ending("10.128.0.0/9", HookVerdict::accept)},
           {ending("10.0.0.0/16", HookVerdict::reject), ending("10.1.0.0/16", HookVerdict::drop),
            ending("10.2.0.0/15", HookVerdict::drop), ending("10.4.0.0/14", HookVerdict::drop),
            ending("10.8.0.0/13", HookVerdict::drop), ending("10.16.0.0/12", HookVerdict::drop),
            ending("10.32.0.0/11", HookVerdict::drop), ending("10.64.0.0/10", HookVerdict::drop),
            ending("10.128.0.0/9", HookVerdict::accept)});
  CHECK(of_condition(joined, "one") == network("10.0.0.0/16"));
  CHECK(of_condition(joined, "other") == network("10.0.0.0/16"));
  IntervalSet all;
  for (const auto& branch : joined)
    all = all | branch.packet.addresses;
  CHECK(all == network("10.0.0.0/8"));
}

TEST_CASE("two rejections that a client can tell apart are different") {
  const auto joined = join({ending("10.0.0.0/8", HookVerdict::reject, true)},
                           {ending("10.0.0.0/8", HookVerdict::reject, false)});
  CHECK(joined.size() == 2);
}

TEST_CASE("a mark matters on a packet that goes on, not on one that is stopped") {
  for (const auto verdict : {HookVerdict::accept, HookVerdict::drop}) {
    Branch marked = ending("10.0.0.0/8", verdict);
    marked.packet.meta.mark = 7U;
    const auto joined = join({ending("10.0.0.0/8", verdict)}, {marked});
    CHECK(joined.size() == (verdict == HookVerdict::accept ? 2 : 1));
  }
}

TEST_CASE("where source ports are cut the whole hangs on the order") {
  Branch low = ending("10.0.0.0/8", HookVerdict::drop);
  low.packet.ports = IntervalSet::range(32768, 40000);
  Branch high = ending("10.0.0.0/8", HookVerdict::accept);
  high.packet.ports = IntervalSet::range(40001, 60999);
  CHECK(join({low, high}, {low, high}).size() == 2);
  CHECK(join({low, high}, {ending("10.0.0.0/8", HookVerdict::accept)}).size() == 3);
}

TEST_CASE("clients that the second run leaves out end as in the first") {
  const auto joined =
      join({ending("10.0.0.0/9", HookVerdict::drop), ending("10.128.0.0/9", HookVerdict::accept)},
           {ending("10.1.0.0/16", HookVerdict::reject), ending("10.2.0.0/16", HookVerdict::drop)});
  CHECK(of_condition(joined, "one") == network("10.1.0.0/16"));
  CHECK(of_condition(joined, "other") == network("10.1.0.0/16"));
  IntervalSet all;
  for (const auto& branch : joined)
    all = all | branch.packet.addresses;
  CHECK(all == network("10.0.0.0/8"));
}

TEST_CASE("to part a class is not to act on it") {
  const PacketClass whole = clients("10.0.0.0/8");
  CHECK_FALSE(acts(whole, ending("10.0.0.0/9", HookVerdict::accept)));
  CHECK(acts(whole, ending("10.0.0.0/9", HookVerdict::drop)));
  Branch marked = ending("10.0.0.0/8", HookVerdict::accept);
  marked.packet.meta.mark = 7U;
  CHECK(acts(whole, marked));
}
