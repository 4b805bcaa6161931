// Feeds bytes to everything that decodes rtnetlink messages and counter files, and what comes out
// of it to the model of the routing decision: nothing may crash, hang or read out of bounds.
#include "platform/linux/routing/addresses.h"
#include "platform/linux/routing/counters.h"
#include "platform/linux/routing/fib.h"
#include "platform/linux/routing/links.h"
#include "platform/linux/routing/neighbours.h"
#include "platform/linux/routing/policy_rules.h"
#include "platform/linux/routing/routes.h"
#include "platform/linux/routing/sysctls.h"

#include <cstdint>
#include <string_view>

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

/// Keeps what a message decodes to; damaged ones are left out.
void decode(const Message& message, FibFacts& facts, NextHops& next_hops) {
  if (auto link = decode_link(message, 1))
    facts.interfaces.push_back(std::move(*link));
  if (auto address = decode_address(message, 1, nullptr))
    facts.addresses.push_back(std::move(*address));
  if (auto neighbour = decode_neighbour(message, 1))
    facts.neighbours.push_back(std::move(*neighbour));
  if (auto rule = decode_policy_rule(message, 1, static_cast<Int>(facts.rules.size())))
    facts.rules.push_back(std::move(*rule));
  if (auto routes = decode_route(message, 1, nullptr, next_hops))
    facts.routes.insert(facts.routes.end(), routes->begin(), routes->end());
  RouteLookup row;
  (void)decode_resolved_route(message, row).ok();
  (void)decode_next_hop(message, next_hops).ok();
}

void route(const FibFacts& facts) {
  const Fib fib(facts);
  for (const auto* text : {"10.0.0.1", "fd00::1", "127.0.0.1", "255.255.255.255"}) {
    const auto address = IpAddress::parse(text).value();
    if (fib.output({.destination = address}).empty())
      __builtin_trap();
    if (fib.input({.destination = address, .source = address, .input_interface = 1}).empty())
      __builtin_trap();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FibFacts facts;
  NextHops next_hops;
  (void)for_each_message(std::as_bytes(std::span(data, size)), [&](const Message& message) {
    decode(message, facts, next_hops);
    return Status(Done{});
  }).ok();
  route(facts);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_counter_pairs(text).ok();
  (void)parse_counter_lines(text).ok();
  (void)parse_sockstat(text, "sockstat").ok();
  (void)parse_cpu_counters(text, "stat").ok();
  if (const auto path = sysctl_path(text); path && sysctl_name(*path) != text)
    __builtin_trap();
  return 0;
}
