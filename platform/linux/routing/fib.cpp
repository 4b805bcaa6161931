#include "platform/linux/routing/fib.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "platform/linux/routing/fib_state.h"

namespace synfate::linux_routing {
namespace {

constexpr Int kernel_origin = 2; // RTPROT_KERNEL

/// net/ipv4/fib_semantics.c: fib_props[], net/ipv6/route.c: fib6_prop[].
int error_of_type(const std::string& type) {
  if (type == "blackhole" || type == "nat" || type == "xresolve")
    return EINVAL;
  if (type == "unreachable")
    return EHOSTUNREACH;
  if (type == "prohibit")
    return EACCES;
  return type == "throw" ? EAGAIN : 0;
}

int preference_of(const Fact<Text>& text) {
  return text.is("low") ? 1 : text.is("high") ? 3 : 2;
}

FibHop hop_of(const Route& row, const std::map<Int, Interface>& interfaces) {
  const Int index = row.interface_index.value_or(0);
  const auto interface = interfaces.find(index);
  const bool up = interface != interfaces.end() && interface->second.up.is(true);
  return {.interface_index = index,
          .gateway = row.gateway.known() ? std::optional(row.gateway.value()) : std::nullopt,
          .dead = row.dead.is(true),
          .ignored = row.dead.is(true) && row.link_down.is(true) && up};
}

FibRoute route_of(const Route& row) {
  FibRoute route;
  route.table = row.table.value_or(0);
  route.prefix =
      IpPrefix(row.destination.value(), static_cast<unsigned>(row.prefix_length.value_or(0)));
  if (row.from_address.known())
    route.from = IpPrefix(row.from_address.value(),
                          static_cast<unsigned>(row.from_prefix_length.value_or(0)));
  route.tos = static_cast<std::uint8_t>(row.tos.value_or(0));
  route.metric = row.metric.value_or(0);
  route.type = row.type.value_or("unicast");
  route.error = error_of_type(route.type);
  route.preference = preference_of(row.preference);
  return route;
}

/// Rows of one route follow each other, with hops 0, 1, 2 …
std::vector<FibRoute> routes_of(const std::vector<Route>& rows,
                                const std::map<Int, Interface>& interfaces) {
  std::vector<FibRoute> routes;
  for (const auto& row : rows) {
    if (!row.destination.known())
      continue;
    if (row.hop.value_or(0) == 0 || routes.empty())
      routes.push_back(route_of(row));
    routes.back().hops.push_back(hop_of(row, interfaces));
  }
  return routes;
}

/// fib_find_alias() keeps the list of a prefix by table (descending), TOS (descending) and metric;
/// fib6_add_rt2node() by metric. Rows come in that order from one table, so a stable sort restores
/// it for two merged tables.
void sort_v4(FibTable& table) {
  for (auto& [prefix, routes] : table.routes)
    std::ranges::stable_sort(routes, [](const FibRoute* a, const FibRoute* b) {
      return a->table != b->table ? a->table > b->table
             : a->tos != b->tos   ? a->tos > b->tos
                                  : a->metric < b->metric;
    });
}

Int index_of_name(const std::map<Int, Interface>& interfaces, const Fact<Text>& name) {
  if (!name.known())
    return 0;
  for (const auto& [index, interface] : interfaces)
    if (interface.name.is(name.value()))
      return index;
  return -1;
}

std::optional<IpPrefix> prefix_of(const Fact<IpAddress>& address, const Fact<Int>& length) {
  if (!address.known())
    return std::nullopt;
  return IpPrefix(address.value(), static_cast<unsigned>(length.value_or(0)));
}

FibRule rule_of(const PolicyRule& row, const std::map<Int, Interface>& interfaces) {
  return {.row = row,
          .input_index =
              row.input_detached.is(true) ? -1 : index_of_name(interfaces, row.input_interface),
          .output_index =
              row.output_detached.is(true) ? -1 : index_of_name(interfaces, row.output_interface),
          .from = prefix_of(row.from, row.from_length),
          .to = prefix_of(row.to, row.to_length)};
}

/// The three rules of net/ipv4/fib_rules.c: fib_default_rules_init(), and nothing else.
bool untouched(const std::vector<FibRule>& rules) {
  static constexpr std::array<std::pair<Int, Int>, 3> defaults{
      {{0, table_local}, {32766, table_main}, {32767, table_default}}};
  return std::ranges::equal(rules, defaults, [](const FibRule& rule, const auto& expected) {
    const auto& row = rule.row;
    return row.priority.is(expected.first) && row.table.is(expected.second) &&
           row.action.is("table") && !rule.from && !rule.to && rule.input_index == 0 &&
           rule.output_index == 0 && !row.mark.known() && !row.uid_first.known() &&
           !row.ip_proto.known() && !row.source_port_first.known() && !row.more.known() &&
           !row.destination_port_first.known() && !row.suppress_prefix_length.known() &&
           !row.inverted.is(true) && !row.tos.known() && !row.dscp.known();
  });
}

std::optional<Culprit> culprit_of(const Found& found) {
  if (found.route != nullptr && found.error != 0)
    return route_culprit(*found.route);
  if (found.rule != nullptr && found.error != 0)
    return Culprit{"policy_rule",
                   fmt::format("{}/{}", found.rule->row.family.value_or("ip"),
                               found.rule->row.priority.value_or(0)),
                   fmt::format("priority {}: {}", found.rule->row.priority.value_or(0),
                               found.rule->row.action.value_or("table"))};
  return std::nullopt;
}

} // namespace

std::string_view to_string(FibReason reason) {
  switch (reason) {
  case FibReason::found:
    return "found";
  case FibReason::no_route:
    return "no route";
  case FibReason::route:
    return "rejecting route";
  case FibReason::rule:
    return "rejecting rule";
  case FibReason::martian_source:
    return "martian source";
  case FibReason::martian_destination:
    return "martian destination";
  case FibReason::local_source:
    return "local source";
  case FibReason::rp_filter:
    return "rp_filter";
  case FibReason::forwarding_off:
    return "forwarding is off";
  case FibReason::source_not_local:
    return "source is not local";
  case FibReason::no_interface:
    return "no such interface";
  case FibReason::interface_down:
    return "interface is down";
  case FibReason::ipv6_disabled:
    return "IPv6 is disabled";
  }
  return {};
}

std::size_t FibTable::PrefixHash::operator()(const IpPrefix& prefix) const {
  std::size_t hash = prefix.length();
  for (const std::byte byte : prefix.address().bytes())
    hash = hash * 1099511628211U + std::to_integer<std::size_t>(byte);
  return hash;
}

void FibTable::add(const FibRoute& route) {
  routes[route.prefix].push_back(&route);
  const auto at = std::ranges::lower_bound(lengths, route.prefix.length(), std::greater());
  if (at == lengths.end() || *at != route.prefix.length())
    lengths.insert(at, route.prefix.length());
}

const std::vector<const FibRoute*>* FibTable::at(const IpAddress& address, unsigned length) const {
  const auto found = routes.find(IpPrefix(address, length));
  return found == routes.end() ? nullptr : &found->second;
}

const InterfaceSettings& Fib::State::settings_of(Int index) const {
  static const InterfaceSettings defaults;
  const auto at = settings.find(index);
  return at == settings.end() ? defaults : at->second;
}
bool Fib::State::is_up(Int index) const {
  const auto at = interfaces.find(index);
  return at != interfaces.end() && at->second.up.is(true);
}
bool Fib::State::is_loopback(Int index) const {
  const auto at = interfaces.find(index);
  return index == loopback_index || (at != interfaces.end() && at->second.loopback.is(true));
}
Int Fib::State::group_of(Int index) const {
  const auto at = interfaces.find(index);
  return at == interfaces.end() ? -1 : at->second.group.value_or(0);
}
std::string Fib::State::name_of(Int index) const {
  const auto at = interfaces.find(index);
  return at == interfaces.end() ? std::to_string(index) : at->second.name.value_or("?");
}
bool Fib::State::has_address(const IpAddress& address) const {
  return std::ranges::any_of(addresses,
                             [&](const Address& row) { return row.address.is(address); });
}
bool Fib::State::has_ipv4_address(Int index) const {
  return std::ranges::any_of(addresses, [&](const Address& row) {
    return row.interface_index.is(index) && row.address.known() && row.address.value().is_v4();
  });
}

Fib::Fib(const FibFacts& facts) : state_(std::make_unique<State>()) {
  State& state = *state_;
  for (const auto& interface : facts.interfaces)
    state.interfaces[interface.index.value_or(0)] = interface;
  state.addresses = facts.addresses;
  state.neighbours = facts.neighbours;
  state.settings = facts.settings;
  state.ipv6_forwarding = facts.ipv6_forwarding;
  for (const auto& row : facts.rules)
    (row.family.is("ip6") ? state.rules_v6 : state.rules_v4)
        .push_back(rule_of(row, state.interfaces));
  state.merged = untouched(state.rules_v4);
  state.routes = routes_of(facts.routes, state.interfaces);
  for (const auto& route : state.routes) {
    const bool v4 = route.prefix.address().is_v4();
    const Int table = v4 && state.merged && route.table == table_local ? table_main : route.table;
    (v4 ? state.tables_v4 : state.tables_v6)[table].add(route);
  }
  for (auto& [id, table] : state.tables_v4)
    sort_v4(table);
  for (const auto& row : facts.routes) {
    const bool v4 = row.destination.known() && row.destination.value().is_v4();
    state.realms = state.realms || (v4 && row.realm.value_or(0) != 0);
    // inet_rtm_newroute() notes local routes that somebody added; those of addresses are the
    // kernel's own.
    state.custom_local_routes =
        state.custom_local_routes ||
        (v4 && row.type.is("local") && row.origin.value_or(kernel_origin) != kernel_origin);
  }
  for (const auto& rule : state.rules_v4)
    state.realms = state.realms || rule.row.realm.value_or(0) != 0;
}

Fib::~Fib() = default;
Fib::Fib(Fib&&) noexcept = default;
Fib& Fib::operator=(Fib&&) noexcept = default;

FibAnswers Fib::output(const FibPacket& packet) const {
  return packet.destination.is_v4() ? route_output_v4(*state_, packet)
                                    : route_output_v6(*state_, packet);
}

FibAnswers Fib::input(const FibPacket& packet) const {
  if (!state_->interfaces.contains(packet.input_interface))
    return {refusal(ENODEV, FibReason::no_interface)};
  return packet.destination.is_v4() ? route_input_v4(*state_, packet)
                                    : route_input_v6(*state_, packet);
}

std::vector<IpAddress> Fib::boundaries(IpFamily family) const {
  std::set<IpAddress> starts{IpAddress::any(family)};
  const auto add = [&](const IpPrefix& prefix) {
    if (prefix.address().family() != family)
      return;
    starts.insert(prefix.first());
    if (const auto next = prefix.last().next())
      starts.insert(*next);
  };
  for (const auto& route : state_->routes) {
    add(route.prefix);
    if (route.from)
      add(*route.from);
  }
  for (const auto* rules : {&state_->rules_v4, &state_->rules_v6})
    for (const auto& rule : *rules) {
      if (rule.from)
        add(*rule.from);
      if (rule.to)
        add(*rule.to);
    }
  for (const auto& address : state_->addresses)
    if (address.address.known())
      add(IpPrefix(address.address.value(), address.address.value().width()));
  for (const auto* special : {"0.0.0.0/32", "127.0.0.0/8", "224.0.0.0/4", "224.0.0.0/24",
                              "255.255.255.255/32", "::/128", "::1/128", "fe80::/10", "ff00::/8"})
    add(IpPrefix::parse(special).value());
  return {starts.begin(), starts.end()};
}

FibAnswer refusal(int error, FibReason reason, std::optional<Culprit> culprit) {
  FibAnswer answer;
  answer.error = error;
  answer.reason = reason;
  answer.culprit = std::move(culprit);
  return answer;
}

FibAnswers answers_of(const Found& found) {
  FibAnswer answer;
  answer.error = found.error;
  answer.reason = found.error == 0         ? FibReason::found
                  : found.route != nullptr ? FibReason::route
                  : found.rule != nullptr  ? FibReason::rule
                                           : FibReason::no_route;
  if (found.rule != nullptr)
    answer.rule = found.rule->row.priority.value_or(0);
  answer.culprit = culprit_of(found);
  if (found.route == nullptr)
    return {answer};
  answer.type = found.route->type;
  answer.table = found.route->table;
  answer.prefix = found.route->prefix;
  if (found.error != 0 || found.hops.empty())
    return {answer};
  FibAnswers answers;
  for (const FibHop* hop : found.hops) {
    answer.interface_index = hop->interface_index;
    answer.gateway = hop->gateway;
    add_answers(answers, {answer});
  }
  return answers;
}

void add_answers(FibAnswers& answers, FibAnswers more) {
  for (auto& answer : more)
    if (std::ranges::find(answers, answer) == answers.end())
      answers.push_back(std::move(answer));
}

IpAddress source_of(const FibPacket& packet) {
  return packet.source.value_or(IpAddress::any(packet.destination.family()));
}

bool is_limited_broadcast(const IpAddress& address) {
  return address.is_v4() && address.v4_host_order() == 0xFFFFFFFF;
}

Culprit martian_culprit(const IpAddress& address, std::string text) {
  for (const auto* block : {"255.255.255.255/32", "224.0.0.0/4", "127.0.0.0/8", "ff00::/8"})
    if (const auto prefix = IpPrefix::parse(block).value(); prefix.contains(address))
      return {"address", id_part(prefix.to_string()), std::move(text)};
  return {"address", address.to_string(), std::move(text)};
}

Culprit route_culprit(const FibRoute& route) {
  return {"route", fmt::format("{}/{}", route.table, id_part(route.prefix.to_string())),
          fmt::format("{} {}", route.type, route.prefix.to_string())};
}

} // namespace synfate::linux_routing
