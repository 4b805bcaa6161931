#include "core/rules/accept_command.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/rules/functions.h"

namespace synfate::rules {
namespace {

// include/uapi/linux/netfilter_ipv4.h: enum nf_ip_hook_priorities, Linux 6.12.
constexpr int destination_nat = -100;
constexpr int source_nat = 100;

std::vector<std::string> parts_of(std::string_view id) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= id.size();) {
    const auto end = std::min(id.find('/', start), id.size());
    parts.push_back(plain_part(id.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

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
  auto parts = parts_of(culprit.id);
  if (!(rule && parts.size() == 4) && !(policy && parts.size() == 3))
    return std::nullopt;
  return Place{parts[0], parts[1], parts[2], rule ? parts[3] : ""};
}

const PathStep* stopping_step(const FlowReport& flow) {
  const auto step = std::ranges::find(flow.fate.path, Verdict::stop, &PathStep::verdict);
  return step == flow.fate.path.end() ? nullptr : &*step;
}

/// What the stopped packet carries.
struct Match {
  bool v6 = false;
  std::string proto;
  bool answer = false; ///< the client is its destination
  std::string client;
  unsigned port = 0;
};

/// The server's port as the packet has it at a hook: NAT of destinations happens in prerouting and
/// output, and is undone for answers when they leave.
unsigned port_at(const FlowReport& flow, const PathStep& step, bool answer) {
  const unsigned called = flow.flow.port;
  const unsigned reached = flow.fate.final_port != 0 ? flow.fate.final_port : called;
  const int priority = step.priority.value_or(0);
  if (answer)
    return step.stage == Stage::egress ||
                   (step.stage == Stage::postrouting && priority > source_nat)
               ? called
               : reached;
  const bool before = step.stage == Stage::ingress || step.stage == Stage::bridge ||
                      ((step.stage == Stage::prerouting || step.stage == Stage::output) &&
                       priority <= destination_nat);
  return before ? called : reached;
}

/// The server sends data and datagrams as well as the client. Its packets begin in output, behind
/// the client's way in; a flow that ends in another namespace leaves through postrouting before.
bool from_server(const FlowReport& flow, const PathStep& stop) {
  bool arrived = false;
  for (const auto& step : flow.fate.path) {
    const bool same = step.packet == stop.packet;
    if (same && arrived && step.stage == Stage::output)
      return true;
    arrived =
        arrived || (same && (step.stage == Stage::route || step.stage == Stage::socket_lookup));
    if (&step == &stop)
      break;
  }
  const bool leaves = stop.stage == Stage::postrouting || stop.stage == Stage::egress;
  return leaves && !flow.flow.local && flow.fate.final_netns == stop.netns;
}

std::optional<Match> match_of(const FlowReport& flow, const PathStep& step) {
  Match match;
  match.v6 = flow.flow.from.is_v6();
  match.proto = to_string(flow.flow.proto);
  match.client = flow.flow.from.to_string();
  switch (step.packet) {
  case Packet::syn:
  case Packet::ack:
    break;
  case Packet::data:
  case Packet::datagram:
    match.answer = from_server(flow, step);
    break;
  case Packet::synack:
    match.answer = true;
    break;
  case Packet::reset:
  case Packet::icmp:
    return std::nullopt; // nothing is won by letting a refusal out
  }
  match.port = port_at(flow, step, match.answer);
  return match;
}

std::string nft_match(const Match& match) {
  return fmt::format("{} {} {} {} {} {}", match.v6 ? "ip6" : "ip", match.answer ? "daddr" : "saddr",
                     match.client, match.proto, match.answer ? "sport" : "dport", match.port);
}

std::string xt_match(const Match& match) {
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
  return fmt::format("{} {} accept", text, nft_match(match));
}

} // namespace

std::string accept_command(const FlowReport& flow) {
  if (!flow.fate.culprit)
    return "";
  const auto place = place_of(*flow.fate.culprit);
  if (!place)
    return "";
  // The flow of a rule's test may have no path: then it is the first packet that can be there.
  PathStep step;
  step.stage = flow.fate.stopped_at.value_or(Stage::input);
  const bool leaves = step.stage == Stage::output || step.stage == Stage::postrouting ||
                      step.stage == Stage::egress;
  step.packet = leaves && !flow.flow.local      ? Packet::synack
                : flow.flow.proto == Proto::udp ? Packet::datagram
                                                : Packet::syn;
  if (const PathStep* stop = stopping_step(flow))
    step = *stop;
  const auto match = match_of(flow, step);
  if (!match)
    return "";
  if (flow.fate.culprit->kind.starts_with("xt"))
    return xt_command(*place, "legacy", *match);
  return of_iptables(flow, *place) ? xt_command(*place, "nft", *match)
                                   : nft_command(*place, *match);
}

} // namespace synfate::rules
