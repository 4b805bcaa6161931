// The way of an answer: routed, through output and postrouting, out of the device.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_route_req() (inet_csk_route_req()): a SYN-ACK without a route is
// dropped without any error to the client, whatever kind of route stands in the way;
// net/ipv4/ip_output.c: ip_build_and_send_pkt(), ip_finish_output2(); Linux 6.12.
#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

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

Stop no_way_back(const RouteLookup& answer, const IpAddress& client, bool many) {
  const std::string nowhere = many ? IpPrefix(client, 0).to_string() : client.to_string();
  const std::string prefix = answer.prefix.known()
                                 ? fmt::format("{}/{}", answer.prefix.value().to_string(),
                                               answer.prefix_length.value_or(0))
                                 : nowhere;
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
Journeys check_bound_device(Walk& walk, Journey journey, const IpAddress& to,
                            const IpAddress& from) {
  const Int device = journey.listener->interface_index.value_or(0);
  if (device == 0)
    return alone(std::move(journey));
  RouteQuestion question;
  question.destination = to;
  question.source = asked_source(from, device);
  question.output_interface = device;
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::leaving_target)) {
    const auto& answer = routed.answer;
    Journey& way = routed.journey;
    if (answer && !(answer->error.is(0) && answer->type.is("local")))
      add_stop(way, {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::reply_route,
                     socket_culprit(*way.listener),
                     fmt::format("the listener is bound to {}, by which no answer gets to {}",
                                 way.listener->interface.value_or("a device"), to.to_string())});
    journeys.push_back(std::move(way));
  }
  return journeys;
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
  // Of many clients at most one is the address that NAT chose: it is told with the others.
  if (to.kind == AddressTerm::Kind::known &&
      (walk.classes != nullptr || to.first != walk.flow.from))
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
  enter_leg(walk, leg, final_netns, journey.conntracks, journey.packet);
  journey.netns = leg.netns;
}

void end_leg(Walk& walk, Journey& journey, const Leg& leg, Int final_netns) {
  if (leg.netns != final_netns)
    journey.conntracks[leg.netns] = journey.packet.ct;
  const bool last = leg.netns == walk.inquiry.snapshot().host().netns;
  if (last && leg.out != 0)
    check_ends(walk, journey);
  if (leg.out != 0 && journey.kind != Packet::data) // the same filters see the data
    pass_traffic_control(walk, journey, leg.out, PacketWay::egress);
}

/// A journey with its answer, and the device that it leaves by.
struct Leaving {
  Journey journey;
  Int way_out = 0;
};

RouteQuestion question_of_reply(const Walk& walk, const Journey& journey, const IpAddress& to,
                                const IpAddress& from, std::uint16_t port) {
  const Int bound = journey.listener ? journey.listener->interface_index.value_or(0) : 0;
  RouteQuestion question;
  question.destination = to;
  question.source = asked_source(from, bound);
  question.output_interface = bound;
  question.mark = journey.listener ? journey.listener->mark.value_or(0) : 0;
  question.proto = std::string(to_string(walk.flow.proto));
  question.source_port = port;
  if (journey.listener && journey.listener->uid.known())
    question.uid = journey.listener->uid.value();
  return question;
}

/// The answer's route back to a client that is not on this host.
std::vector<Leaving> route_back(Walk& walk, Journey journey, const RouteQuestion& question,
                                Int by_default) {
  std::vector<Leaving> leaving;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::leaving_target)) {
    const auto& answer = routed.answer;
    Int way_out = by_default;
    if (!answer) {
      assume(routed.journey, "there is a route back to the client");
    } else if (answer->error.value_or(0) != 0) {
      add_stop(routed.journey, no_way_back(*answer, question.destination, walk.classes != nullptr));
    } else {
      way_out = answer->interface_index.value_or(way_out);
      add_step(routed.journey, Stage::reply_route, Verdict::pass);
    }
    leaving.push_back({std::move(routed.journey), way_out});
  }
  return leaving;
}

/// From the socket back to the client, through every namespace on the way; then the journey
/// carries the client's packet again.
Journeys travel_back(Walk& walk, Journey journey, Int way_out, const PacketClass& incoming,
                     Packet incoming_kind) {
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
  for (auto& way : journeys) {
    way.netns = final_netns;
    PacketClass packet = incoming;
    packet.ct = legs.back().netns == final_netns ? way.packet.ct : way.conntracks[final_netns];
    packet.conditions = way.packet.conditions;
    packet.addresses = way.packet.addresses;
    packet.ports = way.packet.ports;
    way.packet = std::move(packet);
    way.kind = incoming_kind;
    way.reply = false;
  }
  return journeys;
}

} // namespace

Journeys send_reply(Walk& walk, Journey journey, Packet kind) {
  const PacketClass incoming = journey.packet;
  const Packet incoming_kind = journey.kind;
  journey.packet = answer_to(walk, journey, kind);
  journey.kind = kind;
  journey.reply = true;
  if (journey.listener)
    journey.packet.meta.socket = view_of_listener(*journey.listener);
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  const Int by_default = incoming.meta.in.index;
  std::vector<Leaving> leaving;
  if (to && from && !incoming.meta.in.loopback) {
    const auto question =
        question_of_reply(walk, journey, *to, *from, destination_of(incoming).port.first);
    leaving = route_back(walk, std::move(journey), question, by_default);
  } else {
    leaving.push_back({std::move(journey), by_default});
  }
  Journeys journeys;
  for (auto& [way, way_out] : leaving) {
    if (walk.inquiry.pending())
      return {};
    Journeys parts;
    if (walk.flow.local && way.hops.empty() && way.listener && to && from)
      parts = check_bound_device(walk, std::move(way), *to, *from);
    else
      parts = alone(std::move(way));
    for (auto& part : parts)
      for (auto& back : travel_back(walk, std::move(part), way_out, incoming, incoming_kind))
        journeys.push_back(std::move(back));
  }
  if (walk.inquiry.pending())
    return {};
  return journeys;
}

} // namespace synfate
