#include "platform/linux/model/client_ports.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/confirmation.h"
#include "platform/linux/model/socket_lookup.h"
#include "platform/linux/sockets/tables.h"

namespace synfate {
namespace {

constexpr Int samples = 8;
constexpr std::size_t most_evidence = 8;
constexpr Int time_wait_ms = 60000;      ///< TCP_TIMEWAIT_LEN
constexpr Int youngest_reused_ms = 1000; ///< tcp_twsk_unique(): older than the second it began in

/// Ports that the kernel may choose.
struct Choice {
  EphemeralRange range;
  std::set<Int> reserved; ///< of the range

  Int size() const { return range.last - range.first + 1 - static_cast<Int>(reserved.size()); }
  bool has(Int port) const {
    return port >= range.first && port <= range.last && !reserved.contains(port);
  }
};

/// "8080,9000-9100", of the range.
std::set<Int> reserved_ports(const std::string& list, const EphemeralRange& range) {
  std::set<Int> ports;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    Int first = 0;
    at = std::from_chars(at, end, first).ptr;
    Int last = first;
    if (at < end && *at == '-')
      at = std::from_chars(at + 1, end, last).ptr;
    for (Int port = std::max(first, range.first); port <= std::min(last, range.last); ++port)
      ports.insert(port);
    if (at < end)
      ++at;
  }
  return ports;
}

Int ask_counter(Inquiry& inquiry, Int netns, const std::string& name) {
  const auto rows = inquiry.rows<Counter>({{"netns", netns}, {"name", name}});
  return rows.empty() ? 0 : rows.front().value.value_or(0);
}

/// Every port that is taken has a socket, and these are counted.
bool may_be_short_of_ports(Inquiry& inquiry, Int netns, const Choice& choice) {
  const Int sockets = ask_counter(inquiry, netns, "sockstat.TCP.inuse") +
                      ask_counter(inquiry, netns, "sockstat.TCP.tw") +
                      ask_counter(inquiry, netns, "sockstat6.TCP6.inuse");
  return !inquiry.pending() && sockets >= choice.size();
}

/// True if the kernel knows no socket for one of a few ports of the choice.
bool finds_free_port(Walk& walk, const Journey& journey, const Choice& choice) {
  const Snapshot& snapshot = walk.inquiry.snapshot();
  LookupQuestion question; // as the answers of the server ask it
  question.source = walk.flow.to;
  question.destination = walk.flow.from;
  bool free = false;
  for (Int sample = 0; sample < samples; ++sample) {
    const Int width = choice.range.last - choice.range.first;
    const Int port = choice.range.first + width * sample / samples;
    if (!choice.has(port))
      continue;
    question.port = static_cast<std::uint16_t>(port);
    const Request request = lookup_request(walk, journey.netns, question, walk.flow.port);
    if (snapshot.sealed() && snapshot.answer(request) == nullptr)
      continue; // a whole snapshot holds the sockets and no such answers
    for (const auto& answer : walk.inquiry.rows<SocketLookup>(request.keys))
      free = free || answer.found.is(false);
  }
  return free;
}

bool is_between(const Socket& socket, const Flow& flow) {
  return socket.local_address.known() && socket.remote_address.known() &&
         socket.local_address.value().unmapped() == flow.from &&
         socket.remote_address.value().unmapped() == flow.to && !socket.state.is("bound") &&
         !socket.state.is("syn_recv");
}

/// Whether tcp_twsk_unique() gives away ports of connections in TIME_WAIT between these ends.
bool gives_away(Inquiry& inquiry, Int netns, const Flow& flow) {
  const Int reuse = ask_number(inquiry, netns, "net.ipv4.tcp_tw_reuse").value_or(2);
  const bool stamped = ask_number(inquiry, netns, "net.ipv4.tcp_timestamps").value_or(1) != 0;
  return stamped &&
         (reuse == 1 || (reuse == 2 && (flow.from.is_loopback() || flow.to.is_loopback())));
}

/// What stands in the way on each port of the choice.
struct Taken {
  std::set<Int> ports;
  std::set<Int> closed; ///< in TIME_WAIT
  std::set<Int> young;  ///< in TIME_WAIT, and given away once they are a second old
};

Taken taken_ports(Walk& walk, Journey& journey, const Choice& choice) {
  const Flow& flow = walk.flow;
  const auto sockets = walk.inquiry.rows<Socket>(
      {{"netns", journey.netns}, {"proto", std::string("tcp")}, {"remote_port", Int{flow.port}}});
  const bool reused = gives_away(walk.inquiry, journey.netns, flow);
  Taken taken;
  if (walk.inquiry.pending())
    return taken;
  for (const auto& socket : sockets) {
    const Int port = socket.local_port.value_or(0);
    if (!choice.has(port) || !is_between(socket, flow))
      continue;
    const bool closed = socket.state.is("time_wait");
    const bool young = time_wait_ms - socket.timer_ms.value_or(0) < youngest_reused_ms;
    if (closed && reused && !young)
      continue;
    taken.ports.insert(port);
    if (closed)
      (reused ? taken.young : taken.closed).insert(port);
    if (taken.ports.size() <= most_evidence)
      add_evidence(walk.inquiry, journey.evidence, socket);
  }
  return taken;
}

std::string connections_to(const Flow& flow, const Taken& taken) {
  const char* form = flow.to.is_v6() ? "[{}]:{}" : "{}:{}";
  std::string words = fmt::format("{} connections to ", taken.ports.size()) +
                      fmt::format(fmt::runtime(form), flow.to.to_string(), flow.port);
  if (!taken.closed.empty())
    words += fmt::format(", {} of them closed (TIME_WAIT)", taken.closed.size());
  return words;
}

} // namespace

EphemeralRange ask_ephemeral_range(Inquiry& inquiry, Int netns) {
  EphemeralRange range;
  const auto text = ask_setting(inquiry, netns, "net.ipv4.ip_local_port_range").value_or("");
  if (std::sscanf(text.c_str(), "%" SCNd64 " %" SCNd64, &range.first, &range.last) != 2)
    return {};
  return range;
}

void take_client_port(Walk& walk, Journey& journey) {
  const Flow& flow = walk.flow;
  if (walk.classes != nullptr || flow.proto != Proto::tcp || flow.source_port != 0)
    return;
  Choice choice{ask_ephemeral_range(walk.inquiry, journey.netns), {}};
  choice.reserved = reserved_ports(
      ask_setting(walk.inquiry, journey.netns, "net.ipv4.ip_local_reserved_ports").value_or(""),
      choice.range);
  if (!may_be_short_of_ports(walk.inquiry, journey.netns, choice) ||
      finds_free_port(walk, journey, choice) || walk.inquiry.pending())
    return;
  const Taken taken = taken_ports(walk, journey, choice);
  if (walk.inquiry.pending())
    return;
  const auto count = static_cast<Int>(taken.ports.size());
  if (count < choice.size()) {
    if (count > choice.size() - choice.size() / samples)
      assume(journey, "the client's kernel finds one of the few free ports");
    return;
  }
  if (!taken.young.empty())
    return assume(journey, "connections in TIME_WAIT are old enough for their ports to be reused");
  std::string words = connections_to(flow, taken);
  add_stop(journey, {Outcome::denied, Icmp::none, "EADDRNOTAVAIL", Stage::client,
                     Culprit{"port_range",
                             fmt::format("{}-{}", choice.range.first, choice.range.last), words},
                     "no local port is free: " + words});
}

} // namespace synfate
