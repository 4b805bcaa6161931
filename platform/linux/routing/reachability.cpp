#include "platform/linux/routing/reachability.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "platform/linux/routing/fib_facts.h"
#include "platform/linux/routing/route_question.h"
#include "platform/linux/routing/sysctl_names.h"

namespace synfate::linux_routing {
namespace {

/// One request and what it is judged with.
struct Request {
  Inquiry& inquiry;
  Int netns;
  Interface interface;
  IpAddress target;
  IpAddress client;
  const RouteFinder& routes;

  std::string name() const { return interface.name.value_or("?"); }
};

NeighbourAnswer yes() {
  return {Answering::yes, {}, {}};
}
NeighbourAnswer no(std::string why, std::optional<Culprit> culprit = std::nullopt) {
  return {Answering::no, std::move(why), std::move(culprit)};
}
NeighbourAnswer unknown() {
  return {Answering::unknown, {}, {}};
}

/// A number setting; nothing if it is not known.
std::optional<Int> number_of(const Request& request, const std::string& name) {
  const auto question = setting_request(request.netns, name);
  for (const auto& row : request.inquiry.rows<Setting>(question.keys)) {
    if (row.value.unknown())
      return std::nullopt;
    Int number = 0;
    const std::string text = row.value.value_or("0");
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  return std::nullopt;
}

struct Effective {
  std::optional<Int> value; ///< nothing: not known
  std::string name;         ///< of the one of both that decides
};

/// The greater of conf.all and conf.IF, as IN_DEV_MAXCONF() and, for flags, IN_DEV_ORCONF() have
/// it.
Effective greater_of_both(const Request& request, const char* folder, const char* setting) {
  const std::string all_name = interface_setting(folder, "all", setting);
  const std::string own_name = interface_setting(folder, request.name(), setting);
  const auto all = number_of(request, all_name);
  const auto own = number_of(request, own_name);
  if (!all || !own)
    return {};
  return {std::max(*all, *own), *all > *own ? all_name : own_name};
}

Culprit sysctl_culprit(const std::string& name, Int value) {
  return {"sysctl", name, fmt::format("{} = {}", name, value)};
}

constexpr const char* v4_folder = "net.ipv4.conf";
constexpr const char* v6_folder = "net.ipv6.conf";

std::vector<Address> addresses_of(const Request& request) {
  return request.inquiry.rows<Address>({{"netns", request.netns}});
}

bool on_interface(const Request& request, const Address& row) {
  return row.interface_index == request.interface.index;
}

/// inet_ifa_match(): the network of an address, seen from its peer for a point-to-point one.
bool in_network_of(const Address& row, const IpAddress& address) {
  const IpAddress base = row.peer.known() ? row.peer.value() : row.address.value();
  return IpPrefix(base, static_cast<unsigned>(row.prefix_length.value_or(0))).contains(address);
}

/// arp_ignore(): true if the request is to be ignored at this level.
bool ignored(const Request& request, Int level) {
  if (level == 8)
    return true;
  if (level < 1 || level > 3)
    return false;
  const auto addresses = addresses_of(request);
  const auto confirms = [&](const Address& row) { // inet_confirm_addr()
    if (!row.address.is(request.target))
      return false;
    if (level == 3)
      return !row.scope.is("host") && !row.scope.is("nowhere");
    return on_interface(request, row) && !row.scope.is("nowhere");
  };
  if (std::ranges::none_of(addresses, confirms))
    return true;
  return level == 2 && std::ranges::none_of(addresses, [&](const Address& row) {
           return on_interface(request, row) && row.address.known() &&
                  row.address.value().is_v4() && in_network_of(row, request.target) &&
                  in_network_of(row, request.client);
         });
}

std::optional<RouteLookup> look_up(const Request& request, const RouteQuestion& question) {
  if (request.routes)
    return request.routes(question);
  for (auto& row : request.inquiry.rows<RouteLookup>(route_request(request.netns, question).keys))
    if (row.error.known())
      return std::move(row);
  return std::nullopt;
}

/// arp_filter(): answer only by the interface the way back to the client uses.
NeighbourAnswer filter(const Request& request) {
  const Effective setting = greater_of_both(request, v4_folder, "arp_filter");
  if (!setting.value)
    return unknown();
  if (*setting.value == 0)
    return yes();
  const auto back = look_up(request, {.destination = request.client, .source = request.target});
  if (!back)
    return unknown();
  if (back->error.is(0) && back->interface_index == request.interface.index)
    return yes();
  return no(
      fmt::format("the way back to {} is not by {}", request.client.to_string(), request.name()),
      sysctl_culprit(setting.name, *setting.value));
}

NeighbourAnswer answer_own(const Request& request) {
  const Effective level = greater_of_both(request, v4_folder, "arp_ignore");
  if (!level.value)
    return unknown();
  if (ignored(request, *level.value))
    return no(fmt::format("{} does not answer requests for {}", request.name(),
                          request.target.to_string()),
              sysctl_culprit(level.name, *level.value));
  return filter(request);
}

bool is_proxied(const Request& request) {
  const auto rows = request.inquiry.rows<Neighbour>({{"netns", request.netns}});
  return std::ranges::any_of(rows, [&](const Neighbour& row) {
    return row.proxy.is(true) && row.address.is(request.target) &&
           (row.interface_index.absent() || row.interface_index == request.interface.index);
  });
}

NeighbourAnswer not_ours(const Request& request) {
  return no(fmt::format("{} is no address of this host", request.target.to_string()),
            Culprit{"address", request.target.to_string(), "no address of this host"});
}

/// The part of arp_process() for addresses this host forwards to.
NeighbourAnswer answer_for_others(const Request& request, const RouteLookup& route) {
  const auto forwarding =
      number_of(request, interface_setting(v4_folder, request.name(), "forwarding"));
  const Effective proxy = greater_of_both(request, v4_folder, "proxy_arp");
  if (!forwarding || !proxy.value)
    return unknown();
  const bool beyond = route.interface_index != request.interface.index;
  if (*forwarding != 0 && route.type.is("unicast") && beyond &&
      (*proxy.value != 0 || is_proxied(request)))
    return yes();
  return not_ours(request);
}

NeighbourAnswer arp_answer(const Request& request) {
  if (request.target.is_multicast())
    return no("a multicast address is not asked for");
  const auto route = look_up(request, {.destination = request.target,
                                       .source = request.client,
                                       .input_interface = request.interface.index.value_or(0)});
  if (!route)
    return unknown();
  if (!route->error.is(0))
    return no(fmt::format("routing refuses packets from {} to {} on {}", request.client.to_string(),
                          request.target.to_string(), request.name()));
  return route->type.is("local") ? answer_own(request) : answer_for_others(request, *route);
}

NeighbourAnswer answer_tentative(const Address& row) {
  const std::string address = row.address.value().to_string();
  const bool duplicate = row.duplicate.is(true);
  return no(duplicate ? fmt::format("another host on the link has {}", address)
                      : fmt::format("duplicate detection of {} is not finished", address),
            Culprit{"address", address, duplicate ? "duplicate" : "tentative"});
}

/// pndisc_is_router() and the settings it needs.
NeighbourAnswer proxied_neighbour(const Request& request) {
  const auto forwarding =
      number_of(request, interface_setting(v6_folder, request.name(), "forwarding"));
  const Effective proxy = greater_of_both(request, v6_folder, "proxy_ndp");
  if (!forwarding || !proxy.value)
    return unknown();
  if (*forwarding != 0 && *proxy.value != 0 && is_proxied(request))
    return yes();
  return no(fmt::format("{} is no address of {}", request.target.to_string(), request.name()),
            Culprit{"address", request.target.to_string(),
                    fmt::format("no address of {}", request.name())});
}

NeighbourAnswer solicitation_answer(const Request& request) {
  const std::string disabled = interface_setting(v6_folder, request.name(), "disable_ipv6");
  const auto value = number_of(request, disabled);
  if (!value)
    return unknown();
  if (*value != 0)
    return no("IPv6 is disabled on " + request.name(), sysctl_culprit(disabled, *value));
  for (const auto& row : addresses_of(request))
    if (on_interface(request, row) && row.address.is(request.target))
      return row.tentative.is(true) ? answer_tentative(row) : yes();
  return proxied_neighbour(request);
}

/// ARPHRD_ETHER, _IEEE802, _INFINIBAND, _IEEE80211: links on which addresses are asked for.
bool asks_for_addresses(const Interface& interface) {
  static constexpr std::array<Int, 4> types{1, 6, 32, 801};
  return !interface.loopback.is(true) &&
         std::ranges::find(types, interface.hardware_type.value_or(1)) != types.end();
}

} // namespace

NeighbourAnswer neighbour_reachability(Inquiry& inquiry, Int netns, Int interface_index,
                                       const IpAddress& target, const IpAddress& client,
                                       const RouteFinder& routes) {
  const auto rows = inquiry.rows<Interface>({{"netns", netns}});
  const auto found = std::ranges::find_if(
      rows, [&](const Interface& row) { return row.index.is(interface_index); });
  if (found == rows.end())
    return unknown();
  if (!asks_for_addresses(*found))
    return {Answering::not_needed, {}, {}};
  // arp_rcv() drops requests; a neighbour advertisement goes to the device's own address.
  if (found->no_arp.is(true))
    return no(fmt::format("{} takes no part in ARP (IFF_NOARP)", found->name.value_or("?")),
              Culprit{"interface", found->name.value_or("?"), "arp off"});
  const Request request{inquiry, netns, *found, target, client, routes};
  const auto answer = target.is_v4() ? arp_answer(request) : solicitation_answer(request);
  return answer;
}

} // namespace synfate::linux_routing
