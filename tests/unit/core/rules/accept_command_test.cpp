#include "core/rules/accept_command.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

/// A client, 10.0.0.9, calls 10.0.0.1:80, which NAT leads to port 8080.
FlowReport stopped(Packet packet, Culprit culprit, std::uint16_t port = 8080) {
  FlowReport flow;
  flow.flow.from = *IpAddress::parse("10.0.0.9");
  flow.flow.to = *IpAddress::parse("10.0.0.1");
  flow.flow.port = 80;
  flow.fate.culprit = culprit;
  flow.fate.final_port = 8080;
  PathStep step;
  step.packet = packet;
  step.verdict = Verdict::stop;
  step.by = std::move(culprit);
  step.carried = StoppedPacket{flow.flow.from, flow.flow.to, 0, port, false};
  if (packet == Packet::synack)
    step.carried = StoppedPacket{flow.flow.to, flow.flow.from, port, 0, true};
  flow.fate.path.push_back(std::move(step));
  return flow;
}

std::string command(Packet packet, const Culprit& culprit, std::uint16_t port = 8080) {
  return rules::accept_command(stopped(packet, culprit, port));
}

const Culprit rule{"nft_rule", "inet/filter/input/14", ""};

} // namespace

TEST_CASE("a rule of nf_tables is got past by one ahead of it, with the port after NAT") {
  CHECK(command(Packet::syn, rule) ==
        "nft insert rule inet filter input position 14 ip saddr 10.0.0.9 tcp dport 8080 accept");
}

TEST_CASE("the match is what the packet carries where it is stopped: before or after NAT") {
  CHECK(command(Packet::syn, rule, 80).ends_with("ip saddr 10.0.0.9 tcp dport 80 accept"));
  auto translated = stopped(Packet::syn, rule);
  translated.fate.path.back().carried->source = *IpAddress::parse("192.0.2.7");
  CHECK(rules::accept_command(translated).ends_with("ip saddr 192.0.2.7 tcp dport 8080 accept"));
  // What no rule could be written for: the port is not known.
  CHECK(command(Packet::syn, rule, 0).empty());
}

TEST_CASE("a chain in braces is got past ahead of the rule that holds it") {
  auto flow = stopped(Packet::syn, {"nft_rule", "inet/filter/__chain3/7", ""});
  CHECK(rules::accept_command(flow).empty());
  PathStep held;
  held.by = Culprit{"nft_rule", "inet/filter/__chain2/6", ""};
  held.note = "goto __chain3";
  flow.fate.path.insert(flow.fate.path.begin(), held);
  held.by = Culprit{"nft_rule", "inet/filter/input/5", ""};
  held.note = "jump __chain2";
  flow.fate.path.insert(flow.fate.path.begin(), held);
  CHECK(rules::accept_command(flow) ==
        "nft insert rule inet filter input position 5 ip saddr 10.0.0.9 tcp dport 8080 accept");
}

TEST_CASE("a policy is met ahead of the chain, not at its end, where a return does not come by") {
  CHECK(command(Packet::syn, {"nft_chain", "inet/filter/input", ""}) ==
        "nft insert rule inet filter input ip saddr 10.0.0.9 tcp dport 8080 accept");
}

TEST_CASE("an answer has the client as its destination") {
  CHECK(command(Packet::synack, {"nft_rule", "ip/filter/output/3", ""}) ==
        "nft insert rule ip filter output position 3 ip daddr 10.0.0.9 tcp sport 8080 accept");
  CHECK(command(Packet::synack, rule, 80).ends_with("tcp sport 80 accept"));
}

TEST_CASE("where the answer is stopped next, it has a command of its own") {
  auto flow = stopped(Packet::syn, rule);
  CHECK(rules::answer_command(flow).empty());
  flow.fate.blockers = {{Stage::input, rule},
                        {Stage::output, {"nft_chain", "inet/filter/output", ""}}};
  CHECK(rules::answer_command(flow) ==
        "nft insert rule inet filter output ip daddr 10.0.0.9 tcp sport 80 accept");
  PathStep translated;
  translated.verdict = Verdict::divert;
  flow.fate.path.insert(flow.fate.path.begin(), translated);
  CHECK(rules::answer_command(flow).empty());
}

TEST_CASE("a table of iptables-nft is spoken to with iptables-nft") {
  CHECK(command(Packet::syn, {"nft_rule", "ip/filter/INPUT/7", ""}) ==
        "iptables-nft -I INPUT -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
  CHECK(command(Packet::syn, {"nft_chain", "ip/mangle/PREROUTING", ""}) ==
        "iptables-nft -t mangle -I PREROUTING -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
  // A chain of the user's, reached from one of iptables' own.
  auto flow = stopped(Packet::syn, {"nft_rule", "ip/filter/LOGDROP/5", ""});
  CHECK(rules::accept_command(flow).starts_with("nft insert"));
  PathStep base;
  base.chain = "ip/filter/INPUT";
  flow.fate.path.insert(flow.fate.path.begin(), base);
  CHECK(rules::accept_command(flow) ==
        "iptables-nft -I LOGDROP -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
}

TEST_CASE("legacy tables are spoken to with iptables-legacy, by number") {
  CHECK(command(Packet::syn, {"xt_rule", "ip/filter/INPUT/3", ""}) ==
        "iptables-legacy -I INPUT 3 -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
  CHECK(command(Packet::syn, {"xt_policy", "ip/filter/INPUT", ""}) ==
        "iptables-legacy -I INPUT -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
}

TEST_CASE("names with slashes and spaces are one word of the shell") {
  CHECK(command(Packet::syn, {"nft_rule", "inet/a%2Fb/in put/14", ""})
            .starts_with("nft insert rule inet a/b 'in put' position 14"));
}

TEST_CASE("neighbour discovery is let in by its messages, in every family's words") {
  const auto discovery = [](const Culprit& culprit, Stage stage, bool v6) {
    auto flow = stopped(Packet::neighbour, culprit);
    if (v6)
      flow.flow.from = *IpAddress::parse("2001:db8::9");
    flow.fate.path.back().stage = stage;
    return rules::accept_command(flow);
  };
  CHECK(discovery({"nft_chain", "inet/filter/input", ""}, Stage::input, true) ==
        "nft insert rule inet filter input icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
        "accept");
  CHECK(discovery({"nft_rule", "netdev/filter/in/3", ""}, Stage::ingress, false) ==
        "nft insert rule netdev filter in position 3 meta protocol arp accept");
  CHECK(discovery({"nft_rule", "arp/filter/input/2", ""}, Stage::input, false) ==
        "nft insert rule arp filter input position 2 arp operation { request, reply } accept");
  CHECK(discovery({"xt_policy", "ip6/filter/INPUT", ""}, Stage::input, true) ==
        "ip6tables-legacy -I INPUT -p icmpv6 --icmpv6-type neighbour-solicitation -j ACCEPT");
  CHECK(discovery({"xt_rule", "ip6/filter/OUTPUT/2", ""}, Stage::output, true) ==
        "ip6tables-legacy -I OUTPUT 2 -p icmpv6 --icmpv6-type neighbour-advertisement -j ACCEPT");
}

TEST_CASE("there is no command for a refusal on its way out, nor for what is no rule") {
  CHECK(command(Packet::reset, rule).empty());
  CHECK(command(Packet::syn, {"socket", "tcp/10.0.0.1:80", ""}).empty());
}
