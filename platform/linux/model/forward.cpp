#include "platform/linux/model/forward.h"

#include <algorithm>
#include <array>
#include <ranges>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/hop_limit.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/link_asker.h"
#include "platform/linux/model/link_exchange.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/refusal.h"
#include "platform/linux/model/way_back.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/netfilter/ruleset.h"

namespace synfate {
namespace {

constexpr std::size_t most_hops = 8;

Stop beyond(const Interface& out, const IpAddress& next_hop, bool hidden) {
  const std::string name = out.name.value_or("?");
  const std::string text =
      hidden ? "not every end of the link can be seen" : "the packet leaves this machine by it";
  return unknown_at(
      Stage::forward,
      hidden ? fmt::format("it goes on to {} by {}, which leads into a network namespace that no "
                           "process and no name shows",
                           next_hop.to_string(), name)
             : fmt::format("it goes on to {} by {}: what becomes of it is decided there",
                           next_hop.to_string(), name),
      Culprit{"interface", name, text});
}

/// arp_error_report(), ndisc_error_report(): nobody answers for the next hop. What a bridge
/// forwards was for another host (PACKET_OTHERHOST, see br_nf_pre_routing_finish()): icmp_send()
/// says nothing.
Stop nobody_there(const NextHop& found, const IpAddress& next_hop) {
  const Icmp icmp = next_hop.is_v4() ? Icmp::host : Icmp::addr_unreachable;
  return {outcome_of(icmp),
          icmp,
          "EHOSTUNREACH",
          Stage::forward,
          Culprit{"neighbour", next_hop.to_string(), found.why},
          fmt::format("it goes on to {}: {}", next_hop.to_string(), found.why)};
}

Stop sent_to_nobody(const NextHop& found, const IpAddress& next_hop) {
  return {Outcome::timeout,
          Icmp::none,
          "ETIMEDOUT",
          Stage::forward,
          Culprit{"neighbour", next_hop.to_string(), found.why},
          found.why};
}

/// Rules of this host or of the next hop's namespace keep it from getting to know the next hop.
std::optional<Refusal> asked_in_vain(Walk& walk, const Journey& journey, const Interface& out,
                                     const IpAddress& hop, const std::optional<IpAddress>& sender,
                                     const NextHop& found) {
  if (!sender || !is_stranger(walk, journey.netns, out, hop))
    return std::nullopt;
  const auto own = address_for_asking(walk, journey.netns, out, *sender, hop);
  if (!own)
    return std::nullopt;
  auto refusal = lost_question(walk, journey, question_from(*own, hop), out, &found);
  return refusal && refusal->kind == Refusal::Kind::rules ? std::move(refusal) : std::nullopt;
}

void cross(Journey& journey, Int netns, const Interface& interface) {
  journey.conntracks[journey.netns] = journey.packet.ct;
  journey.netns = netns;
  journey.packet.ct = {};
  journey.packet.meta.mark = 0U;
  journey.packet.meta.socket = {};
  journey.packet.assigned.reset();
  journey.packet.meta.out = {};
  journey.packet.meta.physical_in = 0; // skb_scrub_packet()
  journey.packet.meta.physical_out = 0;
  journey.packet.meta.in = view_of(interface);
  if (const auto saved = journey.conntracks.find(netns);
      journey.tried_before && saved != journey.conntracks.end())
    continue_connection(journey.packet, saved->second, false);
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
  cross(journey, at->next_netns, *interface);
  continue_connection(journey.packet, before, false);
  return true;
}

/// A unicast route over lo (see leads_into_lo()). What this host sends there over IPv4 is delivered
/// here, where nobody answers; IPv6 says that there is no route (ip6_pkt_discard_out()). A packet
/// that is forwarded keeps its route and comes back by lo again and again (net/ipv4/ip_input.c:
/// skb_valid_dst() in ip_rcv_finish_core()), until ip_forward() finds its TTL used up and tells the
/// sender.
Journeys go_into_lo(Walk& walk, Journey journey, bool forwarded) {
  journey.over = true;
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  const std::string target = to ? to->to_string() : "it";
  const Culprit culprit{"route", id_part(target), "leads over lo, where nobody takes it"};
  const std::string note = fmt::format("the route to {} leads over lo", target);
  const PacketClass refused = journey.packet;
  if (refused.family == IpFamily::v6)
    return refuse(
        walk, std::move(journey), refused,
        {Outcome::unreachable, Icmp::no_route, "ENETUNREACH", Stage::route, culprit, note},
        Refuser::lookup);
  if (!forwarded) {
    add_stop(journey, {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::route, culprit, note});
    return alone(std::move(journey));
  }
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, journey.netns);
  if (chains == nullptr || !chains->empty() || walk.xt != nullptr)
    assume(journey, "no rule drops it where it goes round over lo");
  auto journeys = refuse(walk, std::move(journey), refused,
                         {Outcome::unreachable, Icmp::host, "EHOSTUNREACH", Stage::forward, culprit,
                          note + ", where it goes round until its TTL is used up"},
                         Refuser::lookup);
  for (auto& way : journeys)
    way.stops.front().icmp = Icmp::none; // time exceeded
  return journeys;
}

} // namespace

