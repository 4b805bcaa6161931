#include "platform/linux/routing/routes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "platform/linux/routing/addresses.h"

namespace synfate::linux_routing {
namespace {

Error damaged(std::string_view detail) {
  return {.code = ErrorCode::damaged,
          .doing = "reading the routes",
          .where = {},
          .os_error = 0,
          .detail = std::string(detail),
          .hint = {}};
}

std::optional<Int> number(std::optional<std::uint32_t> value) {
  return value ? std::optional<Int>(*value) : std::nullopt;
}

template <typename T> Fact<T> fact(const std::optional<T>& value) {
  if (!value)
    return Absent{};
  return *value;
}

/// RTA_GATEWAY, or RTA_VIA { u16 family, address }.
std::optional<IpAddress> gateway_of(const Attributes& attributes) {
  if (const auto gateway = attributes.address(RTA_GATEWAY))
    return gateway;
  const auto via = attributes.find(RTA_VIA);
  if (!via || via->size() < sizeof(std::uint16_t))
    return std::nullopt;
  return IpAddress::from_bytes(via->subspan(sizeof(std::uint16_t)));
}

Hop hop_of(const Attributes& attributes, unsigned flags) {
  return {.interface_index = number(attributes.u32(RTA_OIF)),
          .gateway = gateway_of(attributes),
          .weight = 1,
          .dead = (flags & RTNH_F_DEAD) != 0,
          .link_down = (flags & RTNH_F_LINKDOWN) != 0};
}

/// RTA_MULTIPATH: rtnexthop heads, each followed by its own attributes.
Result<std::vector<Hop>> decode_multipath(ByteSpan bytes) {
  std::vector<Hop> hops;
  while (bytes.size() >= sizeof(rtnexthop)) {
    rtnexthop head;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.rtnh_len < sizeof head || head.rtnh_len > bytes.size())
      return damaged("a next hop is longer than its route");
    SYNFATE_TRY(attributes,
                Attributes::parse(bytes.subspan(sizeof head, head.rtnh_len - sizeof head)));
    Hop hop = hop_of(attributes, head.rtnh_flags);
    hop.interface_index = Int(head.rtnh_ifindex);
    hop.weight = Int(head.rtnh_hops) + 1;
    hops.push_back(hop);
    bytes = bytes.subspan(std::min<std::size_t>(RTNH_ALIGN(head.rtnh_len), bytes.size()));
  }
  return hops;
}

/// The hops behind a next hop object; groups do not contain groups.
std::vector<Hop> hops_of_object(std::uint32_t id, const NextHops& next_hops) {
  const auto at = next_hops.find(id);
  if (at == next_hops.end())
    return {};
  std::vector<Hop> hops = at->second.hops;
  for (const auto& [member, weight] : at->second.members)
    if (const auto found = next_hops.find(member); found != next_hops.end())
      for (Hop hop : found->second.hops) {
        hop.weight = weight;
        hops.push_back(hop);
      }
  return hops;
}

Result<std::vector<Hop>> hops_of(const Attributes& attributes, unsigned flags,
                                 const NextHops& next_hops) {
  if (const auto multipath = attributes.find(RTA_MULTIPATH))
    return decode_multipath(*multipath);
  const Hop hop = hop_of(attributes, flags);
  const auto object = attributes.u32(RTA_NH_ID);
  if (object && !hop.interface_index) {
    auto hops = hops_of_object(*object, next_hops);
    if (!hops.empty())
      return hops;
  }
  return std::vector<Hop>{hop};
}

Fact<Text> name_of(const InterfaceNames* names, std::optional<Int> index) {
  if (names == nullptr)
    return Unknown{std::string(links_gap)};
  const auto at = index ? names->find(*index) : names->end();
  if (at == names->end())
    return Absent{};
  return at->second;
}

/// ICMPV6_ROUTER_PREF_*: 0 medium, 1 high, 3 low.
Fact<Text> preference_text(std::optional<std::uint8_t> preference) {
  if (!preference)
    return Absent{};
  return Text(*preference == 1 ? "high" : *preference == 3 ? "low" : "medium");
}

Result<Route> route_without_hop(const rtmsg& head, const Attributes& attributes, Int netns) {
  const auto family = head.rtm_family == AF_INET ? IpFamily::v4 : IpFamily::v6;
  SYNFATE_TRY(metrics, attributes.nested(RTA_METRICS));
  Route route;
  route.netns = netns;
  route.table = Int(attributes.u32(RTA_TABLE).value_or(head.rtm_table));
  route.destination = attributes.address(RTA_DST).value_or(IpAddress::any(family));
  route.prefix_length = Int(head.rtm_dst_len);
  if (head.rtm_src_len != 0) {
    route.from_address = attributes.address(RTA_SRC).value_or(IpAddress::any(family));
    route.from_prefix_length = Int(head.rtm_src_len);
  }
  route.tos = Int(head.rtm_tos);
  route.metric = Int(attributes.u32(RTA_PRIORITY).value_or(0));
  route.type = route_type_text(head.rtm_type);
  route.scope = scope_text(head.rtm_scope);
  route.preferred_source = fact(attributes.address(RTA_PREFSRC));
  route.origin = Int(head.rtm_protocol);
  route.mtu = fact(number(metrics.u32(RTAX_MTU)));
  route.realm = fact(number(attributes.u32(RTA_FLOW)));
  route.preference = preference_text(attributes.u8(RTA_PREF));
  return route;
}

bool is_route(const Message& message, const std::optional<rtmsg>& head) {
  return message.type == RTM_NEWROUTE && head &&
         (head->rtm_family == AF_INET || head->rtm_family == AF_INET6) &&
         (head->rtm_flags & RTM_F_CLONED) == 0;
}

Result<NextHops> read_next_hops(RouteSocket& socket) {
  NextHops next_hops;
  SYNFATE_TRY(done, socket.dump(RTM_GETNEXTHOP, RequestBytes(nhmsg{}), [&](const Message& message) {
    return decode_next_hop(message, next_hops);
  }));
  (void)done;
  return next_hops;
}

/// The payloads of one family's routes, kept so that next hop objects can be read in between.
Status dump_routes(RouteSocket& socket, unsigned char family, std::optional<Int> table,
                   std::optional<Int> limit, std::vector<std::vector<std::byte>>& payloads) {
  rtmsg head{};
  head.rtm_family = family;
  RequestBytes request(head);
  if (table)
    request.attribute_u32(RTA_TABLE, static_cast<std::uint32_t>(*table));
  const auto keep = [&](const Message& message) -> Status {
    if (is_route(message, message.head<rtmsg>()))
      payloads.emplace_back(message.payload.begin(), message.payload.end());
    return Done{};
  };
  auto done = socket.dump(RTM_GETROUTE, request, keep, limit);
  // With a filter the kernel answers ENOENT when there is no such table.
  if (!done && done.error().os_error == ENOENT && table)
    return Done{};
  return done;
}

bool needs_objects(const Message& message) {
  const auto attributes = message.attributes(sizeof(rtmsg));
  return attributes && attributes->u32(RTA_NH_ID) && !attributes->find(RTA_OIF) &&
         !attributes->find(RTA_MULTIPATH);
}

} // namespace

