#include "platform/linux/model/refusal.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/way_back.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/own_addresses.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {
namespace {

/// One way of the answer, and what ended it.
struct Way {
  PacketClass packet;
  Certainty certainty = Certainty::certain;
  bool lost = false;
  bool unknown = false;
  std::string why;
  Int forward_by = 0; ///< the device that it leaves by, to this neighbour
  IpAddress next_hop = on_link;
  std::vector<std::string> assumptions = {};

  bool ended() const { return lost || unknown; }
};
using Ways = std::vector<Way>;

bool by_icmp(const Stop& stop) {
  return stop.icmp != Icmp::none;
}

/// An answer goes out for these only: what is silent has none.
bool is_answered(const Stop& stop) {
  return by_icmp(stop) || stop.outcome == Outcome::refused || stop.outcome == Outcome::reset;
}

/// nf_conntrack_attach(); for the others nf_conntrack_in() finds the entry, or not.
ConntrackView conntrack_of_answer(const PacketClass& refused, Refuser by) {
  ConntrackView view = continued(refused.ct, !is_answer(refused.ct));
  if (is_tracked(refused.ct) && by == Refuser::rule)
    view.state = CtState::related;
  return view;
}

/// IP4_REPLY_MARK(), IP6_REPLY_MARK().
Perhaps<std::uint32_t> reply_mark(Walk& walk, const Journey& journey, const PacketClass& refused) {
  const bool v4 = refused.family == IpFamily::v4;
  const auto reflect = ask_number(walk.inquiry, journey.netns,
                                  v4 ? "net.ipv4.fwmark_reflect" : "net.ipv6.fwmark_reflect");
  return reflect.value_or(0) != 0 ? refused.meta.mark : Perhaps<std::uint32_t>(0U);
}

bool is_local(Walk& walk, Int netns, const IpAddress& address) {
  if (address.is_loopback())
    return true;
  return std::ranges::any_of(ask_addresses(walk.inquiry, netns),
                             [&](const Address& row) { return row.address.is(address); });
}

/// The way out, asked as __icmp_send() and ip_send_unicast_reply() do.
struct WayOut {
  bool found = true;
  bool assumed = false;
  Int interface = 0;
  IpAddress next_hop = on_link;
  AddressTerm source; ///< of an ICMP error
};

/// nf_reject_fill_skb_dst(): before routing the error has the address of the way back.
bool source_is_chosen(const PacketClass& refused, const Stop& stop, Refuser by) {
  return by == Refuser::rule && by_icmp(stop) && refused.family == IpFamily::v4 &&
         (stop.stage == Stage::prerouting || stop.stage == Stage::ingress);
}

std::uint8_t code_of(Icmp icmp, IpFamily family) {
  const bool v4 = family == IpFamily::v4;
  switch (icmp) {
  case Icmp::none:
  case Icmp::net:
  case Icmp::no_route:
    return 0;
  case Icmp::host:
    return 1;
  case Icmp::proto:
    return 2;
  case Icmp::port:
    return v4 ? 3 : 4;
  case Icmp::net_prohibited:
    return 9;
  case Icmp::host_prohibited:
    return 10;
  case Icmp::admin_prohibited:
    return v4 ? 13 : 1;
  case Icmp::addr_unreachable:
    return 3;
  case Icmp::policy_fail:
    return 5;
  case Icmp::reject_route:
    return 6;
  }
  return 0;
}

/// fl4_icmp_type and fl4_icmp_code lie where the ports are: a rule about the destination port sees
/// both as one number (include/net/flow.h: union flowi_uli).
std::uint16_t port_of_error(const Stop& stop, IpFamily family) {
  constexpr unsigned unreachable_v4 = 3;
  constexpr unsigned unreachable_v6 = 1;
  const unsigned type = family == IpFamily::v4 ? unreachable_v4 : unreachable_v6;
  return static_cast<std::uint16_t>(type << 8U | code_of(stop.icmp, family));
}

/// ip_send_unicast_reply() and tcp_v6_send_response() route a reset with its ports; so do
/// nf_send_reset() and nf_send_reset6(), where rules ask for them
/// (fib4_rules_early_flow_dissect()); icmp_route_lookup() and icmp6_send() an error by its type.
/// All as the user 0 of the namespace.
RouteQuestion question_of_answer(Walk& walk, const Journey& journey, const PacketClass& refused,
                                 const Stop& stop, const IpAddress& to,
                                 const std::optional<IpAddress>& from, Refuser by) {
  RouteQuestion question;
  question.destination = to;
  question.source = from;
  if (by_icmp(stop) || by == Refuser::lookup) // nf_send_reset6() does not care
    question.output_interface = link_of_answer(to, refused.meta.in);
  const auto mark = reply_mark(walk, journey, refused);
  question.mark = mark.known() ? mark.value() : 0U;
  question.uid = 0;
  if (by_icmp(stop)) {
    question.proto = "icmp";
    if (rules_ask_for_ports(walk.inquiry, journey.netns))
      question.destination_port = port_of_error(stop, refused.family);
    return question;
  }
  question.proto = "tcp";
  if (!rules_ask_for_ports(walk.inquiry, journey.netns))
    return question;
  question.destination_port = static_cast<std::uint16_t>(refused.ports.first());
  if (const auto port = destination_of(refused).port; port.kind == PortTerm::Kind::known)
    question.source_port = port.first;
  return question;
}

/// Some IPv6 route of the namespace names this source.
bool is_preferred_by_route(Walk& walk, Int netns, const IpAddress& source) {
  return std::ranges::any_of(walk.inquiry.rows<Route>({{"netns", netns}}),
                             [&](const Route& row) { return row.preferred_source.is(source); });
}

/// icmp6_send(): about an address that is not this host's an error gets the source that the route
/// names, else the one that suits the device by which the packet came (ipv6_dev_get_saddr()).
AddressTerm source_by_input(Walk& walk, const Journey& journey, const PacketClass& refused,
                            const IpAddress& by_route) {
  const auto usual = AddressTerm::known(by_route);
  if (refused.family == IpFamily::v4 || !refused.meta.in.present() ||
      is_preferred_by_route(walk, journey.netns, by_route))
    return usual;
  const auto to = address_of(walk, source_of(refused).address, refused);
  if (walk.classes != nullptr || !to)
    return AddressTerm::unknown("the source of the ICMP error");
  auto error = build_icmp_error(refused, 0, usual);
  set_destination(error, {AddressTerm::known(*to), {}});
  const auto sources =
      masquerade_sources(walk.inquiry, journey.netns, refused.meta.in, error).choices;
  if (sources.empty())
    return usual;
  return sources.size() == 1 ? AddressTerm::known(sources.front())
                             : AddressTerm::unknown("the source of the ICMP error");
}

WayOut way_out(Walk& walk, const Journey& journey, const PacketClass& refused, const Stop& stop,
               Refuser by) {
  WayOut out;
  out.source = destination_of(refused).address;
  out.interface = refused.meta.in.present() ? refused.meta.in.index : refused.meta.out.index;
  const auto to = address_of(walk, source_of(refused).address, refused);
  const auto called = address_of(walk, out.source, refused);
  if (!to || !called) {
    out.assumed = true;
    return out;
  }
  const bool home = walk.flow.local && journey.hops.empty();
  const bool chosen = source_is_chosen(refused, stop, by);
  const bool ours = is_local(walk, journey.netns, *called);
  const auto question = question_of_answer(walk, journey, refused, stop, *to,
                                           ours && !chosen ? called : std::nullopt, by);
  auto answer = ask_way(walk, journey.netns, question);
  if (answer && !home)
    answer = past_silent_router(walk, journey.netns, question, *answer);
  if (walk.inquiry.pending() || !answer) {
    out.assumed = !home;
    return out;
  }
  out.next_hop = answer->gateway.known() ? answer->gateway.value() : on_link;
  if (home) {
    const bool stays = answer->type.is("local");
    out.found = answer->error.is(0) && (stays || has_source_nat(refused));
    if (out.found && stays)
      out.interface = answer->interface_index.value_or(out.interface);
    return out;
  }
  out.found = answer->error.value_or(0) == 0 && !leads_into_lo(walk, journey.netns, *answer) &&
              !stays_there(walk, journey, refused, *answer);
  out.interface = answer->interface_index.value_or(out.interface);
  if (by_icmp(stop) && (chosen || !ours) && answer->preferred_source.known())
    out.source = source_by_input(walk, journey, refused, answer->preferred_source.value());
  return out;
}

PacketClass answer_packet(const PacketClass& refused, const Stop& stop, const WayOut& out) {
  if (by_icmp(stop))
    return build_icmp_error(refused, code_of(stop.icmp, refused.family), out.source);
  FlowFacts facts;
  facts.family = refused.family;
  facts.addresses = refused.addresses;
  facts.ports = refused.ports;
  return build_packet(Packet::reset, facts, destination_of(refused), source_of(refused));
}

std::string lost_text(const Stop& stop, const Branch& branch) {
  const char* what = by_icmp(stop) ? "ICMP error" : "reset";
  const std::string by = branch.culprit ? branch.culprit->id : std::string(branch.why);
  return fmt::format("the {} that answers it does not get out: {}", what, by);
}

Way way_of(Branch branch, const Stop& stop, const Way& before) {
  Way way = before;
  way.packet = std::move(branch.packet);
  way.certainty = std::max(before.certainty, branch.certainty);
  way.unknown = branch.verdict == HookVerdict::unknown;
  way.lost = branch.verdict != HookVerdict::accept && !way.unknown;
  if (way.lost)
    way.why = lost_text(stop, branch);
  if (way.unknown)
    way.why = branch.why;
  return way;
}

Ways pass(Walk& walk, Int netns, Ways ways, Hook hook, const Stop& stop) {
  Ways passed;
  HookOptions options{{}, false, false};
  std::vector<Passage> passages;
  ClassContext classes;
  if (walk.classes != nullptr) {
    classes = class_context(walk, netns, passages);
    options.most_branches = walk.classes->most_branches;
    options.classes = &classes;
  }
  HookContext context{walk.inquiry, walk.ruleset, walk.xt, options};
  const HookRequest request{.hook = hook,
                            .family = HookFamily::inet,
                            .netns = netns,
                            .packet = by_icmp(stop) ? Packet::icmp : Packet::reset};
  for (auto& way : ways) {
    if (way.ended()) {
      passed.push_back(std::move(way));
      continue;
    }
    for (auto& branch : run_hook(context, request, way.packet))
      passed.push_back(way_of(std::move(branch), stop, way));
    if (walk.inquiry.pending())
      return {};
  }
  return passed;
}

/// The answer as a journey of its own, in a namespace on its way.
Journey journey_of(const Way& way, const Journey& journey, const Stop& stop, Int netns) {
  Journey answer;
  answer.packet = way.packet;
  answer.kind = by_icmp(stop) ? Packet::icmp : Packet::reset;
  answer.reply = true;
  answer.netns = netns;
  answer.hops = journey.hops;
  answer.forward_by = way.forward_by;
  answer.next_hop = way.next_hop;
  answer.certainty = way.certainty;
  return answer;
}

void take_over(Way& way, Journey answer) {
  way.packet = std::move(answer.packet);
  way.certainty = answer.certainty;
  way.forward_by = answer.forward_by;
  way.next_hop = answer.next_hop;
  way.assumptions.insert(way.assumptions.end(), answer.assumptions.begin(),
                         answer.assumptions.end());
  if (!answer.stopped())
    return;
  const Stop& end = answer.stops.front();
  way.unknown = end.outcome == Outcome::unknown;
  way.lost = !way.unknown;
  way.why = way.lost ? "the answer to it gets lost: " + end.note : end.note;
}

/// Routed on the way back, where it has come by a device.
Ways route(Walk& walk, const Journey& journey, const Ways& ways, const Leg& leg, const Stop& stop) {
  Ways routed;
  for (const auto& way : ways) {
    if (way.ended()) {
      routed.push_back(way);
      continue;
    }
    for (auto& answer : route_leg(walk, journey_of(way, journey, stop, leg.netns), leg)) {
      routed.push_back(way);
      take_over(routed.back(), std::move(answer));
    }
    if (walk.inquiry.pending())
      return {};
  }
  return routed;
}

/// Every way to the neighbour that it goes to; of many clients those with an entry of their own
/// part from the others.
Ways hand_over(Walk& walk, const Journey& journey, const Ways& ways, const Leg& leg,
               const Stop& stop, Int next) {
  Ways handed;
  for (const auto& way : ways) {
    if (way.ended()) {
      handed.push_back(way);
      continue;
    }
    for (auto& answer : cut_by_fixed_neighbours(walk, journey_of(way, journey, stop, leg.netns))) {
      check_next_hop(walk, answer, next);
      handed.push_back(way);
      take_over(handed.back(), std::move(answer));
    }
    if (walk.inquiry.pending())
      return {};
  }
  return handed;
}

Ways take_leg(Walk& walk, const Journey& journey, Ways ways, const Leg& leg, const Stop& stop) {
  for (auto& way : ways)
    enter_leg(walk, leg, journey.netns, journey.conntracks, way.packet);
  for (const Hook hook : leg.hooks) {
    for (auto& way : ways)
      enter_hook(walk, leg, hook, way.packet);
    ways = pass(walk, leg.netns, std::move(ways), hook, stop);
    if (hook == Hook::prerouting)
      ways = route(walk, journey, ways, leg, stop);
    if (walk.inquiry.pending())
      return {};
  }
  return ways;
}

/// The answer's ways from the route to the client, or its socket on this host.
Ways travel(Walk& walk, const Journey& journey, PacketClass packet, const Stop& stop,
            const WayOut& out) {
  Ways ways;
  ways.push_back({.packet = std::move(packet),
                  .why = {},
                  .forward_by = out.interface,
                  .next_hop = out.next_hop});
  const auto legs = legs_back(walk, journey, out.interface);
  for (std::size_t at = 0; at < legs.size(); ++at) {
    const Leg& leg = legs[at];
    ways = take_leg(walk, journey, std::move(ways), leg, stop);
    if (leg.out != 0 && !walk.inquiry.pending())
      ways =
          hand_over(walk, journey, ways, leg, stop, at + 1 < legs.size() ? legs[at + 1].netns : 0);
    if (walk.inquiry.pending())
      return {};
  }
  return ways;
}

Stop lost(const Journey& journey, Stop stop, const std::string& why) {
  const bool connected = journey.kind == Packet::ack || journey.kind == Packet::data;
  stop.outcome = connected ? Outcome::stalled : Outcome::timeout;
  stop.icmp = Icmp::none;
  stop.error = connected ? "" : "ETIMEDOUT";
  stop.note += (stop.note.empty() ? "" : "; ") + why;
  return stop;
}

/// A connected UDP socket reports only errors that icmp_err_convert[] and icmpv6_err_convert()
/// call fatal, unless it asked for all by IP_RECVERR: __udp4_lib_err(), __udp6_lib_err().
bool unheard(const Journey& journey, const Stop& stop) {
  return journey.kind == Packet::datagram &&
         (stop.icmp == Icmp::net || stop.icmp == Icmp::host || stop.icmp == Icmp::no_route ||
          stop.icmp == Icmp::addr_unreachable);
}

Stop seen_by_client(const Journey& journey, const Stop& stop, const Way& way) {
  if (!way.lost && !way.unknown && unheard(journey, stop))
    return lost(journey, stop,
                fmt::format("the ICMP error ({}) arrives, but a UDP socket does not report it",
                            to_string(stop.icmp)));
  if (way.lost)
    return lost(journey, stop, way.why);
  if (!way.unknown)
    return stop;
  Stop unknown = stop;
  unknown.outcome = Outcome::unknown;
  unknown.icmp = Icmp::none;
  unknown.error.clear();
  unknown.note += (unknown.note.empty() ? "" : "; ") + way.why;
  return unknown;
}

/// `many`: of many clients, whom a rule may have joined that are not equally sure.
Journeys told(const Journey& journey, const Stop& stop, const Ways& ways, bool many) {
  const bool same = std::ranges::all_of(ways, [&](const Way& way) {
    return way.lost == ways.front().lost && way.unknown == ways.front().unknown &&
           (!many || (way.certainty == ways.front().certainty &&
                      way.assumptions == ways.front().assumptions));
  });
  Journeys journeys;
  for (const auto& way : ways) {
    Journey next = journey;
    next.certainty = std::max(next.certainty, way.certainty);
    next.assumptions.insert(next.assumptions.end(), way.assumptions.begin(), way.assumptions.end());
    if (!same) {
      next.packet.addresses = way.packet.addresses;
      next.packet.ports = way.packet.ports;
      next.packet.conditions = way.packet.conditions;
    }
    add_stop(next, seen_by_client(journey, stop, way));
    journeys.push_back(std::move(next));
    if (same)
      break;
  }
  return journeys;
}

Journeys just(Journey journey, Stop stop) {
  add_stop(journey, std::move(stop));
  return alone(std::move(journey));
}

/// net/ipv6/tcp_ipv6.c: tcp_v6_send_response() ties an answer to ::1 to the device of the address
/// that was called (rt6_need_strict()); by any other device than lo there is no way to ::1.
bool reset_cannot_reach_loopback(Walk& walk, const Journey& journey, const PacketClass& packet,
                                 const Stop& stop, Refuser by) {
  const auto called = address_of(walk, destination_of(packet).address, packet);
  if (by != Refuser::lookup || by_icmp(stop) || !walk.flow.local || !walk.flow.from.is_v6() ||
      !walk.flow.from.is_loopback() || !called || called->is_loopback())
    return false;
  const Int device = device_of_own_address(walk.inquiry, journey.netns, *called, walk.flow.zone);
  const auto interface = ask_interface(walk.inquiry, journey.netns, device);
  return !interface || !interface->loopback.is(true);
}

Journeys refuse_alike(Walk& walk, Journey journey, const PacketClass& packet, Stop stop,
                      Refuser by) {
  if (journey.stopped() || journey.reply || !is_answered(stop))
    return just(std::move(journey), std::move(stop));
  if (reset_cannot_reach_loopback(walk, journey, packet, stop, by)) {
    Stop silent = lost(journey, std::move(stop), "the reset does not get back to ::1");
    return just(std::move(journey), std::move(silent));
  }
  const WayOut out = way_out(walk, journey, packet, stop, by);
  if (walk.inquiry.pending())
    return {};
  if (!out.found) {
    Stop silent = lost(journey, std::move(stop), "its answer has no route to the client");
    return just(std::move(journey), std::move(silent));
  }
  if (out.assumed)
    assume(journey, "there is a route back to the client");
  PacketClass answer = answer_packet(packet, stop, out);
  answer.conditions = packet.conditions;
  answer.recent = packet.recent;
  answer.assumptions = packet.assumptions;
  answer.ct = conntrack_of_answer(packet, by);
  answer.meta.mark = reply_mark(walk, journey, packet);
  answer.meta.time_ms = packet.meta.time_ms;
  answer.meta.minutes_west = packet.meta.minutes_west;
  // An RST of a rule has no socket, nor has one that tcp_v6_send_response() makes.
  if (by_icmp(stop) || (by == Refuser::lookup && packet.family == IpFamily::v4))
    answer.meta.socket = kernel_socket();
  pass_traffic_control(walk, journey, out.interface, PacketWay::egress);
  const Ways ways = travel(walk, journey, std::move(answer), stop, out);
  if (walk.inquiry.pending())
    return {};
  return told(journey, stop, ways, walk.classes != nullptr);
}

/// The clients of a class by the way that the answer to them takes.
std::vector<IntervalSet> answered_alike(Walk& walk, const Journey& journey,
                                        const PacketClass& packet, const Stop& stop, Refuser by) {
  const auto to = address_of(walk, source_of(packet).address, packet);
  const auto called = address_of(walk, destination_of(packet).address, packet);
  if (!to || !called || (walk.flow.local && journey.hops.empty()))
    return {packet.addresses};
  const bool named = is_local(walk, journey.netns, *called) && !source_is_chosen(packet, stop, by);
  return routed_alike(
      walk, journey.netns,
      question_of_answer(walk, journey, packet, stop, *to, named ? called : std::nullopt, by),
      ClientSide::leaving_target, packet.addresses);
}

} // namespace

Journeys refuse(Walk& walk, Journey journey, const PacketClass& packet, Stop stop, Refuser by) {
  if (walk.classes == nullptr || journey.stopped() || journey.reply || !is_answered(stop))
    return refuse_alike(walk, std::move(journey), packet, std::move(stop), by);
  Journeys journeys;
  for (auto& half : cut_by_link(journey)) {
    PacketClass asked = packet;
    asked.addresses = half.packet.addresses;
    for (auto& part : answered_alike(walk, half, asked, stop, by)) {
      Journey way = half;
      PacketClass refused = packet;
      way.packet.addresses = refused.addresses = std::move(part);
      for (auto& told : refuse_alike(walk, std::move(way), refused, stop, by))
        journeys.push_back(std::move(told));
    }
  }
  return journeys;
}

} // namespace synfate
