// One netfilter hook on the way: what its verdict means to the client.
//
// What a drop means depends on the packet: a lost SYN or SYN-ACK is silence; after the SYN-ACK the
// client is connected, so a lost ACK is a connection that nobody serves. net/ipv4/tcp_ipv4.c:
// tcp_v4_err() reports ICMP errors at once only while connecting; net/netfilter/core.c:
// nf_hook_slow(); Linux 6.12.
#include <algorithm>
#include <functional>
#include <span>

#include <fmt/format.h>

#include "platform/linux/model/alike.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/link_asker.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/refusal.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

constexpr std::size_t most_blockers = 16;

/// A hook, of the protocol's own or of a bridge.
struct Place {
  Hook hook;
  HookFamily family = HookFamily::inet;
};

Stage stage_of(Place place) {
  return stage_of(HookRequest{.hook = place.hook, .family = place.family});
}

bool connected(const Journey& journey) {
  return journey.kind == Packet::ack || journey.kind == Packet::data;
}

/// ip_send_skb() hands a hook's EPERM to the sender of a datagram; TCP keeps retransmitting.
bool told_to_sender(const Walk& walk, const Journey& journey, Place place) {
  return walk.flow.local && !journey.reply && journey.kind == Packet::datagram &&
         (place.hook == Hook::output || place.hook == Hook::postrouting);
}

Stop silence(Walk& walk, const Journey& journey, Place place) {
  if (connected(journey))
    return {Outcome::stalled, Icmp::none, "", stage_of(place), {}, {}};
  if (told_to_sender(walk, journey, place))
    return {Outcome::denied, Icmp::none, "EPERM", Stage::client, {}, {}};
  return {Outcome::timeout, Icmp::none, "ETIMEDOUT", stage_of(place), {}, {}};
}

Stop rejected(Walk& walk, const Journey& journey, const Branch& branch, Place place) {
  // The error of an answer goes to this host's own socket, the client hears nothing.
  if (journey.reply || told_to_sender(walk, journey, place))
    return silence(walk, journey, place);
  if (connected(journey)) {
    if (branch.rejection.reset)
      return {Outcome::reset, Icmp::none, "ECONNRESET", stage_of(place), {}, {}};
    return silence(walk, journey, place);
  }
  if (branch.rejection.reset)
    return {Outcome::refused, Icmp::none, "ECONNREFUSED", stage_of(place), {}, {}};
  const Icmp icmp = branch.rejection.icmp;
  return {outcome_of(icmp), icmp, error_of(icmp, journey.packet.family), stage_of(place), {}, {}};
}

Stop unknown_here(Place place) {
  return unknown_at(stage_of(place), {});
}

Stop stop_of(Walk& walk, const Journey& journey, const Branch& branch, Place place) {
  Stop stop;
  switch (branch.verdict) {
  case HookVerdict::reject:
    stop = rejected(walk, journey, branch, place);
    break;
  case HookVerdict::unknown:
    stop = unknown_here(place);
    break;
  case HookVerdict::stolen: // synproxy_send_client_synack(): the connection goes on without us
    stop = branch.theft == Theft::forwarded ? silence(walk, journey, place) : unknown_here(place);
    break;
  case HookVerdict::accept:
  case HookVerdict::drop:
  case HookVerdict::queue:
    stop = silence(walk, journey, place);
    break;
  }
  stop.culprit = branch.culprit;
  stop.note =
      branch.theft == Theft::synproxy ? "SYNPROXY answers in the server's place" : branch.why;
  return stop;
}

void take_over(Journey& journey, const Branch& branch) {
  if (!journey.stopped()) {
    for (auto step : branch.steps) {
      step.netns = journey.netns;
      journey.path.push_back(std::move(step));
    }
    journey.near_misses.insert(journey.near_misses.end(), branch.near_misses.begin(),
                               branch.near_misses.end());
    journey.certainty = std::max(journey.certainty, branch.certainty);
  }
}

