#include "platform/linux/model/route_replay.h"

#include <algorithm>
#include <array>

#include "platform/linux/routing/fib_facts.h"

namespace synfate {
namespace {

bool has_tables(const Snapshot& snapshot, Int netns) {
  constexpr std::array tables{"route", "policy_rule", "interface", "address"};
  return std::ranges::all_of(tables, [&](const char* table) {
    return snapshot.answer({table, {{"netns", netns}}}) != nullptr;
  });
}

linux_routing::FibPacket packet_of(const RouteQuestion& question) {
  linux_routing::FibPacket packet{.destination = question.destination, .source = question.source};
  packet.input_interface = question.input_interface;
  packet.output_interface = question.output_interface;
  packet.mark = static_cast<std::uint32_t>(question.mark);
  packet.any_source = question.any_source;
  packet.uid = question.uid.value_or(0);
  packet.proto = number_of_protocol(question);
  if (question.source_port != 0)
    packet.source_port = question.source_port;
  if (question.destination_port != 0)
    packet.destination_port = question.destination_port;
  return packet;
}

template <typename T> Fact<T> fact_of(const std::optional<T>& value) {
  return value ? Fact<T>(*value) : Fact<T>();
}

RouteLookup row_of(Int netns, const RouteQuestion& question,
                   const linux_routing::FibAnswer& answer) {
  RouteLookup row = lookup_of(answer, question.destination.family());
  row.netns = netns;
  row.destination = question.destination;
  return row;
}

} // namespace

RouteLookup lookup_of(const linux_routing::FibAnswer& answer, IpFamily family) {
  const bool not_forwarded =
      family == IpFamily::v6 && answer.reason == linux_routing::FibReason::forwarding_off;
  RouteLookup row;
  row.error = Int{not_forwarded ? 0 : answer.error};
  if (not_forwarded)
    row.type = Text("unicast");
  else if (!answer.type.empty())
    row.type = answer.type;
  row.interface_index = fact_of(answer.interface_index);
  row.gateway = fact_of(answer.gateway);
  row.table = fact_of(answer.table);
  if (answer.prefix) {
    row.prefix = answer.prefix->address();
    row.prefix_length = Int{answer.prefix->length()};
  }
  return row;
}

std::optional<RouteLookup> route_from_tables(Inquiry& inquiry, Int netns,
                                             const RouteQuestion& question) {
  if (!has_tables(inquiry.snapshot(), netns))
    return std::nullopt;
  std::vector<Int> interfaces;
  if (question.input_interface != 0)
    interfaces.push_back(question.input_interface);
  const auto facts = linux_routing::ask_fib_facts(inquiry, netns, interfaces);
  const linux_routing::Fib fib(facts);
  const auto packet = packet_of(question);
  const auto answers = question.input_interface != 0 ? fib.input(packet) : fib.output(packet);
  if (answers.size() != 1)
    return std::nullopt;
  return row_of(netns, question, answers.front());
}

std::optional<RouteLookup> route_from_anywhere(Inquiry& inquiry, Int netns,
                                               const RouteQuestion& question) {
  const auto facts = linux_routing::ask_fib_facts(inquiry, netns, {});
  if (inquiry.pending() || inquiry.incomplete())
    return std::nullopt;
  const auto answers = linux_routing::Fib(facts).output(packet_of(question));
  if (answers.size() != 1)
    return std::nullopt;
  return row_of(netns, question, answers.front());
}

std::optional<RouteLookup> route_without_router(Inquiry& inquiry, Int netns,
                                                const RouteQuestion& question,
                                                const IpAddress& silent, Int device) {
  auto facts = linux_routing::ask_fib_facts(inquiry, netns, {});
  if (inquiry.pending() || inquiry.incomplete())
    return std::nullopt;
  std::erase_if(facts.neighbours, [&](const Neighbour& row) {
    return row.address.is(silent) && row.interface_index.is(device);
  });
  Neighbour failed;
  failed.address = silent;
  failed.interface_index = device;
  failed.state = Text("failed");
  facts.neighbours.push_back(std::move(failed));
  const auto answers = linux_routing::Fib(facts).output(packet_of(question));
  if (answers.size() != 1)
    return std::nullopt;
  return row_of(netns, question, answers.front());
}

} // namespace synfate
