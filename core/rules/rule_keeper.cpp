#include "core/rules/rule_keeper.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/rules/functions.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

/// How the name of a chain is compared.
enum class Part : std::uint8_t { within, whole, beginning, end };

struct Keeper {
  std::string_view name;
  std::string_view table; ///< substring of the table's name
  std::string_view chain;
  Part part = Part::within;
  bool whole_firewall = false; ///< the built-in chains and their policies are its own as well
};

// Names that the programs give to what they make; the first that fits wins.
constexpr std::array keepers{
    Keeper{"firewalld", "firewalld", ""},
    Keeper{"fail2ban", "f2b", ""},
    Keeper{"fail2ban", "", "f2b-"},
    Keeper{"fail2ban", "", "fail2ban"},
    Keeper{"crowdsec", "crowdsec", ""},
    Keeper{"crowdsec", "", "CROWDSEC"},
    Keeper{"sshguard", "sshguard", ""},
    Keeper{"sshguard", "", "sshguard", Part::whole},
    Keeper{"docker", "docker", ""},
    Keeper{"docker", "", "DOCKER"},
    Keeper{"podman", "netavark", ""},
    Keeper{"podman", "", "NETAVARK"},
    Keeper{"podman", "", "CNI-"},
    Keeper{"kube-router", "", "KUBE-POD-FW-", Part::beginning},
    Keeper{"kube-router", "", "KUBE-NWPLCY-", Part::beginning},
    Keeper{"kube-router", "", "KUBE-ROUTER-", Part::beginning},
    Keeper{"weave", "", "WEAVE", Part::beginning},
    Keeper{"kube-proxy", "kube-proxy", ""},
    Keeper{"kube-proxy", "", "KUBE-"},
    Keeper{"calico", "", "cali-"},
    Keeper{"cilium", "", "CILIUM"},
    Keeper{"istio", "", "ISTIO_", Part::beginning},
    Keeper{"flannel", "", "FLANNEL-", Part::beginning},
    Keeper{"tailscale", "", "ts-input", Part::whole},
    Keeper{"tailscale", "", "ts-forward", Part::whole},
    Keeper{"libvirt", "libvirt", ""},
    Keeper{"libvirt", "", "LIBVIRT"},
    Keeper{"NetworkManager", "nm-shared-", ""},
    Keeper{"wg-quick", "wg-quick-", ""},
    Keeper{"OpenWrt", "fw4", ""},
    Keeper{"opensnitch", "opensnitch", ""},
    Keeper{"mullvad", "mullvad", ""},
    Keeper{"foomuuri", "foomuuri", ""},
    Keeper{"ufw", "", "ufw-", Part::beginning, true},
    Keeper{"ufw", "", "ufw6-", Part::beginning, true},
    Keeper{"shorewall", "", "-fw", Part::end, true},
    Keeper{"shorewall", "", "_frwd", Part::end, true},
    Keeper{"shorewall", "", "dynamic", Part::whole, true},
    Keeper{"shorewall", "", "smurfs", Part::whole, true},
    Keeper{"shorewall", "", "sfilter", Part::whole, true},
    Keeper{"shorewall", "", "tcpflags", Part::whole, true},
    Keeper{"firehol", "", "SMART_REJECT", Part::whole, true},
    Keeper{"firehol", "", "_custom_", Part::within, true},
    Keeper{"arno-iptables-firewall", "", "_INPUT_CHAIN", Part::end, true},
    Keeper{"arno-iptables-firewall", "", "_FORWARD_CHAIN", Part::end, true},
    Keeper{"arno-iptables-firewall", "", "_INPUT_DROP_CHAIN", Part::end, true},
    Keeper{"arno-iptables-firewall", "", "VALID_CHK", Part::whole, true},
    Keeper{"csf", "", "LOCALINPUT", Part::whole, true},
    Keeper{"csf", "", "DENYIN", Part::whole, true},
    Keeper{"csf", "", "LOGDROPIN", Part::whole, true},
    Keeper{"csf", "", "LOCALOUTPUT", Part::whole, true},
    Keeper{"csf", "", "DENYOUT", Part::whole, true},
    Keeper{"csf", "", "LOGDROPOUT", Part::whole, true},
    Keeper{"csf", "", "SYNFLOOD", Part::whole, true},
    Keeper{"csf", "", "PORTFLOOD", Part::whole, true},
    Keeper{"csf", "", "INVDROP", Part::whole, true},
    Keeper{"proxmox", "", "PVEFW-", Part::beginning, true},
    Keeper{"proxmox", "proxmox-firewall", ""},
    Keeper{"neutron", "", "neutron-", Part::beginning},
    Keeper{"vuurmuur", "", "PRE-VRMR-", Part::beginning, true},
    Keeper{"lxd", "lxd", ""},
    Keeper{"incus", "incus", ""},
    Keeper{"lxc", "lxc", ""},
};