Journeys leave_host(Walk& walk, Journey journey, const WayOn& way) {
  if (cross_again(walk, journey))
    return alone(std::move(journey));
  if (journey.stopped()) { // what stands behind is not looked for: it has not come there
    journey.over = true;
    return alone(std::move(journey));
  }
  const auto device = ask_interface(walk.inquiry, journey.netns, way.out);
  if (walk.inquiry.pending() || !device)
    return alone(std::move(journey));
  if (device->loopback.is(true))
    return go_into_lo(walk, std::move(journey), way.in != 0);
  const Endpoint target = destination_of(journey.packet);
  if (target.address.kind == AddressTerm::Kind::known)
    journey.final_address = target.address.first;
  if (target.port.kind == PortTerm::Kind::known)
    journey.final_port = target.port.first;
  const auto sender = address_of(walk, source_of(journey.packet).address, journey.packet);
  const auto found = find_next_hop(walk, journey.netns, *device, way.next_hop, sender);
  if (walk.inquiry.pending())
    return {};
  if (found.kind == NextHop::Kind::there)
    if (auto refusal = asked_in_vain(walk, journey, *device, way.next_hop, sender, found)) {
      journey.over = true;
      PacketClass refused = journey.packet;
      add_steps(journey, std::move(refusal->path));
      return refuse(walk, std::move(journey), refused, std::move(refusal->stop), Refuser::lookup);
    }
  if (walk.inquiry.pending())
    return {};
  if (found.kind == NextHop::Kind::there) {
    journey.hops.push_back({journey.netns, way.in, way.out, found.netns,
                            found.interface.index.value_or(0), way.bridged, way.below_ip});
    cross(journey, found.netns, found.interface);
    return alone(std::move(journey));
  }
  journey.over = true;
  if (found.kind == NextHop::Kind::nobody) {
    PacketClass refused = journey.packet;
    if ((way.in == 0 && misses_own_errors(journey)) || (way.bridged && journey.bridged)) {
      add_stop(journey, sent_to_nobody(found, way.next_hop));
      return alone(std::move(journey));
    }
    return refuse(walk, std::move(journey), refused, nobody_there(found, way.next_hop),
                  Refuser::lookup);
  }
  if (found.kind == NextHop::Kind::lost) {
    add_stop(journey, sent_to_nobody(found, way.next_hop));
    if (found.suspected)
      journey.certainty = std::max(journey.certainty, Certainty::likely);
  } else {
    add_stop(journey, beyond(*device, way.next_hop, found.hidden));
  }
  return alone(std::move(journey));
}

