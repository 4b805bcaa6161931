#include "platform/linux/model/way_back.h"

#include <algorithm>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/discovery.h"
#include "platform/linux/model/hop_limit.h"
#include "platform/linux/model/link_asker.h"
#include "platform/linux/model/link_exchange.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/route_replay.h"
#include "platform/linux/model/tunnel.h"
#include "platform/linux/netfilter/route_tables.h"
#include "platform/linux/routing/reachability.h"

namespace synfate {
namespace {

constexpr std::size_t most_hops = 8;

Stop not_taken(const Journey& journey, const IpAddress& next_hop, const std::string& why) {
  Stop stop = sent_astray(journey, Culprit{"neighbour", next_hop.to_string(), why},
                          fmt::format("the answer goes by {}: {}", next_hop.to_string(), why));
  stop.stage = Stage::reply_route;
  return stop;
}

/// It has answered: the kernel knows its link-layer address by its own word.
bool has_answered(Walk& walk, Int netns, Int device, const IpAddress& hop) {
  return std::ranges::any_of(
      walk.inquiry.rows<Neighbour>({{"netns", netns}}), [&](const Neighbour& row) {
        const std::string state = row.state.value_or("");
        return row.address.is(hop) && row.interface_index.is(device) && !row.proxy.is(true) &&
               (state == "reachable" || state == "stale" || state == "delay" || state == "probe");
      });
}

bool has_answered(Walk& walk, const Journey& journey) {
  return has_answered(walk, journey.netns, journey.forward_by, journey.next_hop);
}

/// Whether tries of TCP over IPv6 find another router than one that does not answer.
bool changes_routers(Walk& walk, Int netns, const IpAddress& to) {
  return walk.flow.proto == Proto::tcp && to.is_v6() &&
         ask_number(walk.inquiry, netns, "net.ipv6.conf.all.forwarding").value_or(0) == 0;
}

/// What a neighbour says of itself does not change such an entry: neigh_update().
bool is_fixed(const Neighbour& row) {
  return !row.proxy.is(true) && (row.state.is("permanent") || row.state.is("noarp"));
}

/// The link-layer address of the next hop is not the one that it told.
bool is_overruled(Walk& walk, const Journey& journey, const Interface& device) {
  return asks_nobody(device) ||
         std::ranges::any_of(walk.inquiry.rows<Neighbour>({{"netns", journey.netns}}),
                             [&](const Neighbour& row) {
                               return is_fixed(row) && row.address.is(journey.next_hop) &&
                                      row.interface_index.is(journey.forward_by);
                             });
}

/// The one neighbour of the link that the call came by, who has answered.
bool is_way_of_call(Walk& walk, const Journey& journey, const Interface& device) {
  return device.name.is(walk.flow.from_interface) && !device.kind.is("bridge") &&
         has_answered(walk, journey);
}

/// The next hop may be in a namespace that was not found.
void take_for_there(Journey& journey, const IpAddress& next_hop) {
  assume(journey, fmt::format("{} takes the answer", next_hop.to_string()));
}

Stop each_for_itself(const Interface& device) {
  return unknown_at(Stage::reply_route,
                    fmt::format("the answer goes by {}: each client may be there or not",
                                device.name.value_or("?")));
}

void stop_at(Journey& journey, const NextHop& found, const IpAddress& next_hop) {
  if (found.suspected)
    journey.certainty = std::max(journey.certainty, Certainty::likely);
  add_stop(journey, not_taken(journey, next_hop, found.why));
}

/// Where an answer goes from a namespace that it has come to; nothing if it is for the client
/// there, or gets no further, which stops it.
std::optional<NextHop> handed_on(Walk& walk, Journey& journey, const NextHop& there,
                                 const RouteLookup& answer, const std::optional<IpAddress>& from) {
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  if (!to || (answer.error.is(0) && answer.type.is("local")))
    return std::nullopt;
  const std::string by = there.interface.name.value_or("?");
  const bool forwards = answer.error.is(0) && answer.type.is("unicast") &&
                        ask_forwarding(walk.inquiry, there.netns, to->family(), by);
  if (walk.inquiry.pending())
    return std::nullopt;
  if (!forwards) {
    add_stop(journey, not_taken(journey, journey.next_hop,
                                fmt::format("the answer comes there by {}, and is neither for "
                                            "that host nor sent on by it",
                                            by)));
    return std::nullopt;
  }
  const auto device = ask_interface(walk.inquiry, there.netns, answer.interface_index.value_or(0));
  if (!device)
    return std::nullopt;
  const IpAddress next = answer.gateway.known() ? answer.gateway.value() : *to;
  auto found = find_next_hop(walk, there.netns, *device, next, from);
  if (walk.inquiry.pending() || found.kind == NextHop::Kind::beyond)
    return std::nullopt;
  if (found.kind == NextHop::Kind::there)
    return found;
  stop_at(journey, found, next);
  return std::nullopt;
}

/// Of many clients that a namespace reaches on a link each one that can be seen there, and the
/// rest.
Journeys cut_by_neighbours(Walk& walk, Journey journey, const std::optional<RouteLookup>& answer) {
  if (walk.classes == nullptr || !answer || !answer->error.is(0) || answer->gateway.known())
    return alone(std::move(journey));
  const auto device =
      ask_interface(walk.inquiry, journey.netns, answer->interface_index.value_or(0));
  if (!device)
    return alone(std::move(journey));
  std::vector<IntervalSet> sets;
  for (const auto& each : visible_neighbours(walk, journey.netns, *device, journey.packet.family))
    if (const auto one = IntervalSet::address(each.address);
        !one.disjoint(journey.packet.addresses) && std::ranges::find(sets, one) == sets.end())
      sets.push_back(one);
  return sets.empty() ? alone(std::move(journey)) : cut(std::move(journey), sets);
}

Stop another_way() {
  return unknown_at(Stage::reply_route, "the answer takes another way than the call");
}

/// The answer has come to another namespace than it was called from, or by another link: it is for
/// the client there, is handed on, or is dropped. Rules of that namespace are not looked at.
Journeys follow_to_client(Walk& walk, Journey journey, const NextHop& there,
                          const std::optional<IpAddress>& from, std::size_t hops = 0) {
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  if (!to || hops == most_hops)
    return alone(std::move(journey));
  const Int home = journey.netns;
  RouteQuestion question;
  question.destination = *to;
  question.source = from;
  question.input_interface = there.interface.index.value_or(0);
  if (rules_ask_for_ports(walk.inquiry, there.netns))
    question.proto =
        journey.kind == Packet::icmp ? "icmp" : std::string(to_string(walk.flow.proto));
  journey.netns = there.netns;
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::passing_target))
    for (auto& way : cut_by_neighbours(walk, std::move(routed.journey), routed.answer)) {
      way.netns = home;
      const auto next =
          routed.answer ? handed_on(walk, way, there, *routed.answer, from) : std::nullopt;
      if (next && next->netns == walk.inquiry.snapshot().host().netns)
        add_stop(way, another_way());
      auto parts = next && !way.stopped()
                       ? follow_to_client(walk, std::move(way), *next, from, hops + 1)
                       : alone(std::move(way));
      std::ranges::move(parts, std::back_inserter(journeys));
      if (walk.inquiry.pending())
        return {};
    }
  return journeys;
}

