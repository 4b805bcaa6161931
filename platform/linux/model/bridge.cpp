// The hooks of a bridge: what comes in by one of its ports for this host, and what goes out.
//
//   port: ingress -> bridge prerouting, input -> bridge device: ingress -> IP's own prerouting
//   bridge device: egress -> bridge output, postrouting -> port: egress
//
// net/bridge/br_input.c: br_handle_frame(), br_pass_frame_up(); br_forward.c: br_forward(),
// br_forward_finish(). With br_netfilter (net.bridge.bridge-nf-call-iptables) IP's prerouting comes
// between the bridge's prerouting and input, once: net/bridge/br_netfilter_hooks.c:
// br_nf_pre_routing(), ip_sabotage_in(); Linux 6.12. Which port a client is behind is told where
// there is one only; otherwise each is followed. Tested by tests/netfilter/trials.py,
// tests/lab/cases_fw.py.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/ruleset.h"

namespace synfate {
namespace {

constexpr std::size_t most_ports = 8;

/// A rule that only a bridge's packets meet: in its own hooks, or of one of its ports.
bool concerns(const NftBaseChain& chain, const std::vector<Interface>& ports) {
  if (chain.scope.family == "bridge")
    return true;
  const auto named = [&](const std::string& device) {
    return std::ranges::any_of(ports, [&](const Interface& port) { return port.name.is(device); });
  };
  return (chain.hook == "ingress" || chain.hook == "egress") &&
         std::ranges::any_of(chain.devices, named);
}

std::vector<Interface> ports_of(Walk& walk, Int netns, const InterfaceView& bridge) {
  auto ports = ask_interfaces(walk.inquiry, netns);
  std::erase_if(ports, [&](const Interface& port) { return !port.master_index.is(bridge.index); });
  return ports;
}

/// The bridge's ports where rules look at their packets; none where nothing does.
std::vector<Interface> ports_with_rules(Walk& walk, Int netns, const InterfaceView& bridge) {
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, netns);
  if (chains == nullptr || chains->empty())
    return {};
  auto ports = ports_of(walk, netns, bridge);
  const bool looked_at = std::ranges::any_of(
      *chains, [&](const NftBaseChain& chain) { return concerns(chain, ports); });
  return looked_at ? ports : std::vector<Interface>();
}

/// With br_netfilter prerouting has run in the bridge (br_nf_pre_routing()) when its own device
/// takes the packet, and is not run again (ip_sabotage_in()).
Journeys pass_ingress_and_prerouting(Walk& walk, Journeys ways, bool in_bridge) {
  const auto hooks = in_bridge ? std::array{Hook::prerouting, Hook::ingress}
                               : std::array{Hook::ingress, Hook::prerouting};
  for (const Hook hook : hooks) {
    ways = pass_each(walk, std::move(ways), hook);
    if (walk.inquiry.pending())
      return {};
  }
  return ways;
}

/// From the port to the bridge device.
Journeys come_in(Walk& walk, Journey journey, const InterfaceView& bridge,
                 const InterfaceView& port) {
  const bool inside = calls_ip(walk.inquiry, journey.netns, journey.packet.family);
  if (walk.inquiry.pending())
    return {};
  const auto put = [&](Journeys& journeys, const InterfaceView& device) {
    for (auto& way : journeys) {
      way.packet.meta.in = device;
      way.packet.meta.bridge = device.index == bridge.index ? std::string() : bridge.name;
    }
  };
  journey.packet.meta.physical_in = inside ? port.index : 0;
  Journeys ways = alone(std::move(journey));
  put(ways, port);
  ways = pass_each(walk, std::move(ways), Hook::ingress);
  ways = pass_each(walk, std::move(ways), Hook::prerouting, HookFamily::bridge);
  if (inside) {
    put(ways, bridge);
    ways = pass_each(walk, std::move(ways), Hook::prerouting);
    put(ways, port);
  }
  ways = pass_each(walk, std::move(ways), Hook::input, HookFamily::bridge);
  put(ways, bridge);
  ways = pass_each(walk, std::move(ways), Hook::ingress);
  return inside ? ways : pass_each(walk, std::move(ways), Hook::prerouting);
}

Journeys go_out(Walk& walk, Journey journey, const InterfaceView& bridge,
                const InterfaceView& port) {
  journey.packet.meta.out = port;
  journey.packet.meta.bridge = bridge.name;
  Journeys ways = alone(std::move(journey));
  for (const Hook hook : {Hook::output, Hook::postrouting})
    ways = pass_each(walk, std::move(ways), hook, HookFamily::bridge);
  ways = pass_each(walk, std::move(ways), Hook::egress);
  for (auto& way : ways) {
    way.packet.meta.out = bridge;
    way.packet.meta.bridge.clear();
  }
  return ways;
}

/// What -m physdev sees where no other rule looks at ports.
void note_port(Walk& walk, Journey& journey, const InterfaceView& bridge) {
  if (!calls_ip(walk.inquiry, journey.netns, journey.packet.family))
    return;
  const auto ports = ports_of(walk, journey.netns, bridge);
  journey.packet.meta.physical_in =
      ports.size() == 1 ? ports.front().index.value_or(unknown_port)
                        : port_of(walk, journey, bridge.index, source_of(journey.packet).address);
}

using Cross = Journeys (*)(Walk&, Journey, const InterfaceView&, const InterfaceView&);

/// The ports that the packet may come by, or leave by; none: they cannot all be followed. `other`
/// is who sends it, or takes it.
std::vector<Interface> ports_to_follow(Walk& walk, const Journey& journey,
                                       const InterfaceView& bridge, const AddressTerm& other,
                                       std::vector<Interface> ports) {
  const auto known = journey.ports.find({journey.netns, bridge.index});
  const Int port =
      known != journey.ports.end() ? known->second : port_of(walk, journey, bridge.index, other);
  if (port != unknown_port)
    std::erase_if(ports, [&](const Interface& each) { return !each.index.is(port); });
  if (ports.size() > most_ports || (ports.size() > 1 && walk.classes != nullptr))
    ports.clear();
  return ports;
}

/// The rules did the same with both.
bool alike(const Journey& a, const Journey& b) {
  const auto culprits = [](const Journey& journey) {
    std::vector<std::optional<Culprit>> all;
    for (const auto& stop : journey.stops)
      all.push_back(stop.culprit);
    return all;
  };
  PacketClass packet = a.packet;
  packet.meta.physical_in = b.packet.meta.physical_in;
  return packet == b.packet && a.over == b.over && culprits(a) == culprits(b);
}

/// Every port by itself; joined where the port makes no difference.
Journeys by_each_port(Walk& walk, const Journey& journey, const InterfaceView& bridge,
                      const std::vector<Interface>& ports, Cross through) {
  std::vector<Journeys> found;
  for (const auto& port : ports) {
    found.push_back(through(walk, journey, bridge, view_of(port)));
    if (walk.inquiry.pending())
      return {};
  }
  const bool same = std::ranges::all_of(
      found, [&](const Journeys& ways) { return std::ranges::equal(ways, found.front(), alike); });
  if (same) {
    for (auto& way : found.front())
      if (ports.size() > 1 && way.packet.meta.physical_in != 0)
        way.packet.meta.physical_in = unknown_port;
    return std::move(found.front());
  }
  Journeys all;
  for (std::size_t at = 0; at < ports.size(); ++at)
    for (auto& way : found[at]) {
      way.ports[{way.netns, bridge.index}] = ports[at].index.value_or(0);
      way.packet.conditions.push_back(
          {fmt::format("the client is behind {}", ports[at].name.value_or("")),
           {"interface", bridge.name, ""},
           {}});
      all.push_back(std::move(way));
    }
  return all;
}

/// Through the bridge. Nothing, and nothing done: no rule looks.
std::optional<Journeys> cross(Walk& walk, Journey& journey, const InterfaceView& bridge,
                              const AddressTerm& other, Cross through) {
  if (!bridge.kind.is("bridge"))
    return std::nullopt;
  auto ports = ports_with_rules(walk, journey.netns, bridge);
  if (walk.inquiry.pending())
    return Journeys();
  if (ports.empty())
    return std::nullopt;
  ports = ports_to_follow(walk, journey, bridge, other, std::move(ports));
  if (ports.empty()) {
    assume(journey, "the rules that look at the ports of the bridge let it pass");
    return std::nullopt;
  }
  return by_each_port(walk, journey, bridge, ports, through);
}

/// A veth joins the bridge to another one of the namespace, and the client may be behind that: with
/// br_netfilter its hooks are passed as well, and before.
bool may_pass_another_bridge(Walk& walk, const Journey& journey, const InterfaceView& bridge) {
  if (!bridge.kind.is("bridge") || !calls_ip(walk.inquiry, journey.netns, journey.packet.family))
    return false;
  const auto all = ask_interfaces(walk.inquiry, journey.netns);
  const auto joins = [&](const Interface& port) {
    return port.master_index.is(bridge.index) && port.kind.is("veth") &&
           port.link_netns_id.absent() && std::ranges::any_of(all, [&](const Interface& end) {
             return end.index == port.link_index && end.link_index == port.index &&
                    end.master_index.known() && !end.master_index.is(0) &&
                    !end.master_index.is(bridge.index);
           });
  };
  const auto joint = std::ranges::find_if(all, joins);
  if (joint == all.end())
    return false;
  const Int port = port_of(walk, journey, bridge.index, source_of(journey.packet).address);
  return (port == unknown_port || joint->index.is(port)) && has_rules(walk, journey.netns);
}

} // namespace