/// The part of the class that a branch is about, as it was before the hook.
PacketClass before_hook(const Journey& journey, const Branch& branch) {
  PacketClass packet = journey.packet;
  packet.addresses = branch.packet.addresses;
  packet.ports = branch.packet.ports;
  packet.conditions = branch.packet.conditions;
  return packet;
}

/// nft_fib4_eval(), nft_fib6_eval(), rpfilter_lookup_reverse(): with the protocol, without ports.
std::optional<RouteLookup> route_for_rule(Walk& walk, const Journey& journey, const IpAddress& to,
                                          const std::optional<IpAddress>& source,
                                          std::uint32_t mark) {
  RouteQuestion question;
  question.destination = to;
  if (source && rules_ask_for_sources(walk.inquiry, journey.netns)) {
    question.source = source;
    question.any_source = source->is_v4() && !is_own_address(walk.inquiry, journey.netns, *source);
  }
  question.mark = mark;
  const bool icmp = journey.kind == Packet::icmp || journey.kind == Packet::neighbour;
  if (rules_ask_for_ports(walk.inquiry, journey.netns))
    question.proto = icmp ? "icmp" : std::string(to_string(walk.flow.proto));
  return ask_route(walk.inquiry, journey.netns, question);
}

HookOptions with_routes(Walk& walk, const Journey& journey) {
  HookOptions options;
  options.route = [&walk, &journey](const IpAddress& to, const std::optional<IpAddress>& source,
                                    std::uint32_t mark) {
    return route_for_rule(walk, journey, to, source, mark);
  };
  return options;
}

HookOptions options_of(Walk& walk, const Journey& journey) {
  HookOptions options = with_routes(walk, journey);
  options.lifted = journey.lifted;
  options.want_trace = !journey.stopped();
  options.want_near_misses = walk.flow.near_misses && !journey.stopped();
  return options;
}

HookRequest request_of(const Journey& journey, Place place) {
  return {
      .hook = place.hook, .family = place.family, .netns = journey.netns, .packet = journey.kind};
}

/// Conditions of a packet since it came to a hook.
std::span<const Condition> since(const PacketClass& packet, std::size_t start) {
  return std::span(packet.conditions).subspan(start);
}

bool hangs_on_sender(const Condition& condition) {
  return condition.field == link_source_field;
}

/// Who sends the frames that bring the packet is seen now, and was not before.
bool see_sender(Walk& walk, const Journey& journey, PacketClass& packet) {
  auto& in = packet.meta.in;
  if ((walk.flow.local && !journey.reply) || !in.present() || !in.sender.empty() ||
      journey.netns != walk.inquiry.snapshot().host().netns)
    return false;
  const auto from = address_of(walk, source_of(packet).address, packet);
  const auto device = ask_interface(walk.inquiry, journey.netns, in.index);
  if (!from || !device)
    return false;
  const auto sender = sender_of_frames(walk, journey, *device, *from);
  if (sender)
    in.sender = hardware_octets(*sender);
  return sender && !walk.inquiry.pending();
}

/// Some rule asks who sends the frames.
bool asks_for_sender(const Branches& branches, std::size_t start) {
  return std::ranges::any_of(branches, [start](const Branch& branch) {
    return std::ranges::any_of(since(branch.packet, start), hangs_on_sender);
  });
}

/// Who sends the frames does not change from packet to packet: ways that answer a rule's question
/// for it in another way than the first packet did are none.
void keep_sender(Branches& branches, const Journey& journey) {
  const auto& before = journey.packet.conditions;
  const auto contradicts = [&](const Condition& answer) {
    if (!hangs_on_sender(answer))
      return false;
    const auto first = std::ranges::find_if(before, [&](const Condition& each) {
      return hangs_on_sender(each) && each.by == answer.by;
    });
    return first != before.end() && *first != answer;
  };
  if (!journey.reply)
    std::erase_if(branches, [&](const Branch& branch) {
      return std::ranges::any_of(since(branch.packet, before.size()), contradicts);
    });
}

