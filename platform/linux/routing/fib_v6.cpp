// IPv6: net/ipv6/route.c, ip6_fib.c, ip6_input.c; see fib.h.
//
// A table is a tree of destination prefixes; a node may have a subtree of source prefixes. A lookup
// starts at the longest destination whose subtree, if it has one, has the source, and climbs:
// shorter sources, the routes without source, then the next shorter destination. Within a node the
// routes of the lowest metric are scored, then all others together.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/routing/fib_state.h"

namespace synfate::linux_routing {
namespace {

using RouteList = std::vector<const FibRoute*>;

/// rt6_need_strict()
bool needs_interface(const IpAddress& destination) {
  return destination.is_multicast() || destination.is_link_local() || destination.is_loopback();
}

/// rt6_check_neigh() with CONFIG_IPV6_ROUTER_PREF: only a gateway known as failed is passed over.
bool gateway_failed(const Fib::State& state, const FibHop& hop) {
  return hop.gateway && std::ranges::any_of(state.neighbours, [&](const Neighbour& neighbour) {
           return neighbour.address.is(*hop.gateway) && neighbour.state.is("failed") &&
                  neighbour.interface_index.is(hop.interface_index);
         });
}

/// rt6_score_route(); nothing: not to be used.
std::optional<int> score_of(const Fib::State& state, const FibRoute& route, const FibHop& hop,
                            const Flow& flow, bool reachable) {
  const Int wanted = flow.output_index;
  const bool device = wanted == 0 || wanted == hop.interface_index;
  if (!device && flow.strict_interface)
    return std::nullopt;
  if (reachable && route.error == 0 && gateway_failed(state, hop))
    return std::nullopt;
  return (device ? 2 : 0) | (route.preference << 2);
}

struct Choice {
  const FibRoute* route = nullptr;
  const FibHop* hop = nullptr;
  int score = -1;
};

void consider(const Fib::State& state, const FibRoute& route, const Flow& flow, bool reachable,
              Choice& choice) {
  for (const auto& hop : route.hops) { // siblings stand one after the other in the kernel's list
    const auto score = score_of(state, route, hop, flow, reachable);
    if (!hop.dead && score && *score > choice.score)
      choice = {&route, &hop, *score};
  }
}

/// rt6_select(), find_rr_leaf() with the round-robin pointer at the first route.
Choice select(const Fib::State& state, const RouteList& routes, const Flow& flow, bool reachable) {
  Choice choice;
  std::size_t at = 0;
  for (; at < routes.size() && routes[at]->metric == routes.front()->metric; ++at)
    consider(state, *routes[at], flow, reachable, choice);
  if (choice.route == nullptr)
    for (; at < routes.size(); ++at)
      consider(state, *routes[at], flow, reachable, choice);
  return choice;
}

/// A destination's routes: those without a source, and those of its subtree that have the source,
/// by length of the source's prefix, longest first.
struct Node {
  RouteList plain;
  std::vector<RouteList> by_source;
  bool has_subtree = false;
};

Node node_of(const RouteList& routes, const IpAddress& source) {
  Node node;
  std::map<unsigned, RouteList, std::greater<>> matching;
  for (const FibRoute* route : routes) {
    if (!route->from) {
      node.plain.push_back(route);
      continue;
    }
    node.has_subtree = true;
    if (route->from->contains(source))
      matching[route->from->length()].push_back(route);
  }
  for (auto& [length, list] : matching)
    node.by_source.push_back(std::move(list));
  const auto by_metric = [](RouteList& list) {
    std::ranges::stable_sort(list, {}, [](const FibRoute* route) { return route->metric; });
  };
  by_metric(node.plain);
  std::ranges::for_each(node.by_source, by_metric);
  return node;
}

/// The lists a lookup goes through: fib6_node_lookup(), then fib6_backtrack() again and again.
std::vector<RouteList> lists_of(const FibTable& table, const Flow& flow) {
  std::vector<Node> nodes;
  for (const unsigned length : table.lengths)
    if (const auto* routes = table.at(flow.destination, length))
      nodes.push_back(node_of(*routes, flow.source));
  // fib6_node_lookup_1() passes over a node whose subtree does not have the source, though it may
  // have routes without one; only the root of the tree is used anyway.
  std::size_t start = 0;
  while (start < nodes.size() && nodes[start].has_subtree && nodes[start].by_source.empty())
    ++start;
  std::vector<RouteList> lists;
  if (start == nodes.size() && !nodes.empty()) {
    if (table.lengths.back() == 0)
      lists.push_back(nodes.back().plain);
    return lists;
  }
  for (std::size_t at = start; at < nodes.size(); ++at) {
    for (auto& list : nodes[at].by_source)
      lists.push_back(std::move(list));
    if (!nodes[at].plain.empty())
      lists.push_back(std::move(nodes[at].plain));
  }
  return lists;
}

/// fib6_select_path(): which of several siblings is a matter of a hash. Kernels differ in whether
/// an output interface that fits the best one settles it (6.12 says so, 6.18 was seen not to), so
/// it does here only where the interface is a must.
std::vector<const FibHop*> hops_of(const Fib::State& state, const Choice& choice, const Flow& flow,
                                   bool reachable) {
  std::vector<const FibHop*> hops{choice.hop};
  for (const auto& hop : choice.route->hops)
    if (&hop != choice.hop && (!hop.dead || hop.ignored) &&
        score_of(state, *choice.route, hop, flow, reachable))
      hops.push_back(&hop);
  return hops;
}

Flow flow_of(const FibPacket& packet) {
  const bool arriving = packet.input_interface != 0;
  Flow flow;
  flow.source = source_of(packet);
  flow.destination = packet.destination;
  flow.has_source = packet.source && !packet.source->is_unspecified();
  flow.input_index = arriving ? packet.input_interface : loopback_index;
  flow.output_index = packet.output_interface;
  flow.mark = packet.mark;
  flow.uid = packet.uid;
  flow.proto = packet.proto;
  flow.source_port = packet.source_port;
  flow.destination_port = packet.destination_port;
  flow.tos = packet.tos;
  flow.strict_interface = needs_interface(packet.destination) ||
                          (!arriving && packet.output_interface != 0 && !flow.has_source);
  return flow;
}

FibAnswers ask(const Fib::State& state, const Flow& flow) {
  FibAnswers answers;
  for (const Found& found : look_up(state, flow))
    for (FibAnswer& answer : answers_of(found)) {
      if (answer.error == 0 && (answer.type == "local" || answer.type == "anycast"))
        answer.interface_index = loopback_index; // ip6_rt_get_dev_rcu()
      add_answers(answers, {std::move(answer)});
    }
  return answers;
}

/// ip6_rcv_core()
std::optional<FibAnswer> refused_on_arrival(const Fib::State& state, const FibPacket& packet) {
  const Int device = packet.input_interface;
  const IpAddress source = source_of(packet);
  if (state.settings_of(device).ipv6_disabled) {
    const std::string name = fmt::format("net.ipv6.conf.{}.disable_ipv6", state.name_of(device));
    return refusal(EINVAL, FibReason::ipv6_disabled, Culprit{"sysctl", name, name + " = 1"});
  }
  if (source.is_multicast() || (source.is_loopback() && !state.is_loopback(device)))
    return refusal(EINVAL, FibReason::martian_source,
                   martian_culprit(source, "may not arrive as a source"));
  if (packet.destination.is_loopback() && !state.is_loopback(device))
    return refusal(
        EINVAL, FibReason::martian_destination,
        Culprit{"address", packet.destination.to_string(), "may not arrive as a destination"});
  return std::nullopt;
}

} // namespace

Found look_up_v6(const Fib::State& state, Int table, const Flow& asked) {
  Found found;
  found.error = EAGAIN;
  const auto at = state.tables_v6.find(table);
  if (at == state.tables_v6.end())
    return found;
  Flow flow = asked;
  if (flow.input_index != loopback_index) // ip6_pol_route_input(): the device it came by
    flow.output_index = flow.input_index;
  const auto lists = lists_of(at->second, flow);
  const bool reachable_first = !state.ipv6_forwarding;
  for (const bool reachable : {true, false}) {
    if (reachable && !reachable_first)
      continue;
    for (const auto& list : lists) {
      const Choice choice = select(state, list, flow, reachable);
      if (choice.route == nullptr)
        continue;
      found.route = choice.route;
      found.error = choice.route->error;
      found.hops = hops_of(state, choice, flow, reachable);
      return found;
    }
  }
  return found;
}

FibAnswers route_output_v6(const Fib::State& state, const FibPacket& packet) {
  return ask(state, flow_of(packet));
}

FibAnswers route_input_v6(const Fib::State& state, const FibPacket& packet) {
  if (auto refused = refused_on_arrival(state, packet))
    return {std::move(*refused)};
  FibPacket arriving = packet;
  arriving.output_interface = 0;
  FibAnswers answers;
  for (FibAnswer& answer : ask(state, flow_of(arriving))) {
    // ip6_forward(): without forwarding a packet for others is dropped. Routes over lo reject, and
    // never come there (fib6_is_reject()).
    const bool forwards =
        state.ipv6_forwarding || state.settings_of(packet.input_interface).ipv6_forwards;
    const bool over_lo = answer.interface_index && state.is_loopback(*answer.interface_index);
    if (answer.error == 0 && answer.type == "unicast" && !forwards && !over_lo &&
        !packet.destination.is_multicast())
      answer =
          refusal(EHOSTUNREACH, FibReason::forwarding_off,
                  Culprit{"address", packet.destination.to_string(), "no address of this host"});
    add_answers(answers, {std::move(answer)});
  }
  return answers;
}

} // namespace synfate::linux_routing
