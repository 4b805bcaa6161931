#include "platform/linux/routing/fib_facts.h"

#include <algorithm>
#include <charconv>

#include "platform/linux/routing/sysctl_names.h"

namespace synfate::linux_routing {
namespace {

/// Reads the pair conf.all.X and conf.IF.X of IPv4.
struct Pair {
  Int all = 0;
  Int own = 0;
};

Pair read_pair(const std::string& interface, const char* setting, const SettingReader& read) {
  return {read(interface_setting("net.ipv4.conf", "all", setting)).value_or(0),
          read(interface_setting("net.ipv4.conf", interface, setting)).value_or(0)};
}

std::optional<Int> ask_number(Inquiry& inquiry, Int netns, const std::string& name) {
  for (const auto& row : inquiry.rows<Setting>(setting_request(netns, name).keys)) {
    if (!row.value.known())
      continue;
    Int number = 0;
    const std::string& text = row.value.value();
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc())
      return number;
  }
  return std::nullopt;
}

} // namespace

InterfaceSettings interface_settings(const std::string& interface, const SettingReader& read) {
  const auto either = [&](const char* setting) {
    const Pair pair = read_pair(interface, setting, read);
    return pair.all != 0 || pair.own != 0;
  };
  InterfaceSettings settings;
  settings.forwarding =
      read(interface_setting("net.ipv4.conf", interface, "forwarding")).value_or(0) != 0;
  const Pair filter = read_pair(interface, "rp_filter", read);
  settings.rp_filter = std::max(filter.all, filter.own);
  settings.rp_filter_name =
      interface_setting("net.ipv4.conf", filter.all > filter.own ? "all" : interface, "rp_filter");
  settings.accept_local = either("accept_local");
  settings.source_valid_mark = either("src_valid_mark");
  settings.route_localnet = either("route_localnet");
  settings.send_redirects = either("send_redirects");
  const Pair broadcast = read_pair(interface, "bc_forwarding", read);
  settings.broadcast_forwarding = broadcast.all != 0 && broadcast.own != 0;
  settings.ipv6_forwards =
      read(interface_setting("net.ipv6.conf", interface, "force_forwarding")).value_or(0) != 0;
  settings.ipv6_disabled =
      read(interface_setting("net.ipv6.conf", interface, "disable_ipv6")).value_or(0) != 0;
  return settings;
}

std::vector<Route> ask_all_routes(Inquiry& inquiry, Int netns) {
  constexpr Int routes_at_a_glance = 2000;
  const std::string table(table_name<Route>());
  std::vector<Route> routes;
  for (const auto row : inquiry.find_within({table, {{"netns", netns}}}, routes_at_a_glance))
    routes.push_back(read_row<Route>(*inquiry.snapshot().table(table), row));
  return routes;
}

FibFacts ask_fib_facts(Inquiry& inquiry, Int netns, const std::vector<Int>& interfaces) {
  FibFacts facts;
  const std::vector<Key> here{{"netns", netns}};
  facts.routes = ask_all_routes(inquiry, netns);
  facts.rules = inquiry.rows<PolicyRule>(here);
  facts.interfaces = inquiry.rows<Interface>(here);
  facts.addresses = inquiry.rows<Address>(here);
  facts.neighbours = inquiry.rows<Neighbour>(here);
  const auto read = [&](const std::string& name) { return ask_number(inquiry, netns, name); };
  for (const auto& interface : facts.interfaces)
    if (interface.name.known() &&
        std::ranges::find(interfaces, interface.index.value_or(0)) != interfaces.end())
      facts.settings[interface.index.value()] = interface_settings(interface.name.value(), read);
  facts.ipv6_forwarding = read("net.ipv6.conf.all.forwarding").value_or(0) != 0;
  return facts;
}

} // namespace synfate::linux_routing
