#include "platform/linux/model/bind_address.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "platform/linux/capabilities.h"
#include "platform/linux/files/tables.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/netfilter/route_tables.h"

namespace synfate {
namespace {

constexpr unsigned cap_net_bind_service = 10;
constexpr const char* first_free_port = "net.ipv4.ip_unprivileged_port_start";

BindRefusal refusal(std::string error, Culprit culprit, std::string note,
                    Certainty certainty = Certainty::certain) {
  return {std::move(error), std::move(culprit), std::move(note), certainty};
}

Culprit address_culprit(const IpAddress& address, std::string text) {
  return {"address", id_part(address.to_string()), std::move(text)};
}

// ---- IPv4

/// The routes of one IPv4 table that hold for an address, the longest prefix first.
std::vector<Route> routes_to(Inquiry& inquiry, Int netns, Int table, const IpAddress& address) {
  std::vector<Route> matching;
  for (auto& route : inquiry.rows<Route>({{"netns", netns}, {"table", table}}))
    if (route.destination.known() && route.destination.value().is_v4() && !route.dead.is(true) &&
        IpPrefix(route.destination.value(), static_cast<unsigned>(route.prefix_length.value_or(0)))
            .contains(address))
      matching.push_back(std::move(route));
  std::ranges::stable_sort(matching, std::greater(),
                           [](const Route& route) { return route.prefix_length.value_or(0); });
  return matching;
}

/// inet_addr_type_table() with the table `local`.
enum class AddressKind : std::uint8_t { own, foreign, doubtful };

AddressKind kind_of_v4(Inquiry& inquiry, Int netns, const IpAddress& address) {
  if (address.v4_host_order() == 0xFFFFFFFF || address.is_multicast())
    return AddressKind::own; // RTN_BROADCAST, RTN_MULTICAST
  const auto local = routes_to(inquiry, netns, table_local, address);
  if (local.empty())
    return inquiry.incomplete() ? AddressKind::doubtful : AddressKind::foreign;
  const std::string type = local.front().type.value_or("");
  if (type != "local" && type != "broadcast")
    return AddressKind::foreign;
  // As long as nobody touched the rules, local and main are one trie, and a longer prefix of main
  // comes first (fib_trie_unmerge()).
  const Int length = local.front().prefix_length.value_or(0);
  if (length == Int{address.width()})
    return AddressKind::own;
  const auto main = routes_to(inquiry, netns, table_main, address);
  return !main.empty() && main.front().prefix_length.value_or(0) > length ? AddressKind::doubtful
                                                                          : AddressKind::own;
}

std::optional<BindRefusal> v4_address_refusal(Inquiry& inquiry, Int netns,
                                              const IpAddress& address) {
  if (address.is_unspecified())
    return std::nullopt;
  const AddressKind kind = kind_of_v4(inquiry, netns, address);
  if (kind == AddressKind::own)
    return std::nullopt;
  if (ask_number(inquiry, netns, "net.ipv4.ip_nonlocal_bind").value_or(0) != 0)
    return std::nullopt;
  return refusal("EADDRNOTAVAIL", address_culprit(address, "no interface of this host has it"),
                 "the address is not one of this host",
                 kind == AddressKind::foreign ? Certainty::certain : Certainty::likely);
}

// ---- IPv6

bool needs_scope(const IpAddress& address) {
  if (address.is_link_local())
    return true;
  if (!address.is_multicast())
    return false;
  const auto scope = std::to_integer<unsigned>(address.bytes()[1]) & 0xF;
  return scope == 1 || scope == 2; // interface-local, link-local
}

Int index_of(const std::vector<Interface>& interfaces, const std::string& name) {
  Int index = 0;
  for (const auto& interface : interfaces)
    if (interface.name.is(name))
      index = interface.index.value_or(0);
  if (index == 0 && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }))
    std::from_chars(name.data(), name.data() + name.size(), index);
  return index;
}

