#include "platform/linux/model/ask.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "core/model/owners.h"
#include "platform/linux/model/route_replay.h"
#include "platform/linux/netfilter/ip_protocol.h"
#include "platform/linux/netfilter/route_tables.h"

namespace synfate {
namespace {

template <typename T> Cell optional_cell(bool asked, T value) {
  return asked ? Cell(std::move(value)) : Cell(Absent{});
}

bool known(const Table& table, std::size_t row, std::size_t column) {
  return !table.is_unknown(row, column) && !table.is_absent(row, column);
}

/// The first row of a namespace for which `holds(table, row)`; the others are not read.
template <typename Row, typename Holds>
std::optional<Row> find_row(Inquiry& inquiry, Int netns, Holds holds) {
  const Request request{std::string(table_name<Row>()), {{"netns", netns}}};
  for (const auto row : inquiry.find(request)) {
    const Table& table = *inquiry.snapshot().table(request.table);
    if (holds(table, row))
      return read_row<Row>(table, row);
  }
  return std::nullopt;
}

} // namespace

bool rules_ask_for_sources(Inquiry& inquiry, Int netns) {
  return std::ranges::any_of(
      inquiry.rows<PolicyRule>({{"netns", netns}}),
      [](const PolicyRule& rule) { return rule.from_length.value_or(0) != 0; });
}

std::optional<RouteLookup> ask_route(Inquiry& inquiry, Int netns, const RouteQuestion& question) {
  if (question.any_source) {
    if (rules_ask_for_sources(inquiry, netns))
      return route_from_anywhere(inquiry, netns, question);
    RouteQuestion same = question;
    same.any_source = false;
    same.source.reset();
    return ask_route(inquiry, netns, same);
  }
  std::vector<Key> keys{{"netns", netns}};
  const auto add = [&keys](const char* column, Cell cell) {
    keys.push_back({column, std::move(cell)});
  };
  add("source", question.source ? Cell(*question.source) : Cell(Absent{}));
  add("input_interface", optional_cell(question.input_interface != 0, question.input_interface));
  add("output_interface", optional_cell(question.output_interface != 0, question.output_interface));
  add("mark", optional_cell(question.mark != 0, question.mark));
  add("proto", optional_cell(!question.proto.empty(), question.proto));
  add("source_port", optional_cell(question.source_port != 0, Int{question.source_port}));
  add("destination_port",
      optional_cell(question.destination_port != 0, Int{question.destination_port}));
  // Packets that arrive are routed as root's: ip6_route_input(). Told no user, IPv6 takes none
  // (inet6_rtm_getroute()), IPv4 root's whatever it is told; Linux 6.12.
  const bool as_root = question.input_interface != 0 && question.destination.is_v6();
  add("uid", optional_cell(question.uid.has_value() || as_root, question.uid.value_or(0)));
  add("destination", question.destination);
  const Request request{std::string(table_name<RouteLookup>()), keys};
  if (inquiry.snapshot().sealed() && inquiry.snapshot().answer(request) == nullptr)
    if (auto derived = route_from_tables(inquiry, netns, question))
      return derived;
  auto rows = inquiry.rows<RouteLookup>(std::move(keys));
  if (rows.empty())
    return std::nullopt;
  return std::move(rows.front());
}

namespace {

/// A packet without protocol, as ARP's, cannot be asked about: the kernel's answer is then one for
/// UDP (net/ipv4/route.c: inet_rtm_getroute()). One that no policy rule names does as well; nothing
/// if they name all. Linux 6.12.
std::optional<std::string> protocol_of_no_rule(Inquiry& inquiry, Int netns) {
  if (!rules_ask_for_ports(inquiry, netns))
    return "";
  const auto rules = inquiry.rows<PolicyRule>({{"netns", netns}});
  for (const auto& [name, number] : {std::pair<const char*, Int>{"icmp", ip_protocol::icmp},
                                     {"udp", ip_protocol::udp},
                                     {"tcp", ip_protocol::tcp}})
    if (std::ranges::none_of(rules,
                             [&](const PolicyRule& rule) { return rule.ip_proto.is(number); }))
      return name;
  return std::nullopt;
}

} // namespace

linux_routing::RouteFinder route_finder(Inquiry& inquiry, Int netns) {
  return
      [&inquiry, netns](const linux_routing::RouteQuestion& asked) -> std::optional<RouteLookup> {
        const auto proto = protocol_of_no_rule(inquiry, netns);
        if (!proto)
          return std::nullopt;
        RouteQuestion question;
        question.proto = *proto;
        question.destination = asked.destination;
        question.source = asked.source;
        question.input_interface = asked.input_interface.value_or(0);
        auto answer = ask_route(inquiry, netns, question);
        return answer && answer->error.known() ? std::move(answer) : std::nullopt;
      };
}

std::uint8_t number_of_protocol(const RouteQuestion& question) {
  if (question.proto == "tcp")
    return ip_protocol::tcp;
  if (question.proto == "udp")
    return ip_protocol::udp;
  if (question.proto == "icmp")
    return question.destination.is_v4() ? ip_protocol::icmp : ip_protocol::icmpv6;
  return 0;
}

std::vector<Interface> ask_interfaces(Inquiry& inquiry, Int netns) {
  return inquiry.rows<Interface>({{"netns", netns}});
}

std::vector<Address> ask_addresses(Inquiry& inquiry, Int netns) {
  return inquiry.rows<Address>({{"netns", netns}});
}

bool is_own_address(Inquiry& inquiry, Int netns, const IpAddress& address) {
  return address.is_loopback() ||
         std::ranges::any_of(ask_addresses(inquiry, netns),
                             [&](const Address& row) { return row.address.is(address); });
}

std::optional<Interface> ask_interface(Inquiry& inquiry, Int netns, Int index) {
  return find_row<Interface>(inquiry, netns, [&](const Table& table, std::size_t row) {
    const auto column = *table.spec().column("index");
    return known(table, row, column) && table.integer(row, column) == index;
  });
}

std::optional<Interface> ask_interface(Inquiry& inquiry, Int netns, const std::string& name) {
  return find_row<Interface>(inquiry, netns, [&](const Table& table, std::size_t row) {
    const auto column = *table.spec().column("name");
    return known(table, row, column) && table.text(row, column) == name;
  });
}

std::optional<std::string> ask_setting(Inquiry& inquiry, Int netns, const std::string& name) {
  const auto rows = inquiry.rows<Setting>({{"netns", netns}, {"name", name}});
  if (rows.empty() || !rows.front().value.known())
    return std::nullopt;
  return rows.front().value.value();
}

std::optional<Int> ask_number(Inquiry& inquiry, Int netns, const std::string& name) {
  const auto text = ask_setting(inquiry, netns, name);
  Int number = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc{})
    return std::nullopt;
  return number;
}

