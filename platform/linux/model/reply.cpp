// The way of an answer: routed, through output and postrouting, out of the device.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_route_req() (inet_csk_route_req()): a SYN-ACK without a route is
// dropped without any error to the client, whatever kind of route stands in the way;
// net/ipv4/ip_output.c: ip_build_and_send_pkt(), ip_finish_output2(); Linux 6.12.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/hop_limit.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/model/way_back.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/route_tables.h"
#include "platform/linux/routing/fib_state.h"

namespace synfate {
namespace {

/// The socket that the answer is sent from: the handshake's is the listener, the data's is of the
/// process that has accepted the connection.
SocketView view_of_sender(Walk& walk, const Journey& journey) {
  const Socket& socket = *journey.listener;
  const bool accepted = walk.flow.proto == Proto::tcp && journey.kind == Packet::data;
  const SocketFile file = accepted ? journey.accepted : file_of(walk, socket);
  SocketView view;
  view.present = true;
  view.uid = file.uid;
  view.gid = file.gid;
  view.has_file = file.present;
  if (socket.cgroup_id.known())
    view.cgroup_id = static_cast<std::uint64_t>(socket.cgroup_id.value());
  else
    view.cgroup_id = Perhaps<std::uint64_t>::unknown("the cgroup of the socket");
  view.cgroup_path = Perhaps<std::string>::unknown("the cgroup of the socket");
  view.class_id = Perhaps<std::uint32_t>::unknown("the class id of the socket");
  if (socket.mark.unknown())
    view.mark = Perhaps<std::uint32_t>::unknown("the mark of the socket");
  else
    view.mark = static_cast<std::uint32_t>(socket.mark.value_or(0));
  view.transparent = socket.transparent.unknown()
                         ? Perhaps<bool>::unknown("whether the socket is transparent")
                         : Perhaps<bool>(socket.transparent.value_or(false));
  return view;
}

/// inet_request_mark(): the listener's own mark, or, if it has none and tcp_fwmark_accept is set,
/// that of the SYN; the accepted socket keeps it.
Perhaps<std::uint32_t> mark_of_answer(Walk& walk, Journey& journey, const PacketClass& incoming) {
  if (!journey.listener)
    return 0U;
  if (journey.listener->mark.unknown())
    return Perhaps<std::uint32_t>::unknown("the mark of the socket");
  const auto own = static_cast<std::uint32_t>(journey.listener->mark.value_or(0));
  if (own != 0 || walk.flow.proto != Proto::tcp)
    return own;
  if (journey.kind == Packet::synack &&
      ask_number(walk.inquiry, journey.netns, "net.ipv4.tcp_fwmark_accept").value_or(0) != 0)
    journey.accepted_mark = incoming.meta.mark;
  return journey.accepted_mark;
}

/// net/ipv6/route.c: ip6_route_output_flags_noref() insists on the device of a bound socket
/// (RT6_LOOKUP_F_IFACE); of a question through RTM_GETROUTE only if it names no source.
std::optional<IpAddress> asked_source(const IpAddress& source, Int bound_device) {
  return source.is_v6() && bound_device != 0 ? std::nullopt : std::optional(source);
}

/// A socket that is bound to no address names the one that was called as the source of its answer
/// (IPV6_PKTINFO), and of IPv6 it has to be one that an interface has, or the socket may have any:
/// net/ipv6/datagram.c: ip6_datagram_send_ctl(). A local route alone does not do; an anycast
/// address of an interface does.
void check_source_of_answer(Walk& walk, Journey& journey, const IpAddress& from) {
  const auto& listener = journey.listener;
  if (walk.flow.proto != Proto::udp || !from.is_v6() || !listener || from.is_loopback() ||
      journey.to_many || !listener->local_address.is(IpAddress::any(IpFamily::v6)) ||
      listener->freebind.is(true) || listener->transparent.is(true) ||
      ask_number(walk.inquiry, journey.netns, "net.ipv6.ip_nonlocal_bind").value_or(0) != 0)
    return;
  const auto addresses = ask_addresses(walk.inquiry, journey.netns);
  if (walk.inquiry.incomplete() ||
      std::ranges::any_of(addresses, [&](const Address& row) { return row.address.is(from); }))
    return;
  const auto routes = walk.inquiry.rows<Route>({{"netns", journey.netns}, {"table", table_local}});
  if (walk.inquiry.incomplete() || std::ranges::any_of(routes, [&](const Route& route) {
        return route.type.is("anycast") && route.destination.is(from);
      }))
    return;
  add_stop(
      journey,
      {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::reply_route,
       Culprit{"address", id_part(from.to_string()), "no interface of this host has it"},
       fmt::format("the socket may not answer from {}, which no interface has", from.to_string())});
}

/// Such an address no socket sends from: net/ipv4/route.c: ip_route_output_key_hash_rcu(),
/// __ip_dev_find().
void check_broadcast_source(Walk& walk, Journey& journey, const IpAddress& from) {
  if (walk.flow.proto != Proto::udp || !from.is_v4() || !journey.to_many || from.is_multicast() ||
      !journey.listener || !journey.listener->transparent.is(false) ||
      is_own_address(walk.inquiry, journey.netns, from) ||
      !is_broadcast_by_route(walk.inquiry, journey.netns, from))
    return;
  add_stop(
      journey,
      {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::reply_route,
       Culprit{"address", from.to_string(), "a route makes it a broadcast address"},
       fmt::format("the datagram arrives, and no socket answers from {}, which a route makes a "
                   "broadcast address",
                   from.to_string())});
}

/// A local client's answer whose route leads out. The listener may be one that there is not: what
/// else stands in the way is told as if there were.
Stop routed_elsewhere(const Journey& journey, const RouteQuestion& question) {
  const auto to = question.destination.to_string();
  const auto* listener = journey.listener ? &*journey.listener : nullptr;
  const bool bound = listener != nullptr && question.output_interface != 0;
  return {Outcome::timeout,
          Icmp::none,
          "ETIMEDOUT",
          Stage::reply_route,
          listener != nullptr ? socket_culprit(*listener) : Culprit{"route", id_part(to), ""},
          bound ? fmt::format("the listener is bound to {}, by which no answer gets to {}",
                              listener->interface.value_or("a device"), to)
                : fmt::format("the answer to {} is not routed to this host", to)};
}

/// net/ipv4/route.c: ip_route_output_key_hash_rcu(): by the device of a bound socket anything is on
/// its link, the host's own addresses too; what leaves by lo comes back.
bool comes_home_over_lo(Walk& walk, const Journey& journey, const RouteQuestion& question,
                        const RouteLookup& answer) {
  return question.destination.is_v4() && leads_into_lo(walk, journey.netns, answer);
}

/// An answer to a client of this host, which goes over lo. inet_csk_route_req() routes it by the
/// device that the listener is bound to; by that device there is no way to an address that only lo
/// has, and the packet is lost on the link. Behind source NAT the answer is for another address at
/// first; output turns it round, and routes it again (nf_nat_ipv4_local_fn()).
Journeys route_back_home(Walk& walk, Journey journey, const RouteQuestion& question) {
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::leaving_target)) {
    const auto& answer = routed.answer;
    Journey& way = routed.journey;
    if (answer && !answer->error.is(0))
      add_stop(way, no_way_back(*answer, question.destination, walk.classes != nullptr));
    else if (answer && !answer->type.is("local") && !has_source_nat(way.packet) &&
             !comes_home_over_lo(walk, way, question, *answer))
      add_stop(way, routed_elsewhere(way, question));
    journeys.push_back(std::move(way));
  }
  return journeys;
}

