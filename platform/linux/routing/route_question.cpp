#include "platform/linux/routing/route_question.h"

#include "platform/linux/netfilter/ip_protocol.h"

namespace synfate::linux_routing {
namespace {

template <typename To, typename From> Fact<To> fact(const std::optional<From>& value) {
  if (!value)
    return Absent{};
  return To(*value);
}

Fact<Text> proto_fact(std::optional<std::uint8_t> proto) {
  if (!proto)
    return Absent{};
  return Text(*proto == ip_protocol::tcp ? "tcp" : *proto == ip_protocol::udp ? "udp" : "icmp");
}

template <typename To> std::optional<To> known(const Fact<Int>& value) {
  if (!value.known())
    return std::nullopt;
  return static_cast<To>(value.value());
}

std::optional<std::uint8_t> proto_of(const Fact<Text>& text, IpFamily family) {
  if (text.is("tcp"))
    return ip_protocol::tcp;
  if (text.is("udp"))
    return ip_protocol::udp;
  if (text.is("icmp"))
    return family == IpFamily::v4 ? ip_protocol::icmp : ip_protocol::icmpv6;
  return std::nullopt;
}

} // namespace

RouteLookup row_for(Int netns, const RouteQuestion& question) {
  RouteLookup row;
  row.netns = netns;
  row.destination = question.destination;
  row.source = fact<IpAddress>(question.source);
  row.input_interface = fact<Int>(question.input_interface);
  row.output_interface = fact<Int>(question.output_interface);
  row.mark = fact<Int>(question.mark);
  row.proto = proto_fact(question.proto);
  row.source_port = fact<Int>(question.source_port);
  row.destination_port = fact<Int>(question.destination_port);
  row.uid = fact<Int>(question.uid);
  return row;
}

Request route_request(Int netns, const RouteQuestion& question) {
  const RouteLookup row = row_for(netns, question);
  return {std::string(table_name<RouteLookup>()),
          {{"netns", to_cell(row.netns)},
           {"source", to_cell(row.source)},
           {"input_interface", to_cell(row.input_interface)},
           {"output_interface", to_cell(row.output_interface)},
           {"mark", to_cell(row.mark)},
           {"proto", to_cell(row.proto)},
           {"source_port", to_cell(row.source_port)},
           {"destination_port", to_cell(row.destination_port)},
           {"uid", to_cell(row.uid)},
           {"destination", to_cell(row.destination)}}}; // last: the most selective one
}

std::optional<RouteQuestion> question_of(const RouteLookup& row) {
  if (!row.destination.known())
    return std::nullopt;
  RouteQuestion question;
  question.destination = row.destination.value();
  if (row.source.known())
    question.source = row.source.value();
  question.input_interface = known<Int>(row.input_interface);
  question.output_interface = known<Int>(row.output_interface);
  question.mark = known<Int>(row.mark);
  question.proto = proto_of(row.proto, question.destination.family());
  question.source_port = known<std::uint16_t>(row.source_port);
  question.destination_port = known<std::uint16_t>(row.destination_port);
  question.uid = known<Int>(row.uid);
  return question;
}

} // namespace synfate::linux_routing