bool bears(std::string_view chain, const Keeper& keeper) {
  switch (keeper.part) {
  case Part::whole:
    return chain == keeper.chain;
  case Part::beginning:
    return chain.starts_with(keeper.chain);
  case Part::end:
    return chain.ends_with(keeper.chain);
  case Part::within:
    break;
  }
  return chain.contains(keeper.chain);
}

/// Those that keep a whole firewall do so in the tables of iptables.
bool of_iptables(std::string_view family, std::string_view table) {
  return (family == "ip" || family == "ip6") &&
         (table == "filter" || table == "nat" || table == "mangle" || table == "raw");
}

const Keeper* keeper_by(std::string_view family, std::string_view table, std::string_view chain) {
  const auto at = std::ranges::find_if(keepers, [&](const Keeper& keeper) {
    return table.contains(keeper.table) && bears(chain, keeper) &&
           (!keeper.whole_firewall || of_iptables(family, table));
  });
  return at == keepers.end() ? nullptr : &*at;
}

bool of_firewall(const Culprit& culprit) {
  return culprit.kind.starts_with("nft") || culprit.kind.starts_with("xt");
}

/// Names of the chains of one table that the packet has passed, in order.
std::vector<std::string> chains_passed(const FlowReport& flow, std::string_view family,
                                       std::string_view table) {
  std::vector<std::string> chains;
  for (const auto& step : flow.fate.path) {
    const auto parts = id_parts(step.chain);
    if (parts.size() == 3 && parts[0] == family && parts[1] == table)
      chains.push_back(parts[2]);
  }
  if (flow.fate.culprit)
    if (const auto parts = id_parts(flow.fate.culprit->id); parts.size() > 2)
      chains.push_back(parts[2]); // the row of a stop names the base chain
  return chains;
}

/// The words after firewall-cmd; firewalld names chains filter_IN_ZONE, filter_FWD_ZONE, and with
/// _deny, _pre and _post what its rich rules drop and reject.
std::string firewalld_command(const FlowReport& flow, std::string_view chain, std::uint16_t port) {
  if (chain == "filter_PREROUTING")
    return "set IPv6_rpfilter=no in /etc/firewalld/firewalld.conf; then: systemctl restart "
           "firewalld";
  const bool input = chain.starts_with("filter_IN_");
  const bool forward = chain.starts_with("filter_FWD_");
  std::string_view zone = input ? chain.substr(10) : forward ? chain.substr(11) : "";
  bool rich = false;
  for (const std::string_view suffix : {"_deny", "_allow", "_pre", "_post"})
    if (zone.ends_with(suffix)) {
      zone.remove_suffix(suffix.size());
      rich = suffix != "_allow";
    }
  if (flow.fate.stopped_at == Stage::forward) {
    const auto name = fmt::format("pass-{}-{}", to_string(flow.flow.proto), port);
    const auto rule =
        fmt::format("rule family=ipv{} source address={} destination address={} port port={} "
                    "protocol={} accept",
                    flow.flow.from.is_v6() ? 6 : 4, flow.flow.from.to_string(),
                    flow.fate.final_address.to_string(), port, to_string(flow.flow.proto));
    // The policy of a zone leaves out those whose zone is the default one: hence ANY.
    return fmt::format("firewall-cmd --permanent --new-policy={0} && firewall-cmd --permanent "
                       "--policy={0} --add-ingress-zone=ANY && firewall-cmd --permanent "
                       "--policy={0} --add-egress-zone=ANY && firewall-cmd --permanent "
                       "--policy={0} --add-rich-rule={1} && firewall-cmd --reload",
                       name, quote(rule));
  }
  // What is not permanent would go with a --reload: hence both, one after the other.
  const std::string in_zone = zone.empty() ? "" : fmt::format("--zone={} ", quote(zone));
  const std::string words =
      rich ? fmt::format(
                 "{}--add-rich-rule={}", in_zone,
                 quote(fmt::format("rule priority=-32768 family=ipv{} source address={} port "
                                   "port={} protocol={} accept",
                                   flow.flow.from.is_v6() ? 6 : 4, flow.flow.from.to_string(), port,
                                   to_string(flow.flow.proto))))
           : fmt::format("{}--add-port={}/{}", in_zone, port, to_string(flow.flow.proto));
  return fmt::format("firewall-cmd {0} && firewall-cmd --permanent {0}", words);
}

