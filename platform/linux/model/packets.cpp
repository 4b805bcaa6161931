#include "platform/linux/model/packets.h"

#include <algorithm>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/discovery.h"
#include "platform/linux/model/hop_limit.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/xtables/tables.h"

namespace synfate {
namespace {

constexpr std::uint8_t tcp_number = 6;
constexpr std::uint8_t udp_number = 17;

/// Who shares a link shares its MTU; from behind a router it is the usual case. `client_out`: the
/// device that a local client's packets leave by; 0: they do not.
Perhaps<std::uint32_t> client_mtu(Walk& walk, Int client_out) {
  const Int home = walk.inquiry.snapshot().host().netns;
  const auto interface = client_out != 0 ? ask_interface(walk.inquiry, home, client_out)
                                         : arrival_interface(walk, home);
  if (!interface || !interface->mtu.known())
    return Perhaps<std::uint32_t>::unknown("the MTU of the client");
  return static_cast<std::uint32_t>(interface->mtu.value());
}

FlowFacts facts_of(Walk& walk, const PacketClass* before, Int client_out = 0) {
  const Flow& flow = walk.flow;
  FlowFacts facts;
  facts.mtu = client_mtu(walk, client_out);
  facts.family = flow.to.family();
  facts.proto = flow.proto == Proto::udp ? udp_number : tcp_number;
  if (before != nullptr)
    facts.addresses = before->addresses;
  else
    facts.addresses =
        walk.classes != nullptr ? walk.classes->sources : IntervalSet::address(flow.from);
  if (before != nullptr)
    facts.ports = before->ports;
  else
    facts.ports = flow.source_port != 0 ? IntervalSet::single(flow.source_port) : client_ports();
  return facts;
}

/// A client's packets have come through no router if all clients are on the link, else through any
/// number of them.
void set_client_hops(Walk& walk, PacketClass& packet) {
  const Int home = walk.inquiry.snapshot().host().netns;
  if (walk.flow.local) {
    if (packet.family == IpFamily::v4)
      set_own_hops(walk, home, 0, packet);
    return;
  }
  const auto device = arrival_interface(walk, home);
  if (device && (packet.addresses - on_link_of(walk, home, *device, packet.family)).empty())
    return;
  hops_of(packet) = Octet::any();
}

Endpoint client_end() {
  return {AddressTerm::client(), PortTerm::client()};
}

template <typename T> Perhaps<T> perhaps(const Fact<T>& fact, T absent, const char* what) {
  if (fact.unknown())
    return Perhaps<T>::unknown(what);
  return fact.value_or(absent);
}

/// Takes over from the packet before what stays with the connection and its class.
void carry_over(PacketClass& packet, const PacketClass& before, bool reply) {
  packet.conditions = before.conditions;
  packet.remembered = before.remembered;
  packet.assumptions = before.assumptions;
  packet.meta.time_ms = before.meta.time_ms;
  packet.meta.minutes_west = before.meta.minutes_west;
  continue_connection(packet, before.ct, reply);
}

} // namespace

InterfaceView view_of(const Interface& interface) {
  InterfaceView view;
  view.index = interface.index.value_or(0);
  view.name = interface.name.value_or("");
  view.type = perhaps(interface.hardware_type, Int{0}, "the type of the interface");
  view.group = perhaps(interface.group, Int{0}, "the group of the interface");
  view.kind = perhaps(interface.kind, std::string(), "the kind of the interface");
  view.master_index = perhaps(interface.master_index, Int{0}, "the master of the interface");
  view.loopback = interface.loopback.value_or(false);
  return view;
}

SocketView kernel_socket() {
  SocketView view;
  view.present = true;
  view.has_file = false;
  view.cgroup_id = Perhaps<std::uint64_t>::unknown("the cgroup of a socket of the kernel");
  view.cgroup_path = Perhaps<std::string>::unknown("the cgroup of a socket of the kernel");
  return view;
}

std::optional<Interface> arrival_interface(Walk& walk, Int netns) {
  if (!walk.flow.local)
    return ask_interface(walk.inquiry, netns, walk.flow.from_interface);
  const Request request{std::string(table_name<Interface>()), {{"netns", netns}}};
  for (const auto row : walk.inquiry.find(request)) {
    const Table& table = *walk.inquiry.snapshot().table(request.table);
    if (table.integer(row, *table.spec().column("loopback")) != 0)
      return read_row<Interface>(table, row);
  }
  return std::nullopt;
}

bool has_rules(Walk& walk, Int netns) {
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, netns);
  return chains == nullptr || !chains->empty() ||
         !walk.inquiry.find({std::string(table_name<XtTable>()), {{"netns", netns}}}).empty() ||
         walk.inquiry.incomplete();
}

