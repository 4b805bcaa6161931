// How a packet gets from the wire to the routing decision.
//
// net/core/dev.c: __netif_receive_skb_core() (XDP and tc before netfilter), net/ipv4/ip_input.c:
// ip_rcv_core(), ip_rcv_finish_core(); net/ipv4/route.c: ip_route_input_slow(), ip_error();
// net/ipv6/route.c: ip6_route_input(), ip6_pkt_drop(); Linux 6.12.
#include <cerrno>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/discovery.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/refusal.h"
#include "platform/linux/model/tunnel.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/model/way_back.h"

namespace synfate {
namespace {

Culprit interface_culprit(const std::string& name, std::string text) {
  return {"interface", name, std::move(text)};
}

Stop silent(Stage stage, std::optional<Culprit> culprit, std::string note) {
  return {Outcome::timeout, Icmp::none, "ETIMEDOUT", stage, std::move(culprit), std::move(note)};
}

void check_link(Journey& journey, const Interface& interface) {
  const std::string name = interface.name.value_or("?");
  if (interface.up.is(false))
    add_stop(journey, silent(Stage::interface, interface_culprit(name, "is administratively down"),
                             fmt::format("{} is down", name)));
  else if (interface.carrier.is(false))
    add_stop(journey, silent(Stage::interface, interface_culprit(name, "has no carrier"),
                             fmt::format("{} has no carrier", name)));
  else
    add_step(journey, Stage::interface, Verdict::pass, {}, name);
}

/// What the sender of a packet without a route is told. IPv4: net/ipv4/route.c: ip_error(), only a
/// router tells. IPv6: net/ipv6/route.c: ip6_rt_init_dst_reject(): ip6_pkt_prohibit() for EACCES,
/// ip6_pkt_discard() ("no route") for the rest, and every host tells.
std::optional<Icmp> icmp_of_route_error(Int error, IpFamily family) {
  const bool v6 = family == IpFamily::v6;
  switch (error) {
  case ENETUNREACH:
    return v6 ? Icmp::no_route : Icmp::net;
  case EHOSTUNREACH:
    return v6 ? Icmp::no_route : Icmp::host;
  case EACCES:
    return Icmp::admin_prohibited;
  default:
    return std::nullopt;
  }
}

bool forwards(Walk& walk, const Journey& journey) {
  return ask_forwarding(walk.inquiry, journey.netns, journey.packet.family,
                        journey.packet.meta.in.name);
}

Culprit address_culprit(const IpAddress& address) {
  return {"address", address.to_string(), "no address of this host"};
}

Journeys stopped(Journey journey, Stop stop) {
  add_stop(journey, std::move(stop));
  return alone(std::move(journey));
}

/// br_netfilter looks for the route itself where NAT has changed the destination, and drops an IPv6
/// packet that has none without a word: net/bridge/br_netfilter_ipv6.c:
/// br_nf_pre_routing_finish_ipv6(); over IPv4 the packet goes on to ip_error(). Linux 6.12.
bool is_dropped_in_bridge(const PacketClass& packet) {
  return packet.family == IpFamily::v6 && is_turned_by_nat(packet);
}

/// A packet that has no route, or one to elsewhere on a host that does not forward.
Journeys stop_not_ours(Walk& walk, Journey journey, const IpAddress& to,
                       const RouteLookup& answer) {
  const Int error = answer.error.value_or(0);
  const bool router = forwards(walk, journey);
  const auto icmp = icmp_of_route_error(error, to.family());
  if (icmp && is_dropped_in_bridge(journey.packet))
    return stopped(std::move(journey),
                   silent(Stage::route, Culprit{"route", to.to_string(), "no route leads there"},
                          fmt::format("NAT sends it to {}, where no route leads, and the bridge "
                                      "drops it",
                                      to.to_string())));
  if (icmp && (router || to.is_v6())) {
    PacketClass refused = journey.packet;
    return refuse(walk, std::move(journey), refused,
                  {outcome_of(*icmp), *icmp, error_of(*icmp, to.family()), Stage::route,
                   Culprit{"route", to.to_string(), "no route leads there"},
                   "not an address of this host, and no route leads there"},
                  Refuser::lookup);
  }
  if (!router && journey.packet.ct.destination_nat) {
    const char* name = to.is_v4() ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
    return stopped(
        std::move(journey),
        silent(Stage::route, Culprit{"sysctl", name, fmt::format("{} = 0", name)},
               fmt::format("NAT sends it to {}, and this host does not forward", to.to_string())));
  }
  return stopped(std::move(journey),
                 silent(Stage::route, address_culprit(to),
                        fmt::format("{} is no address of this host", to.to_string())));
}

/// tcp_v4_conn_request(), tcp_v6_conn_request(), and the resets beside them: TCP answers nothing
/// that was sent to more than one.
Stop not_for_tcp(const IpAddress& to, const std::string& type) {
  return silent(
      Stage::route, Culprit{"address", to.to_string(), fmt::format("a {} address", type)},
      fmt::format("{} is a {} address here, to which TCP does not answer", to.to_string(), type));
}

using linux_routing::FibAnswer;
using linux_routing::FibReason;

/// What the routing model says about an address that the kernel refused.
Stop refusal_with(const FibAnswer& answer, const IpAddress& from, const IpAddress& to,
                  const std::string& interface) {
  Stop stop = silent(Stage::route, answer.culprit, {});
  switch (answer.reason) {
  case FibReason::rp_filter:
    stop.note = fmt::format("the way back to {} is not by {}", from.to_string(), interface);
    break;
  case FibReason::local_source:
    stop.note = "a packet from one of this host's own addresses is a martian";
    stop.martian = true;
    break;
  case FibReason::martian_source:
    stop.note = fmt::format("a packet from {} may not arrive on {}", from.to_string(), interface);
    stop.martian = true;
    break;
  case FibReason::martian_destination:
    stop.note = fmt::format("a packet to {} may not arrive on {}", to.to_string(), interface);
    break;
  case FibReason::ipv6_disabled:
    stop.note = fmt::format("IPv6 is disabled on {}", interface);
    break;
  case FibReason::found:
  case FibReason::no_route:
  case FibReason::route:
  case FibReason::rule:
  case FibReason::forwarding_off:
  case FibReason::source_not_local:
  case FibReason::no_interface:
  case FibReason::interface_down:
    stop.note = fmt::format("routing refuses packets from {} to {} on {}", from.to_string(),
                            to.to_string(), interface);
    break;
  }
  return stop;
}

/// ip_route_input_slow() or fib_validate_source() refused the packet; the kernel does not say why.
Stop refused_source(const Routed& routed, const std::optional<FibAnswer>& reason,
                    const IpAddress& from, const IpAddress& to) {
  const std::string interface = routed.journey.packet.meta.in.name;
  if (reason)
    return refusal_with(*reason, from, to, interface);
  return silent(Stage::route,
                Culprit{"address", from.to_string(), "a source that may not arrive here"},
                fmt::format("a packet from {} may not arrive on {}", from.to_string(), interface));
}

RouteQuestion arriving(Walk& walk, const Journey& journey, const IpAddress& from,
                       const IpAddress& to) {
  RouteQuestion question;
  question.destination = to;
  question.source = from;
  question.input_interface = journey.packet.meta.in.index;
  question.mark = journey.packet.meta.mark.known() ? journey.packet.meta.mark.value() : 0U;
  question.proto = std::string(to_string(walk.flow.proto));
  if (!rules_ask_for_ports(walk.inquiry, journey.netns))
    return question; // fib4_rules_early_flow_dissect(): then nobody looks
  question.source_port = static_cast<std::uint16_t>(journey.packet.ports.first());
  if (const auto port = destination_of(journey.packet).port; port.kind == PortTerm::Kind::known)
    question.destination_port = port.first;
  return question;
}

/// What routing said about a packet for `to`.
Journeys judge(Walk& walk, Routed routed, const RouteQuestion& question) {
  Journey& journey = routed.journey;
  const auto& answer = routed.answer;
  const IpAddress to = question.destination;
  if (to.is_v6() && to.is_multicast()) {
    // net/ipv6/ip6_input.c: ip6_mc_input() asks for membership, and RTM_GETROUTE knows of none.
    if (walk.flow.proto == Proto::tcp)
      add_stop(journey, not_for_tcp(to, "multicast"));
    journey.to_many = true;
    assume(journey, fmt::format("an interface has joined the group {}", to.to_string()));
  } else if (!answer && !is_own_address(walk.inquiry, journey.netns, to)) {
    add_stop(journey, unknown_at(Stage::route, "the route for the packet could not be read"));
  } else if (!answer) {
    assume(journey, "the packet is routed to this host");
  } else if (const Int error = answer->error.value_or(0); error == EINVAL || error == EXDEV) {
    const auto reason =
        routed.reason ? routed.reason : reason_of_refusal(walk, journey.netns, question);
    add_stop(journey, refused_source(routed, reason, question.source.value_or(to), to));
  } else if (turns_round_in_bridge(walk, journey, to)) {
    journey.forward_by = journey.packet.meta.in.index;
    journey.next_hop = to;
    add_step(journey, Stage::route, Verdict::pass, {}, "to a port of the bridge");
  } else if (error != 0) {
    return stop_not_ours(walk, std::move(journey), to, *answer);
  } else if (answer->type.is("local")) {
    add_step(journey, Stage::route, Verdict::pass, {}, "local");
  } else if (to.is_v6() && leads_into_lo(walk, journey.netns, *answer)) {
    RouteLookup rejects = *answer;
    rejects.error = Int{ENETUNREACH};
    return stop_not_ours(walk, std::move(journey), to, rejects);
  } else if (answer->type.is("unicast")) {
    if (forwards(walk, journey)) {
      journey.forward_by = answer->interface_index.value_or(0);
      journey.next_hop = answer->gateway.known() ? answer->gateway.value() : to;
      add_step(journey, Stage::route, Verdict::pass, {}, "to another host");
    } else if (walk.inquiry.incomplete()) {
      add_stop(journey,
               unknown_at(Stage::route, "whether this host forwards packets could not be read"));
    } else {
      return stop_not_ours(walk, std::move(journey), to, *answer);
    }
  } else if (walk.flow.proto == Proto::tcp) {
    add_stop(journey, not_for_tcp(to, answer->type.value_or("")));
  } else {
    journey.to_many = true;
    if (!is_broadcast_by_route(walk.inquiry, journey.netns, to))
      assume(journey, fmt::format("a datagram to a {} address is answered like others",
                                  answer->type.value_or("")));
  }
  return alone(std::move(journey));
}

/// net/ipv6/ip6_input.c: ip6_rcv_core(): sources that IPv6 drops before anything looks at them.
IntervalSet martians_v6(const InterfaceView& in) {
  auto martians = IntervalSet::prefix(*IpPrefix::parse("ff00::/8"));
  if (!in.loopback)
    martians = martians | IntervalSet::prefix(*IpPrefix::parse("::1/128"));
  return martians;
}

/// ip6_rcv_core(): a device without IPv6 drops before any hook sees it.
void check_ipv6(Walk& walk, Journey& journey) {
  const auto device = ask_interface(walk.inquiry, journey.netns, journey.packet.meta.in.index);
  if (!device)
    return;
  if (auto off = ask_ipv6_off(walk.inquiry, journey.netns, *device))
    add_stop(journey, silent(Stage::interface, std::move(off),
                             fmt::format("{} takes no IPv6", device->name.value_or("?"))));
}

Journeys drop_martians(Journey journey) {
  const auto martians = martians_v6(journey.packet.meta.in);
  if (journey.packet.family == IpFamily::v4 || journey.packet.addresses.disjoint(martians)) {
    Journeys all;
    all.push_back(std::move(journey));
    return all;
  }
  auto ways =
      cut(std::move(journey), {IntervalSet::prefix(*IpPrefix::parse("ff00::/8")), martians});
  for (auto& way : ways) {
    if (!martians.contains(way.packet.addresses))
      continue;
    const bool group = !way.packet.addresses.contains(Wide{1});
    Stop stop = silent(
        Stage::route,
        Culprit{"address", id_part(group ? "ff00::/8" : "::1"), "may not arrive as a source"},
        "such a source address may not arrive");
    stop.martian = true;
    add_stop(way, std::move(stop));
  }
  return ways;
}

void meet_interface(Walk& walk, Journey& journey) {
  const auto interface = arrival_interface(walk, journey.netns);
  if (walk.inquiry.pending())
    return;
  if (!interface && walk.inquiry.partly_seen().contains(table_name<Interface>()))
    return add_stop(journey, unknown_at(Stage::interface, "the interfaces could not be read"));
  if (!interface) {
    if (journey.stopped())
      return;
    add_stop(journey,
             unknown_at(Stage::interface,
                        walk.flow.from_interface.empty()
                            ? "no interface leads to this client"
                            : fmt::format("there is no interface {}", walk.flow.from_interface),
                        interface_culprit(walk.flow.from_interface, "does not exist")));
    return;
  }
  journey.packet.meta.in = view_of(*interface);
  journey.packet.meta.out = {};
  if (journey.kind != Packet::syn && journey.kind != Packet::datagram)
    return;
  if (journey.path.empty() || !walk.flow.local)
    check_link(journey, *interface);
  pass_xdp(journey, *interface);
  pass_traffic_control(walk, journey, interface->index.value_or(0), PacketWay::ingress);
}

} // namespace

Journeys enter_interface(Walk& walk, Journey journey) {
  meet_interface(walk, journey);
  if (walk.inquiry.pending())
    return alone(std::move(journey));
  const bool first = journey.kind == Packet::syn || journey.kind == Packet::datagram;
  const auto device = first ? arrival_interface(walk, journey.netns) : std::nullopt;
  if (!device)
    return enter_namespace(walk, std::move(journey));
  take_for_carried(walk, journey, journey.netns, *device);
  Journeys entered;
  for (auto& source : drop_martians(std::move(journey)))
    for (auto& part : part_bridged(walk, std::move(source), *device)) {
      if (part.bridged) {
        entered.push_back(std::move(part));
        continue;
      }
      for (auto& way : get_discovered(walk, std::move(part), *device)) {
        if (way.packet.family == IpFamily::v6)
          check_ipv6(walk, way);
        entered.push_back(std::move(way));
      }
    }
  return entered;
}

Journeys enter_namespace(Walk& walk, Journey journey) {
  if (journey.kind != Packet::syn && journey.kind != Packet::datagram)
    return alone(std::move(journey));
  if (journey.packet.family == IpFamily::v6)
    check_ipv6(walk, journey);
  return drop_martians(std::move(journey));
}

Journeys route_input(Walk& walk, Journey journey) {
  const auto called = destination_of(journey.packet).address;
  auto to = address_of(walk, called, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  const bool home = journey.netns == walk.inquiry.snapshot().host().netns;
  if (called.kind == AddressTerm::Kind::range) {
    assume(journey, fmt::format("all of {}-{}, of which NAT chooses one, fare as the first does",
                                called.first.to_string(), called.last.to_string()));
    to = called.first;
  }
  if (walk.flow.local && home && to &&
      journey.routed_to == to) { // the client's kernel routed it already
    add_step(journey, Stage::route, Verdict::pass, {}, "local");
    return alone(std::move(journey));
  }
  if (!to || !from) {
    assume(journey, "the packet, whose addresses are not known, is for this host");
    return alone(std::move(journey));
  }
  journey.final_address = *to;
  if (const auto port = destination_of(journey.packet).port; port.kind == PortTerm::Kind::known)
    journey.final_port = port.first;
  if (passes_below_ip(walk, journey))
    return alone(std::move(journey));
  if (home && journey.bridged && !journey.packet.ct.destination_nat) {
    journey.forward_by = journey.packet.meta.in.index;
    journey.next_hop = *to;
    add_step(journey, Stage::route, Verdict::pass, {}, "to another port of the bridge");
    return alone(std::move(journey));
  }
  const auto question = arriving(walk, journey, *from, *to);
  if (question.source_port != 0 &&
      rules_cut_ports(walk.inquiry, journey.netns, journey.packet.ports, true))
    assume(journey, "the client's port is not one that a routing rule tells apart");
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::arriving_source)) {
    if (walk.inquiry.pending())
      return {};
    for (auto& judged : judge(walk, std::move(routed), question))
      journeys.push_back(std::move(judged));
  }
  return journeys;
}

} // namespace synfate