/// One device, or devices stacked on one.
bool share_link(const Interface& one, const Interface& other, std::span<const Interface> lower) {
  return one.index == other.index || is_stacked_on(one, other) || is_stacked_on(other, one) ||
         std::ranges::any_of(lower, [&](const Interface& each) {
           return is_stacked_on(one, each) && is_stacked_on(other, each);
         });
}

/// The answer is not for the namespace that the call came through: its next hop is another host of
/// the link there. A bridge with br_netfilter sees it nevertheless.
bool passes_by(Walk& walk, const Journey& journey, const Leg& next, const IpAddress& from) {
  if (next.bridged || next.in == 0)
    return false;
  const auto device = ask_interface(walk.inquiry, next.netns, next.in);
  if (!device ||
      (device->kind.is("bridge") && calls_ip(walk.inquiry, next.netns, journey.packet.family)))
    return false;
  const auto there = ask_interfaces(walk.inquiry, next.netns);
  for (const auto& each : there) {
    if (!share_link(each, *device, there))
      continue;
    for (const auto& row : walk.inquiry.rows<Neighbour>({{"netns", journey.netns}}))
      if (row.address.is(journey.next_hop) && row.interface_index.is(journey.forward_by) &&
          row.hardware_address.known() && row.hardware_address == each.hardware_address)
        return false;
    const auto answer = linux_routing::neighbour_reachability(
        walk.inquiry, next.netns, each.index.value_or(0), journey.next_hop, from,
        route_finder(walk.inquiry, next.netns));
    if (answer.answering != linux_routing::Answering::no)
      return false;
  }
  return true;
}

