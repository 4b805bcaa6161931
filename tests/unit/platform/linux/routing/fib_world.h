// Small routing tables for tests, written as an operator would.
#pragma once

#include <algorithm>

#include "platform/linux/routing/fib.h"

namespace synfate::linux_routing {

inline IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

/// Facts with lo (1), eth0 (2) and eth1 (3), up, and the default rules of both families.
struct FibWorld {
  FibFacts facts;

  FibWorld() {
    for (const auto& [index, name] : {std::pair(1, "lo"), {2, "eth0"}, {3, "eth1"}}) {
      Interface interface;
      interface.index = Int(index);
      interface.name = Text(name);
      interface.up = true;
      interface.loopback = index == 1;
      interface.group = Int(0);
      facts.interfaces.push_back(interface);
    }
    for (const auto* family : {"ip", "ip6"}) {
      rule(family, 0, 255);
      rule(family, 32766, 254);
    }
    rule("ip", 32767, 253);
    for (const Int index : {1, 2, 3})
      facts.settings[index].forwarding = false;
  }

  PolicyRule& rule(const char* family, Int priority, Int table) {
    PolicyRule row;
    row.family = Text(family);
    row.priority = priority;
    row.action = Text("table");
    row.table = table;
    // The kernel's order: by priority, new ones after equal ones.
    const auto at = std::ranges::find_if(facts.rules, [&](const PolicyRule& other) {
      return other.family.is(family) && other.priority.value() > priority;
    });
    return *facts.rules.insert(at, row);
  }

  Route& route(std::string_view prefix, Int interface, std::string_view gateway = {},
               Int table = 254) {
    const auto block = IpPrefix::parse(prefix).value();
    Route row;
    row.table = table;
    row.destination = block.address();
    row.prefix_length = Int(block.length());
    row.type = Text("unicast");
    row.hop = Int(0);
    row.metric = Int(block.address().is_v4() ? 0 : 1024);
    row.tos = Int(0);
    row.origin = Int(2);
    if (interface != 0)
      row.interface_index = interface;
    if (!gateway.empty())
      row.gateway = address(gateway);
    facts.routes.push_back(row);
    return facts.routes.back();
  }

  /// An address with its local route and its network's route.
  void own(std::string_view prefix, std::string_view text, Int interface) {
    Address row;
    row.interface_index = interface;
    row.address = address(text);
    row.prefix_length = Int(IpPrefix::parse(prefix)->length());
    facts.addresses.push_back(row);
    route(prefix, interface);
    const auto host = IpPrefix(address(text), address(text).width()).to_string();
    auto& local = route(host, interface, {}, 255);
    local.type = Text("local");
    local.metric = Int(0);
  }

  Fib fib() const { return Fib(facts); }
};

/// The one answer there is.
inline FibAnswer only(const FibAnswers& answers) {
  return answers.size() == 1 ? answers.front() : FibAnswer{.error = -1};
}

} // namespace synfate::linux_routing
