// Hooks on rules that the kernel holds, in a network namespace of the test's own.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/netfilter/serving_sockets.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/netfilter/live_rules.h"

namespace synfate {
namespace {

bool load_rules(const std::string& text) {
  FILE* pipe = popen("nft -f -", "w");
  if (pipe == nullptr)
    return false;
  fwrite(text.data(), 1, text.size(), pipe);
  return pclose(pipe) == 0;
}

/// A thread-less way to a namespace of our own: the test program moves once, and stays.
bool alone() {
  static const bool moved = unshare(CLONE_NEWNET) == 0;
  return moved && load_rules("flush ruleset\n");
}

PacketClass syn(const char* from, std::uint16_t port, bool any_source = false) {
  FlowFacts facts;
  facts.addresses =
      any_source ? IntervalSet::all(32) : IntervalSet::address(*IpAddress::parse(from));
  facts.ports = client_ports();
  facts.mtu = 1500;
  auto packet =
      build_packet(Packet::syn, facts, {AddressTerm::client(), PortTerm::client()},
                   {AddressTerm::known(*IpAddress::parse("10.77.0.1")), PortTerm::known(port)});
  packet.meta.in = {2, "eth0", Int{1}, Int{0}, std::string("veth"), Int{0}, false, {}};
  packet.ct.state = CtState::fresh;
  packet.ct.exists = true;
  return packet;
}

struct Looked {
  test::LiveRules live;
  Branches branches;
};

/// Runs a hook over the rules; false if this machine cannot.
bool look(Looked& looked, const std::string& rules, const PacketClass& packet,
          Hook hook = Hook::input) {
  if (!alone()) {
    WARN("skipped: needs root, network namespaces and nft");
    return false;
  }
  REQUIRE(load_rules(rules));
  looked.live.settle([&](HookContext& context) {
    looked.branches = run_hook(context, {hook, HookFamily::inet, 1, Packet::syn}, packet);
  });
  return true;
}

constexpr auto input = "add table inet f\nadd chain inet f input { type filter hook input priority "
                       "0; policy drop; }\n";

std::string rule(const std::string& text, const char* chain = "input") {
  return fmt::format("add rule inet f {} {}\n", chain, text);
}

} // namespace

TEST_CASE("a policy that drops is the culprit, and the rule that missed by one field is named") {
  Looked looked;
  if (!look(looked, input + rule("ip saddr 10.0.0.0/16 tcp dport 8080 accept"),
            syn("10.77.0.2", 8080)))
    return;
  REQUIRE(looked.branches.size() == 1);
  const auto& branch = looked.branches.front();
  CHECK(branch.verdict == HookVerdict::drop);
  CHECK(branch.culprit->kind == "nft_chain");
  CHECK(branch.culprit->id == "inet/f/input");
  REQUIRE(branch.near_misses.size() == 1);
  CHECK(branch.near_misses.front().field == "ip saddr");
  CHECK(branch.near_misses.front().wanted == "10.0.0.0/16");
  CHECK(branch.near_misses.front().had == "10.77.0.2");
}

TEST_CASE("a rejecting rule is named as nft writes it") {
  Looked looked;
  if (!look(looked, input + rule("tcp dport 8080 reject with tcp reset"), syn("10.77.0.2", 8080)))
    return;
  const auto& branch = looked.branches.front();
  CHECK(branch.verdict == HookVerdict::reject);
  CHECK(branch.rejection.reset);
  CHECK(branch.culprit->text == "tcp dport 8080 reject with tcp reset");
  CHECK(branch.steps.back().chain == "inet/f/input");
  CHECK(branch.steps.back().verdict == Verdict::stop);
}

TEST_CASE("a connection counts itself in any zone, until it is assured") {
  const auto rules = input + rule("ct count over 0 drop") + rule("accept");
  auto packet = syn("10.77.0.2", 8080);
  packet.ct.zone.id = std::uint16_t{5};
  Looked fresh, assured;
  if (!look(fresh, rules, packet))
    return;
  REQUIRE(fresh.branches.size() == 1);
  CHECK(fresh.branches.front().verdict == HookVerdict::drop);
  packet.ct.state = CtState::established;
  packet.ct.status = ct_status_seen_reply | ct_status_assured | ct_status_confirmed;
  REQUIRE(look(assured, rules, packet));
  REQUIRE(assured.branches.size() == 2); // whether an earlier packet was counted
  CHECK(assured.branches[0].verdict != assured.branches[1].verdict);
  CHECK(assured.branches[0].packet.conditions.front().when.find(
            "connections are counted by inet/f/input") != std::string::npos);
}

TEST_CASE("the group of a packet's socket decides where it is known, and is named where not") {
  auto packet = syn("10.77.0.2", 8080);
  packet.meta.socket.present = true;
  packet.meta.socket.gid = 1000U;
  const auto rules = input + rule("meta skgid 1000 accept");
  Looked known, unknown, orphan;
  if (!look(known, rules, packet))
    return;
  REQUIRE(known.branches.size() == 1);
  CHECK(known.branches.front().verdict == HookVerdict::accept);
  packet.meta.socket.gid = Perhaps<std::uint32_t>::unknown("the group of the socket");
  REQUIRE(look(unknown, rules, packet));
  REQUIRE(unknown.branches.size() == 2);
  CHECK(unknown.branches.front().packet.conditions.front().when.find("meta skgid 1000") !=
        std::string::npos);
  packet.meta.socket.has_file = false; // nobody holds it: the test breaks the rule
  REQUIRE(look(orphan, rules, packet));
  REQUIRE(orphan.branches.size() == 1);
  CHECK(orphan.branches.front().verdict == HookVerdict::drop);
}

TEST_CASE("an element that goes while a client still tries is assumed to stay") {
  const auto set = [](const char* timeout) {
    return std::string("add table inet f\nadd set inet f s { type ipv4_addr; timeout ") + timeout +
           "; elements = { 10.77.0.2 }; }\n" + input + rule("ip saddr @s reject") + rule("accept");
  };
  Looked soon;
  if (!look(soon, set("9s"), syn("10.77.0.2", 8080)))
    return;
  REQUIRE(soon.branches.size() == 1);
  CHECK(soon.branches.front().verdict == HookVerdict::reject);
  CHECK(soon.branches.front().certainty == Certainty::likely);
  CHECK(soon.branches.front().packet.assumptions.front().find("set s") != std::string::npos);
  for (const auto& [timeout, client] : {std::pair("1h", "10.77.0.2"), {"9s", "10.77.0.3"}}) {
    Looked sure;
    look(sure, set(timeout), syn(client, 8080));
    CHECK(sure.branches.front().certainty == Certainty::certain);
  }
}

TEST_CASE("rules that were read at two versions decide nothing") {
  for (const auto& [versions, verdict] :
       {std::pair(std::vector<Int>{5}, HookVerdict::drop), {{5, 6}, HookVerdict::unknown}}) {
    Looked looked;
    for (const Int version : versions)
      looked.live.snapshot.add(NftGeneration{1, version});
    if (!look(looked, input, syn("10.77.0.2", 8080)))
      return;
    REQUIRE(looked.branches.size() == 1);
    CHECK(looked.branches.front().verdict == verdict);
    CHECK(any_rules_moved(looked.live.snapshot) == (versions.size() > 1));
    CHECK_FALSE(rules_moved(looked.live.snapshot, 2));
  }
}

TEST_CASE("a lifted rule is skipped and a lifted policy accepts") {
  Looked looked;
  looked.live.options.lifted = {{"nft_chain", "inet/f/input"}};
  if (!look(looked, input, syn("10.77.0.2", 8080)))
    return;
  CHECK(looked.branches.front().verdict == HookVerdict::accept);
}

TEST_CASE("accept ends one base chain only: a later one still drops") {
  Looked looked;
  if (!look(looked,
            std::string(input) + rule("accept") +
                "add table ip g\nadd chain ip g in { type filter hook input priority 10; }\n"
                "add rule ip g in tcp dport 8080 drop\n",
            syn("10.77.0.2", 8080)))
    return;
  CHECK(looked.branches.front().verdict == HookVerdict::drop);
  CHECK(looked.branches.front().culprit->id.starts_with("ip/g/in/"));
  CHECK(looked.branches.front().steps.size() == 2);
}

TEST_CASE("of equal priority the chain registered last runs first") {
  Looked looked;
  if (!look(looked,
            "add table inet a\nadd chain inet a c { type filter hook input priority 5; }\n"
            "add rule inet a c meta mark set 1\n"
            "add table inet b\nadd chain inet b c { type filter hook input priority 5; }\n"
            "add rule inet b c meta mark 1 drop\n",
            syn("10.77.0.2", 8080)))
    return;
  CHECK(looked.branches.front().verdict == HookVerdict::accept);
}

TEST_CASE("all sources fall into the classes that the rules tell apart, and no others") {
  Looked looked;
  if (!look(looked,
            std::string(input) +
                "add set inet f ban { type ipv4_addr; flags interval; elements = { 10.9.0.0/16, "
                "192.0.2.7 } }\n" +
                rule("ip saddr @ban drop") + rule("ip saddr 10.0.0.0/8 accept"),
            syn("", 8080, true)))
    return;
  IntervalSet open, all;
  for (const auto& branch : looked.branches) {
    CHECK(branch.packet.addresses.disjoint(all));
    all = all | branch.packet.addresses;
    if (branch.verdict == HookVerdict::accept)
      open = open | branch.packet.addresses;
  }
  CHECK(all == IntervalSet::all(32));
  CHECK(to_string(open, IpFamily::v4) == "10.0.0.0-10.8.255.255, 10.10.0.0-10.255.255.255");
}

/// What becomes of many clients: the addresses by verdict and rule.
std::map<std::string, IntervalSet> many(test::LiveRules& live, const PacketClass& packet,
                                        bool as_parts, std::size_t& parts) {
  std::map<std::string, IntervalSet> fates;
  const auto add = [&](HookVerdict verdict, const Rejection& rejection, const std::string& by,
                       const IntervalSet& addresses) {
    auto& all = fates[fmt::format("{} {} {}", to_string(verdict), to_string(rejection.icmp), by)];
    CHECK(all.disjoint(addresses));
    all = all | addresses;
  };
  std::vector<Passage> passages;
  std::vector<StoppedPart> stopped;
  Branches branches;
  live.settle([&](HookContext& context) {
    passages.clear();
    stopped.clear();
    ClassContext classes;
    classes.passages = &passages;
    classes.stopped = as_parts ? &stopped : nullptr;
    HookOptions options;
    options.want_near_misses = false;
    options.classes = &classes;
    HookContext of_many{context.inquiry, context.ruleset, context.xt, options};
    branches = run_hook(of_many, {.hook = Hook::input, .netns = 1}, packet);
  });
  for (const auto& branch : branches)
    add(branch.verdict, branch.rejection, branch.culprit ? branch.culprit->id : "",
        branch.packet.addresses);
  for (const auto& part : stopped)
    add(part.verdict, part.rejection, part.by.id, part.addresses);
  for (const auto& passage : passages)
    add(HookVerdict::accept, {}, "by " + passage.by.id, passage.addresses);
  parts = stopped.size();
  return fates;
}

TEST_CASE("clients that rules stop one by one fare as if each had a packet of its own") {
  Looked looked;
  std::string rules = input;
  rules += "add chain inet f more\n" + rule("ip saddr 10.1.0.7 reject") + rule("tcp dport 9 drop");
  for (unsigned at = 0; at < 40; ++at)
    rules += rule(fmt::format("ip saddr 10.{}.0.{} {}", at % 4, at * 5 % 23,
                              at % 3 == 0 ? "drop" : (at % 3 == 1 ? "counter reject" : "accept")));
  rules += rule("meta mark set 7") + rule("ip saddr 10.1.0.0/24 tcp dport 8080 drop") +
           rule("ip saddr != 10.0.0.0/14 jump more") + rule("ip saddr 10.2.0.3 return", "more") +
           rule("ip saddr 172.16.0.0/12 reject with tcp reset", "more") +
           rule("ip saddr 172.16.3.4 drop", "more") + rule("ip daddr 10.77.0.1 drop");
  const auto packet = syn("", 8080, true);
  if (!look(looked, rules, packet))
    return;
  std::size_t parts = 0;
  const auto apart = many(looked.live, packet, false, parts);
  CHECK(parts == 0);
  const auto together = many(looked.live, packet, true, parts);
  CHECK(parts == 31); // all but those that accept
  CHECK(apart.size() > 20);
  REQUIRE(apart.size() == together.size());
  for (const auto& [fate, addresses] : apart) {
    INFO(fate);
    REQUIRE(together.contains(fate));
    CHECK(together.at(fate) == addresses);
  }
}

TEST_CASE("a limit gives both outcomes, each with its condition") {
  Looked looked;
  if (!look(looked, input + rule("tcp dport 8080 limit rate 1/hour accept"),
            syn("10.77.0.2", 8080)))
    return;
  REQUIRE(looked.branches.size() == 2);
  CHECK(looked.branches[0].verdict != looked.branches[1].verdict);
  for (const auto& branch : looked.branches)
    CHECK(branch.packet.conditions.size() == 1);
}

TEST_CASE("a rule that decides nothing leaves no trace of what it could not know") {
  Looked looked;
  if (!look(looked,
            input + rule("tcp sequence 5 counter") + rule("limit rate 1/second counter") +
                rule("accept"),
            syn("10.77.0.2", 8080)))
    return;
  REQUIRE(looked.branches.size() == 1);
  CHECK(looked.branches.front().packet.conditions.empty());
}

TEST_CASE("verdict maps, jumps, goto and return lead where the kernel goes") {
  Looked looked;
  if (!look(looked,
            std::string(input) + "add chain inet f a\nadd chain inet f b\nadd chain inet f c\n" +
                rule("tcp dport vmap { 22 : drop, 8080 : jump a }") + rule("accept") +
                rule("jump c", "a") + rule("goto b", "a") + rule("drop", "a") +
                rule("return", "c") + rule("drop", "c") + rule("tcp dport 1 drop", "b"),
            syn("10.77.0.2", 8080)))
    return;
  REQUIRE(looked.branches.size() == 1);
  CHECK(looked.branches.front().verdict == HookVerdict::accept);
}

TEST_CASE("redirection changes the port and the reply is told by the connection") {
  Looked looked;
  auto packet = syn("10.77.0.2", 80);
  packet.ct = {};
  if (!look(looked,
            "add table ip n\nadd chain ip n pre { type nat hook prerouting priority -100; }\n"
            "add rule ip n pre tcp dport 80 dnat to 10.77.0.1:8080\n",
            packet, Hook::prerouting))
    return;
  REQUIRE(looked.branches.size() == 1);
  const auto& after = looked.branches.front().packet;
  CHECK(destination_of(after).port == PortTerm::known(8080));
  REQUIRE(after.ct.destination_nat);
  CHECK(after.ct.destination_nat->text == "tcp dport 80 dnat to 10.77.0.1:8080");
  CHECK(after.ct.state == CtState::fresh);
}

TEST_CASE("twenty thousand rules and a great set are fast", "[.bench]") {
  std::string rules = "add set inet f big { type ipv4_addr; }\nadd element inet f big { ";
  for (unsigned at = 0; at < 200000; ++at)
    rules +=
        fmt::format("{}{}", at == 0 ? "" : ", ", IpAddress::v4(0x0b000000 + 2 * at).to_string());
  rules += " }\n";
  for (unsigned at = 0; at < 20000; ++at)
    rules += rule(fmt::format("ip saddr 10.{}.{}.1 tcp dport {} drop", at % 250, at / 250, at));
  rules += rule("ip saddr @big drop");
  for (const bool whole : {false, true}) {
    Looked looked;
    if (!look(looked, input + rules, syn("10.77.0.2", 60001, whole)))
      return;
    for (int round = 0; round < 3; ++round) {
      Ruleset fresh;
      Inquiry inquiry(looked.live.snapshot);
      auto& ruleset = round == 0 ? fresh : looked.live.ruleset;
      HookContext context{inquiry, ruleset, nullptr, looked.live.options};
      const auto begin = std::chrono::steady_clock::now();
      const auto branches = run_hook(context, {Hook::input, HookFamily::inet, 1, Packet::syn},
                                     syn("10.77.0.2", 60001, whole));
      const std::chrono::duration<double, std::milli> spent =
          std::chrono::steady_clock::now() - begin;
      fmt::print("{} {}: {:.1f} ms, {} branches\n", whole ? "all sources" : "one source",
                 round == 0 ? "cold" : "warm", spent.count(), branches.size());
      CHECK(spent.count() < 2000);
    }
  }
}

TEST_CASE("what a rule adds to a set or takes from it counts for a later look into it") {
  const std::string set = "add set inet f seen { type ipv4_addr ; flags dynamic ; size 9 ; "
                          "elements = { 10.77.0.9 } ; }\n";
  const auto verdicts = [&](const std::string& change, const char* client, bool any = false) {
    Looked looked;
    std::set<HookVerdict> found;
    if (look(looked, input + set + rule(change) + rule("ip saddr @seen accept"),
             syn(client, 8080, any)))
      for (const auto& branch : looked.branches)
        found.insert(branch.verdict);
    return found;
  };
  if (!alone())
    return;
  const std::set accept{HookVerdict::accept};
  const std::set drop{HookVerdict::drop};
  CHECK(verdicts("add @seen { ip saddr }", "10.77.0.2") == accept);
  CHECK(verdicts("add @seen { ip daddr }", "10.77.0.2") == drop);
  CHECK(verdicts("delete @seen { ip saddr }", "10.77.0.9") == drop);
  CHECK(verdicts("delete @seen { ip daddr }", "10.77.0.9") == accept);
  CHECK(verdicts("add @seen { ip saddr }", "10.77.0.9") == accept);
  CHECK(verdicts("delete @seen { ip saddr }", "10.77.0.2") == drop);
  // of many clients at once it is not followed
  CHECK(verdicts("add @seen { ip saddr }", "", true) ==
        std::set{HookVerdict::accept, HookVerdict::drop});
}

TEST_CASE("texts are those of nft, for what the kernel tests") {
  const std::string texts[] = {"tcp dport 8080 accept",
                               "ip saddr 10.0.0.0/8 tcp dport 22-25 drop",
                               "ip6 saddr 2001:db8::/48 udp dport 53 accept",
                               "ct state established,related accept",
                               "iifname \"lo\" accept",
                               "tcp dport { 22, 80, 443 } accept",
                               "ip saddr != 192.0.2.7 drop",
                               "meta mark 0x00000007 accept",
                               "tcp sport 5 tcp dport 8080 drop",
                               "meta l4proto udp drop",
                               "ip ttl 64 reject with icmp admin-prohibited",
                               "log prefix \"x \" drop",
                               "limit rate over 10/second drop",
                               "fib saddr . iif oif missing drop",
                               "ip daddr . tcp dport { 10.77.0.1 . 22 } accept",
                               "accept comment \"ours\""};
  Looked looked;
  std::string rules = input;
  for (const auto& text : texts)
    rules += rule(text);
  if (!look(looked, rules, syn("10.77.0.2", 9)))
    return;
  const NftScope scope{1, "inet", "f"};
  const std::string name = "input";
  std::vector<std::string> printed;
  looked.live.settle([&](HookContext& context) {
    printed.clear();
    if (const auto* chain = context.ruleset.chain(context.inquiry, scope, name))
      for (const auto& row : chain->rules)
        printed.push_back(rule_culprit(context, {&scope, &name, &row}).text);
  });
  REQUIRE(printed.size() == std::size(texts));
  for (std::size_t at = 0; at < printed.size(); ++at)
    CHECK(printed[at] == texts[at]);
}

TEST_CASE("the socket that an answer goes to is here only where the client is") {
  Snapshot snapshot(test::all_tables());
  Route own;
  own.netns = 1;
  own.table = 255;
  own.type = Text("local");
  own.destination = *IpAddress::parse("10.77.0.1");
  own.prefix_length = 32;
  snapshot.add(own);
  snapshot.answered({std::string(table_name<Route>()), {{"netns", Int{1}}, {"table", Int{255}}}});
  Inquiry inquiry(snapshot);
  Ruleset ruleset;
  const HookOptions options;
  HookContext context{inquiry, ruleset, nullptr, options};
  const auto here = [&](Hook hook, const char* client, const char* device) {
    FlowFacts facts;
    facts.addresses = IntervalSet::address(*IpAddress::parse(client));
    facts.ports = client_ports();
    auto packet =
        build_packet(Packet::synack, facts,
                     {AddressTerm::known(*IpAddress::parse("10.79.0.2")), PortTerm::known(8080)},
                     {AddressTerm::client(), PortTerm::client()});
    packet.meta.in = {
        2, device, Int{1}, Int{0}, std::string("veth"), Int{0}, std::string_view(device) == "lo",
        {}};
    packet.ct.reply = true;
    return client_is_here(context, {hook, HookFamily::inet, 1, Packet::synack}, packet);
  };
  CHECK(here(Hook::prerouting, "10.77.0.2", "ct0") == Truth::no);
  CHECK(here(Hook::prerouting, "10.77.0.1", "ct0") == Truth::yes);
  CHECK(here(Hook::prerouting, "10.77.0.2", "lo") == Truth::yes);
  CHECK(here(Hook::input, "10.77.0.2", "ct0") == Truth::yes);
}

TEST_CASE(
    "a zone that a rule sets in raw is that of the entry, and its template has a state only") {
  const std::string chains =
      "add table inet f\nadd chain inet f raw { type filter hook prerouting priority -300; }\n"
      "add chain inet f late { type filter hook prerouting priority 0; policy drop; }\n";
  const auto verdict = [&](const std::string& rules) {
    auto packet = syn("10.77.0.2", 8080);
    packet.ct = {};
    Looked looked;
    looked.live.snapshot.add(Setting{Int{1}, Text("net.netfilter.nf_conntrack_count"), Text("1")});
    if (!look(looked, chains + rules, packet, Hook::prerouting) || looked.branches.size() != 1)
      return HookVerdict::unknown;
    return looked.branches.front().verdict;
  };
  if (!alone())
    return;
  CHECK(verdict(rule("ct zone set 5", "raw") + rule("ct zone 5 accept", "late")) ==
        HookVerdict::accept);
  CHECK(verdict(rule("ct original zone set 5", "raw") +
                rule("ct reply zone 0 ct original zone 5 accept", "late")) == HookVerdict::accept);
  CHECK(verdict(rule("ct zone set 5", "raw") + rule("ct state new meta mark set 7", "raw") +
                rule("ct mark 0 meta mark set 8", "raw") + rule("meta mark 7 accept", "late")) ==
        HookVerdict::accept);
  CHECK(verdict(rule("notrack", "raw") + rule("ct zone set 5", "raw") +
                rule("ct state new accept", "late")) == HookVerdict::accept);
}

} // namespace synfate
