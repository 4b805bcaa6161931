#include "platform/linux/netfilter/serving_sockets.h"

#include <algorithm>

#include "platform/linux/netfilter/conntrack.h"

namespace synfate {
namespace {

/// An IPv6 wildcard socket serves IPv4 unless it is v6only.
bool takes(const Socket& socket, const AddressTerm& address, IpFamily family) {
  if (!socket.local_address.known())
    return false;
  const IpAddress& bound = socket.local_address.value();
  if (bound.is_unspecified())
    return bound.family() == family || (bound.is_v6() && !socket.v6only.is(true));
  return address.kind != AddressTerm::Kind::known || bound.unmapped() == address.first;
}

bool is_bound(const Socket& socket) {
  return socket.interface_index.known() && !socket.interface_index.is(0);
}

/// compute_score() of net/ipv4/inet_hashtables.c and net/ipv6/inet6_hashtables.c, and of
/// net/ipv4/udp.c and net/ipv6/udp.c without what the address has decided.
int score_of(const Socket& socket, bool tcp, IpFamily family) {
  const bool v4 = family == IpFamily::v4;
  const int by_family = v4 && socket.local_address.value().is_v4() ? 1 : 0;
  const int by_device = tcp || !v4 ? 1 : 4;
  return by_family + (is_bound(socket) ? by_device : 0);
}

} // namespace

ServingSockets serving_sockets(HookContext& context, Int netns, std::uint8_t proto,
                               const AddressTerm& address, std::uint16_t port,
                               const PacketClass& packet) {
  const IpFamily family = packet.family;
  const bool tcp = proto == 6;
  ServingSockets found;
  found.sockets = context.inquiry.rows<Socket>(
      {{"netns", netns}, {"proto", Text(tcp ? "tcp" : "udp")}, {"local_port", Int{port}}});
  found.known = !context.inquiry.pending() && !context.inquiry.incomplete();
  std::erase_if(found.sockets, [&](const Socket& socket) {
    return !socket.state.is(tcp ? "listen" : "unconnected") || !takes(socket, address, family) ||
           (is_bound(socket) && !socket.interface_index.is(packet.meta.in.index));
  });
  const auto exact = [](const Socket& socket) {
    return !socket.local_address.value().is_unspecified();
  };
  if (address.kind == AddressTerm::Kind::known && std::ranges::any_of(found.sockets, exact))
    std::erase_if(found.sockets, [&](const Socket& socket) { return !exact(socket); });
  int best = 0;
  for (const auto& socket : found.sockets)
    best = std::max(best, score_of(socket, tcp, family));
  std::erase_if(found.sockets,
                [&](const Socket& socket) { return score_of(socket, tcp, family) < best; });
  return found;
}

bool demultiplexed_early(const HookRequest& request, const PacketClass& packet) {
  if (request.hook != Hook::input)
    return false;
  switch (request.packet) {
  case Packet::ack:
  case Packet::data:
    return true;
  case Packet::synack:
  case Packet::datagram:
  case Packet::reset: // answers to a client of this host
    return is_answer(packet.ct);
  case Packet::syn:
  case Packet::icmp:
  case Packet::neighbour:
    return false;
  }
  return false;
}

Truth client_is_here(HookContext& context, const HookRequest& request, const PacketClass& packet) {
  if (packet.meta.in.loopback || request.hook == Hook::input)
    return Truth::yes;
  const bool untranslated = packet.ct.reply && has_source_nat(packet);
  const auto term =
      untranslated ? packet.ct.original.source.address : destination_of(packet).address;
  if (term.kind != AddressTerm::Kind::known && term.kind != AddressTerm::Kind::client)
    return Truth::depends;
  const auto rows =
      context.inquiry.rows<Route>({{"netns", request.netns}, {"table", Int{255}}}); // local
  if (context.inquiry.pending() || context.inquiry.incomplete())
    return Truth::depends;
  const auto clients =
      term.kind == AddressTerm::Kind::client ? packet.addresses : IntervalSet::address(term.first);
  IntervalSet left = clients;
  for (const auto& row : rows)
    if (row.type.is("local") && row.destination.known() &&
        row.destination.value().family() == packet.family)
      left = left -
             IntervalSet::prefix(IpPrefix(row.destination.value(),
                                          static_cast<unsigned>(row.prefix_length.value_or(0))));
  return left.empty() ? Truth::yes : left == clients ? Truth::no : Truth::depends;
}

} // namespace synfate
