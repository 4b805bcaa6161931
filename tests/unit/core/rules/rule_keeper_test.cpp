#include "core/rules/rule_keeper.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

/// A client, 10.0.0.9, calls 10.0.0.1:80, which NAT leads to 172.17.0.2:8080; its packet has passed
/// the chains named.
FlowReport stopped(Stage stage, Culprit culprit, const std::vector<std::string>& chains = {}) {
  FlowReport flow;
  flow.flow.from = *IpAddress::parse("10.0.0.9");
  flow.flow.to = *IpAddress::parse("10.0.0.1");
  flow.flow.port = 80;
  flow.fate.stopped_at = stage;
  flow.fate.culprit = std::move(culprit);
  flow.fate.final_address = *IpAddress::parse("172.17.0.2");
  flow.fate.final_port = 8080;
  for (const auto& chain : chains) {
    PathStep step;
    step.chain = chain;
    flow.fate.path.push_back(std::move(step));
  }
  return flow;
}

} // namespace

TEST_CASE("a rule's keeper is told by its own table and chain") {
  const auto keeper = [](const char* id) { return rules::keeper_of(Culprit{"nft_rule", id, ""}); };
  CHECK(keeper("ip/filter/ts-input/3") == "tailscale");
  CHECK(keeper("inet/sshguard/blacklist/3") == "sshguard");
  CHECK(keeper("ip/filter/loc-fw/3") == "shorewall");
  CHECK(keeper("ip/filter/EXT_INPUT_CHAIN/3") == "arno-iptables-firewall");
  CHECK(keeper("inet/fw4/handle_reject/3") == "OpenWrt");
  CHECK(keeper("ip/filter/SYNFLOOD/3") == "csf");
  CHECK(keeper("ip/filter/PVEFW-HOST-IN/3") == "proxmox");
  CHECK(keeper("ip/filter/neutron-openvswi-sg-fallback/3") == "neutron");
  CHECK(keeper("ip/filter/KUBE-POD-FW-ABC/3") == "kube-router");
  CHECK(keeper("ip/filter/reject/3").empty());
  CHECK(keeper("inet/mine/net-fw/3").empty());
  CHECK(keeper("ip/filter/my-ufw-like/3").empty());
}

TEST_CASE("a program that keeps the whole firewall has the built-in chains as well") {
  const Culprit policy{"nft_chain", "ip/filter/INPUT", ""};
  const auto keeper = [&](const std::vector<std::string>& chains) {
    return rules::keeper_of(stopped(Stage::input, policy, chains));
  };
  CHECK(keeper({"ip/filter/INPUT", "ip/filter/ufw-before-input"}) == "ufw");
  CHECK(keeper({"ip/filter/INPUT", "ip/filter/dynamic"}) == "shorewall");
  CHECK(keeper({"ip/filter/INPUT", "ip/filter/f2b-sshd"}).empty());
  CHECK(keeper({"ip6/filter/INPUT", "ip6/filter/ufw6-before-input"}).empty());
}

TEST_CASE("a keeper is told in its own words") {
  const auto command = [](Stage stage, const char* id,
                          const std::vector<std::string>& chains = {}) {
    return rules::keeper_command(stopped(stage, Culprit{"nft_rule", id, ""}, chains));
  };
  CHECK(command(Stage::input, "inet/fw4/handle_reject/3", {"inet/fw4/input_guest"}) ==
        "uci add firewall rule; uci set firewall.@rule[-1].src=guest; uci set "
        "firewall.@rule[-1].src_ip=10.0.0.9; uci set firewall.@rule[-1].proto=tcp; uci set "
        "firewall.@rule[-1].dest_port=8080; uci set firewall.@rule[-1].target=ACCEPT; uci commit "
        "firewall; service firewall restart");
  CHECK(command(Stage::input, "ip/filter/ufw-reject-input/3") ==
        "ufw allow from 10.0.0.9 to any port 8080 proto tcp");
  CHECK(command(Stage::input, "ip/filter/ufw-user-input/3") ==
        "ufw prepend allow from 10.0.0.9 to any port 8080 proto tcp");
  CHECK(command(Stage::forward, "ip/filter/ufw-reject-forward/3") ==
        "ufw route allow from 10.0.0.9 to 172.17.0.2 port 8080 proto tcp");
  CHECK(command(Stage::input, "ip/filter/reject/3", {"ip/filter/INPUT", "ip/filter/loc-fw"}) ==
        "add to /etc/shorewall/rules, ahead of what refuses it: ACCEPT loc:10.0.0.9 $FW tcp 8080; "
        "then: shorewall reload");
  CHECK(command(Stage::forward, "ip/filter/net-dmz/3", {"ip/filter/net_frwd"}) ==
        "add to /etc/shorewall/rules, ahead of what refuses it: ACCEPT net:10.0.0.9 "
        "dmz:172.17.0.2 tcp 8080; then: shorewall reload");
  CHECK(command(Stage::input, "ip/filter/SMART_REJECT/1") ==
        "add to the interface in /etc/firehol/firehol.conf: server4 custom NAME tcp/8080 default "
        "accept src 10.0.0.9; then: firehol start");
  CHECK(command(Stage::input, "ip/filter/EXT_INPUT_CHAIN/1") ==
        "add 10.0.0.9~8080 to HOST_OPEN_TCP in /etc/arno-iptables-firewall/firewall.conf; then: "
        "arno-iptables-firewall restart");
  CHECK(command(Stage::input, "inet/firewalld/filter_IN_work/1") ==
        "firewall-cmd --zone=work --add-port=8080/tcp && firewall-cmd --permanent --zone=work "
        "--add-port=8080/tcp");
  CHECK(command(Stage::input, "inet/firewalld/filter_IN_work_deny/1")
            .ends_with("firewall-cmd --permanent --zone=work --add-rich-rule='rule priority=-32768 "
                       "family=ipv4 source address=10.0.0.9 port port=8080 protocol=tcp accept'"));
  CHECK(command(Stage::prerouting, "inet/firewalld/filter_PREROUTING/1").contains("IPv6_rpfilter"));
  CHECK(command(Stage::forward, "inet/firewalld/filter_FWD_work/1") ==
        "firewall-cmd --permanent --new-policy=pass-tcp-8080 && firewall-cmd --permanent "
        "--policy=pass-tcp-8080 --add-ingress-zone=ANY && firewall-cmd --permanent "
        "--policy=pass-tcp-8080 --add-egress-zone=ANY && firewall-cmd --permanent "
        "--policy=pass-tcp-8080 --add-rich-rule='rule family=ipv4 source address=10.0.0.9 "
        "destination address=172.17.0.2 port port=8080 protocol=tcp accept' && "
        "firewall-cmd --reload");
  CHECK(command(Stage::input, "ip/filter/ts-input/1").empty());
  CHECK(command(Stage::input, "inet/filter/input/1").empty());
}