/// The client looks by what an ICMP error quotes for the socket that it is about. NAT gives the
/// target its name back there (nf_nat_icmp_reply_translation(), Linux 6.12); what a rule has
/// written into the packet stays, and so it does where conntrack does not see the error.
void check_quote(const Walk& walk, Journey& journey) {
  const auto& ct = journey.packet.ct;
  if (is_tracked(ct) && (ct.status & ct_status_destination_nat) != 0)
    return;
  const auto quote = quoted_by(journey.packet);
  if (!quote)
    return;
  const auto called = destination_of(*quote);
  const bool strange =
      (called.address.kind == AddressTerm::Kind::known && called.address.first != walk.flow.to) ||
      (called.port.kind == PortTerm::Kind::known && called.port.first != walk.flow.port);
  if (strange)
    add_stop(journey, sent_astray(journey, std::nullopt,
                                  "the ICMP error is about another end than the client called"));
}

/// An answer that conntrack takes for a new connection (the client's packets are untracked) may be
/// sent elsewhere by NAT, or under a name that the client does not know. So may one whose call a
/// rule has rewritten without conntrack.
void check_ends(const Walk& walk, Journey& journey) {
  if (journey.kind == Packet::icmp)
    return check_quote(walk, journey);
  const auto to = destination_of(journey.packet).address;
  const auto from = source_of(journey.packet);
  const auto& ct = journey.packet.ct;
  // Of many clients at most one is the address that NAT chose: it is told with the others.
  if (to.kind == AddressTerm::Kind::known &&
      (walk.classes != nullptr || to.first != walk.flow.from))
    add_stop(journey, sent_astray(journey, ct.destination_nat,
                                  fmt::format("NAT sends the answer to {}", to.first.to_string())));
  else if ((from.address.kind == AddressTerm::Kind::known && from.address.first != walk.flow.to) ||
           (from.port.kind == PortTerm::Kind::known && from.port.first != walk.flow.port))
    add_stop(journey, sent_astray(journey, ct.source_nat,
                                  "NAT gives the answer another source than the client called"));
  else if (from.address.kind == AddressTerm::Kind::unknown)
    assume(journey, "the answer has the source that the client called: " + from.address.why.text());
}

