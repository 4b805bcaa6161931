#include "platform/linux/model/class_walk.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/cells.h"
#include "platform/linux/model/route_replay.h"
#include "platform/linux/routing/fib_facts.h"

namespace synfate {
namespace {

using linux_routing::AddressClass;
using linux_routing::FibAnswer;
using linux_routing::FibPacket;

template <typename T> std::optional<T> if_set(T value) {
  return value != 0 ? std::optional<T>(value) : std::nullopt;
}

FibPacket packet_of(const RouteQuestion& question) {
  FibPacket packet;
  packet.destination = question.destination;
  packet.source = question.source;
  packet.input_interface = question.input_interface;
  packet.output_interface = question.output_interface;
  packet.mark = static_cast<std::uint32_t>(question.mark);
  packet.any_source = question.any_source;
  packet.uid = question.uid.value_or(0);
  packet.proto = number_of_protocol(question);
  packet.source_port = if_set(question.source_port);
  packet.destination_port = if_set(question.destination_port);
  return packet;
}

std::vector<AddressClass> partition(const linux_routing::Fib& fib, const FibPacket& packet,
                                    ClientSide side) {
  switch (side) {
  case ClientSide::arriving_source:
    return partition_sources(fib, packet);
  case ClientSide::leaving_source:
    return partition_own_sources(fib, packet);
  case ClientSide::leaving_target:
    return partition_destinations(fib, packet);
  case ClientSide::passing_target:
    return partition_arriving_for(fib, packet);
  }
  return {};
}

/// What a question asks beside the client's address.
std::string name_of(Int netns, const RouteQuestion& question, ClientSide side) {
  const bool target = side == ClientSide::leaving_target || side == ClientSide::passing_target;
  const auto other = target ? question.source.value_or(IpAddress()) : question.destination;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {}", netns, static_cast<int>(side),
                     question.source || !target ? other.to_string() : "any",
                     static_cast<int>(question.destination.family()), question.input_interface,
                     question.output_interface, question.mark, question.proto, question.source_port,
                     question.destination_port, question.uid.value_or(-1));
}

/// Equal for answers that mean the same to a packet.
std::string effect_of(const FibAnswer& answer) {
  if (answer.error == 0)
    return fmt::format("{} {} {}", answer.type, answer.interface_index.value_or(0),
                       answer.gateway ? answer.gateway->to_string() : "");
  return linux_routing::text_of({answer});
}

/// The effects of the answers, each once.
std::vector<FibAnswer> distinct(const linux_routing::FibAnswers& answers) {
  std::vector<FibAnswer> effects;
  for (const auto& answer : answers)
    if (std::ranges::none_of(
            effects, [&](const FibAnswer& other) { return effect_of(other) == effect_of(answer); }))
      effects.push_back(answer);
  return effects;
}

struct Way {
  std::vector<FibAnswer> effects;
  IntervalSet addresses;
};

std::vector<Way> ways_of(const std::vector<AddressClass>& classes, const IntervalSet& addresses) {
  std::vector<Way> ways;
  std::map<std::string, std::size_t> known;
  for (const auto& part : classes) {
    const auto inside = part.addresses & addresses;
    if (inside.empty())
      continue;
    auto effects = distinct(part.answers);
    std::string name;
    for (const auto& effect : effects)
      name += effect_of(effect) + "\n";
    const auto [at, fresh] = known.emplace(std::move(name), ways.size());
    if (fresh)
      ways.push_back({std::move(effects), inside});
    else
      ways[at->second].addresses = ways[at->second].addresses | inside;
  }
  return ways;
}

} // namespace

ClassEnd end_of(const Journey& journey) {
  ClassEnd end{journey.packet.addresses,
               journey.packet.ports,
               journey.packet.conditions,
               journey.conditions,
               journey.assumptions,
               journey.certainty,
               std::nullopt};
  if (journey.stopped()) {
    end.stop = journey.stops.front();
    end.stop->martian = end.stop->martian && journey.hops.empty(); // it had arrived here
  }
  return end;
}

