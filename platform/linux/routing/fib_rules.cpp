// Policy rules: net/core/fib_rules.c: fib_rules_lookup(), fib_rule_match(); see fib.h.
#include <algorithm>

#include "platform/linux/routing/fib_state.h"

namespace synfate::linux_routing {
namespace {

enum class Match : std::uint8_t { no, maybe, yes };

constexpr std::size_t most_ways = 32; // beyond, a packet's fate is hopeless to tell anyway

constexpr Match both(Match a, Match b) {
  return std::min(a, b);
}

Match holds(bool condition) {
  return condition ? Match::yes : Match::no;
}

Match in_range(const Fact<Int>& first, const Fact<Int>& last,
               const std::optional<std::uint16_t>& port) {
  if (!first.known())
    return Match::yes;
  if (port)
    return holds(*port >= first.value() && *port <= last.value_or(first.value()));
  return Match::maybe;
}

/// fib4_rule_match(): only these bits count for a TOS selector (fib_dscp_masked_match()).
constexpr std::uint8_t tos_mask = 0x1c;

Match family_match(const FibRule& rule, const Flow& flow) {
  const auto& row = rule.row;
  const bool v4 = flow.destination.is_v4();
  if (rule.to && !rule.to->contains(flow.destination))
    return Match::no;
  if (rule.from && ((!v4 && !flow.has_source) || !rule.from->contains(flow.source)))
    return Match::no;
  if (row.dscp.known() && row.dscp.value() != flow.tos >> 2)
    return Match::no;
  if (row.tos.known() && row.tos.value() != (v4 ? flow.tos & tos_mask : flow.tos & 0xfc))
    return Match::no;
  if (row.ip_proto.known() && row.ip_proto.value() != flow.proto)
    return Match::no;
  return both(
      in_range(row.source_port_first, row.source_port_last, flow.source_port),
      in_range(row.destination_port_first, row.destination_port_last, flow.destination_port));
}

Match selectors_match(const FibRule& rule, const Flow& flow) {
  const auto& row = rule.row;
  if (rule.input_index != 0 && rule.input_index != flow.input_index)
    return Match::no;
  if (rule.output_index != 0 && rule.output_index != flow.output_index)
    return Match::no;
  const auto mark = static_cast<std::uint32_t>(row.mark.value_or(0));
  if (((mark ^ flow.mark) & static_cast<std::uint32_t>(row.mark_mask.value_or(0))) != 0)
    return Match::no;
  if (row.uid_first.known() &&
      (flow.uid < row.uid_first.value() || flow.uid > row.uid_last.value_or(0)))
    return Match::no;
  if (row.l3mdev.is(true)) // there are no VRFs in this model
    return Match::no;
  return family_match(rule, flow);
}

Match matches(const FibRule& rule, const Flow& flow) {
  Match match = selectors_match(rule, flow);
  if (rule.row.more.known() && match == Match::yes) // a selector we do not know may fail
    match = Match::maybe;
  if (!rule.row.inverted.is(true))
    return match;
  return match == Match::yes ? Match::no : match == Match::no ? Match::yes : Match::maybe;
}

/// fib4_rule_suppress(), fib6_rule_suppress().
bool suppressed(const Fib::State& state, const FibRule& rule, const Found& found) {
  const auto& row = rule.row;
  if (row.suppress_prefix_length.known() &&
      found.route->prefix.length() <= row.suppress_prefix_length.value())
    return true;
  return row.suppress_group.known() && !found.hops.empty() &&
         state.group_of(found.hops.front()->interface_index) == row.suppress_group.value();
}

/// Where FR_ACT_GOTO leads: the first rule of that priority.
std::size_t target_of(const std::vector<FibRule>& rules, std::size_t at) {
  const auto found = std::ranges::find_if(
      rules, [&](const FibRule& rule) { return rule.row.priority == rules[at].row.go_to; });
  const auto target = static_cast<std::size_t>(found - rules.begin());
  return target > at && target < rules.size() ? target : at + 1;
}

/// fib4_rule_action(), fib6_rule_action(); EAGAIN: go on.
Found act(const Fib::State& state, const FibRule& rule, const Flow& flow) {
  Found found;
  if (rule.row.action.is("table")) {
    const Int table = rule.row.table.value_or(0);
    found =
        flow.destination.is_v4() ? look_up_v4(state, table, flow) : look_up_v6(state, table, flow);
    if (found.error == 0 && suppressed(state, rule, found))
      found.error = EAGAIN;
  } else if (rule.row.action.is("unreachable")) {
    found.error = ENETUNREACH;
  } else {
    found.error = rule.row.action.is("prohibit") ? EACCES : EINVAL;
  }
  found.rule = &rule;
  return found;
}

void walk(const Fib::State& state, const std::vector<FibRule>& rules, const Flow& flow,
          std::size_t at, std::vector<Found>& ways) {
  while (at < rules.size() && ways.size() < most_ways) {
    const FibRule& rule = rules[at];
    const Match match = matches(rule, flow);
    if (match == Match::maybe)
      walk(state, rules, flow, at + 1, ways); // as if it did not match
    if (match == Match::no || rule.row.action.is("nop")) {
      ++at;
    } else if (rule.row.action.is("goto")) {
      at = target_of(rules, at);
    } else {
      Found found = act(state, rule, flow);
      if (found.error != EAGAIN)
        return ways.push_back(std::move(found));
      ++at;
    }
  }
  ways.emplace_back(); // no rule led to a route
}

} // namespace

std::vector<Found> look_up(const Fib::State& state, const Flow& flow) {
  std::vector<Found> ways;
  const bool v4 = flow.destination.is_v4();
  if (!v4 || !state.merged) {
    walk(state, v4 ? state.rules_v4 : state.rules_v6, flow, 0, ways);
    return ways;
  }
  // include/net/ip_fib.h: fib_lookup() without custom rules.
  for (const Int table : {table_main, table_default}) {
    ways.assign(1, look_up_v4(state, table, flow));
    if (ways.front().error != EAGAIN)
      return ways;
  }
  ways.assign(1, Found{});
  return ways;
}

} // namespace synfate::linux_routing
