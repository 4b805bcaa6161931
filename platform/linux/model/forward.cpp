#include "platform/linux/model/forward.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {
namespace {

constexpr std::size_t most_hops = 8;

/// Where a next hop lives on this machine.
struct Neighbourhood {
  Int netns = 0;
  Interface interface; ///< its end of the link
};

/// Interfaces of ours that a link may end at: the device itself, or the ports of a bridge.
std::vector<Int> ends_of(const std::vector<Interface>& interfaces, const Interface& out) {
  std::vector<Int> ends{out.index.value_or(0)};
  for (const auto& each : interfaces)
    if (each.master_index.known() && each.master_index == out.index)
      ends.push_back(each.index.value_or(0));
  return ends;
}

bool is_virtual(const std::vector<Interface>& interfaces, const std::vector<Int>& ends) {
  return std::ranges::all_of(interfaces, [&](const Interface& each) {
    return std::ranges::find(ends, each.index.value_or(-1)) == ends.end() || each.kind.is("veth") ||
           each.kind.is("bridge");
  });
}

std::optional<Neighbourhood> find_in(Walk& walk, Int netns, const IpAddress& address,
                                     const std::vector<Int>& ends) {
  for (const auto& row : ask_addresses(walk.inquiry, netns)) {
    if (!row.address.is(address))
      continue;
    const auto interface = ask_interface(walk.inquiry, netns, row.interface_index.value_or(0));
    if (interface && interface->link_index.known() &&
        std::ranges::find(ends, interface->link_index.value()) != ends.end())
      return Neighbourhood{netns, *interface};
  }
  return std::nullopt;
}

/// The namespace that has the address at the other end of one of the links.
std::optional<Neighbourhood> find_neighbour(Walk& walk, Int netns, const IpAddress& address,
                                            const std::vector<Int>& ends) {
  for (const auto& space : walk.inquiry.rows<NetworkNamespace>({})) {
    const Int inode = space.inode.value_or(0);
    if (inode == 0 || inode == netns)
      continue;
    if (auto found = find_in(walk, inode, address, ends))
      return found;
  }
  return std::nullopt;
}

Stop beyond(const Interface& out, const IpAddress& next_hop) {
  return {Outcome::unknown,
          Icmp::none,
          "",
          Stage::forward,
          Culprit{"interface", out.name.value_or("?"), "the packet leaves this machine by it"},
          fmt::format("it goes on to {} by {}: what becomes of it is decided there",
                      next_hop.to_string(), out.name.value_or("?"))};
}

/// arp_error_report(), ndisc_error_report(): nobody answers for the next hop.
Stop nobody_there(const Interface& out, const IpAddress& next_hop) {
  const Icmp icmp = next_hop.is_v4() ? Icmp::host : Icmp::addr_unreachable;
  return {Outcome::unreachable,
          icmp,
          "EHOSTUNREACH",
          Stage::forward,
          Culprit{"neighbour", next_hop.to_string(),
                  fmt::format("nobody behind {} has it", out.name.value_or("?"))},
          fmt::format("no namespace behind {} has the address {}", out.name.value_or("?"),
                      next_hop.to_string())};
}

void cross(Journey& journey, const Neighbourhood& neighbour) {
  journey.conntracks[journey.netns] = journey.packet.ct;
  journey.netns = neighbour.netns;
  journey.packet.ct = {};
  journey.packet.meta.mark = 0U;
  journey.packet.meta.socket = {};
  journey.packet.meta.out = {};
  journey.packet.meta.in = view_of(neighbour.interface);
}

/// Later packets of the connection go where the first one went.
bool cross_again(Walk& walk, Journey& journey) {
  const auto at = std::ranges::find(journey.hops, journey.netns, &Hop::netns);
  if (at == journey.hops.end() || journey.kind == Packet::syn || journey.kind == Packet::datagram)
    return false;
  const auto interface = ask_interface(walk.inquiry, at->next_netns, at->next_in);
  if (!interface)
    return false;
  const auto saved = journey.conntracks.find(at->next_netns);
  const ConntrackView before = saved == journey.conntracks.end() ? ConntrackView{} : saved->second;
  cross(journey, {at->next_netns, *interface});
  continue_connection(journey.packet, before, false);
  return true;
}

} // namespace