bool is_optimistic(Inquiry& inquiry, Int netns, const std::string& interface) {
  const auto on = [&](const std::string& where) {
    return ask_number(inquiry, netns, "net.ipv6.conf." + where + ".optimistic_dad").value_or(0);
  };
  return on("all") != 0 || on(interface) != 0;
}

/// ipv6_chk_addr(): an address of the same VRF that is not tentative; a link-local one or ::1 only
/// on the socket's own interface.
std::optional<BindRefusal> v6_address_refusal(Inquiry& inquiry, const BindQuestion& question,
                                              const std::vector<Interface>& interfaces) {
  const BindClaim& claim = question.claim;
  const IpAddress& address = claim.address;
  if (ask_number(inquiry, question.netns, "net.ipv6.ip_nonlocal_bind").value_or(0) != 0)
    return std::nullopt;
  const Int domain = l3_domain_of(interfaces, claim.interface_index);
  std::optional<BindRefusal> why;
  const auto addresses = ask_addresses(inquiry, question.netns);
  const bool incomplete = inquiry.incomplete();
  for (const auto& own : addresses) {
    if (!own.address.is(address))
      continue;
    const Int index = own.interface_index.value_or(0);
    const std::string name = own.interface.value_or("");
    const bool narrow = address.is_link_local() || address.is_loopback();
    if (l3_domain_of(interfaces, index) != domain ||
        (claim.interface_index != 0 && index != claim.interface_index && narrow)) {
      why = refusal("EADDRNOTAVAIL", address_culprit(address, "it belongs to " + name),
                    "the address belongs to another interface");
    } else if (own.duplicate.is(true)) {
      why = refusal("EADDRNOTAVAIL",
                    address_culprit(address, "another host on " + name + " has it, too"),
                    "duplicate address detection failed");
    } else if (own.tentative.is(true)) {
      const bool optimistic = is_optimistic(inquiry, question.netns, name);
      why = refusal("EADDRNOTAVAIL", address_culprit(address, "it is tentative on " + name),
                    "duplicate address detection is not finished",
                    optimistic ? Certainty::likely : Certainty::certain);
    } else {
      return std::nullopt;
    }
  }
  if (why)
    return why;
  return refusal("EADDRNOTAVAIL", address_culprit(address, "no interface of this host has it"),
                 "the address is not one of this host",
                 incomplete ? Certainty::likely : Certainty::certain);
}

Culprit asked(const BindQuestion& question, std::string text) {
  return address_culprit(question.claim.address, std::move(text));
}

/// What __inet6_bind() says of the address itself.
std::optional<BindRefusal> v6_refusal(Inquiry& inquiry, BindQuestion& question,
                                      const std::vector<Interface>& interfaces) {
  BindClaim& claim = question.claim;
  const IpAddress& address = claim.address;
  if (address.is_v4_mapped()) {
    if (claim.v6only)
      return refusal("EINVAL", asked(question, "an IPv4 address for a socket that is IPv6 only"),
                     "an IPv6-only socket cannot have an IPv4 address");
    return v4_address_refusal(inquiry, question.netns, address.unmapped());
  }
  if (address.is_unspecified())
    return std::nullopt;
  claim.v6only = true; // from here on the kernel takes it as such
  if (needs_scope(address)) {
    if (const Int zone = index_of(interfaces, question.zone); zone != 0)
      claim.interface_index = zone;
    if (claim.interface_index == 0)
      return refusal("EINVAL", asked(question, "a link-local address without an interface"),
                     "a link-local address needs its interface: ADDRESS%INTERFACE");
  }
  if (claim.interface_index != 0 &&
      std::ranges::none_of(interfaces, [&](const Interface& interface) {
        return interface.index.is(claim.interface_index);
      }))
    return refusal("ENODEV", {"interface", question.zone, "there is no such interface"},
                   "there is no such interface");
  if (address.is_multicast())
    return std::nullopt;
  return v6_address_refusal(inquiry, question, interfaces);
}

