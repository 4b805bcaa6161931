// The way of an answer: routed, through output and postrouting, out of the device.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_route_req() (inet_csk_route_req()): a SYN-ACK without a route is
// dropped without any error to the client, whatever kind of route stands in the way;
// net/ipv4/ip_output.c: ip_build_and_send_pkt(), ip_finish_output2(); Linux 6.12.
#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

std::optional<IpAddress> only_address(const AddressTerm& term, const PacketClass& packet) {
  if (term.kind == AddressTerm::Kind::known)
    return term.first;
  if (term.kind == AddressTerm::Kind::client)
    if (const auto only = packet.addresses.only())
      return to_address(*only, packet.family);
  return std::nullopt;
}

SocketView view_of_listener(const Socket& socket) {
  SocketView view;
  view.present = true;
  if (socket.uid.known())
    view.uid = static_cast<std::uint32_t>(socket.uid.value());
  else
    view.uid = Perhaps<std::uint32_t>::unknown("the user of the socket");
  view.gid = Perhaps<std::uint32_t>::unknown("the group of the socket");
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

Stop no_way_back(const RouteLookup& answer, const IpAddress& client) {
  const std::string prefix = answer.prefix.known()
                                 ? fmt::format("{}/{}", answer.prefix.value().to_string(),
                                               answer.prefix_length.value_or(0))
                                 : client.to_string();
  const std::string id = answer.table.known()
                             ? fmt::format("{}/{}", answer.table.value(), id_part(prefix))
                             : fmt::format("main/{}", id_part(prefix));
  return {Outcome::timeout,
          Icmp::none,
          "ETIMEDOUT",
          Stage::reply_route,
          Culprit{"route", id, fmt::format("no way back to {}", client.to_string())},
          fmt::format("the answer to {} has no route ({})", client.to_string(),
                      answer.type.value_or("none"))};
}

/// net/ipv6/route.c: ip6_route_output_flags_noref() insists on the device of a bound socket
/// (RT6_LOOKUP_F_IFACE); of a question through RTM_GETROUTE only if it names no source.
std::optional<IpAddress> asked_source(const IpAddress& source, Int bound_device) {
  return source.is_v6() && bound_device != 0 ? std::nullopt : std::optional(source);
}

/// inet_csk_route_req() routes the SYN-ACK by the device the listener is bound to; by that device
/// there is no way to an address that only lo has, and the packet is lost on the link.
void check_bound_device(Walk& walk, Journey& journey, const IpAddress& to, const IpAddress& from) {
  const Int device = journey.listener->interface_index.value_or(0);
  if (device == 0)
    return;
  RouteQuestion question;
  question.destination = to;
  question.source = asked_source(from, device);
  question.output_interface = device;
  const auto answer = ask_route(walk.inquiry, journey.netns, question);
  if (!answer || (answer->error.is(0) && answer->type.is("local")))
    return;
  add_stop(journey,
           {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::reply_route,
            socket_culprit(*journey.listener),
            fmt::format("the listener is bound to {}, by which no answer gets to {}",
                        journey.listener->interface.value_or("a device"), to.to_string())});
}

Stop sent_astray(const Journey& journey, std::optional<Culprit> by, std::string note) {
  const bool connected = journey.kind == Packet::data;
  return {connected ? Outcome::stalled : Outcome::timeout,
          Icmp::none,
          connected ? "" : "ETIMEDOUT",
          Stage::output,
          std::move(by),
          std::move(note)};
}

/// An answer that conntrack takes for a new connection (the client's packets are untracked) may be
/// sent elsewhere by NAT, or under a name that the client does not know.
void check_ends(const Walk& walk, Journey& journey) {
  const auto to = destination_of(journey.packet).address;
  const auto from = source_of(journey.packet);
  const auto& ct = journey.packet.ct;
  if (to.kind == AddressTerm::Kind::known && to.first != walk.flow.from)
    add_stop(journey, sent_astray(journey, ct.destination_nat,
                                  fmt::format("NAT sends the answer to {}", to.first.to_string())));
  else if ((from.address.kind == AddressTerm::Kind::known && from.address.first != walk.flow.to) ||
           (from.port.kind == PortTerm::Kind::known && from.port.first != walk.flow.port))
    add_stop(journey, sent_astray(journey, ct.source_nat,
                                  "NAT gives the answer another source than the client called"));
}

/// Each namespace on the way keeps its own view of the connection.
void begin_leg(Walk& walk, Journey& journey, const Leg& leg, Int final_netns) {
  if (leg.netns != final_netns)
    journey.conntracks[journey.netns] = journey.packet.ct;
  // enter_leg() compares with the namespace that the answer begins in.
  Journey origin;
  origin.netns = final_netns;
  origin.conntracks = journey.conntracks;
  enter_leg(walk, origin, leg, journey.packet);
  journey.netns = leg.netns;
}

void end_leg(const Walk& walk, Journey& journey, const Leg& leg, Int final_netns) {
  if (leg.netns != final_netns)
    journey.conntracks[leg.netns] = journey.packet.ct;
  const bool last = leg.netns == walk.inquiry.snapshot().host().netns;
  if (last && leg.out != 0)
    check_ends(walk, journey);
}

Journeys pass_each(Walk& walk, Journeys journeys, Hook hook) {
  Journeys next;
  for (auto& way : journeys) {
    if (walk.inquiry.pending())
      return {};
    for (auto& passed : pass_hook(walk, std::move(way), hook))
      next.push_back(std::move(passed));
  }
  return next;
}

} // namespace