void leave_host(Walk& walk, Journey& journey, Int out, const IpAddress& next_hop) {
  if (cross_again(walk, journey) || journey.stopped())
    return;
  const auto interfaces = ask_interfaces(walk.inquiry, journey.netns);
  const auto device = ask_interface(walk.inquiry, journey.netns, out);
  if (walk.inquiry.pending() || !device)
    return;
  const auto ends = ends_of(interfaces, *device);
  const Endpoint target = destination_of(journey.packet);
  if (target.address.kind == AddressTerm::Kind::known)
    journey.final_address = target.address.first;
  if (target.port.kind == PortTerm::Kind::known)
    journey.final_port = target.port.first;
  const auto neighbour = find_neighbour(walk, journey.netns, next_hop, ends);
  const bool all_seen = !walk.inquiry.incomplete();
  if (walk.inquiry.pending())
    return;
  if (!neighbour) {
    const bool closed = all_seen && is_virtual(interfaces, ends);
    add_stop(journey, closed ? nobody_there(*device, next_hop) : beyond(*device, next_hop));
    journey.over = true;
    return;
  }
  journey.hops.push_back({journey.netns, journey.packet.meta.in.index, out, neighbour->netns,
                          neighbour->interface.index.value_or(0)});
  cross(journey, *neighbour);
}

Journeys forward(Walk& walk, Journey journey) {
  const Int out = journey.forward_by;
  const IpAddress next_hop = journey.next_hop;
  journey.forward_by = 0;
  if (const auto device = ask_interface(walk.inquiry, journey.netns, out))
    journey.packet.meta.out = view_of(*device);
  Journeys journeys = alone(std::move(journey));
  for (const Hook hook : {Hook::forward, Hook::postrouting, Hook::egress}) {
    if (hook == Hook::postrouting)
      for (auto& way : journeys)
        way.packet.meta.in = {};
    journeys = pass_each(walk, std::move(journeys), hook);
  }
  for (auto& way : journeys) {
    if (way.hops.size() < most_hops || way.kind == Packet::ack || way.kind == Packet::data)
      leave_host(walk, way, out, next_hop);
    else
      add_stop(way, {Outcome::unknown, Icmp::none, "", Stage::forward, {}, "it goes in circles"});
  }
  return journeys;
}

std::vector<Leg> legs_back(const Walk& walk, const Journey& journey, Int out) {
  std::vector<Leg> legs;
  legs.push_back({journey.netns, 0, out, {Hook::output, Hook::postrouting, Hook::egress}});
  std::vector<Hop> way;
  for (const auto& hop : journey.hops) {
    if (hop.netns == journey.netns)
      break;
    way.push_back(hop);
  }
  for (const auto& hop : std::views::reverse(way)) {
    const bool to_client = walk.flow.local && hop.in == 0;
    if (to_client)
      legs.push_back({hop.netns, hop.out, 0, {Hook::ingress, Hook::prerouting, Hook::input}});
    else
      legs.push_back(
          {hop.netns,
           hop.out,
           hop.in,
           {Hook::ingress, Hook::prerouting, Hook::forward, Hook::postrouting, Hook::egress}});
  }
  if (walk.flow.local && way.empty())
    legs.push_back({journey.netns, out, 0, {Hook::ingress, Hook::prerouting, Hook::input}});
  return legs;
}

void enter_leg(Walk& walk, const Leg& leg, Int origin,
               const std::map<Int, ConntrackView>& conntracks, PacketClass& packet) {
  const auto in = leg.in != 0 ? ask_interface(walk.inquiry, leg.netns, leg.in) : std::nullopt;
  const auto out = leg.out != 0 ? ask_interface(walk.inquiry, leg.netns, leg.out) : std::nullopt;
  packet.meta.in = in ? view_of(*in) : InterfaceView{};
  packet.meta.out = out ? view_of(*out) : InterfaceView{};
  if (leg.in == 0)
    return;
  packet.meta.socket = {};
  if (leg.netns == origin) // over lo: conntrack's mark stays on the packet
    return;
  packet.meta.mark = 0U;
  const auto saved = conntracks.find(leg.netns);
  if (saved == conntracks.end())
    packet.ct = {};
  else
    continue_connection(packet, saved->second, true);
}

} // namespace synfate
