#include "platform/linux/model/journey.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "platform/linux/netfilter/near_miss.h"
#include "platform/linux/routing/tables.h"

namespace synfate {
namespace {

/// What a client can tell apart.
struct Seen {
  Outcome outcome = Outcome::open;
  Icmp icmp = Icmp::none;
  std::string error;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen seen_by_client(const Journey& journey) {
  if (!journey.stopped())
    return {};
  const Stop& first = journey.stops.front();
  return {first.outcome, first.icmp, first.error};
}

std::string condition_text(const Journey& journey) {
  std::string text;
  std::vector<std::string_view> said; // packet by packet the same may be asked again
  const auto append = [&](const std::string& part) {
    if (std::ranges::find(said, part) != said.end())
      return;
    said.push_back(part);
    text += (text.empty() ? "" : " and ") + part;
  };
  for (const auto& condition : journey.packet.conditions)
    append(condition.when);
  for (const auto& condition : journey.conditions)
    append(condition);
  return text;
}

Alternative alternative_of(const Journey& journey, const IntervalSet& all_ports) {
  const Seen seen = seen_by_client(journey);
  Alternative alternative{seen.outcome, seen.icmp, Stage::service, {}, condition_text(journey)};
  if (journey.stopped()) {
    alternative.stopped_at = journey.stops.front().stage;
    alternative.culprit = journey.stops.front().culprit;
  }
  if (alternative.when.empty() && !(journey.packet.ports == all_ports))
    alternative.when =
        fmt::format("the client's port is in {}", ports_to_string(journey.packet.ports));
  return alternative;
}

template <typename T> void merge_into(std::vector<T>& into, const std::vector<T>& from) {
  for (const auto& item : from)
    if (std::ranges::find(into, item) == into.end())
      into.push_back(item);
}

/// The journey to tell of: the first that is stopped, else the first.
const Journey& telling(const Journeys& journeys) {
  const auto stopped = std::ranges::find_if(journeys, &Journey::stopped);
  return stopped == journeys.end() ? journeys.front() : *stopped;
}

/// A later packet may meet what has stopped an earlier one.
bool is_among(const std::vector<Blocker>& blockers, const Stop& stop) {
  return std::ranges::any_of(blockers, [&](const Blocker& blocker) {
    return blocker.stage == stop.stage && blocker.culprit.kind == stop.culprit->kind &&
           blocker.culprit.id == stop.culprit->id;
  });
}

void describe(Fate& fate, const Journey& journey) {
  fate.path = journey.path;
  fate.near_misses = journey.near_misses;
  keep_nearest(fate.near_misses);
  fate.evidence = journey.evidence;
  fate.final_netns = journey.netns;
  fate.final_address = journey.final_address;
  fate.final_port = journey.final_port;
  for (const auto& stop : journey.stops)
    if (stop.culprit && !is_among(fate.blockers, stop))
      fate.blockers.push_back({stop.stage, *stop.culprit});
  if (!journey.stopped())
    return;
  fate.stopped_at = journey.stops.front().stage;
  fate.culprit = journey.stops.front().culprit;
}

/// The test may be about the client's address: then it is another one's answer for each client.
bool hangs_on_address(const Condition& condition) {
  constexpr std::string_view chosen[] = {"tcp ", "udp ", "th ", "ip id", "ip6 flowlabel"};
  return condition.of_address || std::ranges::none_of(chosen, [&](std::string_view field) {
           return condition.field.starts_with(field);
         });
}

/// True if the ways differ only in what the client itself chooses freely.
bool differ_by_client_choice(const Journeys& journeys, bool many) {
  return std::ranges::all_of(journeys, [many](const Journey& journey) {
    return journey.conditions.empty() &&
           std::ranges::all_of(journey.packet.conditions, [many](const Condition& condition) {
             return !condition.field.empty() && !(many && hangs_on_address(condition));
           });
  });
}

/// All ways are stopped by one and the same, or none is.
bool agree_on_culprit(const Journeys& journeys) {
  const auto culprit = [](const Journey& journey) {
    return journey.stopped() ? journey.stops.front().culprit : std::nullopt;
  };
  return std::ranges::all_of(journeys, [&](const Journey& journey) {
    return culprit(journey) == culprit(journeys.front());
  });
}

Wide weight_of(const Journey& journey) {
  return journey.packet.ports.count();
}

} // namespace

void add_step(Journey& journey, Stage stage, Verdict verdict, std::optional<Culprit> by,
              std::string note) {
  if (journey.stopped())
    return;
  journey.path.push_back({.packet = journey.kind,
                          .stage = stage,
                          .chain = {},
                          .priority = {},
                          .verdict = verdict,
                          .by = std::move(by),
                          .note = std::move(note),
                          .netns = journey.netns,
                          .detail = false,
                          .carried = {}});
}

void add_steps(Journey& journey, std::vector<PathStep> steps) {
  journey.path.insert(journey.path.end(), std::make_move_iterator(steps.begin()),
                      std::make_move_iterator(steps.end()));
}

namespace {

/// What a rule may ask of an entry, where a second packet of its direction comes.
bool tells(const ConntrackView& ct) {
  constexpr std::uint32_t lasting = ct_status_confirmed | ct_status_seen_reply;
  return !ct.mark.is(0U) || !ct.labels.empty() || !ct.set_changes.empty() ||
         (ct.status & lasting) != 0 || std::ranges::any_of(ct.elsewhere, tells);
}

} // namespace

void keep_traces(Journey& journey, const PacketClass& packet) {
  const bool tried = journey.kind == Packet::syn || journey.kind == Packet::synack;
  const auto& ct = packet.ct;
  const bool told =
      tells(ct) || packet.remembered != Remembered() ||
      std::ranges::any_of(journey.conntracks, [](const auto& each) { return tells(each.second); });
  if (tried && told && !journey.stopped() && !journey.tried_before && !journey.traces)
    journey.traces = Traces{journey.netns, ct, journey.conntracks, packet.remembered};
}

bool is_tried_again(const Journey& journey) {
  return journey.traces && journey.stopped() && journey.stops.front().outcome == Outcome::timeout;
}

Stop unknown_at(Stage stage, std::string why, std::optional<Culprit> by) {
  return {Outcome::unknown, Icmp::none, "", stage, std::move(by), std::move(why)};
}

void add_stop(Journey& journey, Stop stop) {
  if (stop.outcome == Outcome::timeout)
    keep_traces(journey, journey.packet);
  if (!journey.stopped() && (journey.path.empty() || journey.path.back().verdict != Verdict::stop))
    add_step(journey, stop.stage,
             stop.outcome == Outcome::unknown ? Verdict::unknown : Verdict::stop, stop.culprit,
             stop.note);
  if (stop.culprit)
    journey.lifted.insert({stop.culprit->kind, stop.culprit->id});
  journey.stops.push_back(std::move(stop));
}

void assume(Journey& journey, std::string what) {
  if (journey.stopped())
    return;
  journey.certainty = std::max(journey.certainty, Certainty::likely);
  if (std::ranges::find(journey.assumptions, what) == journey.assumptions.end())
    journey.assumptions.push_back(std::move(what));
}

std::string error_of(Icmp icmp, IpFamily family) {
  switch (icmp) {
  case Icmp::none:
    return "";
  case Icmp::port:
    return "ECONNREFUSED";
  case Icmp::net:
  case Icmp::net_prohibited:
  case Icmp::no_route:
    return "ENETUNREACH";
  case Icmp::host:
  case Icmp::host_prohibited:
  case Icmp::addr_unreachable:
    return "EHOSTUNREACH";
  case Icmp::admin_prohibited:
    return family == IpFamily::v6 ? "EACCES" : "EHOSTUNREACH";
  case Icmp::proto:
    return "ENOPROTOOPT";
  case Icmp::policy_fail:
  case Icmp::reject_route:
    return "EACCES";
  }
  return "";
}

Outcome outcome_of(Icmp icmp) {
  return icmp == Icmp::port ? Outcome::refused : Outcome::unreachable;
}

namespace {

bool decides_the_way(std::string_view table) {
  constexpr std::array tables{table_name<Address>(),   table_name<Interface>(),
                              table_name<Neighbour>(), table_name<PolicyRule>(),
                              table_name<Route>(),     table_name<RouteLookup>(),
                              table_name<Setting>(),   table_name<Socket>()};
  return std::ranges::find(tables, table) != tables.end();
}

Fate merged(const Journeys& journeys, const Inquiry& inquiry, bool many) {
  Fate fate;
  fate.gaps = inquiry.gaps();
  if (journeys.empty())
    return fate;
  Wide heaviest = 0;
  Seen most;
  IntervalSet all_ports;
  bool same = true;
  const Seen first = seen_by_client(journeys.front());
  for (const auto& journey : journeys) {
    same = same && seen_by_client(journey) == first;
    all_ports = all_ports | journey.packet.ports;
    fate.certainty = std::max(fate.certainty, journey.certainty);
    merge_into(fate.assumptions, journey.assumptions);
    if (weight_of(journey) > heaviest) {
      heaviest = weight_of(journey);
      most = seen_by_client(journey);
    }
  }
  describe(fate, telling(journeys));
  if (same) {
    fate.outcome = first.outcome;
    fate.icmp = first.icmp;
    fate.error = first.error;
  }
  if (same && journeys.size() == 1)
    return fate;
  for (const auto& journey : journeys) {
    auto alternative = alternative_of(journey, all_ports);
    if (!same || !alternative.when.empty())
      fate.alternatives.push_back(std::move(alternative));
  }
  if (same) {
    fate.alternatives.clear();
    if (many && !agree_on_culprit(journeys))
      fate.certainty = std::max(fate.certainty, Certainty::likely);
    return fate;
  }
  fate.certainty = std::max(fate.certainty, Certainty::likely);
  if (!differ_by_client_choice(journeys, many))
    return fate;
  // The client's own choice decides: what most choices lead to is what it most likely meets.
  for (const auto& journey : journeys) {
    if (!(seen_by_client(journey) == most) || weight_of(journey) != heaviest)
      continue;
    fate.path.clear();
    fate.blockers.clear();
    fate.stopped_at.reset();
    fate.culprit.reset();
    describe(fate, journey);
    break;
  }
  fate.outcome = most.outcome;
  fate.icmp = most.icmp;
  fate.error = most.error;
  return fate;
}

} // namespace

bool way_is_partly_seen(const Inquiry& inquiry) {
  return std::ranges::any_of(inquiry.partly_seen(), decides_the_way);
}

Fate fate_of(const Journeys& journeys, const Inquiry& inquiry, bool many) {
  Fate fate = merged(journeys, inquiry, many);
  if (fate.outcome == Outcome::unknown || fate.certainty != Certainty::certain)
    return fate;
  for (const auto& table : inquiry.partly_seen())
    if (decides_the_way(table)) {
      fate.certainty = Certainty::likely;
      fate.assumptions.push_back(
          fmt::format("what could not be read of the table {} changes nothing", table));
    }
  return fate;
}

} // namespace synfate
