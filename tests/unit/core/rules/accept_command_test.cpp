#include "core/rules/accept_command.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

FlowReport stopped(Stage stage, Packet packet, int priority, Culprit culprit) {
  FlowReport flow;
  flow.flow.from = *IpAddress::parse("10.0.0.9");
  flow.flow.to = *IpAddress::parse("10.0.0.1");
  flow.flow.port = 80;
  flow.fate.outcome = Outcome::timeout;
  flow.fate.stopped_at = stage;
  flow.fate.culprit = culprit;
  flow.fate.final_port = 8080;
  PathStep step;
  step.packet = packet;
  step.stage = stage;
  step.priority = priority;
  step.verdict = Verdict::stop;
  step.by = std::move(culprit);
  flow.fate.path.push_back(std::move(step));
  return flow;
}

std::string command(Stage stage, Packet packet, int priority, const Culprit& culprit) {
  return rules::accept_command(stopped(stage, packet, priority, culprit));
}

const Culprit rule{"nft_rule", "inet/filter/input/14", ""};

} // namespace

TEST_CASE("a rule of nf_tables is got past by one ahead of it, with the port after NAT") {
  CHECK(command(Stage::input, Packet::syn, 0, rule) ==
        "nft insert rule inet filter input position 14 ip saddr 10.0.0.9 tcp dport 8080 accept");
}

TEST_CASE("before the destination is translated the packet has the port that was called") {
  CHECK(command(Stage::prerouting, Packet::syn, -300, rule).ends_with("tcp dport 80 accept"));
  CHECK(command(Stage::prerouting, Packet::syn, -99, rule).ends_with("tcp dport 8080 accept"));
  CHECK(command(Stage::ingress, Packet::syn, 0, rule).ends_with("tcp dport 80 accept"));
}

TEST_CASE("a policy is met ahead of the chain, not at its end, where a return does not come by") {
  CHECK(command(Stage::input, Packet::syn, 0, {"nft_chain", "inet/filter/input", ""}) ==
        "nft insert rule inet filter input ip saddr 10.0.0.9 tcp dport 8080 accept");
}

TEST_CASE("an answer has the client as its destination") {
  CHECK(command(Stage::output, Packet::synack, 0, {"nft_rule", "ip/filter/output/3", ""}) ==
        "nft insert rule ip filter output position 3 ip daddr 10.0.0.9 tcp sport 8080 accept");
  CHECK(command(Stage::postrouting, Packet::synack, 300, rule).ends_with("tcp sport 80 accept"));
}

TEST_CASE("a table of iptables-nft is spoken to with iptables-nft") {
  CHECK(command(Stage::input, Packet::syn, 0, {"nft_rule", "ip/filter/INPUT/7", ""}) ==
        "iptables-nft -I INPUT -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
  CHECK(command(Stage::prerouting, Packet::syn, -150, {"nft_chain", "ip/mangle/PREROUTING", ""}) ==
        "iptables-nft -t mangle -I PREROUTING -s 10.0.0.9 -p tcp --dport 80 -j ACCEPT");
  // A chain of the user's, reached from one of iptables' own.
  auto flow = stopped(Stage::input, Packet::syn, 0, {"nft_rule", "ip/filter/LOGDROP/5", ""});
  CHECK(rules::accept_command(flow).starts_with("nft insert"));
  PathStep base;
  base.chain = "ip/filter/INPUT";
  flow.fate.path.insert(flow.fate.path.begin(), base);
  CHECK(rules::accept_command(flow) ==
        "iptables-nft -I LOGDROP -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
}

TEST_CASE("legacy tables are spoken to with iptables-legacy, by number") {
  CHECK(command(Stage::input, Packet::syn, 0, {"xt_rule", "ip/filter/INPUT/3", ""}) ==
        "iptables-legacy -I INPUT 3 -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
  CHECK(command(Stage::input, Packet::syn, 0, {"xt_policy", "ip/filter/INPUT", ""}) ==
        "iptables-legacy -I INPUT -s 10.0.0.9 -p tcp --dport 8080 -j ACCEPT");
}

TEST_CASE("names with slashes and spaces are one word of the shell") {
  CHECK(command(Stage::input, Packet::syn, 0, {"nft_rule", "inet/a%2Fb/in put/14", ""})
            .starts_with("nft insert rule inet a/b 'in put' position 14"));
}

TEST_CASE("there is no command for a refusal on its way out, nor for what is no rule") {
  CHECK(command(Stage::output, Packet::reset, 0, rule).empty());
  CHECK(command(Stage::socket_lookup, Packet::syn, 0, {"socket", "tcp/10.0.0.1:80", ""}).empty());
}