namespace {

/// net/ipv4/ip_forward.c: ip_forward(), net/ipv6/ip6_output.c: ip6_forward(): one hop less.
void count_hop(PacketClass& packet) {
  auto& left = hops_of(packet);
  if (left.is_known())
    left = Octet::of(static_cast<std::uint8_t>(left.value - 1));
  if (packet.family == IpFamily::v4)
    packet.network[10] = packet.network[11] = Octet::any(); // the checksum
}

/// include/net/route.h: rt_tos2priority(); net/ipv4/route.c: ip_tos2prio[], by pairs.
Perhaps<std::uint32_t> priority_by_tos(const PacketClass& packet) {
  constexpr std::array<std::uint32_t, 4> priorities{0, 2, 6, 4};
  const Octet tos = packet.network[1];
  if (!tos.is_known())
    return Perhaps<std::uint32_t>::unknown("the priority by an unknown TOS");
  return priorities[tos.value >> 3U & 3U];
}

/// What a router changes in a packet between the hooks prerouting and forward.
void route_through(Walk& walk, Int netns, PacketClass& packet) {
  count_hop(packet);
  auto& priority = packet.meta.priority;
  const auto by_tos = priority_by_tos(packet);
  if (packet.family == IpFamily::v6 || priority == by_tos)
    return;
  const auto updates =
      ask_setting(walk.inquiry, netns, "net.ipv4.ip_forward_update_priority"); // 0: it does not
  if (!updates)
    priority = Perhaps<std::uint32_t>::unknown("the priority that forwarding gives");
  else if (*updates != "0")
    priority = by_tos;
}

} // namespace

namespace {

/// ip_forward(), ip6_forward(): before the hook the sender is told that it took too many hops.
Journeys give_up(Walk& walk, Journey journey) {
  const bool v4 = journey.packet.family == IpFamily::v4;
  const PacketClass refused = journey.packet;
  journey.over = true;
  auto journeys = refuse(walk, std::move(journey), refused,
                         {Outcome::unreachable, v4 ? Icmp::host : Icmp::addr_unreachable,
                          "EHOSTUNREACH", Stage::forward, std::nullopt, "its TTL is used up"},
                         Refuser::lookup);
  for (auto& way : journeys)
    way.stops.front().icmp = Icmp::none; // time exceeded
  return journeys;
}

/// ip_forward(), ip6_forward(): what has a socket, as TPROXY gave it one, is not handed on.
Stop kept_from_proxy(const AssignedSocket& assigned) {
  return {Outcome::timeout, Icmp::none,
          "ETIMEDOUT",      Stage::forward,
          assigned.by,      "TPROXY gave it to a socket of this host, and it is routed to another"};
}

Journeys forward_to(Walk& walk, Journey journey, const WayOn& on) {
  journey.forward_by = 0;
  if (on.below_ip)
    return leave_host(walk, std::move(journey), on);
  if (!on.bridged && !journey.stopped() && journey.packet.assigned) {
    add_stop(journey, kept_from_proxy(*journey.packet.assigned));
    journey.over = true;
    return alone(std::move(journey));
  }
  if (!on.bridged && !journey.stopped() && has_no_hop_left(journey.packet))
    return give_up(walk, std::move(journey));
  if (const auto device = ask_interface(walk.inquiry, journey.netns, on.out))
    journey.packet.meta.out = view_of(*device);
  const bool first = journey.kind == Packet::syn || journey.kind == Packet::datagram;
  Journeys journeys = first && !on.bridged
                          ? pass_ipsec(walk, std::move(journey), IpsecWay::forward, on.out)
                          : alone(std::move(journey));
  if (on.bridged)
    for (auto& way : journeys)
      way.packet.meta.physical_out =
          port_of(walk, way, on.out, AddressTerm::known(on.next_hop)); // br_nf_forward()
  // ip_output() and ip6_output() tell postrouting the device that the packet came by.
  for (const Hook hook : {Hook::forward, Hook::postrouting, Hook::egress}) {
    if (on.bridged && hook == Hook::egress)
      continue; // of the bridge's own device
    for (auto& way : journeys)
      if (hook == Hook::egress)
        way.packet.meta.in = {};
      else if (hook == Hook::forward && !on.bridged)
        route_through(walk, way.netns, way.packet);
    journeys = pass_each(walk, std::move(journeys), hook);
  }
  journeys = leave_by_bridge(walk, std::move(journeys));
  if (walk.inquiry.pending())
    return {};
  Journeys left;
  for (auto& way : journeys) {
    if (way.hops.size() >= most_hops && way.kind != Packet::ack && way.kind != Packet::data) {
      add_stop(way, unknown_at(Stage::forward, "it goes in circles"));
      way.over = true; // whatever else would be in its way is there again and again
      left.push_back(std::move(way));
      continue;
    }
    for (auto& gone : leave_host(walk, std::move(way), on))
      left.push_back(std::move(gone));
    if (walk.inquiry.pending())
      return {};
  }
  return left;
}

} // namespace