/// Whoever called another address does not know the one that answers.
Stop answered_directly(const Journey& journey, const IpAddress& answerer, const IpAddress& client) {
  Stop stop =
      sent_astray(journey, Culprit{"address", answerer.to_string(), "answers the client directly"},
                  fmt::format("{} is on the link of {}, which answers past this host",
                              client.to_string(), answerer.to_string()));
  stop.stage = Stage::reply_route;
  return stop;
}

/// On another link than the call came by this host asks who the next hop is, and rules drop the
/// question or its answer. On the link of the call it has learnt from the client's question.
bool asks_in_vain(Walk& walk, const Journey& journey, const Interface& device, const IpAddress& hop,
                  const std::optional<IpAddress>& from, const NextHop& found) {
  if (walk.classes != nullptr || found.kind != NextHop::Kind::there || !from ||
      device.name.is(walk.flow.from_interface) ||
      journey.netns != walk.inquiry.snapshot().host().netns ||
      !is_stranger(walk, journey.netns, device, hop))
    return false;
  const auto own = address_for_asking(walk, journey.netns, device, *from, hop);
  if (!own)
    return false;
  const auto refusal = lost_question(walk, journey, question_from(*own, hop), device, &found);
  return refusal && refusal->kind == Refusal::Kind::rules;
}

Journeys look_for_next_hop(Walk& walk, Journey journey, const Interface& device,
                           const IpAddress& to, const Leg* next) {
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  auto found = find_next_hop(walk, journey.netns, device, journey.next_hop, from);
  if (walk.inquiry.pending())
    return {};
  // On its way to others it passes the bridge that the call came by: see passes_by().
  if (next != nullptr &&
      std::ranges::find(found.bridges, std::pair(next->netns, next->in)) != found.bridges.end())
    found = {};
  if (asks_in_vain(walk, journey, device, journey.next_hop, from, found))
    found.why = "rules of this host keep it from finding out who that is";
  if (walk.inquiry.pending())
    return {};
  if (found.kind == NextHop::Kind::beyond && found.suspected && !has_answered(walk, journey))
    found.why =
        fmt::format("{} did not answer when it was asked last", journey.next_hop.to_string());
  if (found.kind == NextHop::Kind::nobody && walk.classes != nullptr && !(journey.next_hop == to) &&
      changes_routers(walk, journey.netns, to)) {
    journey.certainty = std::max(journey.certainty, Certainty::likely);
    add_stop(journey, each_for_itself(device));
  } else if (!found.why.empty()) {
    stop_at(journey, found, journey.next_hop);
  } else if (next != nullptr && found.kind == NextHop::Kind::beyond && from &&
             passes_by(walk, journey, *next, *from)) {
    add_stop(journey, answered_directly(journey, *from, to));
  } else if (found.hidden && !is_way_of_call(walk, journey, device)) {
    take_for_there(journey, journey.next_hop);
  } else if (found.kind == NextHop::Kind::there && next == nullptr) {
    return follow_to_client(walk, std::move(journey), found, from);
  }
  if (journey.stopped())
    return alone(std::move(journey));
  if (found.kind == NextHop::Kind::there && next != nullptr && found.netns != next->netns) {
    if (journey.kind != Packet::icmp && journey.kind != Packet::reset) {
      add_stop(journey, another_way());
      return alone(std::move(journey));
    }
    auto journeys = follow_to_client(walk, std::move(journey), found, from);
    for (auto& way : journeys)
      way.arrived = !way.stopped();
    return journeys;
  }
  return alone(std::move(journey));
}