/// Each namespace on the way keeps its own view of the connection.
void begin_leg(Walk& walk, Journey& journey, const Leg& leg, Int final_netns) {
  if (leg.netns != final_netns)
    journey.conntracks[journey.netns] = journey.packet.ct;
  enter_leg(walk, leg, final_netns, journey.conntracks, journey.packet);
  journey.netns = leg.netns;
}

Journeys end_leg(Walk& walk, Journey journey, const Leg& leg, Int final_netns, const Leg* next) {
  if (leg.netns != final_netns)
    journey.conntracks[leg.netns] = journey.packet.ct;
  if (leg.out == 0) {
    if (leg.in != 0 && leg.netns != final_netns)
      check_ends(walk, journey); // conntrack of the client's namespace may not have turned it back
    return alone(std::move(journey));
  }
  const bool refusal = journey.kind == Packet::reset || journey.kind == Packet::icmp;
  if (leg.netns == walk.inquiry.snapshot().host().netns)
    check_ends(walk, journey);
  if (journey.kind != Packet::data && !refusal) // the same filters see the data
    pass_traffic_control(walk, journey, leg.out, PacketWay::egress);
  return check_next_hop(walk, std::move(journey), next);
}

/// A journey with its answer, and the device that it leaves by.
struct Leaving {
  Journey journey;
  Int way_out = 0;
};

RouteQuestion question_of_reply(Walk& walk, const Journey& journey, const IpAddress& to,
                                const IpAddress& from, const InterfaceView& arrived) {
  Int bound = journey.listener ? journey.listener->interface_index.value_or(0) : 0;
  if (bound == 0)
    bound = link_of_answer(to, arrived);
  RouteQuestion question;
  question.destination = to;
  // inet_bind(): a socket that is bound to a group sends from an address that the route chooses.
  question.source = journey.to_many ? std::nullopt : asked_source(from, bound);
  // inet_sk_flowi_flags(): an IP_TRANSPARENT socket may have any source. An address that the host
  // lacks has stopped the call already: the answer is routed as if it were there.
  const bool transparent = journey.listener && journey.listener->transparent.is(true);
  const bool missing = journey.lifted.contains({"address", from.to_string()});
  question.any_source = from.is_v4() && question.source && (transparent || missing) &&
                        !is_own_address(walk.inquiry, journey.netns, from);
  question.output_interface = bound;
  question.mark = journey.packet.meta.mark.known() ? journey.packet.meta.mark.value() : 0U;
  question.proto = std::string(to_string(walk.flow.proto));
  // Without such a rule the answers of all listeners of an address have the same route.
  if (rules_ask_for_ports(walk.inquiry, journey.netns)) {
    const auto port = source_of(journey.packet).port;
    question.source_port = port.kind == PortTerm::Kind::known ? port.first : std::uint16_t{0};
    question.destination_port = static_cast<std::uint16_t>(journey.packet.ports.first());
  }
  if (journey.listener && journey.listener->uid.known())
    question.uid = journey.listener->uid.value();
  return question;
}

/// The answer's route back to a client that is not on this host.
std::vector<Leaving> route_back(Walk& walk, Journey journey, const RouteQuestion& question,
                                Int by_default) {
  std::vector<Leaving> leaving;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::leaving_target)) {
    if (routed.answer)
      routed.answer = past_silent_router(walk, routed.journey, question, *routed.answer);
    const auto& answer = routed.answer;
    Int way_out = by_default;
    if (!answer) {
      assume(routed.journey, "there is a route back to the client");
    } else if (answer->error.value_or(0) != 0) {
      add_stop(routed.journey, no_way_back(*answer, question.destination, walk.classes != nullptr));
    } else if (stays_there(walk, routed.journey, routed.journey.packet, *answer)) {
      routed.journey.kept_here =
          no_way_back(*answer, question.destination, walk.classes != nullptr);
    } else if (is_sent_to_all(walk, routed.journey.netns, *answer, question.destination)) {
      add_stop(routed.journey, no_way_back(*answer, question.destination, walk.classes != nullptr));
    } else if (leads_into_lo(walk, routed.journey.netns, *answer)) {
      routed.journey.kept_here = lost_in_lo(*answer, question.destination, walk.classes != nullptr);
    } else {
      way_out = answer->interface_index.value_or(way_out);
      routed.journey.forward_by = way_out;
      routed.journey.next_hop = answer->gateway.known() ? answer->gateway.value() : on_link;
      add_step(routed.journey, Stage::reply_route, Verdict::pass);
    }
    leaving.push_back({std::move(routed.journey), way_out});
  }
  return leaving;
}

