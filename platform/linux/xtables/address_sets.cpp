#include "platform/linux/xtables/address_sets.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/route_tables.h"

namespace synfate::xt {
namespace {

std::uint32_t type_number(const Route& route) {
  static constexpr std::array<std::string_view, 10> names{
      "unspec",    "unicast",   "local",       "broadcast", "anycast",
      "multicast", "blackhole", "unreachable", "prohibit",  "throw"};
  const auto found = std::ranges::find(names, route.type.value_or(""));
  return found == names.end() ? 1 : static_cast<std::uint32_t>(found - names.begin());
}

IntervalSet prefix_set(const Route& route) {
  return IntervalSet::prefix(
      IpPrefix(route.destination.value(), static_cast<unsigned>(route.prefix_length.value_or(0))));
}

/// Rows of the packet's family, the route that wins first.
std::vector<Route> in_order(std::vector<Route> rows, IpFamily family) {
  std::erase_if(rows, [&](const Route& row) {
    const Int table = row.table.value_or(0);
    return !row.destination.known() || row.destination.value().family() != family ||
           table < table_default || table > table_local;
  });
  const auto rank = [](const Route& row) {
    const Int table = row.table.value_or(table_main);
    return std::tuple(table == table_local  ? 0
                      : table == table_main ? 1
                                            : 2,
                      -row.prefix_length.value_or(0), row.metric.value_or(0));
  };
  std::ranges::stable_sort(rows, [&](const Route& a, const Route& b) { return rank(a) < rank(b); });
  return rows;
}

/// Blocks whose type no route decides (v4: ipv4_is_zeronet(), ipv4_is_lbcast(), multicast).
std::vector<std::pair<std::string_view, std::uint32_t>> fixed_types(IpFamily family) {
  if (family == IpFamily::v4)
    return {{"0.0.0.0/8", 3}, {"255.255.255.255/32", 3}, {"224.0.0.0/4", 5}};
  return {{"ff00::/8", 5}};
}

} // namespace

MatchAnswer in_addresses(const MatchCall& call, const AddressTerm& term, const IntervalSet& set,
                         std::string_view field) {
  switch (term.kind) {
  case AddressTerm::Kind::client:
    if (set.contains(call.packet.addresses))
      return matched(field);
    if (set.disjoint(call.packet.addresses))
      return not_matched(field);
    return answer(split_addresses(call.packet, set), field);
  case AddressTerm::Kind::known:
    return set.contains(to_number(term.first)) ? matched(field) : not_matched(field);
  case AddressTerm::Kind::range:
    if (const auto range = IntervalSet::range(to_number(term.first), to_number(term.last));
        set.contains(range) || set.disjoint(range))
      return set.contains(range) ? matched(field) : not_matched(field);
    return undecided(call, "the address that the kernel chose", "is among those asked",
                     "is not among those asked", field);
  case AddressTerm::Kind::unknown:
    break;
  }
  return undecided(call, term.why.text(), "is among those asked", "is not among those asked",
                   field);
}

ReadSet addresses_of_type(const MatchCall& call, std::uint32_t types, Int device) {
  auto& inquiry = call.context.inquiry;
  const IpFamily family = call.packet.family;
  const auto rows = inquiry.rows<Route>({{"netns", call.request.netns}, {"table", table_local}});
  if (inquiry.pending() || inquiry.incomplete())
    return {};
  IntervalSet rest = IntervalSet::all(family == IpFamily::v4 ? 32 : 128);
  IntervalSet wanted;
  const auto decide = [&](const IntervalSet& part, std::uint32_t type) {
    if ((types >> type & 1U) != 0)
      wanted = wanted | (rest & part);
    rest = rest - part;
  };
  for (const auto& [text, type] : fixed_types(family))
    decide(IntervalSet::prefix(*IpPrefix::parse(text)), type);
  for (const auto& row : in_order(rows, family)) {
    const bool elsewhere = device != 0 && !row.interface_index.is(device);
    decide(prefix_set(row), elsewhere ? 1 : type_number(row));
  }
  decide(rest, 1); // RTN_UNICAST: the local table does not know it
  return {wanted, true};
}

ReadSet sources_routed_by(const MatchCall& call, Int device, bool accept_local) {
  auto& inquiry = call.context.inquiry;
  const IpFamily family = call.packet.family;
  const auto rows = inquiry.rows<Route>({{"netns", call.request.netns}});
  if (inquiry.pending() || inquiry.incomplete())
    return {};
  IntervalSet rest = IntervalSet::all(family == IpFamily::v4 ? 32 : 128);
  IntervalSet wanted;
  const auto routes = in_order(rows, family);
  for (std::size_t at = 0; at < routes.size(); ++at) {
    // All next hops of one route are rows of the same place: any of them will do.
    const auto& row = routes[at];
    const auto type = type_number(row);
    const bool usable = type == 1 || (type == 2 && accept_local);
    const IntervalSet part = prefix_set(row);
    if (usable && (device == 0 || row.interface_index.is(device)))
      wanted = wanted | (rest & part);
    const bool more = at + 1 < routes.size() && routes[at + 1].destination == row.destination &&
                      routes[at + 1].prefix_length == row.prefix_length &&
                      routes[at + 1].table == row.table && routes[at + 1].metric == row.metric;
    if (!more)
      rest = rest - part;
  }
  return {wanted, true};
}

} // namespace synfate::xt