/// Clients that only a route takes to be on the link, by no network of it: where all of the link
/// can be seen and nobody there answers for them, they are elsewhere.
Journeys look_on_link(Walk& walk, Journey journey, const Interface& device) {
  const auto family = journey.packet.family;
  const auto near = on_link_of(walk, journey.netns, device, family);
  const auto target = destination_of(journey.packet).address;
  const bool one = target.kind == AddressTerm::Kind::known;
  if (near.contains(one ? IntervalSet::address(target.first) : journey.packet.addresses))
    return alone(std::move(journey)); // nobody need be looked for
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  std::vector<IntervalSet> sets{near};
  for (const auto& each : addresses_behind(walk, journey.netns, device, family))
    if (auto there = IntervalSet::address(each); there.disjoint(near))
      sets.push_back(std::move(there));
  Journeys journeys =
      walk.classes != nullptr ? cut(std::move(journey), sets) : alone(std::move(journey));
  for (auto& way : journeys) {
    const auto to = address_of(walk, destination_of(way.packet).address, way.packet);
    if (!to || near.contains(IntervalSet::address(*to)))
      continue;
    const auto found = find_next_hop(walk, way.netns, device, *to, from);
    if (walk.inquiry.pending())
      return {};
    if (found.kind == NextHop::Kind::nobody)
      stop_at(way, found, *to);
    else if (found.hidden)
      take_for_there(way, *to);
  }
  return journeys;
}

/// A router that has answered is taken to hand the answer on, as it did with the call. Clients that
/// are on the link themselves have not called by it.
Journeys look_behind_neighbour(Walk& walk, Journey journey, const Interface& device) {
  std::vector<IntervalSet> near;
  for (const auto& each : visible_neighbours(walk, journey.netns, device, journey.packet.family))
    if (auto one = IntervalSet::address(each.address); std::ranges::find(near, one) == near.end())
      near.push_back(std::move(one));
  Journeys journeys;
  for (auto& way :
       walk.classes != nullptr ? cut(std::move(journey), near) : alone(std::move(journey))) {
    const auto to = address_of(walk, destination_of(way.packet).address, way.packet);
    if (device.kind.is("bridge") && is_partly_hidden(walk, way.netns, device))
      take_for_there(way, way.next_hop);
    auto parts = to && std::ranges::find(near, IntervalSet::address(*to)) != near.end()
                     ? look_for_next_hop(walk, std::move(way), device, *to, nullptr)
                     : alone(std::move(way));
    std::ranges::move(parts, std::back_inserter(journeys));
    if (walk.inquiry.pending())
      return {};
  }
  return journeys;
}

/// The ports of a packet on its way back, where rules look at them.
void add_ports(Walk& walk, const Journey& journey, RouteQuestion& question) {
  if (journey.kind == Packet::icmp || !rules_ask_for_ports(walk.inquiry, journey.netns))
    return;
  if (const auto port = source_of(journey.packet).port; port.kind == PortTerm::Kind::known)
    question.source_port = port.first;
  question.destination_port = static_cast<std::uint16_t>(journey.packet.ports.first());
}

