#include "platform/linux/model/refusal.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/hop_limit.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/way_back.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/own_addresses.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {
namespace {

/// One way of the answer, and what ended it.
/// How the answer to a refusal fares, for a part of the clients.
struct Way {
  PacketClass packet; ///< the clients, and the conditions
  Certainty certainty = Certainty::certain;
  bool lost = false;
  bool unknown = false;
  std::string why;
  std::vector<std::string> assumptions = {};
  std::vector<std::string> conditions = {}; ///< as those of a Journey
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

/// The way out, asked as __icmp_send() and ip_send_unicast_reply() do.
struct WayOut {
  bool found = true;
  bool assumed = false;
  bool in_place = false; ///< the client is where the answer is made: it gets it over lo
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

/// How the way of an answer is asked for.
struct Question {
  RouteQuestion route;
  AddressTerm source;        ///< of the answer, as far as no route decides it
  bool by_the_route = false; ///< the answer's source is the one that the route gives
};

constexpr const char* inbound_setting = "net.ipv4.icmp_errors_use_inbound_ifaddr";

/// icmp6_send(): about an address that is not this host's an error gets the source that the route
/// names (icmpv6_rt_has_prefsrc()), else, before it is routed, the one that suits the device by
/// which the packet came (ipv6_dev_get_saddr()). __icmp_send() does so if it is told to.
void choose_by_input(Walk& walk, const Journey& journey, const PacketClass& refused,
                     Question& question) {
  if (!refused.meta.in.present())
    return;
  if (refused.family == IpFamily::v4) {
    const auto told = ask_number(walk.inquiry, journey.netns, inbound_setting);
    if (told.value_or(0) == 0)
      return;
  } else {
    const auto first = ask_way(walk, journey.netns, question.route);
    if (first && first->error.is(0) && first->preferred_source.known() &&
        is_preferred_by_route(walk, journey.netns, first->preferred_source.value()))
      return;
  }
  if (walk.inquiry.pending())
    return;
  question.source = AddressTerm::unknown("the source of the ICMP error");
  question.by_the_route = false;
  if (walk.classes != nullptr)
    return;
  auto error = build_icmp_error(refused, 0, {});
  set_destination(error, {AddressTerm::known(question.route.destination), {}});
  const auto sources =
      masquerade_sources(walk.inquiry, journey.netns, refused.meta.in, error).choices;
  if (sources.empty())
    question.by_the_route = true;
  if (sources.size() != 1)
    return;
  question.source = AddressTerm::known(sources.front());
  question.route.source = sources.front();
}

/// Nothing: it is not known who is answered.
std::optional<Question> question_of(Walk& walk, const Journey& journey, const PacketClass& refused,
                                    const Stop& stop, Refuser by) {
  const auto to = address_of(walk, source_of(refused).address, refused);
  const auto called = address_of(walk, destination_of(refused).address, refused);
  if (!to || !called)
    return std::nullopt;
  // __icmp_send() asks the route (RTCF_LOCAL), icmp6_send() whether an interface has the address.
  const bool delivered =
      called->is_v4() && (stop.stage == Stage::input || stop.stage == Stage::socket_lookup);
  const bool ours = (delivered || is_own_address(walk.inquiry, journey.netns, *called)) &&
                    !source_is_chosen(refused, stop, by);
  const bool named = ours || !by_icmp(stop); // nf_send_reset6(), ip_route_me_harder()
  Question question{
      question_of_answer(walk, journey, refused, stop, *to, named ? called : std::nullopt, by),
      destination_of(refused).address, by_icmp(stop) && !ours};
  question.route.any_source = named && !ours && called->is_v4();
  if (question.by_the_route && !(walk.flow.local && journey.hops.empty()))
    choose_by_input(walk, journey, refused, question);
  return question;
}

/// The call has been routed back to the client's own namespace, whose kernel refuses it.
bool is_at_the_client(Walk& walk, const Journey& journey, const PacketClass& refused,
                      const RouteLookup& answer) {
  const Int home = walk.inquiry.snapshot().host().netns;
  if (walk.flow.local || journey.netns == home || !answer.error.is(0) || !answer.type.is("local"))
    return false;
  const auto to = address_of(walk, source_of(refused).address, refused);
  const auto called = destination_of(refused);
  const auto device = arrival_interface(walk, home);
  if (!device || !to || has_source_nat(refused) || called.address.first != walk.flow.to ||
      called.port.first != walk.flow.port)
    return false;
  const auto found = find_next_hop(walk, home, *device, *to, walk.flow.to);
  return found.kind == NextHop::Kind::there && found.netns == journey.netns;
}

WayOut way_out(Walk& walk, const Journey& journey, const PacketClass& refused,
               const std::optional<Question>& question, std::optional<RouteLookup> answer) {
  WayOut out;
  out.source = question ? question->source : destination_of(refused).address;
  out.interface = refused.meta.in.present() ? refused.meta.in.index : refused.meta.out.index;
  const bool home = walk.flow.local && journey.hops.empty();
  if (answer && !home)
    answer = past_silent_router(walk, journey, question->route, *answer);
  if (walk.inquiry.pending() || !answer) {
    out.assumed = !home || !question;
    return out;
  }
  out.next_hop = answer->gateway.known() ? answer->gateway.value() : on_link;
  if (home) {
    const bool stays = answer->type.is("local");
    out.found = answer->error.is(0) && (stays || has_source_nat(refused));
    if (out.found && stays)
      out.interface = answer->interface_index.value_or(out.interface);
    if (question->by_the_route && answer->preferred_source.known())
      out.source = AddressTerm::known(answer->preferred_source.value());
    return out;
  }
  out.in_place = is_at_the_client(walk, journey, refused, *answer);
  if (out.in_place) {
    out.interface = answer->interface_index.value_or(out.interface);
    if (question->by_the_route && answer->preferred_source.known())
      out.source = AddressTerm::known(answer->preferred_source.value());
    return out;
  }
  out.found = answer->error.value_or(0) == 0 && !leads_into_lo(walk, journey.netns, *answer) &&
              !stays_there(walk, journey, refused, *answer) &&
              !(question->route.proto == "tcp" &&
                is_sent_to_all(walk, journey.netns, *answer, question->route.destination));
  out.interface = answer->interface_index.value_or(out.interface);
  if (question->by_the_route && answer->preferred_source.known())
    out.source = AddressTerm::known(answer->preferred_source.value());
  return out;
}

/// tcp_v4_send_reset(), tcp_v6_send_response(): with the TOS of what they answer, IPv6 without ECN;
/// nf_reject_iphdr_put(), nf_reject_ip6hdr_put(): with none.
void take_traffic_class(PacketClass& reset, const PacketClass& refused) {
  constexpr std::uint8_t ecn = 0x03;
  auto value = traffic_class(refused);
  if (value && refused.family == IpFamily::v6)
    *value &= static_cast<std::uint8_t>(~ecn);
  set_traffic_class(reset, value);
}

PacketClass answer_packet(const PacketClass& refused, const Stop& stop, Refuser by,
                          const WayOut& out) {
  if (by_icmp(stop))
    return build_icmp_error(refused, code_of(stop.icmp, refused.family), out.source);
  FlowFacts facts;
  facts.family = refused.family;
  facts.addresses = refused.addresses;
  facts.ports = refused.ports;
  PacketClass reset =
      build_packet(Packet::reset, facts, destination_of(refused), source_of(refused));
  if (by == Refuser::lookup)
    take_traffic_class(reset, refused);
  return reset;
}

/// The answer as a journey of its own.
Journey journey_of(const Walk& walk, const Journey& journey, PacketClass packet, const Stop& stop,
                   const WayOut& out) {
  Journey answer;
  answer.packet = std::move(packet);
  answer.kind = by_icmp(stop) ? Packet::icmp : Packet::reset;
  answer.reply = true;
  answer.netns = journey.netns;
  answer.hops = journey.hops;
  answer.conntracks = journey.conntracks;
  answer.ports = journey.ports;
  const bool home = walk.flow.local && journey.hops.empty();
  answer.forward_by = home || out.in_place ? 0 : out.interface;
  answer.next_hop = out.next_hop;
  return answer;
}

/// What became of the answer to some clients.
Way way_of(const ClassEnd& end, const Stop& refused) {
  Way way;
  way.packet.addresses = end.addresses;
  way.packet.ports = end.ports;
  way.packet.conditions = end.packet_conditions;
  way.certainty = end.certainty;
  way.assumptions = end.assumptions;
  way.conditions = end.conditions;
  if (!end.stop)
    return way;
  const Stop& stop = *end.stop;
  way.unknown = stop.outcome == Outcome::unknown;
  way.lost = !way.unknown;
  const bool by_rule = stop.note.empty() && stop.culprit;
  if (way.unknown)
    way.why = stop.note;
  else if (by_rule)
    way.why = fmt::format("the {} that answers it does not get out: {}",
                          by_icmp(refused) ? "ICMP error" : "reset", stop.culprit->id);
  else
    way.why = "the answer to it gets lost: " + stop.note;
  return way;
}

/// What came by a port of a bridge with br_netfilter gets a rule's reset back by that port, past
/// every hook of IP: nf_send_reset(), nf_send_reset6() (nf_bridge_info_exists()), Linux 6.12.
bool is_reset_by_port(const PacketClass& refused, const Stop& stop, Refuser by) {
  return by == Refuser::rule && !by_icmp(stop) && refused.meta.in.kind.is("bridge") &&
         refused.meta.physical_in != 0;
}

/// A rule of the family netdev sends its answer back to where the call came from, by the same
/// device: without a route, conntrack or the mark, past every hook but the device's egress
/// (net/netfilter/nft_reject_netdev.c: nft_reject_queue_xmit(), Linux 6.12).
bool is_sent_by_device(const Stop& stop, Refuser by) {
  return by == Refuser::rule && stop.stage == Stage::ingress && stop.culprit &&
         stop.culprit->kind == "nft_rule" && stop.culprit->id.starts_with("netdev/");
}

/// Such an answer comes in over lo without the route of its output: ip_route_input_slow() takes it
/// for one from outside, of IPv4 with a source that only accept_local allows.
bool is_taken_over_lo(Walk& walk, const Journey& journey, const PacketClass& refused,
                      const Stop& stop) {
  if (!walk.flow.local || !journey.hops.empty())
    return true;
  RouteQuestion question;
  const auto to = address_of(walk, source_of(refused).address, refused);
  if (!to)
    return true;
  question.destination = *to;
  question.source = address_of(walk, destination_of(refused).address, refused);
  question.input_interface = refused.meta.in.index;
  question.proto = by_icmp(stop) ? "icmp" : "tcp";
  const auto answer = ask_way(walk, journey.netns, question);
  return !answer || (answer->error.is(0) && answer->type.is("local"));
}

/// What the answer meets before it leaves.
enum class Sent : std::uint8_t {
  by_route,  ///< all hooks
  by_device, ///< that of the device
  by_port,   ///< none
};

/// How the answer fares from the route to the client, or its socket on this host. Many clients have
/// a walk of their own: whose answer gets lost has not come to an end.
Ways ways_of_answer(Walk& walk, Journey answer, const Stop& stop, Int way_out, Sent sent,
                    bool in_place) {
  Walk back = walk;
  back.notes = nullptr;
  std::optional<ClassWalk> own;
  if (walk.classes != nullptr) {
    own.emplace(ClassWalk{.sources = answer.packet.addresses,
                          .fibs = walk.classes->fibs,
                          .most_branches = walk.classes->most_branches,
                          .routes = std::move(walk.classes->routes)});
    back.classes = &*own;
  }
  Ways ways;
  auto legs = in_place ? legs_over_lo(answer, way_out) : legs_back(back, answer, way_out);
  if (sent != Sent::by_route) {
    legs.front().hooks.clear();
    if (sent == Sent::by_device)
      legs.front().hooks.push_back(Hook::egress);
    answer.forward_by = 0; // to the link-layer address that the call came from
  }
  for (auto& part_sent : sent == Sent::by_device
                             ? alone(std::move(answer))
                             : pass_ipsec(back, std::move(answer), IpsecWay::out, way_out))
    for (auto& part : cut_by_fixed_neighbours(back, std::move(part_sent)))
      for (const auto& way : travel(back, std::move(part), legs))
        ways.push_back(way_of(end_of(way), stop));
  if (!own)
    return ways;
  walk.classes->routes = std::move(own->routes);
  for (const auto& end : own->ends)
    ways.push_back(way_of(end, stop));
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
      next.conditions.insert(next.conditions.end(), way.conditions.begin(), way.conditions.end());
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

/// What this host tells its own programs goes over lo, where a device that is down drops it
/// (dev_deactivate(): noop_qdisc).
bool has_no_loopback(Walk& walk, const Journey& journey) {
  if (!walk.flow.local || !journey.hops.empty())
    return false;
  const auto loopback = arrival_interface(walk, journey.netns);
  return loopback && loopback->up.is(false);
}

/// ip_forward() tells a neighbour the shorter way before any rule sees the packet, and
/// ip_rt_send_redirect() takes what inet_peer_xrlim_allow() would grant the error that follows
/// (net/ipv4/route.c, net/ipv4/icmp.c, Linux 6.12). IPv6 redirects take one of several.
bool redirect_comes_first(Walk& walk, const Journey& journey, const PacketClass& packet,
                          const Stop& stop, const WayOut& out) {
  const auto& in = packet.meta.in;
  if (!by_icmp(stop) || stop.stage != Stage::forward || packet.family != IpFamily::v4 ||
      in.index == 0 || in.index != packet.meta.out.index)
    return false;
  const auto client = address_of(walk, source_of(packet).address, packet);
  if (out.next_hop != on_link && client != out.next_hop)
    return false;
  const auto is_set = [&](const std::string& name) {
    return ask_number(walk.inquiry, journey.netns, name).value_or(0) != 0;
  };
  const std::string redirects = fmt::format("net.ipv4.conf.{}.send_redirects", in.name);
  return is_set("net.ipv4.icmp_ratelimit") &&
         (is_set("net.ipv4.conf.all.send_redirects") || is_set(redirects));
}

Journeys refuse_by(Walk& walk, Journey journey, const PacketClass& packet, Stop stop, Refuser by,
                   const WayOut& out) {
  const bool no_loopback = has_no_loopback(walk, journey);
  if (walk.inquiry.pending())
    return {};
  if (no_loopback) {
    Stop silent = lost(journey, std::move(stop),
                       "what this host tells its own programs goes over lo, which is down");
    return just(std::move(journey), std::move(silent));
  }
  if (!out.found) {
    Stop silent = lost(journey, std::move(stop), "its answer has no route to the client");
    return just(std::move(journey), std::move(silent));
  }
  if (out.assumed)
    assume(journey, "there is a route back to the client");
  if (redirect_comes_first(walk, journey, packet, stop, out))
    assume(journey, "the redirect that is sent first does not take the error's turn "
                    "(net.ipv4.icmp_ratelimit)");
  PacketClass answer = answer_packet(packet, stop, by, out);
  answer.conditions = packet.conditions;
  answer.remembered = packet.remembered;
  answer.assumptions = packet.assumptions;
  const bool by_device = is_sent_by_device(stop, by);
  answer.ct = conntrack_of_answer(packet, by_device ? Refuser::lookup : by);
  answer.meta.mark = by_device ? Perhaps<std::uint32_t>(0U) : reply_mark(walk, journey, packet);
  answer.meta.time_ms = packet.meta.time_ms;
  answer.meta.minutes_west = packet.meta.minutes_west;
  // An RST of a rule has no socket, nor has one that tcp_v6_send_response() makes.
  if (!by_device && (by_icmp(stop) || (by == Refuser::lookup && packet.family == IpFamily::v4)))
    answer.meta.socket = kernel_socket();
  const bool by_port = is_reset_by_port(packet, stop, by);
  const Int way_out = by_port ? packet.meta.in.index : out.interface;
  pass_traffic_control(walk, journey, way_out, PacketWay::egress);
  set_own_hops(walk, journey.netns, way_out, answer);
  const Ways ways =
      ways_of_answer(walk, journey_of(walk, journey, std::move(answer), stop, out), stop, way_out,
                     by_device ? Sent::by_device
                     : by_port ? Sent::by_port
                               : Sent::by_route,
                     out.in_place);
  if (walk.inquiry.pending())
    return {};
  return told(journey, stop, ways, walk.classes != nullptr);
}

Journeys refuse_alike(Walk& walk, Journey journey, const PacketClass& packet, const Stop& stop,
                      Refuser by) {
  if (is_sent_by_device(stop, by)) {
    const bool taken = is_taken_over_lo(walk, journey, packet, stop);
    if (walk.inquiry.pending())
      return {};
    WayOut out;
    out.interface = packet.meta.in.index;
    out.source = destination_of(packet).address;
    if (taken)
      return refuse_by(walk, std::move(journey), packet, stop, by, out);
    Stop silent = lost(journey, stop,
                       "its answer comes in over lo from an own address "
                       "(net.ipv4.conf.lo.accept_local)");
    return just(std::move(journey), std::move(silent));
  }
  const auto question = question_of(walk, journey, packet, stop, by);
  if (walk.inquiry.pending())
    return {};
  if (!question) {
    const WayOut out = way_out(walk, journey, packet, question, std::nullopt);
    return refuse_by(walk, std::move(journey), packet, stop, by, out);
  }
  Journey asking = journey;
  set_destination(asking.packet, source_of(packet));
  Journeys journeys;
  for (auto& routed :
       ask_ways(walk, std::move(asking), question->route, ClientSide::leaving_target)) {
    Journey way = journey;
    way.conditions = std::move(routed.journey.conditions);
    PacketClass refused = packet;
    way.packet.addresses = refused.addresses = std::move(routed.journey.packet.addresses);
    const bool has_route = routed.answer && routed.answer->error.is(0);
    WayOut out = way_out(walk, way, refused, question, std::move(routed.answer));
    if (has_route && is_reset_by_port(refused, stop, by)) { // wherever that leads
      out.found = true;
      out.in_place = false;
    }
    for (auto& told : refuse_by(walk, std::move(way), refused, stop, by, out))
      journeys.push_back(std::move(told));
    if (walk.inquiry.pending())
      return {};
  }
  return journeys;
}

} // namespace

Journeys refuse(Walk& walk, Journey journey, const PacketClass& packet, Stop stop, Refuser by) {
  if (journey.stopped() || journey.reply || !is_answered(stop))
    return just(std::move(journey), std::move(stop));
  if (reset_cannot_reach_loopback(walk, journey, packet, stop, by)) {
    Stop silent = lost(journey, std::move(stop), "the reset does not get back to ::1");
    return just(std::move(journey), std::move(silent));
  }
  journey.packet.addresses = packet.addresses;
  if (walk.classes == nullptr)
    return refuse_alike(walk, std::move(journey), packet, stop, by);
  Journeys journeys;
  for (auto& part : cut_by_link(std::move(journey))) {
    PacketClass refused = packet;
    refused.addresses = part.packet.addresses;
    std::ranges::move(refuse_alike(walk, std::move(part), refused, stop, by),
                      std::back_inserter(journeys));
  }
  return journeys;
}

} // namespace synfate
