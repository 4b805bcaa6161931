// Questions to the routing tables and to sockets.
//
// net/ipv4/netfilter/nft_fib_ipv4.c and net/ipv6/netfilter/nft_fib_ipv6.c, Linux 6.12. The type of
// an address comes from the local table; the way to an address from the kernel's own answer for a
// single one (`route_lookup`), or, for a class, from the routes of the local, main and default
// tables by their longest prefix, which assumes the usual policy rules.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/route_tables.h"
#include "platform/linux/netfilter/serving_sockets.h"

namespace synfate {
namespace {

constexpr std::uint64_t rtn_unicast = 1;
constexpr std::uint64_t rtn_broadcast = 3;
constexpr std::uint64_t rtn_multicast = 5;

std::uint64_t type_number(const std::string& type) {
  static const std::map<std::string, std::uint64_t, std::less<>> numbers{
      {"unicast", 1},   {"local", 2},       {"broadcast", 3}, {"anycast", 4}, {"multicast", 5},
      {"blackhole", 6}, {"unreachable", 7}, {"prohibit", 8},  {"throw", 9}};
  const auto found = numbers.find(type);
  return found == numbers.end() ? 0 : found->second;
}

/// What the routes say about each part of the class's addresses: longest prefix first.
struct Answer {
  IntervalSet addresses;
  const Route* route = nullptr; ///< null: none leads there
};

std::vector<Answer> longest_prefixes(std::vector<const Route*> routes, IntervalSet addresses) {
  std::ranges::stable_sort(routes, [](const Route* a, const Route* b) {
    const auto rank = [](const Route* route) {
      const Int table = route->table.value_or(table_main); // local, then main, then default
      return std::tuple(table == table_local  ? 0
                        : table == table_main ? 1
                                              : 2,
                        -route->prefix_length.value_or(0), route->metric.value_or(0));
    };
    return rank(a) < rank(b);
  });
  std::vector<Answer> answers;
  for (const auto* route : routes) {
    if (addresses.empty())
      break;
    const IpPrefix prefix(route->destination.value(),
                          static_cast<unsigned>(route->prefix_length.value_or(0)));
    auto part = addresses & IntervalSet::prefix(prefix);
    if (part.empty())
      continue;
    addresses = addresses - part;
    answers.push_back({std::move(part), route});
  }
  if (!addresses.empty())
    answers.push_back({std::move(addresses), nullptr});
  return answers;
}

/// nft_fib6_flowi_init(): the lookup's source is the end that is not looked for.
std::optional<IpAddress> other_end(const PacketClass& packet, bool destination) {
  return only_address((destination ? source_of(packet) : destination_of(packet)).address, packet);
}

std::vector<const Route*> of_family(const std::vector<Route>& rows, IpFamily family) {
  std::vector<const Route*> routes;
  for (const auto& row : rows)
    if (row.destination.known() && row.destination.value().family() == family)
      routes.push_back(&row);
  return routes;
}

} // namespace

void Machine::perform(const nft::Fib& fib) {
  if (fib.result == nft::FibResult::addrtype)
    fib_type(fib);
  else
    fib_interface(fib);
}

void Machine::fib_type(const nft::Fib& fib) {
  const auto rows = context_.inquiry.rows<Route>({{"netns", request_.netns}, {"table", Int{255}}});
  if (context_.inquiry.pending())
    return break_rule();
  if (context_.inquiry.incomplete())
    return unknown("the local routing table could not be read");
  const auto& meta = packet().meta;
  const Int device = (fib.flags & nft::fib_iif) != 0   ? meta.in.index
                     : (fib.flags & nft::fib_oif) != 0 ? meta.out.index
                                                       : 0;
  const bool destination = (fib.flags & nft::fib_daddr) != 0;
  const auto term = (destination ? destination_of(packet()) : source_of(packet())).address;
  if (term.kind == AddressTerm::Kind::unknown || term.kind == AddressTerm::Kind::range)
    return store_free(fib.dreg, 4);
  const IpFamily family = packet().family;
  const auto type_of = [&](const Answer& answer) -> std::uint64_t {
    const auto first = to_address(answer.addresses.intervals().front().first, family);
    if (first.is_multicast())
      return rtn_multicast;
    if (family == IpFamily::v4 &&
        (first.v4_host_order() == 0xffffffffU || first.v4_host_order() >> 24 == 0))
      return rtn_broadcast;
    if (answer.route == nullptr || (device != 0 && answer.route->interface_index.known() &&
                                    !answer.route->interface_index.is(device)))
      return rtn_unicast;
    return type_number(answer.route->type.value_or(""));
  };
  if (term.kind == AddressTerm::Kind::known) {
    const auto answers =
        longest_prefixes(of_family(rows, family), IntervalSet::address(term.first));
    return store_number(fib.dreg, type_of(answers.front()), 4);
  }
  // The special blocks are told apart before the routes are asked.
  std::vector<IntervalSet> blocks;
  IntervalSet rest = packet().addresses;
  for (const char* text : {"224.0.0.0/4", "0.0.0.0/8", "255.255.255.255/32", "ff00::/8"}) {
    const auto prefix = *IpPrefix::parse(text);
    if (prefix.address().family() != family)
      continue;
    blocks.push_back(rest & IntervalSet::prefix(prefix));
    rest = rest - blocks.back();
  }
  blocks.push_back(rest);
  std::map<std::uint64_t, IntervalSet> by_type;
  for (const auto& block : blocks)
    if (!block.empty())
      for (const auto& answer : longest_prefixes(of_family(rows, family), block)) {
        auto& joined = by_type[type_of(answer)];
        joined = joined | answer.addresses;
      }
  fork_by(by_type, [&](std::uint64_t type) { store_number(fib.dreg, type, 4); });
}

void Machine::store_fib(const nft::Fib& fib, Int index, const std::string& name) {
  if ((fib.flags & nft::fib_present) != 0)
    return store_number(fib.dreg, index != 0 ? 1 : 0, 1);
  if (fib.result == nft::FibResult::oif)
    return store_number(fib.dreg, static_cast<std::uint64_t>(index), 4);
  store_text(fib.dreg, index != 0 ? name : std::string());
}

/// The class in parts by a number; each part goes on with what `store` puts into the registers.
void Machine::fork_by(const std::map<std::uint64_t, IntervalSet>& parts,
                      const std::function<void(std::uint64_t)>& store) {
  const PacketPointer whole = thread_.packet;
  std::size_t left = parts.size();
  for (const auto& [number, addresses] : parts) {
    if (parts.size() > 1) {
      auto part = std::make_shared<PacketClass>(*whole);
      part->addresses = addresses;
      thread_.packet = std::move(part);
    }
    store(number);
    if (--left > 0)
      fork(thread_.packet);
  }
}

void Machine::fib_interface(const nft::Fib& fib) {
  const auto& meta = packet().meta;
  const bool arriving = request_.hook == Hook::prerouting || request_.hook == Hook::input ||
                        request_.hook == Hook::ingress;
  const bool own = request_.packet == Packet::data && demultiplexed_early(request_, packet());
  if (arriving && (meta.in.loopback || own)) // nft_fib_can_skip()
    return store_fib(fib, meta.in.index, meta.in.name);
  const InterfaceView* device = (fib.flags & nft::fib_oif) != 0   ? &meta.out
                                : (fib.flags & nft::fib_iif) != 0 ? &meta.in
                                                                  : nullptr;
  const bool destination = (fib.flags & nft::fib_daddr) != 0;
  const auto term = (destination ? destination_of(packet()) : source_of(packet())).address;
  if (const auto single = only_address(term, packet())) {
    const bool marked = (fib.flags & nft::fib_mark) != 0 && meta.mark.known();
    const auto row =
        look_up_route(context_, request_.netns, *single, other_end(packet(), destination),
                      marked ? meta.mark.value() : 0);
    if (context_.inquiry.pending())
      return break_rule();
    if (!row || context_.inquiry.incomplete())
      return unknown("the route to " + single->to_string() + " could not be asked for");
    // nft_fib4_eval() passes over RTN_LOCAL alone: a broadcast address leads somewhere, too.
    const bool leads = row->type.is("unicast") || (single->is_v4() && row->type.is("broadcast"));
    const Int index = row->error.value_or(0) == 0 && leads ? row->interface_index.value_or(0) : 0;
    if (device != nullptr)
      return store_fib(fib, index == device->index ? index : 0, device->name);
    return fib_named(fib, index);
  }
  if (term.kind != AddressTerm::Kind::client)
    return store_free(fib.dreg, 16);
  if (context_.options.classes != nullptr && context_.options.classes->ways)
    return fib_ways(fib, device);
  const auto rows = context_.inquiry.rows<Route>({{"netns", request_.netns}});
  if (context_.inquiry.pending())
    return break_rule();
  if (context_.inquiry.incomplete())
    return unknown("the routes could not be read");
  std::vector<const Route*> routes;
  for (const auto* route : of_family(rows, packet().family))
    if (const Int table = route->table.value_or(0); table >= table_default && table <= table_local)
      routes.push_back(route);
  std::map<std::uint64_t, IntervalSet> by_device;
  for (const auto& answer : longest_prefixes(std::move(routes), packet().addresses)) {
    const bool leads = answer.route != nullptr &&
                       (answer.route->type.is("unicast") ||
                        (packet().family == IpFamily::v4 && answer.route->type.is("broadcast")));
    Int index = leads ? answer.route->interface_index.value_or(0) : 0;
    if (device != nullptr && index != device->index)
      index = 0;
    auto& joined = by_device[static_cast<std::uint64_t>(index)];
    joined = joined | answer.addresses;
  }
  change().assumptions.push_back("routes are chosen by the local, main and default tables");
  fork_by(by_device, [&](std::uint64_t index) {
    if (device != nullptr)
      store_fib(fib, static_cast<Int>(index), device->name);
    else
      fib_named(fib, static_cast<Int>(index));
  });
}

/// The class in parts by the way to each, as the routing model knows it.
void Machine::fib_ways(const nft::Fib& fib, const InterfaceView* device) {
  const auto& meta = packet().meta;
  const bool marked = (fib.flags & nft::fib_mark) != 0 && meta.mark.known();
  const auto ways = context_.options.classes->ways(
      packet().addresses, packet().family, other_end(packet(), (fib.flags & nft::fib_daddr) != 0),
      marked ? meta.mark.value() : 0);
  if (context_.inquiry.pending())
    return break_rule();
  if (ways.empty())
    return unknown("the routes could not be read");
  std::map<std::uint64_t, IntervalSet> by_device;
  bool certain = true;
  for (const auto& way : ways) {
    const bool leads = device == nullptr || way.interface_index == device->index;
    auto& joined = by_device[static_cast<std::uint64_t>(leads ? way.interface_index : 0)];
    joined = joined | way.addresses;
    certain = certain && way.certain;
  }
  if (!certain)
    return unknown("several routes lead to the address");
  fork_by(by_device, [&](std::uint64_t index) {
    if (device != nullptr)
      store_fib(fib, static_cast<Int>(index), device->name);
    else
      fib_named(fib, static_cast<Int>(index));
  });
}

void Machine::fib_named(const nft::Fib& fib, Int index) {
  std::string name;
  if (fib.result == nft::FibResult::oifname && index != 0)
    for (const auto& row : context_.inquiry.rows<Interface>({{"netns", request_.netns}}))
      if (row.index.is(index))
        name = row.name.value_or("");
  store_fib(fib, index, name);
}

/// net/netfilter/nft_socket.c: a SYN finds the listener that would get it, the ACK that completes
/// the handshake a request socket, which is no full socket, later packets the connection's own.
void Machine::perform(const nft::SocketLoad& socket) {
  const unsigned size = socket.key == nft::SocketKey::cgroupv2 ? 8
                        : socket.key == nft::SocketKey::mark   ? 4
                                                               : 1;
  if (request_.packet == Packet::neighbour)
    return break_rule(); // nf_sk_lookup_slow_v6() finds none for it
  if (request_.hook == Hook::output)
    return sending_socket(socket, size);
  const auto info = transport_info(packet());
  const auto to = destination_of(packet());
  const bool ours = to.port.kind == PortTerm::Kind::client || request_.packet == Packet::icmp;
  if (ours && socket.key != nft::SocketKey::cgroupv2) { // the client's own, which is connected
    const Truth here = client_is_here(context_, request_, packet());
    if (here == Truth::no)
      return break_rule();
    store_number(socket.dreg, 0, size);
    if (here == Truth::depends)
      undecided("the client's socket is here", "the client's socket is elsewhere");
    return;
  }
  if ((info.proto != 6 && info.proto != 17) || to.port.kind != PortTerm::Kind::known)
    return store_free(socket.dreg, size);
  if (request_.packet == Packet::ack && socket.key != nft::SocketKey::transparent)
    return break_rule();
  const auto serving =
      serving_sockets(context_, request_.netns, info.proto, to.address, to.port.first, packet());
  if (context_.inquiry.pending())
    return break_rule();
  if (!serving.known)
    return unknown("the sockets of the port could not be read");
  if (serving.sockets.empty())
    return break_rule();
  if (const auto number = socket_number(socket.key, serving.sockets))
    store_number(socket.dreg, *number, size);
  else
    store_free(socket.dreg, size);
}

/// nft_socket_eval() on the way out: the sender's own socket, for a SYN-ACK a request socket.
void Machine::sending_socket(const nft::SocketLoad& socket, unsigned size) {
  const bool full = request_.packet != Packet::synack;
  if (!packet().meta.socket.present || (!full && socket.key != nft::SocketKey::transparent))
    return break_rule();
  if (socket.key == nft::SocketKey::wildcard && transport_info(packet()).proto == 6)
    return store_number(socket.dreg, 0, size); // it is connected
  if (socket.key == nft::SocketKey::mark)
    return store_perhaps(socket.dreg, packet().meta.socket.mark, size);
  if (socket.key == nft::SocketKey::transparent && packet().meta.socket.transparent.known())
    return store_number(socket.dreg, packet().meta.socket.transparent.value() ? 1 : 0, size);
  store_free(socket.dreg, size);
}

/// What all sockets that the lookup may find have in common.
std::optional<std::uint64_t> Machine::socket_number(nft::SocketKey key,
                                                    const std::vector<Socket>& sockets) const {
  using Number = std::optional<std::uint64_t>;
  const auto value = [&](const Socket& row) -> Number {
    switch (key) {
    case nft::SocketKey::transparent:
      return row.transparent.known() ? Number(row.transparent.value() ? 1 : 0) : Number();
    case nft::SocketKey::mark:
      return row.mark.known() ? Number(static_cast<std::uint64_t>(row.mark.value())) : Number();
    case nft::SocketKey::wildcard:
      return request_.packet != Packet::data && row.local_address.value().is_unspecified() ? 1 : 0;
    case nft::SocketKey::cgroupv2: // of an ancestor: not read
      return std::nullopt;
    }
    return std::nullopt;
  };
  const Number first = value(sockets.front());
  const bool agreed =
      std::ranges::all_of(sockets, [&](const Socket& row) { return value(row) == first; });
  return agreed ? first : std::nullopt;
}

} // namespace synfate