Journeys send_reply(Walk& walk, Journey journey, Packet kind) {
  PacketClass incoming = journey.packet;
  const Packet incoming_kind = journey.kind;
  journey.packet = answer_to(walk, journey, kind);
  journey.kind = kind;
  journey.reply = true;
  if (journey.listener)
    journey.packet.meta.socket = view_of_listener(*journey.listener);
  const auto to = only_address(destination_of(journey.packet).address, journey.packet);
  const auto from = only_address(source_of(journey.packet).address, journey.packet);
  Int way_out = incoming.meta.in.index;
  if (to && from && !incoming.meta.in.loopback) {
    const Int bound = journey.listener ? journey.listener->interface_index.value_or(0) : 0;
    const Int mark = journey.listener ? journey.listener->mark.value_or(0) : 0;
    const auto target = destination_of(incoming).port;
    const auto answer = ask_route(walk.inquiry, journey.netns,
                                  {.destination = *to,
                                   .source = asked_source(*from, bound),
                                   .input_interface = 0,
                                   .output_interface = bound,
                                   .mark = mark,
                                   .proto = std::string(to_string(walk.flow.proto)),
                                   .source_port = target.first,
                                   .destination_port = 0,
                                   .uid = journey.listener && journey.listener->uid.known()
                                              ? std::optional<Int>(journey.listener->uid.value())
                                              : std::nullopt});
    if (walk.inquiry.pending())
      return {};
    if (!answer)
      assume(journey, "there is a route back to the client");
    else if (answer->error.value_or(0) != 0)
      add_stop(journey, no_way_back(*answer, *to));
    else {
      way_out = answer->interface_index.value_or(way_out);
      add_step(journey, Stage::reply_route, Verdict::pass);
    }
  }
  if (walk.flow.local && journey.hops.empty() && journey.listener && to && from) {
    check_bound_device(walk, journey, *to, *from);
    if (walk.inquiry.pending())
      return {};
  }
  const Int final_netns = journey.netns;
  const auto legs = legs_back(walk, journey, way_out);
  Journeys journeys = alone(std::move(journey));
  for (const auto& leg : legs) {
    for (auto& way : journeys)
      begin_leg(walk, way, leg, final_netns);
    for (const Hook hook : leg.hooks)
      journeys = pass_each(walk, std::move(journeys), hook);
    if (walk.inquiry.pending())
      return {};
    for (auto& way : journeys)
      end_leg(walk, way, leg, final_netns);
  }
  if (walk.inquiry.pending())
    return {};
  for (auto& way : journeys) {
    way.netns = final_netns;
    incoming.ct = legs.back().netns == final_netns ? way.packet.ct : way.conntracks[final_netns];
    incoming.conditions = way.packet.conditions;
    incoming.addresses = way.packet.addresses;
    incoming.ports = way.packet.ports;
    way.packet = incoming;
    way.kind = incoming_kind;
    way.reply = false;
  }
  return journeys;
}

} // namespace synfate
