// A route for a question that a replay was never asked: derived from the routing tables.
//
// On a live host the kernel answers (route_lookup). A full snapshot has the tables, and the model
// of the kernel's decision (platform/linux/routing/fib.h) answers from them. Tested by
// tests/unit/platform/linux/model/route_replay_test.cpp and tests/lab/cases_snapshot.py.
#pragma once

#include <optional>

#include "platform/linux/model/ask.h"
#include "platform/linux/routing/fib.h"

namespace synfate {

/// The routing model's answer as the kernel would give it: of IPv6 it says nothing about
/// forwarding.
RouteLookup lookup_of(const linux_routing::FibAnswer& answer, IpFamily family);

/// The answer as the kernel would give it; nothing if the snapshot lacks the tables, or they do not
/// tell which of several ways the kernel goes.
std::optional<RouteLookup> route_from_tables(Inquiry& inquiry, Int netns,
                                             const RouteQuestion& question);

/// The route from a source that this host need not have, which the kernel cannot be asked for
/// (net/ipv4/route.c: inet_rtm_getroute(), Linux 6.12). Nothing: not known.
std::optional<RouteLookup> route_from_anywhere(Inquiry& inquiry, Int netns,
                                               const RouteQuestion& question);

/// Where an IPv6 packet of this host goes once the router `silent` behind a device is known not to
/// answer: net/ipv6/route.c: rt6_check_neigh(), rt6_score_route(), Linux 6.12. Nothing: not known.
std::optional<RouteLookup> route_without_router(Inquiry& inquiry, Int netns,
                                                const RouteQuestion& question,
                                                const IpAddress& silent, Int device);

} // namespace synfate
