#include "core/rules/accept_command.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/rules/functions.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

/// Where the rule or policy stands.
struct Place {
  std::string family;
  std::string table;
  std::string chain;
  std::string rule; ///< handle or number; empty for a policy
};

std::optional<Place> place_of(const Culprit& culprit) {
  const bool rule = culprit.kind == "nft_rule" || culprit.kind == "xt_rule";
  const bool policy = culprit.kind == "nft_chain" || culprit.kind == "xt_policy";
  const auto parts = id_parts(culprit.id);
  if (!(rule && parts.size() == 4) && !(policy && parts.size() == 3))
    return std::nullopt;
  return Place{parts[0], parts[1], parts[2], rule ? parts[3] : ""};
}

/// Nothing can be added to a chain that a rule holds in braces, which the kernel names __chain and
/// a number: what goes ahead of its rules goes ahead of the rule that holds it.
Place place_outside(const FlowReport& flow, Place place) {
  for (auto step = flow.fate.path.rbegin();
       place.chain.starts_with("__chain") && step != flow.fate.path.rend(); ++step) {
    const bool held = step->by && (step->note == "jump " + place.chain || //
                                   step->note == "goto " + place.chain);
    if (auto outside = held ? place_of(*step->by) : std::nullopt)
      place = *std::move(outside);
  }
  return place;
}

/// What tells the stopped packet from others.
struct Match {
  bool v6 = false;
  std::string proto;
  bool answer = false; ///< the client is its destination
  std::string client;
  unsigned port = 0;      ///< the server's
  bool neighbour = false; ///< a message of ARP or neighbour discovery
};

std::optional<Match> match_of(const FlowReport& flow) {
  const auto stop = std::ranges::find(flow.fate.path, Verdict::stop, &PathStep::verdict);
  const bool told = stop != flow.fate.path.end();
  if (told && (stop->packet == Packet::reset || stop->packet == Packet::icmp))
    return std::nullopt; // nothing is won by letting a refusal out
  Match match{flow.flow.from.is_v6(), std::string(to_string(flow.flow.proto)), false,
              flow.flow.from.to_string(),
              flow.fate.final_port != 0 ? flow.fate.final_port : flow.flow.port};
  if (told && stop->packet == Packet::neighbour) {
    match.neighbour = true;
    match.answer = stop->stage == Stage::output || stop->stage == Stage::postrouting;
    return match;
  }
  if (!told || !stop->carried)
    return match;
  const StoppedPacket& carried = *stop->carried;
  match.answer = carried.answer;
  match.client = (carried.answer ? carried.destination : carried.source).to_string();
  match.port = carried.answer ? carried.source_port : carried.destination_port;
  return match.port == 0 ? std::nullopt : std::optional(match);
}

std::string nft_match(const Match& match, const Place& place) {
  if (match.neighbour && match.v6)
    return "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }";
  if (match.neighbour)
    return place.family == "arp" ? "arp operation { request, reply }" : "meta protocol arp";
  return fmt::format("{} {} {} {} {} {}", match.v6 ? "ip6" : "ip", match.answer ? "daddr" : "saddr",
                     match.client, match.proto, match.answer ? "sport" : "dport", match.port);
}

std::string xt_match(const Match& match) {
  if (match.neighbour)
    return fmt::format("-p icmpv6 --icmpv6-type neighbour-{}",
                       match.answer ? "advertisement" : "solicitation");
  return fmt::format("{} {} -p {} {} {}", match.answer ? "-d" : "-s", match.client, match.proto,
                     match.answer ? "--sport" : "--dport", match.port);
}

bool one_of(std::string_view word, std::span<const std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

/// iptables-nft keeps its tables under the names that iptables has, with its chains at the hooks.
bool of_iptables(const FlowReport& flow, const Place& place) {
  static constexpr std::array<std::string_view, 5> tables{"filter", "nat", "mangle", "raw",
                                                          "security"};
  static constexpr std::array<std::string_view, 5> chains{"PREROUTING", "INPUT", "FORWARD",
                                                          "OUTPUT", "POSTROUTING"};
  if ((place.family != "ip" && place.family != "ip6") || !one_of(place.table, tables))
    return false;
  if (one_of(place.chain, chains))
    return true;
  const std::string prefix = fmt::format("{}/{}/", place.family, place.table);
  return std::ranges::any_of(flow.fate.path, [&](const PathStep& step) {
    return step.chain.starts_with(prefix) && one_of(step.chain.substr(prefix.size()), chains);
  });
}

std::string xt_command(const Place& place, std::string_view back_end, const Match& match) {
  std::string text = fmt::format("{}tables-{}", place.family == "ip6" ? "ip6" : "ip", back_end);
  if (place.table != "filter")
    text += " -t " + place.table;
  text += " -I " + quote(place.chain);
  if (back_end == "legacy" && !place.rule.empty())
    text += " " + place.rule;
  return fmt::format("{} {} -j ACCEPT", text, xt_match(match));
}

std::string nft_command(const Place& place, const Match& match) {
  std::string text =
      fmt::format("nft insert rule {} {} {}", place.family, quote(place.table), quote(place.chain));
  if (!place.rule.empty())
    text += " position " + place.rule;
  return fmt::format("{} {} accept", text, nft_match(match, place));
}

/// Past one rule or policy; empty for other culprits.
std::string command_past(const FlowReport& flow, const Culprit& culprit, const Match& match) {
  auto place = place_of(culprit);
  if (!place)
    return "";
  place = place_outside(flow, *std::move(place));
  if (place->chain.starts_with("__chain"))
    return "";
  if (culprit.kind.starts_with("xt"))
    return xt_command(*place, "legacy", match);
  return of_iptables(flow, *place) ? xt_command(*place, "nft", match) : nft_command(*place, match);
}

/// Met on the way out; of a remote client that is an answer.
bool is_way_out(Stage stage) {
  return stage == Stage::output || stage == Stage::postrouting || stage == Stage::egress;
}

} // namespace

std::string accept_command(const FlowReport& flow) {
  const auto match = match_of(flow);
  return flow.fate.culprit && match ? command_past(flow, *flow.fate.culprit, *match) : "";
}

std::string answer_command(const FlowReport& flow) {
  const auto& blockers = flow.fate.blockers;
  const bool translated = std::ranges::any_of(
      flow.fate.path, [](const PathStep& step) { return step.verdict == Verdict::divert; });
  if (flow.flow.local || translated || blockers.size() < 2 || is_way_out(blockers.front().stage))
    return "";
  const auto out = std::ranges::find_if(
      blockers, [](const Blocker& blocker) { return is_way_out(blocker.stage); });
  if (out == blockers.end())
    return "";
  const Match match{flow.flow.from.is_v6(),
                    std::string(to_string(flow.flow.proto)),
                    true,
                    flow.flow.from.to_string(),
                    flow.flow.port,
                    false};
  return command_past(flow, out->culprit, match);
}

} // namespace synfate::rules