Branches evaluate(Walk& walk, const Journey& journey, Place place) {
  const HookOptions options = options_of(walk, journey);
  HookContext context{walk.inquiry, walk.ruleset, walk.xt, options};
  const auto request = request_of(journey, place);
  auto branches = run_hook(context, request, journey.packet);
  if (walk.inquiry.pending())
    return branches;
  PacketClass packet = journey.packet;
  if (asks_for_sender(branches, packet.conditions.size()) && see_sender(walk, journey, packet))
    return run_hook(context, request, packet);
  keep_sender(branches, journey);
  return branches;
}

/// A hook that is walked again with a stop lifted asks the same packet the same questions: only the
/// ways with the answers it has given go on.
void keep_answers(Branches& branches, const PacketClass& before, std::size_t start) {
  const auto given = since(before, start);
  const auto contradicts = [&](const Condition& answer) {
    return std::ranges::find(given, answer) == given.end() &&
           std::ranges::find(given, answer.by, &Condition::by) != given.end();
  };
  const auto goes_on = [&](const Branch& branch) {
    return std::ranges::none_of(since(branch.packet, before.conditions.size()), contradicts);
  };
  if (!given.empty() && std::ranges::any_of(branches, goes_on))
    std::erase_if(branches, std::not_fn(goes_on));
}

/// Once stopped, only what else stands in the way matters: one way is enough, and what that hangs
/// on says nothing about the stop.
void keep_one(Branches& branches, const PacketClass& before) {
  const auto closed = std::ranges::find_if(
      branches, [](const Branch& branch) { return branch.verdict != HookVerdict::accept; });
  if (closed != branches.end() && closed != branches.begin())
    std::swap(branches.front(), *closed);
  branches.resize(1);
  branches.front().packet.conditions = before.conditions;
}

bool is_first(const Journey& journey) {
  return !journey.reply && (journey.kind == Packet::syn || journey.kind == Packet::datagram);
}

/// What a hook does with many clients.
struct Parted {
  Branches branches;
  std::vector<StoppedPart> stopped;
};

Parted evaluate_many(Walk& walk, const Journey& journey, Place place) {
  Parted parted;
  std::vector<Passage> later;
  ClassContext classes =
      class_context(walk, journey.netns, is_first(journey) ? walk.classes->passages : later);
  classes.stopped = &parted.stopped;
  HookOptions options = with_routes(walk, journey);
  options.want_near_misses = false;
  options.most_branches = walk.classes->most_branches;
  options.classes = &classes;
  HookContext context{walk.inquiry, walk.ruleset, walk.xt, options};
  const auto request = request_of(journey, place);
  parted.branches = run_hook(context, request, journey.packet);
  if (walk.inquiry.pending())
    return parted;
  PacketClass packet = journey.packet;
  if (journey.reply && // one sends it, whoever the clients are
      asks_for_sender(parted.branches, packet.conditions.size()) &&
      see_sender(walk, journey, packet))
    parted.branches = run_hook(context, request, std::move(packet));
  keep_sender(parted.branches, journey);
  return parted;
}

/// A part that a hook stopped: only what its end is told by.
void stop_part(Walk& walk, const Journey& journey, const Branch& branch, Place place) {
  Stop stop = stop_of(walk, journey, branch, place);
  Journey way = journey;
  way.packet = before_hook(journey, branch);
  way.certainty = std::max(journey.certainty, branch.certainty);
  keep_traces(way, branch.packet);
  if (branch.verdict != HookVerdict::reject && way.traces) {
    way.stops.push_back(std::move(stop));
    end_part(*walk.classes, way);
    return;
  }
  if (branch.verdict != HookVerdict::reject) {
    walk.classes->ends.push_back({branch.packet.addresses, branch.packet.ports,
                                  branch.packet.conditions, journey.conditions, journey.assumptions,
                                  std::max(journey.certainty, branch.certainty), std::move(stop)});
    return;
  }
  for (const auto& told :
       refuse(walk, std::move(way), branch.packet, std::move(stop), Refuser::rule))
    end_part(*walk.classes, told);
}

/// Parts that rules stopped alike: nothing but the clients and the rule tells them apart.
using Alike = std::span<const StoppedPart>;