bool ask_forwarding(Inquiry& inquiry, Int netns, IpFamily family, const std::string& interface) {
  const auto is_on = [&](const std::string& name) {
    return ask_number(inquiry, netns, name).value_or(0) != 0;
  };
  if (family == IpFamily::v4)
    return is_on(fmt::format("net.ipv4.conf.{}.forwarding", interface));
  return is_on("net.ipv6.conf.all.forwarding") ||
         is_on(fmt::format("net.ipv6.conf.{}.force_forwarding", interface));
}

std::optional<Culprit> ask_ipv6_off(Inquiry& inquiry, Int netns, const Interface& device) {
  constexpr Int smallest_mtu = 1280; // IPV6_MIN_MTU
  const std::string name = device.name.value_or("?");
  if (!device.loopback.is(true) && device.mtu.known() && device.mtu.value() < smallest_mtu)
    return Culprit{
        "interface", name,
        fmt::format("has an MTU of {}, and IPv6 needs {}", device.mtu.value(), smallest_mtu)};
  const std::string setting = fmt::format("net.ipv6.conf.{}.disable_ipv6", name);
  if (ask_number(inquiry, netns, setting).value_or(0) == 0)
    return std::nullopt;
  return Culprit{"sysctl", setting, setting + " = 1"};
}

bool rules_ask_for_ports(Inquiry& inquiry, Int netns) {
  const Request request{std::string(table_name<PolicyRule>()), {{"netns", netns}}};
  const auto rules = inquiry.find(request);
  if (inquiry.incomplete())
    return true;
  const Table* table = inquiry.snapshot().table(request.table);
  constexpr std::array columns{"source_port_first", "destination_port_first", "ip_proto", "more"};
  return !rules.empty() && std::ranges::any_of(columns, [&](const char* name) {
    const auto column = *table->spec().column(name);
    return std::ranges::any_of(rules, [&](auto rule) { return !table->is_absent(rule, column); });
  });
}

