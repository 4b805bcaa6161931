// The way of an answer: routed, through output and postrouting, out of the device.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_route_req() (inet_csk_route_req()): a SYN-ACK without a route is
// dropped without any error to the client, whatever kind of route stands in the way;
// net/ipv4/ip_output.c: ip_build_and_send_pkt(), ip_finish_output2(); Linux 6.12.
#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

void set_way_out(Walk& walk, Journey& journey, Int index) {
  journey.packet.meta.in = {};
  if (const auto interface = ask_interface(walk.inquiry, journey.netns, index))
    journey.packet.meta.out = view_of(*interface);
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

/// inet_csk_route_req() routes the SYN-ACK by the device the listener is bound to; by that device
/// there is no way to an address that only lo has, and the packet is lost on the link.
Journeys check_bound_device(Walk& walk, Journey journey, const IpAddress& to,
                            const IpAddress& from) {
  Journeys journeys;
  const Int device = journey.listener->interface_index.value_or(0);
  if (device == 0) {
    journeys.push_back(std::move(journey));
    return journeys;
  }
  RouteQuestion question;
  question.destination = to;
  question.source = from;
  question.output_interface = device;
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

/// A journey with its answer, and the device that leaves by.
struct Leaving {
  Journey journey;
  Int way_out = 0;
};

RouteQuestion question_of_reply(const Walk& walk, const Journey& journey, const IpAddress& to,
                                const IpAddress& from, std::uint16_t port) {
  RouteQuestion question;
  question.destination = to;
  question.source = from;
  question.proto = std::string(to_string(walk.flow.proto));
  question.source_port = port;
  if (!journey.listener)
    return question;
  question.output_interface = journey.listener->interface_index.value_or(0);
  question.mark = journey.listener->mark.value_or(0);
  if (journey.listener->uid.known())
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

/// Out of this host, and for a local client back in to its socket.
Journeys travel_back(Walk& walk, Journeys journeys) {
  for (const Hook hook : {Hook::output, Hook::postrouting, Hook::egress})
    journeys = pass_each(walk, std::move(journeys), hook);
  if (!walk.flow.local)
    return journeys;
  for (auto& way : journeys) {
    way.packet.meta.in = way.packet.meta.out;
    way.packet.meta.out = {};
    way.packet.meta.socket = {};
  }
  for (const Hook hook : {Hook::ingress, Hook::prerouting, Hook::input})
    journeys = pass_each(walk, std::move(journeys), hook);
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
    const auto question = question_of_reply(walk, journey, *to, *from,
                                            destination_of(incoming).port.first);
    leaving = route_back(walk, std::move(journey), question, by_default);
  } else {
    leaving.push_back({std::move(journey), by_default});
  }
  if (walk.inquiry.pending())
    return {};
  Journeys journeys;
  for (auto& [way, way_out] : leaving) {
    Journeys parts;
    if (walk.flow.local && way.listener && to && from)
      parts = check_bound_device(walk, std::move(way), *to, *from);
    else
      parts.push_back(std::move(way));
    for (auto& part : parts) {
      set_way_out(walk, part, way_out);
      journeys.push_back(std::move(part));
    }
  }
  if (walk.inquiry.pending())
    return {};
  journeys = travel_back(walk, std::move(journeys));
  if (walk.inquiry.pending())
    return {};
  for (auto& way : journeys) {
    PacketClass packet = incoming;
    packet.ct = way.packet.ct;
    packet.conditions = way.packet.conditions;
    packet.addresses = way.packet.addresses;
    packet.ports = way.packet.ports;
    way.packet = std::move(packet);
    way.kind = incoming_kind;
    way.reply = false;
  }
  return journeys;
}

} // namespace synfate