std::string route_type_text(std::uint8_t type) {
  static constexpr std::array names{"unspecified", "unicast",   "local",     "broadcast",
                                    "anycast",     "multicast", "blackhole", "unreachable",
                                    "prohibit",    "throw",     "nat",       "xresolve"};
  return type < names.size() ? names[type] : std::to_string(type);
}

Status decode_next_hop(const Message& message, NextHops& next_hops) {
  if (message.type != RTM_NEWNEXTHOP)
    return Done{};
  SYNFATE_TRY(attributes, message.attributes(sizeof(nhmsg)));
  const auto head = message.head<nhmsg>().value();
  const auto id = attributes.u32(NHA_ID);
  if (!id)
    return damaged("a next hop object without an id");
  NextHop next_hop;
  next_hop.blackhole = attributes.find(NHA_BLACKHOLE).has_value();
  if (const auto group = attributes.find(NHA_GROUP))
    for (std::size_t at = 0; at + sizeof(nexthop_grp) <= group->size(); at += sizeof(nexthop_grp)) {
      nexthop_grp member;
      std::memcpy(&member, group->data() + at, sizeof member);
      next_hop.members.emplace_back(member.id, Int(member.weight) + 1);
    }
  else if (!next_hop.blackhole)
    next_hop.hops.push_back({.interface_index = number(attributes.u32(NHA_OIF)),
                             .gateway = attributes.address(NHA_GATEWAY),
                             .weight = 1,
                             .dead = (head.nh_flags & RTNH_F_DEAD) != 0,
                             .link_down = (head.nh_flags & RTNH_F_LINKDOWN) != 0});
  next_hops[*id] = std::move(next_hop);
  return Done{};
}

Result<std::vector<Route>> decode_route(const Message& message, Int netns,
                                        const InterfaceNames* names, const NextHops& next_hops) {
  std::vector<Route> rows;
  SYNFATE_TRY(attributes, message.attributes(sizeof(rtmsg)));
  const auto head = message.head<rtmsg>();
  if (!is_route(message, head))
    return rows;
  SYNFATE_TRY(route, route_without_hop(*head, attributes, netns));
  SYNFATE_TRY(hops, hops_of(attributes, head->rtm_flags, next_hops));
  for (const Hop& hop : hops) {
    Route row = route;
    row.hop = Int(rows.size());
    row.interface_index = fact(hop.interface_index);
    row.interface = name_of(names, hop.interface_index);
    row.gateway = fact(hop.gateway);
    row.weight = hop.weight;
    row.dead = hop.dead;
    row.link_down = hop.link_down;
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<Route>> read_routes(RouteSocket& socket, Int netns, const InterfaceNames* names,
                                       std::optional<Int> table, std::optional<Int> limit) {
  std::vector<std::vector<std::byte>> payloads;
  for (const unsigned char family : {AF_INET, AF_INET6}) {
    SYNFATE_TRY(done, dump_routes(socket, family, table, limit, payloads));
    (void)done;
  }
  NextHops next_hops;
  const auto needed = [](const auto& payload) { return needs_objects({RTM_NEWROUTE, 0, payload}); };
  if (std::ranges::any_of(payloads, needed)) {
    SYNFATE_TRY(read, read_next_hops(socket));
    next_hops = std::move(read);
  }
  std::vector<Route> routes;
  for (const auto& payload : payloads) {
    SYNFATE_TRY(rows, decode_route({RTM_NEWROUTE, 0, payload}, netns, names, next_hops));
    for (auto& row : rows)
      routes.push_back(std::move(row));
  }
  return routes;
}

} // namespace synfate::linux_routing