// ---- privileges

/// Whether the user may bind privileged ports; nothing if it is not known.
std::optional<bool> may_bind_low_ports(Inquiry& inquiry, const BindQuestion& question) {
  const auto callers = inquiry.rows<Caller>({{"netns", question.netns}});
  if (callers.empty())
    return std::nullopt;
  const Caller& caller = callers.front();
  if (caller.netns_user_namespace.is("foreign"))
    return false;
  const Int uid = question.identity ? question.identity->uid : caller.uid.value_or(-1);
  if (caller.netns_user_namespace.is("child") && caller.netns_owner_uid.is(uid))
    return true;
  if (question.identity && uid != 0)
    return false;
  if (question.identity && !caller.uid.is(0))
    return true; // root, seen by somebody else: taken for a root with all capabilities
  if (!caller.capabilities.known())
    return std::nullopt;
  return has_capability(caller.capabilities.value(), cap_net_bind_service);
}

std::string name_of_user(const BindQuestion& question) {
  if (!question.identity)
    return "the caller";
  return question.identity->name.empty() ? fmt::format("uid {}", question.identity->uid)
                                         : question.identity->name;
}

std::optional<BindRefusal> port_refusal(Inquiry& inquiry, const BindQuestion& question) {
  const auto first = ask_number(inquiry, question.netns, first_free_port);
  const Int start = first.value_or(1024);
  if (question.claim.port == 0 || Int{question.claim.port} >= start)
    return std::nullopt;
  const auto may = may_bind_low_ports(inquiry, question);
  if (may.value_or(false))
    return std::nullopt;
  return refusal("EACCES",
                 {"sysctl", first_free_port, fmt::format("{} = {}", first_free_port, start)},
                 fmt::format("ports below {} need CAP_NET_BIND_SERVICE, which {} does not have",
                             start, name_of_user(question)),
                 may && first ? Certainty::certain : Certainty::likely);
}

} // namespace

Int l3_domain_of(const std::vector<Interface>& interfaces, Int index) {
  const auto find = [&](Int wanted) -> const Interface* {
    const auto at = std::ranges::find_if(
        interfaces, [&](const Interface& interface) { return interface.index.is(wanted); });
    return at == interfaces.end() ? nullptr : &*at;
  };
  const Interface* interface = index == 0 ? nullptr : find(index);
  if (interface == nullptr)
    return 0;
  if (interface->kind.is("vrf"))
    return index;
  const Interface* master = find(interface->master_index.value_or(0));
  return master != nullptr && master->kind.is("vrf") ? master->index.value_or(0) : 0;
}

std::optional<Int> binding_user(Inquiry& inquiry, const BindQuestion& question) {
  if (question.identity)
    return question.identity->uid;
  const auto callers = inquiry.rows<Caller>({{"netns", question.netns}});
  if (callers.empty() || !callers.front().uid.known())
    return std::nullopt;
  return callers.front().uid.value();
}

std::vector<BindRefusal> address_and_port_refusals(Inquiry& inquiry, BindQuestion& question) {
  std::vector<BindRefusal> refusals;
  const auto add = [&](std::optional<BindRefusal> one) {
    if (one)
      refusals.push_back(std::move(*one));
  };
  const IpAddress& address = question.claim.address;
  if (address.is_v4()) {
    add(v4_address_refusal(inquiry, question.netns, address));
    add(port_refusal(inquiry, question));
    return refusals;
  }
  if (address.is_multicast() && question.claim.proto == Proto::tcp)
    add(refusal("EINVAL", asked(question, "a multicast address"), "TCP has no multicast"));
  add(port_refusal(inquiry, question));
  add(v6_refusal(inquiry, question, ask_interfaces(inquiry, question.netns)));
  return refusals;
}

} // namespace synfate