bool rules_cut_ports(Inquiry& inquiry, Int netns, const IntervalSet& ports, bool as_source) {
  const auto rules = inquiry.rows<PolicyRule>({{"netns", netns}});
  return std::ranges::any_of(rules, [&](const PolicyRule& rule) {
    const auto& first = as_source ? rule.source_port_first : rule.destination_port_first;
    const auto& last = as_source ? rule.source_port_last : rule.destination_port_last;
    if (!first.known())
      return false;
    const auto taken =
        IntervalSet::range(Wide(static_cast<std::uint64_t>(first.value())),
                           Wide(static_cast<std::uint64_t>(last.value_or(first.value()))));
    return !taken.disjoint(ports) && !taken.contains(ports);
  });
}

namespace {

/// Of an IPv6 address that several devices have, the kernel's first local route.
std::optional<Int> device_of_local_route(Inquiry& inquiry, Int netns, const IpAddress& address) {
  if (address.is_v4() || address.is_link_local() ||
      std::ranges::count_if(ask_addresses(inquiry, netns),
                            [&](const Address& row) { return row.address.is(address); }) < 2)
    return std::nullopt;
  for (const auto& route : inquiry.rows<Route>({{"netns", netns}, {"table", table_local}}))
    if (route.type.is("local") && route.destination.is(address) && route.prefix_length.is(128))
      return route.interface_index.value_or(0);
  return std::nullopt;
}

} // namespace

Int device_of_own_address(Inquiry& inquiry, Int netns, const IpAddress& address,
                          const std::string& zone) {
  if (const auto device = device_of_local_route(inquiry, netns, address))
    return *device;
  const auto own = find_row<Address>(inquiry, netns, [&](const Table& table, std::size_t row) {
    const auto column = *table.spec().column("address");
    return table.cell(row, column) == Cell(address) &&
           (zone.empty() || table.cell(row, *table.spec().column("interface")) == Cell(zone));
  });
  if (own)
    return own->interface_index.value_or(0);
  for (const auto& interface : ask_interfaces(inquiry, netns))
    if (interface.loopback.is(true))
      return interface.index.value_or(0);
  return 0;
}

std::vector<SocketOwner> ask_owners(Inquiry& inquiry, const Socket& socket, bool complete) {
  std::vector<SocketOwner> owners;
  for (const auto row : find_owners(inquiry, held_socket(socket), complete))
    owners.push_back(
        read_row<SocketOwner>(*inquiry.snapshot().table(table_name<SocketOwner>()), row));
  return owners;
}

std::string errno_name(Int error) {
  switch (error) {
  case EACCES:
    return "EACCES";
  case EHOSTUNREACH:
    return "EHOSTUNREACH";
  case ENETUNREACH:
    return "ENETUNREACH";
  case EINVAL:
    return "EINVAL";
  default:
    return fmt::format("errno {}", error);
  }
}

std::string socket_id(const Socket& socket) {
  const IpAddress address = socket.local_address.value_or(IpAddress());
  const std::string port = fmt::format("{}", socket.local_port.value_or(0));
  return fmt::format(fmt::runtime(address.is_v6() ? "{}/[{}]:{}" : "{}/{}:{}"),
                     socket.proto.value_or("tcp"), address.to_string(), port);
}

Culprit socket_culprit(const Socket& socket, std::string text) {
  return {"socket", socket_id(socket), std::move(text)};
}

void add_evidence(const Inquiry& inquiry, std::vector<Evidence>& evidence, const Socket& socket) {
  const Table* table = inquiry.snapshot().table(table_name<Socket>());
  if (table == nullptr)
    return;
  const auto cookie = table->spec().column("cookie");
  const auto inode = table->spec().column("inode");
  for (const auto row : table->find(*cookie, to_cell(socket.cookie)))
    if (table->fact<Int>(row, *inode) == socket.inode)
      evidence.push_back({std::string(table_name<Socket>()), row});
}

bool is_broadcast_by_route(Inquiry& inquiry, Int netns, const IpAddress& address) {
  constexpr Int made_by_kernel = 2; // RTPROT_KERNEL
  if (address.is_v6() || address.is_multicast())
    return false;
  const auto routes = inquiry.rows<Route>({{"netns", netns}, {"table", table_local}});
  const auto leads = [&](const Route& route) {
    return route.type.is("broadcast") && route.destination.known() &&
           IpPrefix(route.destination.value(),
                    static_cast<unsigned>(route.prefix_length.value_or(32)))
               .contains(address);
  };
  const auto of_link = [&](const Route& route) {
    return leads(route) && route.origin.value_or(made_by_kernel) == made_by_kernel;
  };
  return !inquiry.incomplete() && std::ranges::any_of(routes, leads) &&
         std::ranges::none_of(routes, of_link);
}

} // namespace synfate