/// With the zones of the last chain FROM-TO of shorewall that the packet has passed.
std::string shorewall_line(const FlowReport& flow, std::string_view family, std::string_view table,
                           std::uint16_t port) {
  std::string from = "ZONE";
  std::string to = flow.fate.stopped_at == Stage::forward ? "ZONE" : "fw";
  for (const auto& chain : chains_passed(flow, family, table)) {
    const auto dash = chain.find('-');
    if (dash == std::string::npos || chain.starts_with('~'))
      continue;
    from = chain.substr(0, dash);
    to = chain.substr(dash + 1);
  }
  const std::string client = flow.flow.from.is_v6()
                                 ? fmt::format("[{}]", flow.flow.from.to_string())
                                 : flow.flow.from.to_string();
  const std::string target =
      to == "fw" ? "$FW" : fmt::format("{}:{}", to, flow.fate.final_address.to_string());
  return fmt::format("ACCEPT {}:{} {} {} {}", from, client, target, to_string(flow.flow.proto),
                     port);
}

/// With the zone of the last chain input_ZONE or forward_ZONE that the packet has passed.
std::string openwrt_command(const FlowReport& flow, std::string_view family, std::string_view table,
                            std::uint16_t port) {
  const bool on = flow.fate.stopped_at == Stage::forward;
  const std::string_view beginning = on ? "forward_" : "input_";
  std::string zone = "wan";
  for (const auto& chain : chains_passed(flow, family, table))
    if (chain.starts_with(beginning))
      zone = chain.substr(beginning.size());
  std::string target;
  if (on)
    target = fmt::format("; uci set firewall.@rule[-1].dest='*'; uci set "
                         "firewall.@rule[-1].dest_ip={}",
                         flow.fate.final_address.to_string());
  return fmt::format("uci add firewall rule; uci set firewall.@rule[-1].src={}; uci set "
                     "firewall.@rule[-1].src_ip={}; uci set firewall.@rule[-1].proto={}; uci set "
                     "firewall.@rule[-1].dest_port={}{}; uci set firewall.@rule[-1].target=ACCEPT; "
                     "uci commit firewall; service firewall restart",
                     quote(zone), flow.flow.from.to_string(), to_string(flow.flow.proto), port,
                     target);
}

std::string ufw_command(const FlowReport& flow, std::string_view chain, std::uint16_t port) {
  const std::string client = flow.flow.from.to_string();
  const auto proto = to_string(flow.flow.proto);
  // A rule of a user's own stands before those that are added.
  const std::string_view first = chain.contains("-user-") ? "prepend " : "";
  if (flow.fate.stopped_at == Stage::forward)
    return fmt::format("ufw route {}allow from {} to {} port {} proto {}", first, client,
                       flow.fate.final_address.to_string(), port, proto);
  return fmt::format("ufw {}allow from {} to any port {} proto {}", first, client, port, proto);
}

} // namespace