void end_part(ClassWalk& classes, const Journey& journey) {
  if (classes.lost != nullptr && is_tried_again(journey)) {
    classes.lost->push_back(journey);
    return;
  }
  classes.ends.push_back(end_of(journey));
}

const linux_routing::Fib* Fibs::of(Inquiry& inquiry, Int netns) {
  if (const auto at = known_.find(netns); at != known_.end())
    return at->second ? &*at->second : nullptr;
  std::vector<Int> indexes;
  const std::size_t gaps = inquiry.gaps().size();
  for (const auto& interface : ask_interfaces(inquiry, netns))
    if (interface.up.is(true))
      indexes.push_back(interface.index.value_or(0));
  const auto facts = linux_routing::ask_fib_facts(inquiry, netns, indexes);
  if (inquiry.pending())
    return nullptr;
  auto& fib = known_[netns];
  if (inquiry.gaps().size() == gaps)
    fib.emplace(facts);
  return fib ? &*fib : nullptr;
}

IpAddress some_client(const IntervalSet& clients, IpFamily family) {
  const auto somebody = *IpAddress::parse(family == IpFamily::v4 ? "203.0.113.1" : "2001:db8::1");
  return clients.contains(to_number(somebody)) ? somebody : to_address(clients.first(), family);
}

namespace {

const std::vector<AddressClass>* partition_for(Walk& walk, Int netns, const RouteQuestion& question,
                                               ClientSide side) {
  const auto* fib = walk.classes->fibs.of(walk.inquiry, netns);
  if (fib == nullptr)
    return nullptr;
  auto& known = walk.classes->routes;
  const std::string name = name_of(netns, question, side);
  auto at = known.find(name);
  if (at == known.end())
    at = known.emplace(name, partition(*fib, packet_of(question), side)).first;
  return &at->second;
}

/// Behind source NAT nothing depends on the client's address: all of them go one way.
bool is_translated(const PacketClass& packet, ClientSide side) {
  const bool target = side == ClientSide::leaving_target || side == ClientSide::passing_target;
  const Endpoint end = target ? destination_of(packet) : source_of(packet);
  return end.address.kind == AddressTerm::Kind::known;
}

/// Nothing where the facts are missing.
std::optional<std::vector<Way>> ways_for(Walk& walk, const Journey& journey,
                                         const RouteQuestion& question, ClientSide side) {
  if (!is_translated(journey.packet, side)) {
    const auto* classes = partition_for(walk, journey.netns, question, side);
    return classes != nullptr ? std::optional(ways_of(*classes, journey.packet.addresses))
                              : std::nullopt;
  }
  const auto* fib = walk.classes->fibs.of(walk.inquiry, journey.netns);
  if (fib == nullptr)
    return std::nullopt;
  const auto packet = packet_of(question);
  const auto answers = question.input_interface != 0 ? fib->input(packet) : fib->output(packet);
  return std::vector<Way>{{distinct(answers), journey.packet.addresses}};
}

/// The routes from this host to addresses, for rules that look back.
std::vector<WayClass> ways_to(Walk& walk, Int netns, const IntervalSet& addresses, IpFamily family,
                              const std::optional<IpAddress>& source, std::uint32_t mark) {
  RouteQuestion question;
  if (source && rules_ask_for_sources(walk.inquiry, netns)) {
    question.source = source;
    question.any_source = true;
  }
  question.destination = IpAddress::any(family);
  question.mark = mark;
  std::vector<WayClass> ways;
  const auto* classes = partition_for(walk, netns, question, ClientSide::leaving_target);
  if (classes == nullptr)
    return ways;
  const auto index = [family](const FibAnswer& answer) {
    const bool leads = answer.type == "unicast" || // see Machine::fib_interface()
                       (family == IpFamily::v4 && answer.type == "broadcast");
    return answer.error == 0 && leads ? answer.interface_index.value_or(0) : 0;
  };
  for (const auto& part : *classes) {
    auto inside = part.addresses & addresses;
    const Int first = index(part.answers.front());
    const bool certain = std::ranges::all_of(
        part.answers, [&](const auto& answer) { return index(answer) == first; });
    if (!inside.empty())
      ways.push_back({std::move(inside), first, certain});
  }
  return ways;
}

} // namespace

