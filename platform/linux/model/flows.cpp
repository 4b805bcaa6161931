#include "platform/linux/model/flows.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"

namespace synfate {
namespace {

/// 203.0.113.1 and 2001:db8::1, of the blocks for documentation (RFC 5737, RFC 3849): some client
/// of the internet.
IpAddress somebody(IpFamily family) {
  return *IpAddress::parse(family == IpFamily::v4 ? "203.0.113.1" : "2001:db8::1");
}

RouteQuestion question_to(const IpAddress& destination) {
  RouteQuestion question;
  question.destination = destination;
  return question;
}

struct Site {
  Int netns = 0;
  std::vector<Interface> interfaces;
  std::vector<Address> addresses;
};

/// The way to a client: for the packets of the target where rules look at their protocol; told
/// none, IPv4 takes UDP (net/ipv4/route.c: inet_rtm_getroute()).
std::optional<RouteLookup> ask_way_to(Inquiry& inquiry, const Site& site, const Target& target,
                                      const IpAddress& client) {
  RouteQuestion question = question_to(client);
  if (rules_ask_for_ports(inquiry, site.netns))
    question.proto = std::string(to_string(target.proto));
  return ask_route(inquiry, site.netns, question);
}

bool usable(const Address& address) {
  return address.address.known() && !address.tentative.is(true) && !address.duplicate.is(true);
}

bool is_global(const Address& address) {
  return usable(address) && address.scope.is("global") && !address.address.value().is_loopback();
}

bool is_own(const Site& site, const IpAddress& address) {
  return address.is_loopback() || std::ranges::any_of(site.addresses, [&](const Address& own) {
           return own.address.is(address);
         });
}

const Interface* find_interface(const Site& site, Int index) {
  const auto at = std::ranges::find_if(
      site.interfaces, [&](const Interface& interface) { return interface.index.is(index); });
  return at == site.interfaces.end() ? nullptr : &*at;
}

/// The first address of the family that a client over this interface would call.
std::optional<IpAddress> called_address(const Site& site, Int index, IpFamily family) {
  for (const auto& address : site.addresses)
    if (address.interface_index.is(index) && is_global(address) &&
        address.address.value().family() == family && !address.deprecated.is(true))
      return address.address.value();
  return std::nullopt;
}

/// The broadcast address of a network may be another than its last (IFA_BROADCAST), and the
/// pseudonym of the last one is.
bool is_broadcast(Inquiry& inquiry, const Site& site, const IpAddress& address) {
  if (!address.is_v4())
    return false;
  const auto route = ask_route(inquiry, site.netns, question_to(address));
  return route && route->type.is("broadcast");
}

bool is_link_local(const IpAddress& address) {
  return address.is_v6() && address.is_link_local();
}

bool asks_link_local(const Target& target) {
  return std::ranges::any_of(target.addresses, is_link_local);
}

/// A link-local address is called on the link that the target names, else on those that have it; of
/// other targets a zone is the link that the packets come by.
bool is_asked_on(const Site& site, const Target& target, const std::string& interface) {
  if (!target.zone.empty())
    return target.zone == interface;
  const auto has_it = [&](const Address& own) {
    return std::ranges::any_of(target.addresses,
                               [&](const IpAddress& asked) { return own.address.is(asked); });
  };
  return !asks_link_local(target) || std::ranges::none_of(site.addresses, has_it) ||
         std::ranges::any_of(site.addresses, [&](const Address& own) {
           return own.interface.is(interface) && has_it(own);
         });
}

/// A neighbour in the network of an address: the first that is not this host itself.
std::optional<IpAddress> neighbour_of(Inquiry& inquiry, const Site& site, const Address& own,
                                      const Target& target) {
  const IpAddress address = own.address.value();
  if (own.peer.known() && !(own.peer.value() == address))
    return own.peer.value();
  const auto length = static_cast<unsigned>(own.prefix_length.value_or(address.width()));
  const IpPrefix network(address, length);
  if (length + 1 >= address.width() && length != address.width() - 1)
    return std::nullopt;
  auto candidate =
      length == address.width() - 1 ? std::optional(network.first()) : network.first().next();
  for (int tries = 0; candidate && network.contains(*candidate) && tries < 64;
       candidate = candidate->next(), ++tries)
    if (!is_own(site, *candidate) &&
        std::ranges::find(target.addresses, *candidate) == target.addresses.end() &&
        !(address.is_v4() && length < 31 && *candidate == network.last()) &&
        !is_broadcast(inquiry, site, *candidate))
      return candidate;
  return std::nullopt;
}

struct Families {
  bool v4 = false;
  bool v6 = false;
  bool has(IpFamily family) const { return family == IpFamily::v4 ? v4 : v6; }
};

bool holds(const Socket& socket) {
  return socket.state.is("listen") || socket.state.is("unconnected");
}

/// The families in which a socket holds the port; both if none does.
Families families_of(Inquiry& inquiry, const Target& target, Int netns) {
  std::vector<Key> keys{{"netns", netns}, {"proto", std::string(to_string(target.proto))}};
  if (target.proto == Proto::tcp)
    keys.push_back({"state", std::string("listen")});
  keys.push_back({"local_port", Int{target.port}});
  Families families;
  for (const auto& socket : inquiry.rows<Socket>(std::move(keys))) {
    if (!holds(socket) || !socket.local_address.known())
      continue;
    const IpAddress& address = socket.local_address.value();
    const bool dual = address.is_v6() && address.is_unspecified() && !socket.v6only.is(true);
    families.v4 = families.v4 || address.is_v4() || address.is_v4_mapped() || dual;
    families.v6 = families.v6 || (address.is_v6() && !address.is_v4_mapped());
  }
  if (!families.v4 && !families.v6)
    families.v4 = families.v6 = true;
  return families;
}

Flow flow_to(const Target& target, const IpAddress& from, std::string interface, std::string name,
             const IpAddress& to) {
  Flow flow;
  flow.proto = target.proto;
  flow.from = from;
  flow.from_interface = std::move(interface);
  flow.name = std::move(name);
  flow.to = to;
  flow.port = target.port;
  return flow;
}

Flow local_flow(const Target& target, const IpAddress& from, const IpAddress& to) {
  Flow flow = flow_to(target, from, "lo", "localhost", to);
  flow.local = true;
  if (is_link_local(to))
    flow.zone = target.zone;
  return flow;
}

/// A link-local address of this host, on the link that the target names or on each that has it.
void add_local_links(std::vector<Flow>& flows, const Site& site, const Target& target,
                     const IpAddress& address) {
  for (const auto& own : site.addresses) {
    if (!own.address.is(address) || (!target.zone.empty() && !own.interface.is(target.zone)))
      continue;
    flows.push_back(local_flow(target, address, address));
    flows.back().zone = own.interface.value_or("");
  }
}

void add_local(std::vector<Flow>& flows, const Site& site, const Target& target, IpFamily family) {
  if (target.addresses.empty()) {
    const auto loopback = IpAddress::loopback(family);
    const bool exists =
        family == IpFamily::v4 || std::ranges::any_of(site.addresses, [&](const Address& address) {
          return address.address.is(loopback);
        });
    if (exists)
      flows.push_back(local_flow(target, loopback, loopback));
    return;
  }
  for (const auto& address : target.addresses)
    if (is_link_local(address) && family == IpFamily::v6)
      add_local_links(flows, site, target, address);
    else if (address.family() == family && is_own(site, address))
      flows.push_back(local_flow(
          target, address.is_loopback() ? IpAddress::loopback(family) : address, address));
}

/// Who calls a link-local address does so from one (RFC 6724).
bool is_called_from(const Target& target, const Address& own) {
  return asks_link_local(target) ? usable(own) && is_link_local(own.address.value())
                                 : is_global(own);
}

void add_on_link(Inquiry& inquiry, std::vector<Flow>& flows, const Site& site, const Target& target,
                 IpFamily family) {
  for (const auto& interface : site.interfaces) {
    if (!interface.up.is(true) || interface.loopback.is(true) ||
        !is_asked_on(site, target, interface.name.value_or("")))
      continue;
    for (const auto& address : site.addresses) {
      if (address.interface_index != interface.index || !is_called_from(target, address) ||
          address.address.value().family() != family)
        continue;
      const auto from = neighbour_of(inquiry, site, address, target);
      const std::string name = interface.name.value_or("");
      std::vector<IpAddress> called;
      if (target.addresses.empty())
        called.push_back(address.address.value());
      for (const auto& asked : target.addresses)
        if (asked.family() == family && !asked.is_loopback())
          called.push_back(asked);
      if (from)
        for (const auto& to : called)
          flows.push_back(flow_to(target, *from, name, "on-link of " + name, to));
      break;
    }
  }
}

void add_default(Inquiry& inquiry, std::vector<Flow>& flows, const Site& site, const Target& target,
                 IpFamily family) {
  const IpAddress from = somebody(family);
  const auto answer = ask_way_to(inquiry, site, target, from);
  if (!answer || answer->error.value_or(0) != 0 || !answer->type.is("unicast") ||
      !answer->interface_index.known())
    return;
  const Interface* interface = find_interface(site, answer->interface_index.value());
  if (interface == nullptr)
    return;
  const std::string name = interface->name.value_or("");
  if (asks_link_local(target) || !is_asked_on(site, target, name))
    return;
  std::vector<IpAddress> called;
  if (target.addresses.empty()) {
    auto address = called_address(site, answer->interface_index.value(), family);
    if (!address && answer->preferred_source.known())
      address = answer->preferred_source.value();
    if (address)
      called.push_back(*address);
  }
  for (const auto& asked : target.addresses)
    if (asked.family() == family && !asked.is_loopback())
      called.push_back(asked);
  for (const auto& to : called)
    flows.push_back(flow_to(target, from, name, "default route", to));
}

Site look_at(Inquiry& inquiry) {
  const Int netns = inquiry.snapshot().host().netns;
  return {netns, ask_interfaces(inquiry, netns), ask_addresses(inquiry, netns)};
}

std::vector<Flow> flows_to(Inquiry& inquiry, const Target& target, const Families& families) {
  std::vector<Flow> flows;
  const Site site = look_at(inquiry);
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    if (families.has(family))
      add_local(flows, site, target, family);
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    if (families.has(family))
      add_on_link(inquiry, flows, site, target, family);
  for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
    if (families.has(family))
      add_default(inquiry, flows, site, target, family);
  return flows;
}

} // namespace

std::vector<Flow> PlainFlows::of(Inquiry& inquiry, const Target& target) {
  Families families{};
  if (target.addresses.empty())
    families = families_of(inquiry, target, inquiry.snapshot().host().netns);
  for (const auto& address : target.addresses)
    (address.is_v4() ? families.v4 : families.v6) = true;
  if (const auto answers = inquiry.snapshot().answers().size(); answers != answers_) {
    answers_ = answers;
    known_.clear();
  }
  const Kind kind{target.proto, target.addresses, target.zone, families.v4, families.v6};
  auto found = known_.find(kind);
  if (found == known_.end()) {
    auto flows = flows_to(inquiry, target, families);
    if (inquiry.pending() || inquiry.incomplete())
      return flows;
    found = known_.emplace(kind, std::move(flows)).first;
  }
  auto flows = found->second;
  for (auto& flow : flows)
    flow.port = target.port;
  return flows;
}

std::optional<IpAddress> address_called(const std::vector<Address>& addresses, Int interface_index,
                                        IpFamily family) {
  const auto first = [&](auto suits) -> std::optional<IpAddress> {
    for (const auto& row : addresses)
      if (usable(row) && row.address.value().family() == family &&
          !row.address.value().is_loopback() && suits(row))
        return row.address.value();
    return std::nullopt;
  };
  const auto here = [&](const Address& row) { return row.interface_index.is(interface_index); };
  if (auto global = first([&](const Address& row) {
        return here(row) && is_global(row) && !row.deprecated.is(true);
      }))
    return global;
  if (auto other = first(here))
    return other;
  return first(is_global);
}

namespace {

/// The link on which this host has the address; empty: on none, or several.
std::string only_link_of(const Site& site, const IpAddress& address) {
  std::string link;
  for (const auto& own : site.addresses)
    if (own.address.is(address)) {
      if (!link.empty())
        return {};
      link = own.interface.value_or("");
    }
  return link;
}

} // namespace

std::vector<Flow> flows_from_client(Inquiry& inquiry, const Target& target, const IpAddress& from,
                                    const std::string& named) {
  const Site site = look_at(inquiry);
  const std::string& interface = named.empty() && !is_own(site, from) ? target.zone : named;
  const IpFamily family = from.family();
  std::vector<Flow> flows;
  if ((interface.empty() && is_own(site, from)) || interface == "lo") {
    std::vector<IpAddress> called;
    for (const auto& asked : target.addresses)
      if (asked.family() == family)
        called.push_back(asked);
    if (target.addresses.empty())
      called.push_back(from.is_loopback() ? IpAddress::loopback(family) : from);
    for (const auto& to : called) {
      flows.push_back(local_flow(target, from, to));
      if (flows.back().zone.empty() && is_link_local(to) && is_link_local(from))
        flows.back().zone = only_link_of(site, from);
    }
    return flows;
  }
  Int index = 0;
  std::optional<RouteLookup> answer;
  if (interface.empty()) {
    answer = ask_way_to(inquiry, site, target, from);
    if (answer && answer->error.value_or(0) == 0)
      index = answer->interface_index.value_or(0);
  } else {
    for (const auto& each : site.interfaces)
      if (each.name.is(interface))
        index = each.index.value_or(0);
  }
  const Interface* found = find_interface(site, index);
  const std::string name = found != nullptr ? found->name.value_or("") : interface;
  std::vector<IpAddress> called;
  for (const auto& asked : target.addresses)
    if (asked.family() == family)
      called.push_back(asked);
  if (target.addresses.empty()) {
    auto address = called_address(site, index, family);
    if (!address && answer && answer->preferred_source.known())
      address = answer->preferred_source.value();
    if (!address)
      address = address_called(site.addresses, index, family);
    if (address)
      called.push_back(*address);
  }
  for (const auto& to : called)
    flows.push_back(flow_to(target, from, name, from.to_string(), to));
  return flows;
}

} // namespace synfate
