#include "platform/linux/model/bridging.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/discovery.h"
#include "platform/linux/model/link_asker.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"

namespace synfate {
namespace {

bool is_home(const Walk& walk, const Journey& journey) {
  return journey.netns == walk.inquiry.snapshot().host().netns;
}

/// Somebody behind a port of the bridge.
struct Member {
  IpAddress address;
  Interface port;
};

std::vector<Member> members_of(Walk& walk, Int netns, const Interface& bridge, IpFamily family) {
  std::vector<Member> members;
  for (const auto& each : visible_neighbours(walk, netns, bridge, family))
    members.push_back({each.address, each.end});
  return members;
}

Stop held_back(const Interface& port, const std::string& text, std::string note) {
  return {Outcome::timeout,
          Icmp::none,
          "ETIMEDOUT",
          Stage::forward,
          Culprit{"interface", port.name.value_or("?"), text},
          std::move(note)};
}

/// should_deliver(): a port takes nothing back that came by it, and an isolated one nothing from
/// other isolated ones (br_skb_isolated()).
std::optional<Stop> held_back(const Interface& bridge, const Interface& from, const Interface& to) {
  const std::string by = to.name.value_or("?");
  for (const auto* port : {&from, &to})
    if (is_shut(*port))
      return held_back(*port, shut_text(*port),
                       fmt::format("{} lets nothing through", shut_text(*port)));
  if (from.index == to.index && to.hairpin.is(false))
    return held_back(to, "hairpin off",
                     fmt::format("it is for the port of {} that it came by, and {} is not in "
                                 "hairpin mode",
                                 bridge.name.value_or("?"), by));
  if (from.index != to.index && from.isolated.is(true) && to.isolated.is(true))
    return held_back(to, "isolated",
                     fmt::format("{} and {} are isolated ports of {}", from.name.value_or("?"), by,
                                 bridge.name.value_or("?")));
  return std::nullopt;
}

} // namespace

bool is_shut(const Interface& port) {
  return port.port_state.known() && !port.port_state.is("forwarding");
}

std::string shut_text(const Interface& port) {
  return fmt::format("{}, a port of the bridge whose state is {}", port.name.value_or("?"),
                     port.port_state.value_or("?"));
}

std::optional<Interface> shut_port_of(Walk& walk, Int netns, const Interface& bridge,
                                      const IpAddress& address) {
  std::optional<Interface> found;
  for (const auto& each : visible_neighbours(walk, netns, bridge, address.family())) {
    if (each.address != address)
      continue;
    if (!is_shut(each.end))
      return std::nullopt;
    found = each.end;
  }
  return found;
}

bool is_turned_by_nat(const PacketClass& packet) {
  return packet.meta.in.kind.is("bridge") && packet.meta.physical_in != 0 &&
         packet.ct.destination_nat.has_value();
}

bool calls_ip(Inquiry& inquiry, Int netns, IpFamily family) {
  const auto* name = family == IpFamily::v4 ? "net.bridge.bridge-nf-call-iptables"
                                            : "net.bridge.bridge-nf-call-ip6tables";
  return ask_number(inquiry, netns, name).value_or(0) != 0;
}

Journeys part_bridged(Walk& walk, Journey journey, const Interface& device) {
  const IpAddress& to = walk.flow.to;
  if (walk.flow.local || journey.stopped() || !device.kind.is("bridge") || to.is_multicast())
    return alone(std::move(journey));
  const auto target = IntervalSet::address(to);
  const auto own = own_addresses(walk, journey.netns, to.family());
  const auto near = on_link_of(walk, journey.netns, device, to.family());
  if (!near.contains(target) || own.contains(target))
    return alone(std::move(journey));
  const auto found = find_next_hop(walk, journey.netns, device, to, std::nullopt);
  if ((found.kind == NextHop::Kind::nobody || found.kind == NextHop::Kind::lost) &&
      !shut_port_of(walk, journey.netns, device, to))
    return alone(std::move(journey));
  const auto members = near - own - target;
  auto parts = cut(std::move(journey), {members});
  for (auto& part : parts)
    part.bridged = members.contains(part.packet.addresses);
  return parts;
}

bool is_bridged(const Walk& walk, const Journey& journey) {
  if (is_turned_by_nat(journey.packet))
    return journey.forward_by == journey.packet.meta.in.index;
  return journey.bridged && is_home(walk, journey);
}

bool passes_below_ip(const Walk& walk, const Journey& journey) {
  return journey.bridged && is_home(walk, journey) &&
         !calls_ip(walk.inquiry, journey.netns, journey.packet.family);
}

bool turns_round_in_bridge(Walk& walk, const Journey& journey, const IpAddress& to) {
  const auto& in = journey.packet.meta.in;
  if (to.is_v4() || !is_turned_by_nat(journey.packet) ||
      ask_forwarding(walk.inquiry, journey.netns, to.family(), in.name))
    return false;
  RouteQuestion question;
  question.destination = to;
  const auto route = ask_way(walk, journey.netns, question);
  return route && route->error.is(0) && route->type.is("unicast") &&
         route->interface_index.is(in.index) && !route->gateway.known();
}

bool is_given_up_in_bridge(Walk& walk, const Journey& journey, const IpAddress& next_hop) {
  const auto& in = journey.packet.meta.in;
  const auto bridge = ask_interface(walk.inquiry, journey.netns, in.index);
  return is_turned_by_nat(journey.packet) && bridge &&
         find_next_hop(walk, journey.netns, *bridge, next_hop, std::nullopt).kind ==
             NextHop::Kind::nobody;
}

Int port_of(Walk& walk, const Journey& journey, Int bridge, const AddressTerm& address) {
  if (walk.classes != nullptr && address.kind != AddressTerm::Kind::known)
    return unknown_port;
  const auto there = address_of(walk, address, journey.packet);
  const auto device = ask_interface(walk.inquiry, journey.netns, bridge);
  if (!there || !device)
    return unknown_port;
  Int found = unknown_port;
  for (const auto& member : visible_neighbours(walk, journey.netns, *device, there->family())) {
    if (member.address != *there || !member.end.master_index.is(bridge))
      continue;
    const Int port = member.end.index.value_or(unknown_port);
    if (found != unknown_port && found != port)
      return unknown_port;
    found = port;
  }
  return found;
}

/// Who calls a neighbour over the bridge asks for it first, and that question is kept back as well.
Stop asked_in_vain(Walk& walk, const Journey& journey, const Interface& bridge,
                   const IpAddress& client, Stop stop) {
  const auto asker = find_asker(walk, journey, bridge, client, false);
  if (!journey.bridged || journey.kind == Packet::datagram || (asker && asker->knows))
    return stop;
  stop.outcome = Outcome::unreachable;
  stop.icmp = client.is_v4() ? Icmp::host : Icmp::addr_unreachable;
  stop.error = "EHOSTUNREACH";
  return stop;
}

Journeys part_by_ports(Walk& walk, Journey journey, const IpAddress& next_hop) {
  const bool first = journey.kind == Packet::syn || journey.kind == Packet::datagram;
  const auto bridge = ask_interface(walk.inquiry, journey.netns, journey.packet.meta.in.index);
  if (!first || !bridge)
    return alone(std::move(journey));
  const auto members = members_of(walk, journey.netns, *bridge, next_hop.family());
  const auto target = std::ranges::find(members, next_hop, &Member::address);
  if (target == members.end())
    return alone(std::move(journey));
  std::vector<IntervalSet> kept;
  std::vector<Stop> stops;
  for (const auto& member : members)
    if (auto stop = held_back(*bridge, member.port, target->port)) {
      kept.push_back(IntervalSet::address(member.address));
      stops.push_back(asked_in_vain(walk, journey, *bridge, member.address, std::move(*stop)));
    }
  if (kept.empty())
    return alone(std::move(journey));
  auto parts = cut(std::move(journey), kept);
  for (auto& part : parts)
    for (std::size_t at = 0; at < kept.size(); ++at)
      if (kept[at].contains(part.packet.addresses)) {
        add_stop(part, stops[at]);
        break;
      }
  return parts;
}

} // namespace synfate
