// A local client: its own kernel's output path, up to the loopback device.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_connect(), net/ipv4/af_inet.c, net/ipv4/ip_output.c:
// __ip_local_out(); a packet to one of the host's own addresses leaves by lo, whatever interface
// has the address; Linux 6.12.
#include <cerrno>
#include <utility>

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bind_address.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/client_ports.h"
#include "platform/linux/model/forward.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/routing/tables.h"

namespace synfate {
namespace {

SocketView view_of_client(const Flow& flow) {
  SocketView view;
  view.present = true;
  if (flow.identity) {
    view.uid = static_cast<std::uint32_t>(flow.identity->uid);
    if (flow.identity->groups.empty())
      view.gid = Perhaps<std::uint32_t>::unknown("the client's group");
    else
      view.gid = static_cast<std::uint32_t>(flow.identity->groups.front());
  } else {
    view.uid = Perhaps<std::uint32_t>::unknown("the client's user");
    view.gid = Perhaps<std::uint32_t>::unknown("the client's group");
  }
  view.cgroup_id = Perhaps<std::uint64_t>::unknown("the client's cgroup");
  view.cgroup_path = Perhaps<std::string>::unknown("the client's cgroup");
  view.class_id = Perhaps<std::uint32_t>::unknown("the client's class id");
  return view;
}

constexpr std::uint16_t no_port = 0;

/// Where no link is named, the answer for a link-local address may be that of another.
bool own_link_local(Walk& walk, const Journey& journey) {
  const Flow& flow = walk.flow;
  return flow.to.is_link_local() &&
         std::ranges::any_of(ask_addresses(walk.inquiry, journey.netns), [&](const Address& row) {
           return row.address.is(flow.to) && (flow.zone.empty() || row.interface.is(flow.zone));
         });
}

/// Anycast routes that the kernel made lead to this host; those that somebody has set lack
/// RTF_ANYCAST and lead out of their device: net/ipv6/route.c: ip6_rt_get_dev_rcu().
bool is_anycast_of_others(Walk& walk, const Journey& journey, const RouteLookup& route) {
  const auto device = ask_interface(walk.inquiry, journey.netns, route.interface_index.value_or(0));
  return device && !device->loopback.is(true);
}

/// Several links have the address: which one a client means, it has to say.
bool link_is_open(Walk& walk, const Journey& journey) {
  const Flow& flow = walk.flow;
  const auto addresses = ask_addresses(walk.inquiry, journey.netns);
  return flow.zone.empty() && flow.to.is_v6() && flow.to.is_link_local() &&
         std::ranges::count_if(addresses,
                               [&](const Address& row) { return row.address.is(flow.to); }) > 1;
}

/// A packet to another host leaves by the device of its route, one to this host by lo.
void remember_way(Walk& walk, Journey& journey, const RouteLookup& route) {
  const bool leads_out = route.type.is("unicast") ||
                         (route.type.is("anycast") && is_anycast_of_others(walk, journey, route));
  if (!leads_out || own_link_local(walk, journey))
    return;
  journey.client_out = route.interface_index.value_or(0);
  const auto out = ask_interface(walk.inquiry, journey.netns, journey.client_out);
  if (const auto mtu = route.mtu.known() ? route.mtu : out ? out->mtu : Fact<Int>(); mtu.known())
    set_segment_size(journey.packet, static_cast<std::uint32_t>(mtu.value()));
  journey.client_next_hop = route.gateway.known() ? route.gateway.value() : walk.flow.to;
}

/// tcp_v4_connect(), tcp_v6_connect(): no connection to a group or a broadcast address; a datagram
/// needs SO_BROADCAST (udp_sendmsg()).
Stop meant_for_many(const Walk& walk, const std::string& type) {
  const std::string error = walk.flow.proto == Proto::tcp ? "ENETUNREACH" : "EACCES";
  return {Outcome::denied,
          Icmp::none,
          error,
          Stage::client,
          Culprit{"address", walk.flow.to.to_string(), fmt::format("a {} address", type)},
          "it is for many receivers"};
}

std::optional<Stop> not_for_one(const Walk& walk, const RouteLookup& route) {
  const bool broadcast = route.type.is("broadcast");
  if (!broadcast && !route.type.is("multicast"))
    return std::nullopt;
  if (walk.flow.proto != Proto::tcp && !broadcast)
    return std::nullopt;
  return meant_for_many(walk, route.type.value());
}

/// bind() to its own address comes first: inet_addr_valid_or_nonlocal(), ipv6_chk_addr(). Without
/// one ip6_route_get_saddr() finds as well that a host with IPv6 switched off has no ::1.
std::vector<BindRefusal> refusals_of_source(Walk& walk, Int netns, const IpAddress& from) {
  const bool always_there = from.is_v4() && from.is_loopback();
  if (always_there || from.is_link_local())
    return {};
  BindQuestion question;
  question.netns = netns;
  question.claim.proto = walk.flow.proto;
  question.claim.address = from;
  question.zone = walk.flow.from_interface;
  question.identity = walk.flow.identity;
  return address_and_port_refusals(walk.inquiry, question);
}

void refuse_source(Journey& journey, std::vector<BindRefusal> refusals) {
  for (auto& refused : refusals) {
    journey.certainty = std::max(journey.certainty, refused.certainty);
    add_stop(journey,
             {Outcome::denied, Icmp::none, std::move(refused.error), Stage::client,
              std::move(refused.culprit), "the client cannot call from it: " + refused.note});
  }
}

/// The same of many clients, each of which has an address of this host: those that cannot call from
/// theirs, and the others.
Journeys check_sources(Walk& walk, Journey journey) {
  if (walk.classes == nullptr) {
    refuse_source(journey, refusals_of_source(walk, journey.netns, walk.flow.from));
    return alone(std::move(journey));
  }
  std::vector<IpAddress> own;
  if (journey.packet.family == IpFamily::v6)
    own.push_back(IpAddress::loopback(IpFamily::v6)); // may be asked though no interface has it
  for (const auto& row : ask_addresses(walk.inquiry, journey.netns))
    if (row.address.known() && row.address.value().family() == journey.packet.family)
      own.push_back(row.address.value());
  std::map<IpAddress, std::vector<BindRefusal>> refused;
  std::vector<IntervalSet> alone_each;
  for (const auto& address : own) {
    const auto single = IntervalSet::address(address);
    if (!journey.packet.addresses.contains(single) || refused.contains(address))
      continue;
    if (auto why = refusals_of_source(walk, journey.netns, address); !why.empty()) {
      refused.emplace(address, std::move(why));
      alone_each.push_back(single);
    }
  }
  if (refused.empty())
    return alone(std::move(journey));
  auto parts = cut(std::move(journey), alone_each);
  for (auto& part : parts)
    if (const auto only = part.packet.addresses.only())
      if (const auto why = refused.find(to_address(*only, part.packet.family));
          why != refused.end())
        refuse_source(part, why->second);
  return parts;
}

/// The client's route; it is told at once if there is none.
Journeys choose_way(Walk& walk, Journey journey) {
  RouteQuestion question;
  question.destination = walk.flow.to;
  question.source = walk.flow.from;
  question.proto = std::string(to_string(walk.flow.proto));
  if (!walk.flow.zone.empty()) // tcp_v6_connect(): the scope becomes the socket's device
    if (const auto link = ask_interface(walk.inquiry, journey.netns, walk.flow.zone))
      question.output_interface = link->index.value_or(0);
  // Without such a rule every port of an address of this host has the same route.
  question.destination_port =
      rules_ask_for_ports(walk.inquiry, journey.netns) ? walk.flow.port : no_port;
  if (walk.flow.identity)
    question.uid = walk.flow.identity->uid;
  if (question.destination_port != no_port) {
    question.source_port = static_cast<std::uint16_t>(journey.packet.ports.first());
    if (rules_cut_ports(walk.inquiry, journey.netns, journey.packet.ports, true))
      assume(journey, "the client's port is not one that a routing rule tells apart");
  }
  Journeys journeys;
  for (auto& routed : ask_ways(walk, std::move(journey), question, ClientSide::leaving_source)) {
    const auto& answer = routed.answer;
    if (answer && routed.answer->error.value_or(0) == 0)
      remember_way(walk, routed.journey, *answer);
    if (answer && answer->error.value_or(0) != 0) {
      const std::string error = errno_name(answer->error.value());
      add_stop(routed.journey,
               {Outcome::denied, Icmp::none, error, Stage::client,
                Culprit{"route", fmt::format("{}", walk.flow.to.to_string()), error},
                fmt::format("the client's own routing refuses: {}", error)});
    } else if (auto stop = answer ? not_for_one(walk, *answer) : std::nullopt) {
      add_stop(routed.journey, std::move(*stop));
    } else {
      take_client_port(walk, routed.journey);
      if (link_is_open(walk, routed.journey))
        assume(routed.journey, "the client names the first of the links that have the address");
      add_step(routed.journey, Stage::client, Verdict::pass);
    }
    journeys.push_back(std::move(routed.journey));
  }
  return journeys;
}

/// nf_nat_ipv4_local_fn(), nf_nat_ipv6_local_fn(): after a DNAT in output the packet is routed
/// again. To an address of this host it goes over lo, where the input path keeps its route
/// (skb_valid_dst() in ip_rcv_finish_core()), else it leaves by the device of the route. What a
/// rule writes into the packet (nft_payload_set_eval()) changes no route, but in chains of type
/// route.
void follow_nat(const Walk& walk, Journey& journey) {
  const auto to = destination_of(journey.packet).address;
  if (to.kind != AddressTerm::Kind::known)
    return;
  journey.routed_to = to.first;
  if (to.first != walk.flow.to && journey.packet.ct.destination_nat) {
    journey.packet.meta.reroute = true;
    return;
  }
  journey.forward_by = journey.client_out;
  journey.next_hop = journey.client_next_hop;
  if (journey.client_out != 0)
    journey.routed_to.reset();
}

/// The device that the packet is about to leave by.
void begin_at(Walk& walk, Journey& way, bool first, const std::optional<Interface>& loopback) {
  if (way.client_out != 0) {
    if (const auto device = ask_interface(walk.inquiry, way.netns, way.client_out))
      way.packet.meta.out = view_of(*device);
    return;
  }
  if (first && loopback && !loopback->up.is(true))
    add_stop(way, {Outcome::timeout, Icmp::none, "ETIMEDOUT", Stage::interface,
                   Culprit{"interface", loopback->name.value_or("lo"), "is down"},
                   "the loopback interface is down"});
}

/// What rules in output have changed.
Journeys choose_way_again(Walk& walk, Journeys journeys) {
  Journeys next;
  for (auto& way : journeys) {
    follow_nat(walk, way);
    if (!way.packet.meta.reroute || way.stopped()) {
      next.push_back(std::move(way));
      continue;
    }
    for (auto& again : route_again(walk, std::move(way))) {
      const auto to = destination_of(again.packet).address;
      again.routed_to.reset();
      if (again.forward_by == 0 && to.kind == AddressTerm::Kind::known)
        again.routed_to = to.first;
      next.push_back(std::move(again));
    }
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

/// Into the namespace behind the device; what goes over lo stays.
Journeys leave_by_device(Walk& walk, Journeys journeys) {
  Journeys left;
  for (auto& way : journeys) {
    way.packet.meta.socket = {};
    if (way.forward_by == 0) {
      left.push_back(std::move(way));
      continue;
    }
    const WayOn on{0, std::exchange(way.forward_by, 0), way.next_hop};
    for (auto& gone : leave_host(walk, std::move(way), on))
      left.push_back(std::move(gone));
    if (walk.inquiry.pending())
      return {};
  }
  return left;
}

/// ip_route_connect(), ip_route_newports(): with the route comes the policy of IPsec.
Journeys pass_ipsec_each(Walk& walk, Journeys journeys, const std::optional<Interface>& loopback) {
  Journeys next;
  const Int lo = loopback ? loopback->index.value_or(0) : 0;
  for (auto& way : journeys) {
    const Int out = way.client_out != 0 ? way.client_out : lo;
    std::ranges::move(pass_ipsec(walk, std::move(way), IpsecWay::out, out),
                      std::back_inserter(next));
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

} // namespace

void check_remote_client(const Walk& walk, Journey& journey) {
  const IpAddress& to = walk.flow.to;
  if (walk.flow.local || walk.flow.proto != Proto::tcp)
    return;
  if (to.is_multicast())
    add_stop(journey, meant_for_many(walk, "multicast"));
  else if (to.is_v4() && to.v4_host_order() == 0xFFFFFFFF)
    add_stop(journey, meant_for_many(walk, "broadcast"));
}

Journeys leave_client(Walk& walk, Journey journey) {
  const auto loopback = arrival_interface(walk, journey.netns);
  const bool first = journey.kind == Packet::syn || journey.kind == Packet::datagram;
  if (walk.inquiry.pending())
    return {};
  journey.packet.meta.socket = view_of_client(walk.flow);
  journey.packet.meta.in = {};
  if (loopback)
    journey.packet.meta.out = view_of(*loopback);
  Journeys journeys;
  if (!first)
    journeys.push_back(std::move(journey));
  else
    for (auto& part : check_sources(walk, std::move(journey)))
      for (auto& way : choose_way(walk, std::move(part)))
        journeys.push_back(std::move(way));
  if (walk.inquiry.pending())
    return {};
  if (first)
    journeys = pass_ipsec_each(walk, std::move(journeys), loopback);
  for (auto& way : journeys)
    begin_at(walk, way, first, loopback);
  journeys = pass_each(walk, std::move(journeys), Hook::output);
  journeys = choose_way_again(walk, std::move(journeys));
  journeys = pass_each(walk, std::move(journeys), Hook::postrouting);
  journeys = pass_each(walk, std::move(journeys), Hook::egress);
  journeys = leave_by_bridge(walk, std::move(journeys));
  return leave_by_device(walk, std::move(journeys));
}

} // namespace synfate
