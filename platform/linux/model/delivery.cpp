// From the input hook to the accept queue.
//
// net/ipv4/tcp_ipv4.c: tcp_v4_rcv(); net/ipv4/tcp_input.c: tcp_conn_request() with
// sk_acceptq_is_full() and inet_csk_reqsk_queue_is_full(); net/ipv4/udp.c: __udp4_lib_rcv();
// Linux 6.12. In tcp_conn_request() the SYN queue is looked at before the accept queue.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/alike.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/confirmation.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/programs.h"
#include "platform/linux/model/refusal.h"
#include "platform/linux/model/socket_lookup.h"
#include "platform/linux/model/walk.h"

namespace synfate {

std::vector<Socket> ask_sockets(Walk& walk, Int netns, std::uint16_t port) {
  std::vector<Key> keys{{"netns", netns}};
  const bool tcp = walk.flow.proto == Proto::tcp;
  keys.push_back({"proto", std::string(tcp ? "tcp" : "udp")});
  if (tcp)
    keys.push_back({"state", std::string("listen")});
  keys.push_back({"local_port", Int{port}});
  return walk.inquiry.rows<Socket>(std::move(keys));
}

namespace {

constexpr std::size_t most_members = 32;

/// The device of the lookup: for a packet of this host the one that has the address it goes to.
Int lookup_device(Walk& walk, const Journey& journey, const IpAddress& to) {
  if (journey.packet.meta.in.loopback)
    return device_of_own_address(walk.inquiry, journey.netns, to,
                                 to == walk.flow.to ? walk.flow.zone : std::string());
  return journey.packet.meta.in.index;
}

/// The listener of the port that comes nearest to the one asked for.
Culprit nearest_socket(const std::vector<Socket>& sockets, Proto proto, const IpAddress& to,
                       std::uint16_t port) {
  if (!sockets.empty()) {
    const auto same_family = std::ranges::find_if(sockets, [&](const Socket& socket) {
      return socket.local_address.known() && socket.local_address.value().is_v6() == to.is_v6();
    });
    return socket_culprit(same_family == sockets.end() ? sockets.front() : *same_family);
  }
  const char* form = to.is_v6() ? "{}/[{}]:{}" : "{}/{}:{}";
  return {"socket", fmt::format(fmt::runtime(form), to_string(proto), to.to_string(), port),
          "nothing is bound to it"};
}

/// net/ipv4/udp.c: __udp4_lib_mcast_deliver(): what was sent to many gets no error.
Stop nobody_listens(Walk& walk, const Journey& journey, const Culprit& culprit) {
  if (journey.to_many)
    return {Outcome::timeout,     Icmp::none, "ETIMEDOUT",
            Stage::socket_lookup, culprit,    "no socket matches"};
  if (walk.flow.proto == Proto::tcp)
    return {Outcome::refused,     Icmp::none, "ECONNREFUSED",
            Stage::socket_lookup, culprit,    "no listener matches"};
  return {Outcome::refused,     Icmp::port, "ECONNREFUSED",
          Stage::socket_lookup, culprit,    "no socket matches"};
}

Stop silent(Stage stage, Culprit culprit, std::string note) {
  return {Outcome::timeout, Icmp::none, "ETIMEDOUT", stage, std::move(culprit), std::move(note)};
}

std::vector<IpPrefix> md5_peers_of(const Socket& socket) {
  std::vector<IpPrefix> prefixes;
  const std::string peers = socket.md5_peers.value_or("");
  for (std::size_t begin = 0; begin < peers.size();) {
    const auto end = std::min(peers.find(' ', begin), peers.size());
    if (const auto prefix = IpPrefix::parse(peers.substr(begin, end - begin)))
      prefixes.push_back(*prefix);
    begin = end + 1;
  }
  return prefixes;
}

bool signs_with_md5(const Socket& socket, const IpAddress& client) {
  return std::ranges::any_of(md5_peers_of(socket),
                             [&](const IpPrefix& prefix) { return prefix.contains(client); });
}

/// tcp_conn_request(): a full SYN queue drops only without SYN cookies.
void check_syn_queue(Walk& walk, Journey& journey, const Socket& listener) {
  const auto cookies = ask_number(walk.inquiry, journey.netns, "net.ipv4.tcp_syncookies");
  if (walk.inquiry.pending() || !cookies || *cookies != 0) {
    add_step(journey, Stage::queue_syn, Verdict::pass);
    return;
  }
  const auto half_open =
      walk.inquiry.rows<Socket>({{"netns", journey.netns},
                                 {"proto", std::string("tcp")},
                                 {"state", std::string("syn_recv")},
                                 {"local_port", listener.local_port.value_or(0)}});
  const auto limit =
      ask_number(walk.inquiry, journey.netns, "net.ipv4.tcp_max_syn_backlog").value_or(0);
  if (walk.inquiry.pending())
    return;
  const Int count = static_cast<Int>(half_open.size());
  if (listener.accept_queue_limit.known() && count > listener.accept_queue_limit.value())
    add_stop(journey, silent(Stage::queue_syn, socket_culprit(listener),
                             fmt::format("{} half-open connections, room for {}, no SYN cookies",
                                         count, listener.accept_queue_limit.value())));
  else if (limit - count < limit / 4)
    add_stop(journey, silent(Stage::queue_syn,
                             Culprit{"sysctl", "net.ipv4.tcp_max_syn_backlog",
                                     fmt::format("net.ipv4.tcp_max_syn_backlog = {}", limit)},
                             fmt::format("{} half-open connections, no SYN cookies", count)));
  else
    add_step(journey, Stage::queue_syn, Verdict::pass, {},
             fmt::format("{} half-open connections", count));
}

void check_accept_queue(Journey& journey, const Socket& listener) {
  if (!listener.accept_queue.known() || !listener.accept_queue_limit.known()) {
    assume(journey, "the accept queue has room");
    add_step(journey, Stage::queue_accept, Verdict::assumed, {}, "its limit is not readable");
    return;
  }
  const Int waiting = listener.accept_queue.value();
  const Int limit = listener.accept_queue_limit.value();
  const std::string note = fmt::format("{} waiting, room for {}", waiting, limit + 1);
  if (waiting > limit)
    add_stop(journey, silent(Stage::queue_accept, socket_culprit(listener), note));
  else
    add_step(journey, Stage::queue_accept, Verdict::pass, {}, note);
}

/// __udp_enqueue_schedule_skb(): a datagram that would take the memory above SO_RCVBUF is dropped,
/// unless it is the only one. (Up to 6.12 the last one could reach above.)
void check_receive_buffer(Journey& journey, const Socket& socket) {
  constexpr Int smallest_datagram = 768; // SKB_TRUESIZE() of a few bytes, on 64 bits
  constexpr Int page_datagram = 4608;    // the same in a page of its own, as some drivers have it
  const Int taken = socket.receive_memory.value_or(0);
  if (!socket.receive_buffer.known() || taken == 0)
    return;
  if (taken + smallest_datagram <= socket.receive_buffer.value()) {
    if (taken + page_datagram > socket.receive_buffer.value())
      assume(journey, "the datagram fits into what is left of the receive buffer");
    return;
  }
  add_stop(journey, silent(Stage::queue_accept, socket_culprit(socket),
                           fmt::format("datagrams take {} bytes and wait to be read, room for {}",
                                       taken, socket.receive_buffer.value())));
}

} // namespace

void enter_socket(Walk& walk, Journey& journey, const Socket& socket, const IpAddress& from,
                  const std::string& note) {
  journey.listener = socket;
  add_step(journey, Stage::socket_lookup, Verdict::pass, socket_culprit(socket), note);
  pass_cgroup_programs(walk, journey, socket);
  if (walk.flow.proto != Proto::tcp)
    return check_receive_buffer(journey, socket);
  if (signs_with_md5(socket, from))
    add_stop(journey, silent(Stage::socket_policy, socket_culprit(socket),
                             "the listener demands TCP-MD5 signatures of this client"));
  if (socket.md5_peers.unknown()) {
    walk.inquiry.depend_on(socket.md5_peers.gap());
    assume(journey, "the listener demands no TCP-MD5 signatures");
  }
  if (socket.interface_index.unknown()) {
    walk.inquiry.depend_on(socket.interface_index.gap());
    assume(journey, "the listener is bound to no interface");
  }
  check_syn_queue(walk, journey, socket);
  check_accept_queue(journey, socket);
}

namespace {

/// Sources that the sockets of the port tell apart: peers of connected ones, and of signatures.
std::vector<IntervalSet> told_apart(const std::vector<Socket>& sockets, IpFamily family) {
  std::vector<IntervalSet> sets;
  const auto add = [&](const IpPrefix& prefix) {
    if (prefix.address().family() == family)
      sets.push_back(IntervalSet::prefix(prefix));
  };
  for (const auto& socket : sockets) {
    if (socket.remote_address.known() && !socket.remote_address.value().is_unspecified()) {
      const auto peer = socket.remote_address.value().unmapped();
      add(IpPrefix(peer, peer.width()));
    }
    for (const auto& peer : md5_peers_of(socket))
      add(peer);
  }
  return sets;
}

/// inet_steal_sock(): the socket that TPROXY gave the packet takes it, whatever it calls. It was
/// looked for by the address and port of the rule (nf_tproxy_get_sock_v4()); Linux 6.12.
Endpoint taker_of(const PacketClass& packet) {
  return packet.assigned ? Endpoint{packet.assigned->address, packet.assigned->port}
                         : destination_of(packet);
}

Journeys deliver_alike(Walk& walk, Journey journey) {
  Journeys journeys;
  const Endpoint called = destination_of(journey.packet);
  const Endpoint target = taker_of(journey.packet);
  const auto to = address_of(walk, target.address, journey.packet);
  const auto last = address_of(walk, called.address, journey.packet);
  const auto from = address_of(walk, source_of(journey.packet).address, journey.packet);
  if (!to || !last || !from || target.port.kind != PortTerm::Kind::known ||
      called.port.kind != PortTerm::Kind::known) {
    add_stop(journey, unknown_at(Stage::socket_lookup, "NAT chooses the destination from several"));
    journeys.push_back(std::move(journey));
    return journeys;
  }
  pass_socket_programs(walk, journey);
  if (journey.packet.assigned && walk.flow.proto != Proto::tcp)
    assume(journey, "the proxy answers from the address and port that were called");
  const std::uint16_t port = target.port.first;
  journey.final_address = *last;
  journey.final_port = called.port.first;
  const auto sockets = ask_sockets(walk, journey.netns, port);
  const bool incomplete = walk.inquiry.incomplete();
  const Int device =
      journey.packet.assigned ? journey.packet.meta.in.index : lookup_device(walk, journey, *to);
  if (walk.inquiry.pending())
    return journeys;
  const LookupQuestion question{*from, walk.flow.source_port, *to, port, device};
  if (walk.notes != nullptr)
    walk.notes->question = question;
  const auto receivers = choose_receivers(walk, journey, question, sockets);
  if (walk.inquiry.pending())
    return journeys;
  if (receivers.sockets.empty()) {
    Stop stop = incomplete ? unknown_at(Stage::socket_lookup, "the sockets could not be read")
                           : nobody_listens(walk, journey,
                                            nearest_socket(sockets, walk.flow.proto, *to, port));
    Stop told = receivers.lost ? *receivers.lost : std::move(stop);
    const PacketClass refused = journey.packet;
    return refuse(walk, std::move(journey), refused, std::move(told), Refuser::lookup);
  }
  if (receivers.may_be_v6only) {
    walk.inquiry.depend_on(receivers.sockets.front().v6only.gap());
    Journey alone_in_v6 = journey;
    alone_in_v6.conditions.emplace_back("the listener serves IPv6 alone (IPV6_V6ONLY)");
    const PacketClass refused = alone_in_v6.packet;
    Stop stop = nobody_listens(walk, journey, socket_culprit(receivers.sockets.front()));
    journeys = refuse(walk, std::move(alone_in_v6), refused, std::move(stop), Refuser::lookup);
    journey.conditions.emplace_back("the listener serves IPv4 as well");
  }
  const std::size_t ways = std::min(receivers.sockets.size(), most_members);
  for (std::size_t member = 0; member < ways; ++member) {
    Journey way = journey;
    const Socket& socket = receivers.sockets[member];
    add_evidence(walk.inquiry, way.evidence, socket);
    if (ways > 1)
      way.conditions.push_back(fmt::format("the kernel's hash picks listener {} of {}", member + 1,
                                           receivers.sockets.size()));
    enter_socket(walk, way, socket, *from,
                 ways > 1 ? fmt::format("{}; one of {} that share the port", receivers.note,
                                        receivers.sockets.size())
                          : receivers.note);
    journeys.push_back(std::move(way));
  }
  return journeys;
}

Journeys deliver_checked(Walk& walk, Journey journey) {
  const Endpoint target = taker_of(journey.packet);
  if (walk.classes == nullptr || target.port.kind != PortTerm::Kind::known)
    return deliver_alike(walk, std::move(journey));
  const auto sockets = ask_sockets(walk, journey.netns, target.port.first);
  const IpFamily family = journey.packet.family;
  Journeys journeys;
  for (auto& part : cut(std::move(journey), told_apart(sockets, family)))
    for (auto& way : deliver_alike(walk, std::move(part)))
      journeys.push_back(std::move(way));
  return journeys;
}

} // namespace

Journeys deliver(Walk& walk, Journey journey) {
  Journeys journeys;
  for (auto& part : pass_ipsec(walk, std::move(journey), IpsecWay::in)) {
    if (walk.classes != nullptr && part.stopped()) {
      journeys.push_back(std::move(part));
      continue;
    }
    std::ranges::move(deliver_checked(walk, std::move(part)), std::back_inserter(journeys));
    if (walk.inquiry.pending())
      return {};
  }
  return journeys;
}

void foresee_delivery(Walk& walk) {
  const Flow& flow = walk.flow;
  const Snapshot& snapshot = walk.inquiry.snapshot();
  if (snapshot.sealed() || walk.classes != nullptr)
    return;
  const Int netns = snapshot.host().netns;
  foresee_ipsec(walk.inquiry, netns);
  const auto arrival = arrival_interface(walk, netns);
  const Int device = flow.local ? device_of_own_address(walk.inquiry, netns, flow.to, flow.zone)
                     : arrival  ? arrival->index.value_or(0)
                                : 0;
  const LookupQuestion question{flow.from, flow.source_port, flow.to, flow.port, device};
  const Request request = lookup_request(walk, netns, question, flow.source_port);
  if (walk.inquiry.pending())
    return;
  if (arrival && flow.to.is_v6())
    ask_ipv6_off(walk.inquiry, netns, *arrival);
  if (snapshot.answer(request) != nullptr)
    return;
  const auto sockets = ask_sockets(walk, netns, flow.port);
  walk.inquiry.find(request);
  const auto answer = flow.proto == Proto::tcp ? look_up_tcp_listener(sockets, question)
                                               : look_up_udp_socket(sockets, question);
  for (const auto at : answer.chosen)
    foresee_service(walk, sockets[at]);
}

} // namespace synfate