bool stopped_alike(const StoppedPart& one, const StoppedPart& other) {
  return one.packet == other.packet && one.verdict == other.verdict &&
         one.rejection == other.rejection && one.certainty == other.certainty;
}

/// All of them as one branch, which no rule has stopped.
Branch together(Alike parts) {
  std::vector<IntervalSet> addresses;
  for (const auto& part : parts)
    addresses.push_back(part.addresses);
  Branch branch;
  branch.packet = *parts.front().packet;
  branch.packet.addresses = IntervalSet::unite(addresses);
  branch.verdict = parts.front().verdict;
  branch.rejection = parts.front().rejection;
  branch.certainty = parts.front().certainty;
  return branch;
}

Branch alone(const StoppedPart& part) {
  Branch branch = together(Alike(&part, 1));
  branch.culprit = Culprit{part.by.kind, part.by.id, {}};
  return branch;
}

/// The parts at one end that their common way has come to.
void end_alike(ClassWalk& classes, Alike parts, const Journey& told) {
  ClassWalk common{.sources = classes.sources, .fibs = classes.fibs};
  end_part(common, told);
  const ClassEnd& end = common.ends.front();
  for (const auto& part : parts) {
    auto addresses = part.addresses & end.addresses;
    if (addresses.empty())
      continue;
    classes.ends.push_back(end);
    ClassEnd& own = classes.ends.back();
    own.addresses = std::move(addresses);
    if (own.stop)
      own.stop->culprit = Culprit{part.by.kind, part.by.id, {}};
  }
}

void stop_alike(Walk& walk, const Journey& journey, Alike parts, Place place) {
  const Branch all = together(parts);
  Stop stop = stop_of(walk, journey, all, place);
  Journey way = journey;
  way.packet = before_hook(journey, all);
  way.certainty = std::max(journey.certainty, all.certainty);
  keep_traces(way, all.packet);
  if (way.traces) { // each is tried again for itself
    for (const auto& part : parts)
      stop_part(walk, journey, alone(part), place);
    return;
  }
  Journeys ways;
  if (all.verdict == HookVerdict::reject) {
    ways = refuse(walk, std::move(way), all.packet, std::move(stop), Refuser::rule);
  } else {
    way.stops.push_back(std::move(stop));
    ways.push_back(std::move(way));
  }
  // Only by their addresses can the ends be told apart here.
  const bool whole = std::ranges::all_of(ways, [&](const Journey& told) {
    return told.packet.ports == all.packet.ports && told.packet.conditions == all.packet.conditions;
  });
  if (walk.inquiry.pending())
    return;
  if (whole)
    for (const auto& told : ways)
      end_alike(*walk.classes, parts, told);
  else
    for (const auto& part : parts)
      stop_part(walk, journey, alone(part), place);
}

void stop_parts(Walk& walk, const Journey& journey, Alike parts, Place place) {
  while (!parts.empty() && !walk.inquiry.pending()) {
    const auto end = std::ranges::find_if_not(
        parts, [&](const StoppedPart& part) { return stopped_alike(part, parts.front()); });
    const auto count = static_cast<std::size_t>(end - parts.begin());
    stop_alike(walk, journey, parts.first(count), place);
    parts = parts.subspan(count);
  }
}

/// One hook for many clients: parts that are stopped have come to their end.
Journeys pass_many(Walk& walk, Journey journey, Place place) {
  Journeys done;
  if (journey.stopped()) {
    end_part(*walk.classes, journey);
    return done;
  }
  auto [branches, stopped] = evaluate_many(walk, journey, place);
  if (walk.inquiry.pending())
    return done;
  stop_parts(walk, journey, stopped, place);
  std::vector<StoppedPart>().swap(stopped);
  for (auto& branch : branches) {
    if (branch.verdict != HookVerdict::accept) {
      stop_part(walk, journey, branch, place);
      continue;
    }
    Journey way = journey;
    way.certainty = std::max(way.certainty, branch.certainty);
    way.packet = std::move(branch.packet);
    done.push_back(std::move(way));
  }
  return done;
}

