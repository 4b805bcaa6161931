// IPv4: net/ipv4/fib_trie.c, route.c, fib_frontend.c; see fib.h.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/routing/fib_state.h"

namespace synfate::linux_routing {
namespace {

constexpr std::uint8_t tos_mask = 0x1c;

bool is_zero(const IpAddress& address) {
  return address.is_unspecified();
}

std::vector<const FibHop*> living_hops(const FibRoute& route, const Flow& flow) {
  std::vector<const FibHop*> hops;
  for (const auto& hop : route.hops) // fib_lookup_good_nhc()
    if (!hop.dead && (flow.output_index == 0 || flow.output_index == hop.interface_index))
      hops.push_back(&hop);
  if (hops.empty())
    return hops;
  if (flow.output_index != 0)
    hops.resize(1); // fib_select_path() chooses among several only without an output interface
  else if (route.hops.size() > 1)
    for (const auto& hop : route.hops)
      if (hop.ignored)
        hops.push_back(&hop);
  return hops;
}

/// fib_select_default(): default routes of equal metric stand in for each other when a gateway
/// does not answer, so each may be taken.
void add_other_defaults(const std::vector<const FibRoute*>& routes, const Flow& flow,
                        Found& found) {
  if (found.route->prefix.length() != 0 || flow.output_index != 0 || found.hops.size() != 1 ||
      !found.hops.front()->gateway)
    return;
  for (const FibRoute* route : routes)
    if (route != found.route && route->metric == found.route->metric &&
        route->tos == found.route->tos && route->type == "unicast")
      for (const FibHop* hop : living_hops(*route, flow))
        if (hop->gateway)
          found.hops.push_back(hop);
}

Culprit address_culprit(const IpAddress& address, std::string text) {
  return {"address", address.to_string(), std::move(text)};
}

/// __ip_dev_find(): an address of ours, or something the local table takes for ours.
bool is_local(const Fib::State& state, const IpAddress& address) {
  if (state.has_address(address))
    return true;
  Flow flow;
  flow.source = IpAddress::any(IpFamily::v4);
  flow.destination = address;
  const Found found = look_up_v4(state, state.merged ? table_main : table_local, flow);
  return found.error == 0 && found.route->type == "local";
}

Flow flow_of(const FibPacket& packet) {
  Flow flow;
  flow.source = source_of(packet);
  flow.destination = packet.destination;
  flow.has_source = packet.source.has_value();
  flow.input_index = packet.input_interface != 0 ? packet.input_interface : loopback_index;
  flow.output_index = packet.input_interface != 0 ? 0 : packet.output_interface;
  flow.mark = packet.mark;
  flow.uid = packet.input_interface != 0 ? 0 : packet.uid;
  flow.proto = packet.proto;
  flow.source_port = packet.source_port;
  flow.destination_port = packet.destination_port;
  flow.tos = packet.tos;
  return flow;
}

FibAnswer on_link(std::string type, Int interface) {
  FibAnswer answer;
  answer.reason = FibReason::found;
  answer.type = std::move(type);
  answer.interface_index = interface;
  return answer;
}

/// __mkroute_output(): a loopback source does not leave by another device.
FibAnswer make_output(const Fib::State& state, const FibPacket& packet, FibAnswer answer) {
  const Int device = answer.interface_index.value_or(0);
  if (source_of(packet).is_loopback() && !state.is_loopback(device) &&
      !state.settings_of(device).route_localnet)
    return refusal(EINVAL, FibReason::martian_source,
                   martian_culprit(source_of(packet), "a loopback address does not leave a host"));
  if (is_limited_broadcast(packet.destination))
    answer.type = "broadcast";
  else if (packet.destination.is_multicast())
    answer.type = "multicast";
  if (answer.type == "multicast" && answer.prefix && answer.prefix->length() < 4)
    answer.gateway.reset(); // multicast by the default route goes to the link, not to the gateway
  if (answer.type == "broadcast")
    answer.gateway.reset();
  return answer;
}

FibAnswer finish_output(const Fib::State& state, const FibPacket& packet, FibAnswer answer) {
  if (answer.error != 0 && packet.output_interface != 0)
    // The tables are wrong or empty, but the sender knows the device: taken as on the link.
    return make_output(state, packet, on_link("unicast", packet.output_interface));
  if (answer.error != 0)
    return answer;
  if (answer.type == "local")
    answer.interface_index = loopback_index;
  return make_output(state, packet, std::move(answer));
}

/// The checks of ip_route_output_key_hash_rcu() that come before the tables.
std::optional<FibAnswer> before_output(const Fib::State& state, const FibPacket& packet) {
  const IpAddress source = source_of(packet);
  const bool group = packet.destination.is_multicast() || is_limited_broadcast(packet.destination);
  if (packet.source && !is_zero(source)) {
    if (source.is_multicast() || is_limited_broadcast(source))
      return refusal(EINVAL, FibReason::martian_source,
                     martian_culprit(source, "no address to send from"));
    if (!packet.any_source && !is_local(state, source))
      return refusal(ENETUNREACH, FibReason::source_not_local,
                     address_culprit(source, "no address of this host"));
  }
  const Int device = packet.output_interface;
  if (device == 0)
    return std::nullopt;
  if (!state.interfaces.contains(device))
    return refusal(ENODEV, FibReason::no_interface);
  if (!state.is_up(device))
    return refusal(ENETUNREACH, FibReason::interface_down,
                   Culprit{"interface", state.name_of(device), "is down"});
  static const IpPrefix local_group = IpPrefix::parse("224.0.0.0/24").value();
  if (group &&
      (is_limited_broadcast(packet.destination) || local_group.contains(packet.destination)))
    return make_output(state, packet, on_link("unicast", device));
  return std::nullopt;
}

/// The device that has an address, for groups without an output interface.
std::optional<Int> device_of(const Fib::State& state, const IpAddress& address) {
  for (const auto& row : state.addresses)
    if (row.address.is(address))
      return row.interface_index.value_or(0);
  return std::nullopt;
}

/// __fib_validate_source() for one way the reverse lookup may end.
std::optional<FibAnswer> judge_reverse(const Fib::State& state, const FibPacket& packet,
                                       const InterfaceSettings& settings, const Found& found) {
  const Int device = packet.input_interface;
  const auto filtered = [&] {
    const std::string name = settings.rp_filter_name.empty()
                                 ? fmt::format("net.ipv4.conf.{}.rp_filter", state.name_of(device))
                                 : settings.rp_filter_name;
    return refusal(EXDEV, FibReason::rp_filter,
                   Culprit{"sysctl", name, fmt::format("{} = {}", name, settings.rp_filter)});
  };
  if (found.error != 0)
    return settings.rp_filter != 0 ? std::optional(filtered()) : std::nullopt;
  const std::string& type = found.route->type;
  if (type != "unicast" && (type != "local" || !settings.accept_local))
    return refusal(EINVAL, FibReason::local_source, route_culprit(*found.route));
  const bool same = std::ranges::any_of(
      found.route->hops, [&](const FibHop& hop) { return hop.interface_index == device; });
  if (same || (type == "local" && state.is_loopback(device)))
    return std::nullopt;
  if (!state.has_ipv4_address(device))
    return settings.rp_filter != 0 ? std::optional(filtered()) : std::nullopt;
  return settings.rp_filter == 1 ? std::optional(filtered()) : std::nullopt;
}

Flow reverse_flow(const FibPacket& packet, const IpAddress& destination, Int output,
                  bool with_mark) {
  Flow flow;
  flow.destination = source_of(packet);
  flow.source = destination;
  flow.has_source = true;
  flow.input_index = output != 0 ? output : loopback_index;
  flow.mark = with_mark ? packet.mark : 0;
  flow.proto = packet.proto;
  flow.source_port = packet.destination_port;
  flow.destination_port = packet.source_port;
  flow.tos = packet.tos;
  return flow;
}

/// fib_validate_source(): the refusals, and `passes` if some way passes.
struct Validation {
  bool passes = false;
  FibAnswers refusals;
};
Validation validate_source(const Fib::State& state, const FibPacket& packet,
                           const IpAddress& destination, Int output) {
  const InterfaceSettings& settings = state.settings_of(packet.input_interface);
  const bool quick = settings.rp_filter == 0 && !state.realms &&
                     (packet.input_interface != output || !settings.send_redirects);
  if (quick && settings.accept_local)
    return {.passes = true, .refusals = {}};
  if (quick && state.merged && !state.custom_local_routes) {
    const IpAddress source = source_of(packet);
    if (!state.has_address(source))
      return {.passes = true, .refusals = {}};
    return {.passes = false,
            .refusals = {refusal(EINVAL, FibReason::local_source,
                                 address_culprit(source, "an address of this host, too"))}};
  }
  Validation result;
  const Flow reverse = reverse_flow(packet, destination, output, settings.source_valid_mark);
  for (const Found& found : look_up(state, reverse)) {
    auto refused = judge_reverse(state, packet, settings, found);
    if (refused)
      add_answers(result.refusals, {std::move(*refused)});
    else
      result.passes = true;
  }
  return result;
}

void add_validated(const Fib::State& state, const FibPacket& packet, const IpAddress& destination,
                   Int output, const FibAnswer& answer, FibAnswers& answers) {
  Validation validation = validate_source(state, packet, destination, output);
  add_answers(answers, std::move(validation.refusals));
  if (validation.passes)
    add_answers(answers, {answer});
}

/// brd_input of ip_route_input_slow().
void add_broadcast(const Fib::State& state, const FibPacket& packet, FibAnswer answer,
                   FibAnswers& answers) {
  answer.type = "broadcast";
  answer.error = 0;
  answer.reason = FibReason::found;
  answer.interface_index = loopback_index;
  const IpAddress zero = IpAddress::any(IpFamily::v4);
  if (is_zero(source_of(packet)))
    add_answers(answers, {std::move(answer)});
  else
    add_validated(state, packet, zero, 0, answer, answers);
}

/// Martians that ip_route_input_slow() knows without the tables.
std::optional<FibAnswer> martian(const Fib::State& state, const FibPacket& packet) {
  const IpAddress source = source_of(packet);
  const auto bad_source = [&] {
    return refusal(EINVAL, FibReason::martian_source,
                   martian_culprit(source, "may not arrive as a source"));
  };
  const bool localnet = state.settings_of(packet.input_interface).route_localnet;
  if (is_zero(source) || (source.is_loopback() && !packet.destination.is_loopback() && !localnet))
    return bad_source();
  if (is_zero(packet.destination) || (packet.destination.is_loopback() && !localnet))
    return refusal(EINVAL, FibReason::martian_destination,
                   martian_culprit(packet.destination, "may not arrive as a destination"));
  return std::nullopt;
}

void add_input(const Fib::State& state, const FibPacket& packet, const Found& found,
               FibAnswers& answers) {
  const InterfaceSettings& settings = state.settings_of(packet.input_interface);
  const auto forwarding_off = [&] {
    return refusal(EHOSTUNREACH, FibReason::forwarding_off,
                   address_culprit(packet.destination, "no address of this host"));
  };
  if (found.error != 0) {
    if (settings.forwarding)
      add_answers(answers, answers_of(found));
    else
      add_answers(answers, {forwarding_off()});
    return;
  }
  for (FibAnswer& answer : answers_of(found)) {
    const Int way_out = answer.interface_index.value_or(0);
    if (answer.type == "broadcast" && !settings.broadcast_forwarding) {
      add_broadcast(state, packet, answer, answers);
    } else if (answer.type == "local") {
      answer.interface_index = loopback_index;
      add_validated(state, packet, packet.destination, 0, answer, answers);
    } else if (answer.type != "broadcast" && !settings.forwarding) {
      add_answers(answers, {forwarding_off()});
    } else if (answer.type != "broadcast" && answer.type != "unicast") {
      add_answers(answers, {refusal(EINVAL, FibReason::martian_destination,
                                    address_culprit(packet.destination, answer.type))});
    } else {
      add_validated(state, packet, packet.destination, way_out, answer, answers);
    }
  }
}

} // namespace

Found look_up_v4(const Fib::State& state, Int table, const Flow& flow) {
  Found found;
  found.error = EAGAIN;
  const auto at = state.tables_v4.find(table);
  if (at == state.tables_v4.end())
    return found;
  for (const unsigned length : at->second.lengths) {
    const auto* routes = at->second.at(flow.destination, length);
    if (routes == nullptr)
      continue;
    for (const FibRoute* route : *routes) {
      if (route->tos != 0 && route->tos != (flow.tos & tos_mask))
        continue;
      found.route = route;
      found.error = route->error;
      if (route->error != 0) // a throw has EAGAIN, too: it leaves the table
        return found;
      found.hops = living_hops(*route, flow);
      if (found.hops.empty())
        continue;
      add_other_defaults(*routes, flow, found);
      return found;
    }
  }
  found.route = nullptr;
  found.error = EAGAIN;
  return found;
}

FibAnswers route_output_v4(const Fib::State& state, const FibPacket& packet) {
  if (auto early = before_output(state, packet))
    return {std::move(*early)};
  const bool group = packet.destination.is_multicast() || is_limited_broadcast(packet.destination);
  if (group && packet.output_interface == 0 && packet.source && !is_zero(*packet.source)) {
    const auto device = device_of(state, *packet.source);
    return {make_output(state, packet, on_link("unicast", device.value_or(loopback_index)))};
  }
  if (is_zero(packet.destination)) {
    FibPacket own = packet;
    own.destination = packet.source && !is_zero(*packet.source) ? *packet.source
                                                                : IpAddress::loopback(IpFamily::v4);
    return {make_output(state, own, on_link("local", loopback_index))};
  }
  FibAnswers answers;
  for (const Found& found : look_up(state, flow_of(packet)))
    for (FibAnswer& answer : answers_of(found))
      add_answers(answers, {finish_output(state, packet, std::move(answer))});
  return answers;
}

FibAnswers route_input_v4(const Fib::State& state, const FibPacket& packet) {
  const IpAddress source = source_of(packet);
  FibAnswers answers;
  if (packet.destination.is_multicast()) // ip_check_mc_rcu(): membership is not known here
    return {on_link("multicast", loopback_index),
            refusal(EINVAL, FibReason::martian_destination,
                    address_culprit(packet.destination, "a group nobody here has joined"))};
  if (source.is_multicast() || is_limited_broadcast(source))
    return {refusal(EINVAL, FibReason::martian_source,
                    martian_culprit(source, "may not arrive as a source"))};
  if (is_limited_broadcast(packet.destination) ||
      (is_zero(source) && is_zero(packet.destination))) {
    add_broadcast(state, packet, {}, answers);
    return answers;
  }
  if (auto refused = martian(state, packet))
    return {std::move(*refused)};
  for (const Found& found : look_up(state, flow_of(packet)))
    add_input(state, packet, found, answers);
  return answers;
}

} // namespace synfate::linux_routing