ClassContext class_context(Walk& walk, Int netns, std::vector<Passage>& passages) {
  ClassContext context;
  context.passages = &passages;
  context.ways = [&walk, netns](const IntervalSet& addresses, IpFamily family,
                                const std::optional<IpAddress>& source, std::uint32_t mark) {
    return ways_to(walk, netns, addresses, family, source, mark);
  };
  return context;
}

std::vector<Routed> ask_ways(Walk& walk, Journey journey, const RouteQuestion& question,
                             ClientSide side) {
  std::vector<Routed> routed;
  if (walk.classes == nullptr) {
    auto answer = ask_route(walk.inquiry, journey.netns, question);
    routed.push_back({std::move(journey), std::move(answer), std::nullopt});
    return routed;
  }
  const auto ways = ways_for(walk, journey, question, side);
  if (!ways) {
    routed.push_back({std::move(journey), std::nullopt, std::nullopt});
    return routed;
  }
  for (const auto& way : *ways)
    for (std::size_t effect = 0; effect < way.effects.size(); ++effect) {
      Journey part = journey;
      part.packet.addresses = way.addresses;
      if (way.effects.size() > 1)
        part.conditions.push_back(
            fmt::format("the packet takes route {} of {}", effect + 1, way.effects.size()));
      routed.push_back({std::move(part),
                        lookup_of(way.effects[effect], question.destination.family()),
                        way.effects[effect]});
    }
  return routed;
}

std::vector<IntervalSet> routed_alike(Walk& walk, Int netns, const RouteQuestion& question,
                                      ClientSide side, const IntervalSet& clients) {
  std::vector<IntervalSet> parts;
  if (const auto* classes = partition_for(walk, netns, question, side))
    for (auto& way : ways_of(*classes, clients))
      parts.push_back(std::move(way.addresses));
  if (parts.empty())
    parts.push_back(clients);
  return parts;
}

std::optional<RouteLookup> ask_way(Walk& walk, Int netns, const RouteQuestion& question) {
  if (walk.classes == nullptr)
    return ask_route(walk.inquiry, netns, question);
  const auto* fib = walk.classes->fibs.of(walk.inquiry, netns);
  if (fib == nullptr)
    return std::nullopt;
  const auto answers = distinct(fib->output(packet_of(question)));
  return answers.size() == 1
             ? std::optional(lookup_of(answers.front(), question.destination.family()))
             : std::nullopt;
}

std::optional<FibAnswer> reason_of_refusal(Walk& walk, Int netns, const RouteQuestion& question) {
  const auto facts = linux_routing::ask_fib_facts(walk.inquiry, netns, {question.input_interface});
  if (walk.inquiry.pending() || walk.inquiry.incomplete())
    return std::nullopt;
  for (auto& answer : linux_routing::Fib(facts).input(packet_of(question)))
    if (answer.error != 0)
      return std::move(answer);
  return std::nullopt;
}

Journeys cut(Journey journey, const std::vector<IntervalSet>& sets) {
  Journeys journeys;
  std::vector<IntervalSet> all{journey.packet.addresses};
  for (const auto& set : sets)
    all.push_back(set);
  for (auto& cell : overlay(all)) {
    if (cell.sets.front() != 0)
      continue;
    Journey way = journey;
    way.packet.addresses = std::move(cell.addresses);
    journeys.push_back(std::move(way));
  }
  return journeys;
}

} // namespace synfate