/// Nothing where an address or the server's port is not known.
std::optional<StoppedPacket> carried_by(const Journey& journey, const PacketClass& packet) {
  const auto port = [](const PortTerm& term) {
    return term.kind == PortTerm::Kind::known && term.first == term.last ? term.first
                                                                         : std::uint16_t(0);
  };
  const Endpoint from = source_of(packet);
  const Endpoint to = destination_of(packet);
  const auto source = only_address(from.address, packet);
  const auto destination = only_address(to.address, packet);
  if (!source || !destination)
    return std::nullopt;
  return StoppedPacket{*source, *destination, port(from.port), port(to.port), journey.reply};
}

} // namespace

bool pass_hook_in_place(Walk& walk, Journey& journey, Hook hook) {
  if (walk.classes != nullptr)
    return false;
  const HookOptions options = options_of(walk, journey);
  HookContext context{walk.inquiry, walk.ruleset, walk.xt, options};
  std::vector<PathStep> steps;
  if (!pass_in_place(context, request_of(journey, {hook}), journey.packet, steps))
    return false;
  for (auto& step : steps) {
    step.netns = journey.netns;
    if (!journey.stopped())
      journey.path.push_back(std::move(step));
  }
  return true;
}

Journeys pass_hook(Walk& walk, Journey journey, Hook hook, HookFamily family) {
  const Place place{hook, family};
  if (walk.classes != nullptr)
    return pass_many(walk, std::move(journey), place);
  if (walk.notes != nullptr)
    walk.notes->met_rules = true;
  const std::size_t start = journey.packet.conditions.size();
  Journeys done;
  Journeys waiting;
  waiting.push_back(std::move(journey));
  while (!waiting.empty()) {
    Journey next = std::move(waiting.back());
    waiting.pop_back();
    Branches branches = evaluate(walk, next, place);
    if (walk.inquiry.pending())
      return {};
    if (next.stopped() && !branches.empty()) {
      keep_answers(branches, next.packet, start);
      keep_one(branches, next.packet);
    }
    for (auto& branch : branches) {
      const bool last = &branch == &branches.back();
      const bool accepted = branch.verdict == HookVerdict::accept;
      PacketClass before = accepted ? PacketClass() : before_hook(next, branch);
      Journey way = last ? std::move(next) : next;
      const bool first_stop = !accepted && !way.stopped();
      take_over(way, branch);
      if (first_stop && !way.path.empty())
        way.path.back().carried = carried_by(way, branch.packet);
      if (accepted) {
        way.packet = std::move(branch.packet);
        done.push_back(std::move(way));
        continue;
      }
      Stop stop = stop_of(walk, way, branch, place);
      keep_traces(way, branch.packet);
      const bool liftable =
          stop.culprit && !way.lifted.contains({stop.culprit->kind, stop.culprit->id});
      way.packet = std::move(before);
      for (auto& told : refuse(walk, std::move(way), branch.packet, std::move(stop), Refuser::rule))
        (liftable && told.stops.size() < most_blockers ? waiting : done).push_back(std::move(told));
      if (walk.inquiry.pending())
        return {};
    }
  }
  return done;
}

Journeys pass_each(Walk& walk, Journeys journeys, Hook hook, HookFamily family) {
  const bool ip = family == HookFamily::inet;
  Journeys next;
  if (ip && journeys.size() == 1 && pass_hook_in_place(walk, journeys.front(), hook))
    next = std::move(journeys);
  else
    for (auto& way : journeys) {
      if (ip && journeys.size() > 1 && pass_hook_in_place(walk, way, hook)) {
        next.push_back(std::move(way));
        continue;
      }
      for (auto& passed : pass_hook(walk, std::move(way), hook, family))
        next.push_back(std::move(passed));
      if (walk.inquiry.pending())
        return {};
    }
  if (hook == Hook::postrouting && ip)
    return pass_ipsec_after_nat(walk, std::move(next));
  return next;
}

} // namespace synfate