std::string_view keeper_of(const Culprit& culprit) {
  const auto parts = id_parts(culprit.id);
  if (!of_firewall(culprit) || parts.size() < 3)
    return "";
  if (const Keeper* keeper = keeper_by(parts[0], parts[1], parts[2]))
    return keeper->name;
  // A ban may stand in a set, and the rule that asks it in a chain of nobody's.
  for (const auto& [set, name] :
       {std::pair{"--match-set f2b-", "fail2ban"}, std::pair{"--match-set crowdsec", "crowdsec"}})
    if (culprit.text.contains(set))
      return name;
  return "";
}

std::string_view keeper_of(const FlowReport& flow) {
  if (!flow.fate.culprit || !of_firewall(*flow.fate.culprit))
    return "";
  const auto named = keeper_of(*flow.fate.culprit);
  const auto parts = id_parts(flow.fate.culprit->id);
  if (!named.empty() || parts.size() < 3)
    return named;
  for (const auto& chain : chains_passed(flow, parts[0], parts[1]))
    if (const Keeper* keeper = keeper_by(parts[0], parts[1], chain);
        keeper != nullptr && keeper->whole_firewall)
      return keeper->name;
  return "";
}

std::string keeper_command(const FlowReport& flow) {
  const auto keeper = keeper_of(flow);
  if (keeper.empty())
    return "";
  const auto parts = id_parts(flow.fate.culprit->id);
  const bool v6 = flow.flow.from.is_v6();
  // Filters see what NAT has made of it.
  const auto port = flow.fate.final_port != 0 ? flow.fate.final_port : flow.flow.port;
  if (keeper == "firewalld")
    return firewalld_command(flow, parts[2], port);
  if (keeper == "ufw")
    return ufw_command(flow, parts[2], port);
  if (keeper == "shorewall")
    return fmt::format("add to /etc/{0}/rules, ahead of what refuses it: {1}; then: {0} reload",
                       v6 ? "shorewall6" : "shorewall",
                       shorewall_line(flow, parts[0], parts[1], port));
  if (keeper == "firehol")
    return fmt::format("add to the {} in /etc/firehol/firehol.conf: {}{} custom NAME {}/{} default "
                       "accept src {}; then: firehol start",
                       flow.fate.stopped_at == Stage::forward ? "router" : "interface",
                       flow.fate.stopped_at == Stage::forward ? "route" : "server", v6 ? "6" : "4",
                       to_string(flow.flow.proto), port, flow.flow.from.to_string());
  if (keeper == "arno-iptables-firewall" && flow.fate.stopped_at == Stage::input)
    return fmt::format("add {}~{} to HOST_OPEN_{} in /etc/arno-iptables-firewall/firewall.conf; "
                       "then: arno-iptables-firewall restart",
                       flow.flow.from.to_string(), port,
                       flow.flow.proto == Proto::udp ? "UDP" : "TCP");
  if (keeper == "OpenWrt")
    return openwrt_command(flow, parts[0], parts[1], port);
  if (keeper == "proxmox")
    return fmt::format("add to [RULES] of the firewall of the node, the cluster or the guest: IN "
                       "ACCEPT -source {} -p {} -dport {}; see pve-firewall localnet, "
                       "/etc/pve/firewall and /etc/pve/nodes/NODE/host.fw",
                       flow.flow.from.to_string(), to_string(flow.flow.proto), port);
  if (keeper == "neutron")
    return fmt::format("openstack security group rule create --remote-ip {} --protocol {} "
                       "--dst-port {} GROUP (GROUP: one of the instance's port)",
                       flow.flow.from.to_string(), to_string(flow.flow.proto), port);
  if (keeper == "csf")
    return fmt::format("csf -a {}", flow.flow.from.to_string());
  return "";
}

} // namespace synfate::rules