void take_leg(Walk& walk, Journey& way, const std::optional<RouteLookup>& answer, const Leg& leg,
              const IpAddress& to) {
  const bool ends = leg.out == 0;
  const bool into_lo = answer && leads_into_lo(walk, way.netns, *answer);
  const bool good =
      answer && answer->error.is(0) && !into_lo &&
      (ends ? answer->type.is("local")
            : answer->type.is("unicast") &&
                  ask_forwarding(walk.inquiry, way.netns, to.family(), way.packet.meta.in.name));
  if (good && !ends) {
    way.forward_by = answer->interface_index.value_or(0);
    way.next_hop = answer->gateway.known() ? answer->gateway.value() : on_link;
    if (const auto out = ask_interface(walk.inquiry, way.netns, way.forward_by))
      way.packet.meta.out = view_of(*out);
  } else if (!answer) {
    assume(way, "the answer is routed back");
  } else if (!good && !way.stopped()) {
    const bool many = walk.classes != nullptr;
    Stop stop = into_lo ? lost_in_lo(*answer, to, many) : no_way_back(*answer, to, many);
    if (way.kind == Packet::data) {
      stop.outcome = Outcome::stalled;
      stop.error.clear();
    }
    add_stop(way, std::move(stop));
  }
}

} // namespace

Stop sent_astray(const Journey& journey, std::optional<Culprit> by, std::string note) {
  const bool connected = journey.kind == Packet::data;
  return {connected ? Outcome::stalled : Outcome::timeout,
          Icmp::none,
          connected ? "" : "ETIMEDOUT",
          Stage::output,
          std::move(by),
          std::move(note)};
}

namespace {

/// Of IPv4 the kernel names the table main for what the table local has, while nobody has touched
/// the rules and both are one trie: fib_trie_unmerge().
Int table_of(const RouteLookup& answer) {
  const Int table = answer.table.value();
  const bool merged = answer.type.is("local") || answer.type.is("broadcast");
  return merged && table == table_main ? table_local : table;
}

} // namespace

Stop no_way_back(const RouteLookup& answer, const IpAddress& client, bool many) {
  const std::string nowhere = many ? IpPrefix(client, 0).to_string() : client.to_string();
  const std::string prefix = answer.prefix.known()
                                 ? fmt::format("{}/{}", answer.prefix.value().to_string(),
                                               answer.prefix_length.value_or(0))
                                 : nowhere;
  const std::string id = answer.table.known()
                             ? fmt::format("{}/{}", table_of(answer), id_part(prefix))
                             : fmt::format("main/{}", id_part(prefix));
  return {Outcome::timeout,
          Icmp::none,
          "ETIMEDOUT",
          Stage::reply_route,
          Culprit{"route", id, fmt::format("no way back to {}", client.to_string())},
          fmt::format("the answer to {} has no route ({})", client.to_string(),
                      answer.type.value_or("none"))};
}

Int link_of_answer(const IpAddress& to, const InterfaceView& arrived) {
  return to.is_v6() && to.is_link_local() && !arrived.loopback ? arrived.index : 0;
}

Journeys cut_by_link(Journey journey) {
  const bool v6 = journey.packet.family == IpFamily::v6;
  const auto link_local = IntervalSet::prefix(*IpPrefix::parse("fe80::/10"));
  if (!v6 || journey.packet.addresses.disjoint(link_local))
    return alone(std::move(journey));
  return cut(std::move(journey), {link_local});
}

bool leads_into_lo(Walk& walk, Int netns, const RouteLookup& answer) {
  if (!answer.error.is(0) || !answer.type.is("unicast"))
    return false;
  const auto device = ask_interface(walk.inquiry, netns, answer.interface_index.value_or(0));
  return device && device->loopback.is(true);
}

Stop lost_in_lo(const RouteLookup& answer, const IpAddress& client, bool many) {
  Stop stop = no_way_back(answer, client, many);
  stop.note = fmt::format("the route of the answer to {} leads over lo, where nobody takes it",
                          client.to_string());
  return stop;
}