Journeys forward(Walk& walk, Journey journey) {
  WayOn on{journey.packet.meta.in.index, journey.forward_by, journey.next_hop};
  if (!is_bridged(walk, journey))
    return forward_to(walk, std::move(journey), on);
  on.bridged = true;
  on.below_ip = passes_below_ip(walk, journey);
  if (is_given_up_in_bridge(walk, journey, on.next_hop))
    return leave_host(walk, std::move(journey), on);
  Journeys left;
  for (auto& part : part_by_ports(walk, std::move(journey), on.next_hop)) {
    for (auto& gone : forward_to(walk, std::move(part), on))
      left.push_back(std::move(gone));
    if (walk.inquiry.pending())
      return {};
  }
  return left;
}

namespace {

/// NF_DROP_ERR(): a datagram's sender is told the errno, TCP tries again and again.
Stop no_way_again(Walk& walk, const Journey& journey, const RouteLookup& answer,
                  const IpAddress& to) {
  const bool connected = journey.kind == Packet::data || journey.kind == Packet::ack;
  const bool told = journey.kind == Packet::datagram && !journey.reply && walk.flow.local;
  const Outcome outcome = told ? Outcome::denied : connected ? Outcome::stalled : Outcome::timeout;
  const std::string error = told ? errno_name(answer.error.value_or(0)) : "ETIMEDOUT";
  const auto& translated = journey.packet.ct.destination_nat;
  const bool sent_on = translated && !journey.reply;
  return {outcome,
          Icmp::none,
          connected ? "" : error,
          journey.reply ? Stage::reply_route : Stage::output,
          sent_on ? *translated
                  : Culprit{"route", to.to_string(), "no route for what a rule made of the packet"},
          fmt::format("a rule in output {}, and then no route leads to {}",
                      sent_on ? "sends the packet on" : "changes the packet", to.to_string())};
}

} // namespace

namespace {

/// The protocol and ports of the packet, where rules ask for them
/// (fib4_rules_early_flow_dissect()), and the device its socket is bound to; ip6_route_me_harder()
/// keeps link-local destinations on their link.
void add_socket(Walk& walk, const Journey& journey, RouteQuestion& question) {
  const bool error = journey.kind == Packet::icmp;
  question.proto = error ? "icmp" : std::string(to_string(walk.flow.proto));
  if (journey.reply && journey.listener)
    question.output_interface = journey.listener->interface_index.value_or(0);
  if (question.output_interface != 0 && question.destination.is_v6())
    question.source.reset(); // see asked_source() in reply.cpp
  if (question.output_interface == 0 && question.destination.is_v6() &&
      (question.destination.is_link_local() || question.destination.is_multicast()))
    question.output_interface = journey.packet.meta.out.index;
  if (error || !rules_ask_for_ports(walk.inquiry, journey.netns))
    return;
  const auto source = source_of(journey.packet).port;
  const auto target = destination_of(journey.packet).port;
  const auto own = static_cast<std::uint16_t>(journey.packet.ports.first());
  question.source_port = source.kind == PortTerm::Kind::known ? source.first : own;
  question.destination_port = target.kind == PortTerm::Kind::known ? target.first : own;
}

/// Of IPv6 the user of the packet's socket (sock_net_uid()), of IPv4 nobody's, so root's.
std::optional<Int> owner_of(const Walk& walk, const Journey& journey) {
  if (journey.kind == Packet::icmp || journey.kind == Packet::reset)
    return 0;
  if (journey.reply)
    return journey.listener && journey.listener->uid.known()
               ? std::optional(journey.listener->uid.value())
               : std::nullopt;
  return walk.flow.identity ? std::optional<Int>(walk.flow.identity->uid) : std::nullopt;
}

/// ip_route_me_harder() lets a packet keep a source that this host does not have, as the reset has
/// that nf_send_reset() makes for another one; Linux 6.12.
bool is_foreign(Walk& walk, Int netns, const IpAddress& source) {
  return source.is_v4() && !is_own_address(walk.inquiry, netns, source);
}

} // namespace

