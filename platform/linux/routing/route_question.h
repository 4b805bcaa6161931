// One question for a route, and the kernel's answer to it as a row of the table `route_lookup`.
//
// A question is the packet's side of RTM_GETROUTE. What the kernel does with it (Linux 6.12,
// net/ipv4/route.c: inet_rtm_getroute(), net/ipv6/route.c: inet6_rtm_getroute()):
//
// Output (no input_interface): ip_route_output_key_hash_rcu() / ip6_route_output(), all fields
// count. A source that is no address of this host is ENETUNREACH for IPv4 without an output
// interface. Without `uid` the kernel takes the asking process's; without `proto` IPv4 assumes UDP.
//
// Input (with input_interface): ip_route_input_rcu() on a made-up packet, so martian checks, the
// check for a local source and fib_validate_source() (rp_filter, accept_local) all run, and with
// forwarding off what is not for this host is EHOSTUNREACH. EXDEV is rp_filter. EINVAL is a martian
// source or destination, a source that is our own address, or a blackhole route; kernels that
// report drop reasons instead (seen on 6.18) say EINVAL for rp_filter, too. The FIB model (fib.h)
// tells which it is. Limits of asking:
//   - `uid` and `output_interface` are ignored for IPv4: the kernel routes arriving packets as the
//     user that owns the network namespace.
//   - ports and protocol count only if some policy rule looks at them, as for real packets.
//   - an IPsec-protected packet passes rp_filter, the made-up one is never protected.
//   - IPv6 has no source validation in the routing core: martian sources are found by ip6_rcv(),
//   not
//     here. An answer of type `unreachable` comes back as its error.
//
// Pure; tested by tests/unit/platform/linux/routing/route_lookup_test.cpp.
#pragma once

#include <cstdint>
#include <optional>

#include "core/facts/snapshot.h"
#include "core/facts/tables.h"

namespace synfate::linux_routing {

struct RouteQuestion {
  IpAddress destination;
  std::optional<IpAddress> source = {};
  std::optional<Int> input_interface = {};  ///< index; absent: a packet of this host
  std::optional<Int> output_interface = {}; ///< index
  std::optional<Int> mark = {};
  std::optional<std::uint8_t> proto = {}; ///< TCP, UDP, or the family's ICMP, by its number
  std::optional<std::uint16_t> source_port = {};
  std::optional<std::uint16_t> destination_port = {};
  std::optional<Int> uid = {};
};

/// The request for exactly this question: every key is there, absent ones with the value absent,
/// so that answers to other questions do not match.
Request route_request(Int netns, const RouteQuestion& question);

/// The row's key columns as the question they stand for; nothing without a destination.
std::optional<RouteQuestion> question_of(const RouteLookup& row);

/// A row with its key columns set from a question.
RouteLookup row_for(Int netns, const RouteQuestion& question);

} // namespace synfate::linux_routing
