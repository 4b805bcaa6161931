// RTM_GETROUTE for one destination; declared in routes.h, its meaning is told in route_question.h.
#include <cerrno>

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "platform/linux/routing/routes.h"

namespace synfate::linux_routing {
namespace {

template <typename T> Fact<Int> number(const std::optional<T>& value) {
  if (!value)
    return Absent{};
  return Int(*value);
}

Status note_matching_route(const Message& message, RouteLookup& row) {
  if (message.type != RTM_NEWROUTE)
    return Done{};
  SYNFATE_TRY(attributes, message.attributes(sizeof(rtmsg)));
  const auto head = message.head<rtmsg>().value();
  const auto family = head.rtm_family == AF_INET ? IpFamily::v4 : IpFamily::v6;
  row.prefix = attributes.address(RTA_DST).value_or(IpAddress::any(family));
  row.prefix_length = Int(head.rtm_dst_len);
  row.table = Int(attributes.u32(RTA_TABLE).value_or(head.rtm_table));
  return Done{};
}

void add_selectors(RequestBytes& request, const RouteQuestion& question) {
  const auto add = [&](std::uint16_t type, const std::optional<Int>& value) {
    if (value)
      request.attribute_u32(type, static_cast<std::uint32_t>(*value));
  };
  add(RTA_IIF, question.input_interface);
  add(RTA_OIF, question.output_interface);
  add(RTA_MARK, question.mark);
  add(RTA_UID, question.uid);
  if (question.proto)
    request.attribute_u8(RTA_IP_PROTO, *question.proto);
  if (question.source_port)
    request.attribute_port(RTA_SPORT, *question.source_port);
  if (question.destination_port)
    request.attribute_port(RTA_DPORT, *question.destination_port);
}

} // namespace

RequestBytes route_request_bytes(const RouteQuestion& question, bool matching_route) {
  const bool v4 = question.destination.is_v4();
  rtmsg head{};
  head.rtm_family = v4 ? AF_INET : AF_INET6;
  head.rtm_dst_len = static_cast<unsigned char>(question.destination.width());
  if (question.source)
    head.rtm_src_len = static_cast<unsigned char>(question.source->width());
  if (v4) // IPv6 always names the table, and refuses the flag
    head.rtm_flags |= RTM_F_LOOKUP_TABLE;
  if (matching_route)
    head.rtm_flags |= RTM_F_FIB_MATCH;
  RequestBytes request(head);
  request.attribute(RTA_DST, question.destination);
  if (question.source)
    request.attribute(RTA_SRC, *question.source);
  add_selectors(request, question);
  return request;
}

Status decode_resolved_route(const Message& message, RouteLookup& row) {
  if (message.type != RTM_NEWROUTE)
    return Done{};
  SYNFATE_TRY(attributes, message.attributes(sizeof(rtmsg)));
  SYNFATE_TRY(metrics, attributes.nested(RTA_METRICS));
  const auto head = message.head<rtmsg>().value();
  row.type = route_type_text(head.rtm_type);
  row.interface_index = number(attributes.u32(RTA_OIF));
  if (const auto gateway = attributes.address(RTA_GATEWAY))
    row.gateway = *gateway;
  else if (const auto via = attributes.find(RTA_VIA); via && via->size() > 2)
    if (const auto address = IpAddress::from_bytes(via->subspan(2)))
      row.gateway = *address;
  if (const auto source = attributes.address(RTA_PREFSRC))
    row.preferred_source = *source;
  row.table = Int(attributes.u32(RTA_TABLE).value_or(head.rtm_table));
  row.mtu = number(metrics.u32(RTAX_MTU));
  row.realm = number(attributes.u32(RTA_FLOW));
  return Done{};
}

Result<RouteLookup> read_route_lookup(RouteSocket& socket, Int netns,
                                      const RouteQuestion& question) {
  RouteLookup row = row_for(netns, question);
  SYNFATE_TRY(answer, socket.ask(RTM_GETROUTE, route_request_bytes(question, false),
                                 [&](const Message& message) {
                                   return decode_resolved_route(message, row);
                                 }));
  if (answer.error == ENOBUFS || answer.error == ENOMEM)
    return Error{.code = ErrorCode::system,
                 .doing = "asking the kernel for a route",
                 .where = question.destination.to_string(),
                 .os_error = answer.error,
                 .detail = answer.detail,
                 .hint = {}};
  row.error = Int(answer.error);
  if (answer.error != 0)
    return row;
  // The entry that matched; a route that is in no table (limited broadcast) has none.
  SYNFATE_TRY(matched, socket.ask(RTM_GETROUTE, route_request_bytes(question, true),
                                  [&](const Message& message) {
                                    return note_matching_route(message, row);
                                  }));
  (void)matched;
  return row;
}

} // namespace synfate::linux_routing