namespace {

/// Of what the other end offers a namespace takes, and itself offers, what its settings allow:
/// tcp_syn_options(), and tcp_parse_options() of net/ipv4/tcp_input.c; Linux 6.12.
TcpOffer allowed(Walk& walk, Int netns, TcpOffer offer) {
  if (walk.flow.proto != Proto::tcp || !has_rules(walk, netns)) // without rules nobody looks
    return offer;
  const auto is_on = [&](const char* name) {
    return ask_number(walk.inquiry, netns, name).value_or(1) != 0;
  };
  offer.timestamps = offer.timestamps && is_on("net.ipv4.tcp_timestamps");
  offer.selective = offer.selective && is_on("net.ipv4.tcp_sack");
  offer.scale = offer.scale && is_on("net.ipv4.tcp_window_scaling");
  return offer;
}

} // namespace

Journey first_packet(Walk& walk) {
  Journey journey;
  journey.netns = walk.inquiry.snapshot().host().netns;
  journey.kind = walk.flow.proto == Proto::udp ? Packet::datagram : Packet::syn;
  FlowFacts facts = facts_of(walk, nullptr);
  if (walk.flow.local)
    facts.peer = allowed(walk, journey.netns, facts.peer);
  journey.packet =
      build_packet(journey.kind, facts, client_end(),
                   {AddressTerm::known(walk.flow.to), PortTerm::known(walk.flow.port)});
  set_client_hops(walk, journey.packet);
  journey.final_address = walk.flow.to;
  journey.final_port = walk.flow.port;
  journey.packet.meta.time_ms = walk.inquiry.snapshot().host().taken_at;
  return journey;
}

namespace {

void forget_unconfirmed(ConntrackView& ct) {
  std::erase_if(ct.elsewhere, [](const ConntrackView& entry) {
    return (entry.status & ct_status_confirmed) == 0;
  });
  if ((ct.status & ct_status_confirmed) != 0)
    return;
  ConntrackView gone;
  gone.elsewhere = std::move(ct.elsewhere);
  gone.set_changes = std::move(ct.set_changes);
  ct = std::move(gone);
}

} // namespace

Journey second_try(Walk& walk, const Journey& first) {
  Journey journey = first_packet(walk);
  Traces traces = first.traces.value_or(Traces());
  journey.tried_before = true;
  journey.certainty = first.certainty;
  journey.assumptions = first.assumptions;
  journey.conditions = first.conditions;
  journey.packet.addresses = first.packet.addresses;
  journey.packet.ports = first.packet.ports;
  traces.conntracks[traces.netns] = std::move(traces.ct);
  for (auto& [netns, ct] : traces.conntracks)
    forget_unconfirmed(ct);
  PacketClass before = first.packet;
  before.ct = traces.conntracks[journey.netns];
  before.remembered = std::move(traces.remembered);
  carry_over(journey.packet, before, false);
  journey.conntracks = std::move(traces.conntracks);
  const bool ages = journey.packet.remembered != Remembered() ||
                    std::ranges::any_of(journey.conntracks, [](const auto& each) {
                      return !each.second.set_changes.empty();
                    });
  if (ages)
    assume(journey, "what the first try has added to sets and lists is there when the client tries "
                    "again");
  return journey;
}

void next_client_packet(Walk& walk, Journey& journey, Packet kind) {
  const Int home = walk.inquiry.snapshot().host().netns;
  if (journey.netns != home) {
    journey.conntracks[journey.netns] = journey.packet.ct;
    journey.packet.ct = journey.conntracks[home];
    journey.netns = home;
  }
  FlowFacts facts = facts_of(walk, &journey.packet);
  facts.peer = journey.server_offer;
  PacketClass packet =
      build_packet(kind, facts, client_end(),
                   {AddressTerm::known(walk.flow.to), PortTerm::known(walk.flow.port)});
  set_client_hops(walk, packet);
  carry_over(packet, journey.packet, false);
  journey.kind = kind;
  journey.packet = std::move(packet);
}

PacketClass answer_to(Walk& walk, const Journey& journey, Packet kind) {
  FlowFacts facts = facts_of(walk, &journey.packet, journey.client_out);
  facts.peer = allowed(walk, journey.netns, journey.client_offer);
  PacketClass packet =
      build_packet(kind, facts, destination_of(journey.packet), source_of(journey.packet));
  carry_over(packet, journey.packet, true);
  return packet;
}

std::optional<IpAddress> address_of(const Walk& walk, const AddressTerm& term,
                                    const PacketClass& packet) {
  const bool one_of_many = walk.classes != nullptr && term.kind == AddressTerm::Kind::client &&
                           !packet.addresses.empty();
  return one_of_many ? some_client(packet.addresses, packet.family) : only_address(term, packet);
}

bool misses_own_errors(const Journey& journey) {
  const auto to = destination_of(journey.packet).address;
  return journey.kind != Packet::datagram && to.kind == AddressTerm::Kind::known &&
         to.first.is_v6() && to.first.is_link_local();
}

} // namespace synfate