bool stays_there(const Walk& walk, const Journey& journey, const PacketClass& packet,
                 const RouteLookup& answer) {
  const bool elsewhere =
      journey.hops.empty() || journey.netns != walk.inquiry.snapshot().host().netns;
  return answer.type.is("local") && elsewhere && !has_source_nat(packet);
}

namespace {

/// The first or the last address of a network on a link, which no host has.
bool is_end_of_link(Walk& walk, Int netns, const IpAddress& client) {
  const auto rows = ask_addresses(walk.inquiry, netns);
  return client.is_v4() && std::ranges::any_of(rows, [&](const Address& row) {
           const Int length = row.prefix_length.value_or(32);
           if (!row.address.known() || !row.address.value().is_v4() || length < 1 || length > 30)
             return false;
           const std::uint32_t hosts = 0xFFFFFFFFU >> static_cast<unsigned>(length);
           const std::uint32_t asked = client.v4_host_order();
           const bool inside = ((asked ^ row.address.value().v4_host_order()) & ~hosts) == 0;
           return inside && ((asked & hosts) == hosts || (asked & hosts) == 0);
         });
}

} // namespace

bool is_sent_to_all(Walk& walk, Int netns, const RouteLookup& answer, const IpAddress& client) {
  // Nobody is taken to have a link's broadcast address.
  if (walk.classes != nullptr || !answer.error.is(0) || !answer.type.is("broadcast") ||
      is_end_of_link(walk, netns, client))
    return false;
  if (walk.flow.proto == Proto::udp)
    return true;
  const auto rows = walk.inquiry.rows<Neighbour>({{"netns", netns}});
  return std::ranges::none_of(rows, [&](const Neighbour& row) {
    return row.address.is(client) && row.interface_index == answer.interface_index &&
           !row.proxy.is(true) && row.hardware_address.known() && !row.state.is("noarp");
  });
}

RouteLookup past_silent_router(Walk& walk, const Journey& journey, const RouteQuestion& question,
                               const RouteLookup& answer) {
  const Int netns = journey.netns;
  const Int out = answer.interface_index.value_or(0);
  if (walk.classes != nullptr || !answer.error.is(0) || !answer.gateway.known() ||
      !changes_routers(walk, netns, question.destination) ||
      has_answered(walk, netns, out, answer.gateway.value()))
    return answer;
  const auto device = ask_interface(walk.inquiry, netns, out);
  if (!device)
    return answer;
  const auto found = find_next_hop(walk, netns, *device, answer.gateway.value(), question.source);
  if (found.kind != NextHop::Kind::nobody &&
      !asks_in_vain(walk, journey, *device, answer.gateway.value(), question.source, found))
    return answer;
  const auto other =
      route_without_router(walk.inquiry, netns, question, answer.gateway.value(), out);
  return other && other->error.is(0) ? *other : answer;
}

Journeys route_leg(Walk& walk, Journey journey, const Leg& leg) {
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  if (!to || !from || journey.packet.meta.in.loopback)
    return alone(std::move(journey));
  RouteQuestion question;
  question.destination = *to;
  question.source = *from;
  question.input_interface = leg.in;
  if (leg.bridged) {
    journey.forward_by = leg.out;
    journey.next_hop = on_link;
    if (const auto out = ask_interface(walk.inquiry, journey.netns, leg.out))
      journey.packet.meta.out = view_of(*out);
    return alone(std::move(journey));
  }
  question.mark = journey.packet.meta.mark.known() ? journey.packet.meta.mark.value() : 0U;
  question.proto = journey.kind == Packet::icmp ? "icmp" : std::string(to_string(walk.flow.proto));
  add_ports(walk, journey, question);
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::passing_target)) {
    take_leg(walk, routed.journey, routed.answer, leg, *to);
    if (walk.inquiry.pending())
      return {};
    journeys.push_back(std::move(routed.journey));
  }
  return journeys;
}