Journeys route_each(Walk& walk, Journeys journeys, const Leg& leg) {
  Journeys next;
  for (auto& way : journeys) {
    for (auto& routed : route_leg(walk, std::move(way), leg))
      next.push_back(std::move(routed));
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

/// nf_nat_ipv4_local_fn(), nf_nat_ipv6_local_fn(): where source NAT of the call gives the answer
/// another destination it is routed again; Linux 6.12.
bool is_turned_in_output(const PacketClass& answer) {
  const auto& ct = answer.ct;
  return is_tracked(ct) && ct.reply && (ct.status & ct_status_source_nat) != 0 &&
         ct.answer.destination.address != ct.original.source.address;
}

/// What its route has kept on this host is lost there.
void lose_here(Journey& journey) {
  if (auto stop = std::exchange(journey.kept_here, std::nullopt))
    add_stop(journey, *std::move(stop));
}

/// Answers that a rule in output has changed. One to a client of this host has to stay here.
Journeys route_changed(Walk& walk, Journeys journeys) {
  Journeys next;
  for (auto& way : journeys) {
    if (!(way.packet.meta.reroute || is_turned_in_output(way.packet)) || way.stopped()) {
      lose_here(way);
      next.push_back(std::move(way));
      continue;
    }
    const bool over_lo = way.forward_by == 0 && !way.kept_here;
    for (auto& again : route_again(walk, std::move(way))) {
      if (!again.stopped() && again.forward_by == 0)
        lose_here(again);
      again.kept_here.reset();
      if (!again.stopped() && over_lo != (again.forward_by == 0))
        add_stop(again,
                 sent_astray(again, std::nullopt,
                             "a rule in output changes the answer, which then takes another way"));
      next.push_back(std::move(again));
    }
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

Journeys arrive_each(Walk& walk, Journeys journeys) {
  Journeys next;
  for (auto& way : journeys) {
    std::ranges::move(pass_to_routing(walk, std::move(way)), std::back_inserter(next));
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

/// A router's policies of IPsec; the data has those of the handshake.
Journeys pass_ipsec_each(Walk& walk, Journeys journeys, Int out) {
  Journeys next;
  for (auto& way : journeys) {
    if (way.kind == Packet::data) {
      next.push_back(std::move(way));
      continue;
    }
    std::ranges::move(pass_ipsec(walk, std::move(way), IpsecWay::forward, out),
                      std::back_inserter(next));
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

Journeys pass_leg(Walk& walk, Journeys journeys, const Leg& leg) {
  for (const Hook hook : leg.hooks) {
    for (auto& way : journeys) {
      if (hook == Hook::forward && !leg.bridged && has_no_hop_left(way.packet))
        add_stop(way, sent_astray(way, std::nullopt, "the answer's TTL is used up on its way"));
      enter_hook(walk, leg, hook, way.packet);
      if (hook == Hook::output && way.kept_here)
        if (const auto lo = ask_interface(walk.inquiry, way.netns, linux_routing::loopback_index))
          way.packet.meta.out = view_of(*lo);
      note_ports(walk, leg, hook, way);
    }
    if (hook == Hook::ingress) // with prerouting
      continue;
    if (hook == Hook::forward && !leg.bridged)
      journeys = pass_ipsec_each(walk, std::move(journeys), leg.out);
    journeys = hook == Hook::prerouting && !leg.bridged
                   ? arrive_each(walk, std::move(journeys))
                   : pass_each(walk, std::move(journeys), hook);
    if (hook == Hook::prerouting)
      journeys = route_each(walk, std::move(journeys), leg);
    if (hook == Hook::output)
      journeys = route_changed(walk, std::move(journeys));
    if (hook == Hook::egress)
      journeys = leave_by_bridge(walk, std::move(journeys));
    if (walk.inquiry.pending())
      return {};
  }
  return journeys;
}

/// From the socket back to the client; then the journey carries the client's packet again.
Journeys travel_back(Walk& walk, Journey journey, Int way_out, const PacketClass& incoming,
                     Packet incoming_kind) {
  const Int final_netns = journey.netns;
  const auto legs = legs_back(walk, journey, way_out);
  Journeys journeys = travel(walk, std::move(journey), legs);
  for (auto& way : journeys) {
    if (legs.back().out == 0 && !way.arrived && !way.stopped())
      check_ends(walk, way);
    way.netns = final_netns;
    way.forward_by = 0;
    if (way.kind == Packet::synack)
      way.server_offer = offer_of(way.packet);
    PacketClass packet = incoming;
    packet.ct = legs.back().netns == final_netns ? way.packet.ct : way.conntracks[final_netns];
    packet.conditions = way.packet.conditions;
    packet.remembered = way.packet.remembered;
    packet.addresses = way.packet.addresses;
    packet.ports = way.packet.ports;
    way.packet = std::move(packet);
    way.kind = incoming_kind;
    way.reply = false;
  }
  return journeys;
}

Journeys send_alike(Walk& walk, Journey journey, Packet kind) {
  const PacketClass incoming = journey.packet;
  const Packet incoming_kind = journey.kind;
  if (kind == Packet::synack)
    journey.client_offer = offer_of(incoming);
  journey.packet = answer_to(walk, journey, kind);
  journey.kind = kind;
  journey.reply = true;
  if (journey.listener)
    journey.packet.meta.socket = view_of_sender(walk, journey);
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  const Int by_default = incoming.meta.in.index;
  if (from) {
    check_source_of_answer(walk, journey, *from);
    check_broadcast_source(walk, journey, *from);
  }
  std::vector<Leaving> leaving;
  journey.forward_by = 0;
  journey.packet.meta.mark = mark_of_answer(walk, journey, incoming);
  if (!to || !from) {
    leaving.push_back({std::move(journey), by_default});
  } else if (incoming.meta.in.loopback) {
    const auto question = question_of_reply(walk, journey, *to, *from, incoming.meta.in);
    for (auto& way : route_back_home(walk, std::move(journey), question))
      leaving.push_back({std::move(way), by_default});
  } else {
    const auto question = question_of_reply(walk, journey, *to, *from, incoming.meta.in);
    leaving = route_back(walk, std::move(journey), question, by_default);
  }
  Journeys journeys;
  for (auto& [way, way_out] : leaving) {
    if (walk.inquiry.pending())
      return {};
    set_own_hops(walk, way.netns, way_out, way.packet);
    // The data has the policy of the handshake.
    Journeys allowed = way.kind == Packet::data
                           ? alone(std::move(way))
                           : pass_ipsec(walk, std::move(way), IpsecWay::out, way_out);
    for (auto& sent : allowed)
      for (auto& part : cut_by_fixed_neighbours(walk, std::move(sent)))
        for (auto& back : travel_back(walk, std::move(part), way_out, incoming, incoming_kind))
          journeys.push_back(std::move(back));
  }
  if (walk.inquiry.pending())
    return {};
  return journeys;
}

} // namespace

Journeys travel(Walk& walk, Journey journey, const std::vector<Leg>& legs) {
  const Int final_netns = journey.netns;
  Journeys journeys = alone(std::move(journey));
  Journeys arrived;
  for (std::size_t at = 0; at < legs.size(); ++at) {
    const Leg& leg = legs[at];
    for (auto& way : journeys)
      begin_leg(walk, way, leg, final_netns);
    journeys = pass_leg(walk, std::move(journeys), leg);
    if (walk.inquiry.pending())
      return {};
    const Leg* next = at + 1 < legs.size() ? &legs[at + 1] : nullptr;
    Journeys ended;
    for (auto& way : journeys)
      for (auto& end : end_leg(walk, std::move(way), leg, final_netns, next)) {
        if (end.arrived)
          check_ends(walk, end);
        (end.arrived ? arrived : ended).push_back(std::move(end));
      }
    journeys = std::move(ended);
    if (walk.inquiry.pending())
      return {};
  }
  std::ranges::move(arrived, std::back_inserter(journeys));
  return journeys;
}

Journeys send_reply(Walk& walk, Journey journey, Packet kind) {
  if (walk.classes == nullptr)
    return send_alike(walk, std::move(journey), kind);
  Journeys journeys;
  for (auto& part : cut_by_link(std::move(journey)))
    for (auto& back : send_alike(walk, std::move(part), kind))
      journeys.push_back(std::move(back));
  return journeys;
}

} // namespace synfate
