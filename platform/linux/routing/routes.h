// Routes: RTM_GETROUTE, the answers of net/ipv4/fib_semantics.c: fib_dump_info(),
// net/ipv4/route.c: rt_fill_info() and net/ipv6/route.c: rt6_fill_node(); next hop objects:
// RTM_GETNEXTHOP, net/ipv4/nexthop.c: nh_fill_node().
//
//   rtmsg { family, dst_len, src_len, tos, table, protocol, scope, type, flags (RTNH_F_, RTM_F_) }
//   RTA_DST · RTA_SRC (IPv6) · RTA_TABLE · RTA_PRIORITY · RTA_PREFSRC · RTA_FLOW (realm)
//   one hop:      RTA_OIF · RTA_GATEWAY, or RTA_VIA for a gateway of the other family
//   several hops: RTA_MULTIPATH { rtnexthop { length, flags, weight-1, index } RTA_GATEWAY … } …
//   next hop objects: RTA_NH_ID, and the above unless net.ipv4.nexthop_compat_mode is 0
//
// Tested by tests/unit/platform/linux/routing/routes_test.cpp.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/routing/links.h"
#include "platform/linux/routing/netlink.h"
#include "platform/linux/routing/route_question.h"

namespace synfate::linux_routing {

/// One way out of a route.
struct Hop {
  std::optional<Int> interface_index;
  std::optional<IpAddress> gateway;
  Int weight = 1;
  bool dead = false;
  bool link_down = false;
};

/// A next hop object: hops, or members with weights when it is a group.
struct NextHop {
  std::vector<Hop> hops; ///< of an object that is no group: one; none for a blackhole
  bool blackhole = false;
  std::vector<std::pair<std::uint32_t, Int>> members; ///< id and weight
};
using NextHops = std::map<std::uint32_t, NextHop>;

/// Adds one RTM_NEWNEXTHOP message.
Status decode_next_hop(const Message& message, NextHops& next_hops);

/// One RTM_NEWROUTE message: a row for each hop, one row without an interface if there is none.
/// Empty for what is no route of IPv4 or IPv6 (cache entries, multicast routing).
Result<std::vector<Route>> decode_route(const Message& message, Int netns,
                                        const InterfaceNames* names, const NextHops& next_hops);

/// All routes of both families, or those of one table. Next hop objects are read if some route
/// needs them. More than `limit` of a family are an error of code too_many.
Result<std::vector<Route>> read_routes(RouteSocket& socket, Int netns, const InterfaceNames* names,
                                       std::optional<Int> table = std::nullopt,
                                       std::optional<Int> limit = std::nullopt);

/// "unicast", "local", "blackhole" …; the number as text for others.
std::string route_type_text(std::uint8_t type);

/// The bytes that ask a question. With `matching_route` the kernel answers with the table's entry
/// that matched instead of the resolved route.
RequestBytes route_request_bytes(const RouteQuestion& question, bool matching_route);

/// Fills the answer columns from the RTM_NEWROUTE message of a resolved route.
Status decode_resolved_route(const Message& message, RouteLookup& row);

/// Asks the kernel. An error of the kernel is in the row's `error`; an Error means no answer.
Result<RouteLookup> read_route_lookup(RouteSocket& socket, Int netns,
                                      const RouteQuestion& question);

} // namespace synfate::linux_routing