Journeys pass_to_routing(Walk& walk, Journey journey) {
  const InterfaceView in = journey.packet.meta.in;
  if (may_pass_another_bridge(walk, journey, in))
    assume(journey, "the rules let it pass the bridge before");
  if (journey.bridged && is_bridged(walk, journey)) {
    if (!ports_with_rules(walk, journey.netns, in).empty())
      assume(journey, "the rules that look at the ports of the bridge let it pass");
    if (!passes_below_ip(walk, journey)) {
      note_port(walk, journey, in);
      return pass_each(walk, alone(std::move(journey)), Hook::prerouting);
    }
    journey.forward_by = in.index;
    journey.next_hop = walk.flow.to;
    return alone(std::move(journey));
  }
  if (auto crossed = cross(walk, journey, in, source_of(journey.packet).address, come_in))
    return std::move(*crossed);
  if (in.kind.is("bridge"))
    note_port(walk, journey, in);
  const bool in_bridge = journey.packet.meta.physical_in != 0;
  return pass_ingress_and_prerouting(walk, alone(std::move(journey)), in_bridge);
}

Journeys leave_by_bridge(Walk& walk, Journeys journeys) {
  Journeys next;
  for (auto& journey : journeys) {
    const InterfaceView out = journey.packet.meta.out;
    std::optional<Journeys> crossed;
    if (!(journey.bridged && is_bridged(walk, journey)))
      crossed = cross(walk, journey, out, destination_of(journey.packet).address, go_out);
    if (walk.inquiry.pending())
      return {};
    if (!crossed)
      next.push_back(std::move(journey));
    else
      std::ranges::move(*crossed, std::back_inserter(next));
  }
  return next;
}

} // namespace synfate
