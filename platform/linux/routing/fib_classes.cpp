#include "platform/linux/routing/fib_classes.h"

#include <functional>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

namespace synfate::linux_routing {
namespace {

std::vector<AddressClass> partition(const Fib& fib, IpFamily family,
                                    const std::function<FibAnswers(const IpAddress&)>& ask) {
  const unsigned width = IpAddress::any(family).width();
  const auto starts = fib.boundaries(family);
  std::vector<AddressClass> classes;
  std::vector<std::vector<Interval>> intervals;
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t at = 0; at < starts.size(); ++at) {
    FibAnswers answers = ask(starts[at]);
    const auto [place, fresh] = known.emplace(text_of(answers), classes.size());
    if (fresh) {
      classes.push_back({{}, std::move(answers)});
      intervals.emplace_back();
    }
    const Wide last = at + 1 < starts.size() ? to_number(starts[at + 1]) - 1 : all_ones(width);
    intervals[place->second].push_back({to_number(starts[at]), last});
  }
  for (std::size_t at = 0; at < classes.size(); ++at)
    classes[at].addresses = IntervalSet::from(std::move(intervals[at]));
  return classes;
}

} // namespace

std::string text_of(const FibAnswers& answers) {
  std::string text;
  for (const auto& answer : answers)
    text += fmt::format(
        "{}|{}|{}|{}|{}|{}|{}|{}|{}\n", answer.error, static_cast<int>(answer.reason), answer.type,
        answer.table.value_or(-1), answer.prefix ? answer.prefix->to_string() : "-",
        answer.interface_index.value_or(-1), answer.gateway ? answer.gateway->to_string() : "-",
        answer.rule.value_or(-1),
        answer.culprit ? answer.culprit->kind + "/" + answer.culprit->id : "-");
  return text;
}

std::vector<AddressClass> partition_own_sources(const Fib& fib, const FibPacket& packet) {
  return partition(fib, packet.destination.family(), [&](const IpAddress& source) {
    FibPacket one = packet;
    one.source = source;
    return fib.output(one);
  });
}

std::vector<AddressClass> partition_sources(const Fib& fib, const FibPacket& packet) {
  return partition(fib, packet.destination.family(), [&](const IpAddress& source) {
    FibPacket one = packet;
    one.source = source;
    return fib.input(one);
  });
}

std::vector<AddressClass> partition_destinations(const Fib& fib, const FibPacket& packet) {
  return partition(fib, packet.destination.family(), [&](const IpAddress& destination) {
    FibPacket one = packet;
    one.destination = destination;
    return fib.output(one);
  });
}

std::vector<AddressClass> partition_arriving_for(const Fib& fib, const FibPacket& packet) {
  return partition(fib, packet.destination.family(), [&](const IpAddress& destination) {
    FibPacket one = packet;
    one.destination = destination;
    return fib.input(one);
  });
}

} // namespace synfate::linux_routing