Journeys route_again(Walk& walk, Journey journey) {
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  journey.packet.meta.reroute = false;
  if (!to || !from || !journey.packet.meta.mark.known()) {
    assume(journey, "a changed packet takes the way that it had");
    return alone(std::move(journey));
  }
  RouteQuestion question;
  question.destination = *to;
  question.source = *from;
  question.any_source = is_foreign(walk, journey.netns, *from);
  question.mark = journey.packet.meta.mark.value();
  question.uid = from->is_v4() ? 0 : owner_of(walk, journey);
  add_socket(walk, journey, question);
  Journeys journeys;
  const bool answers = journey.reply;
  const auto side = journey.reply ? ClientSide::leaving_target : ClientSide::leaving_source;
  for (auto& routed : ask_ways(walk, std::move(journey), question, side)) {
    Journey& way = routed.journey;
    const auto& answer = routed.answer;
    if (!answer && way.packet.ct.destination_nat && !way.reply) {
      add_stop(way, unknown_at(Stage::output,
                               "the route for what a rule made of the packet could not be read"));
    } else if (!answer) {
      assume(way, "a changed packet takes the way that it had");
    } else if (answer->error.value_or(0) != 0) {
      add_stop(way, no_way_again(walk, way, *answer, *to));
    } else {
      const bool stays = answer->type.is("local");
      way.forward_by = stays ? 0 : answer->interface_index.value_or(0);
      const IpAddress near = answers ? on_link : *to; // each client for itself
      way.next_hop = answer->gateway.known() ? answer->gateway.value() : near;
      if (const auto out =
              ask_interface(walk.inquiry, way.netns, answer->interface_index.value_or(0)))
        way.packet.meta.out = view_of(*out);
    }
    journeys.push_back(std::move(way));
  }
  return journeys;
}

std::vector<Leg> legs_over_lo(const Journey& journey, Int lo) {
  return {{journey.netns, 0, lo, {Hook::output, Hook::postrouting, Hook::egress}},
          {journey.netns, lo, 0, {Hook::ingress, Hook::prerouting, Hook::input}}};
}

std::vector<Leg> legs_back(const Walk& walk, const Journey& journey, Int out) {
  if (walk.flow.local && (journey.hops.empty() || journey.hops.front().netns == journey.netns))
    return legs_over_lo(journey, out);
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
    if (hop.below_ip)
      continue;
    if (hop.bridged)
      legs.push_back(
          {hop.netns, hop.out, hop.in, {Hook::prerouting, Hook::forward, Hook::postrouting}, true});
    else if (to_client)
      legs.push_back({hop.netns, hop.out, 0, {Hook::ingress, Hook::prerouting, Hook::input}});
    else
      legs.push_back(
          {hop.netns,
           hop.out,
           hop.in,
           {Hook::ingress, Hook::prerouting, Hook::forward, Hook::postrouting, Hook::egress}});
  }
  return legs;
}

void enter_leg(Walk& walk, const Leg& leg, Int origin,
               const std::map<Int, ConntrackView>& conntracks, PacketClass& packet) {
  const auto in = leg.in != 0 ? ask_interface(walk.inquiry, leg.netns, leg.in) : std::nullopt;
  packet.meta.in = in ? view_of(*in) : InterfaceView{};
  packet.meta.out = {};
  packet.meta.physical_in = packet.meta.physical_out = 0;
  if (leg.in == 0) { // it is routed already
    if (const auto out = ask_interface(walk.inquiry, leg.netns, leg.out))
      packet.meta.out = view_of(*out);
    return;
  }
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

void enter_hook(Walk& walk, const Leg& leg, Hook hook, PacketClass& packet) {
  if (hook == Hook::egress)
    packet.meta.in = {};
  if (hook != Hook::forward)
    return;
  if (!packet.meta.out.present())
    if (const auto out = ask_interface(walk.inquiry, leg.netns, leg.out))
      packet.meta.out = view_of(*out);
  if (!leg.bridged)
    route_through(walk, leg.netns, packet);
}

void note_ports(Walk& walk, const Leg& leg, Hook hook, Journey& journey) {
  auto& meta = journey.packet.meta;
  if (leg.bridged && hook == Hook::prerouting)
    meta.physical_in = port_of(walk, journey, leg.in, source_of(journey.packet).address);
  if (leg.bridged && hook == Hook::forward)
    meta.physical_out = port_of(walk, journey, leg.out, destination_of(journey.packet).address);
}

} // namespace synfate