namespace {

/// The answer leaves by a device on the one that the call came by, or the other way round: both are
/// on the client's link, and the client learns another link-layer address for this host from what
/// that device asks (arp_process(): neigh_update(), Linux 6.12).
bool shows_another_device(Walk& walk, const Journey& journey, const Interface& out) {
  if (journey.netns != walk.inquiry.snapshot().host().netns ||
      out.name.is(walk.flow.from_interface))
    return false;
  return std::ranges::any_of(ask_interfaces(walk.inquiry, journey.netns),
                             [&](const Interface& each) {
                               return each.name.is(walk.flow.from_interface) &&
                                      (is_stacked_on(out, each) || is_stacked_on(each, out));
                             });
}

} // namespace

Journeys check_next_hop(Walk& walk, Journey journey, const Leg* next) {
  if (journey.stopped() || journey.forward_by == 0 || journey.packet.meta.out.loopback)
    return alone(std::move(journey));
  const auto device = ask_interface(walk.inquiry, journey.netns, journey.forward_by);
  if (!device)
    return alone(std::move(journey));
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  if (!to)
    return alone(std::move(journey));
  const bool direct = journey.next_hop == on_link || journey.next_hop == *to;
  if (direct)
    journey.next_hop = *to;
  if (device->carrier.is(false)) {
    add_stop(journey, not_taken(journey, journey.next_hop,
                                fmt::format("{} has no carrier", device->name.value_or("?"))));
    return alone(std::move(journey));
  }
  take_for_carried(walk, journey, journey.netns, *device);
  if (next == nullptr && direct && device->kind.is("macvlan") &&
      shows_another_device(walk, journey, *device))
    assume(journey, fmt::format("the client goes on calling by {}, though {} asks for it",
                                walk.flow.from_interface, device->name.value_or("?")));
  if (next == nullptr)
    count_hops_to_client(walk, journey, *device, *to);
  if (next == nullptr && !journey.hops.empty() && journey.hops.front().below_ip)
    return alone(std::move(journey)); // by the bridge that the call came by
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  const bool to_client = next == nullptr && direct;
  const bool its_link = device->name.is(walk.flow.from_interface);
  const bool many = walk.classes != nullptr;
  const bool visible = is_visible(walk, journey.netns, *device);
  const bool overruled =
      is_overruled(walk, journey, *device) ||
      (!many && !deaf_to(walk, journey.netns, *device, journey.next_hop, from).empty());
  if (!overruled && next == nullptr && visible && many && !its_link) {
    journey.certainty = std::max(journey.certainty, Certainty::likely);
    add_stop(journey, each_for_itself(*device));
    return alone(std::move(journey));
  }
  if (!overruled && to_client && its_link && visible)
    return look_on_link(walk, std::move(journey), *device);
  if (!overruled && to_client && (its_link || many || !visible))
    return alone(std::move(journey));
  if (!overruled && next == nullptr && (its_link || many || !visible) &&
      has_answered(walk, journey))
    return its_link && visible ? look_behind_neighbour(walk, std::move(journey), *device)
                               : alone(std::move(journey));
  return look_for_next_hop(walk, std::move(journey), *device, *to, next);
}

Journeys cut_by_fixed_neighbours(Walk& walk, Journey journey) {
  if (walk.classes == nullptr || journey.forward_by == 0 || !(journey.next_hop == on_link))
    return alone(std::move(journey));
  std::vector<IntervalSet> sets;
  for (const auto& row : walk.inquiry.rows<Neighbour>({{"netns", journey.netns}}))
    if (is_fixed(row) && row.interface_index.is(journey.forward_by) && row.address.known() &&
        row.address.value().family() == journey.packet.family)
      sets.push_back(IntervalSet::address(row.address.value()));
  return sets.empty() ? alone(std::move(journey)) : cut(std::move(journey), sets);
}

} // namespace synfate
