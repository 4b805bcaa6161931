#include "core/report/words.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include <date/date.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/text.h"

namespace synfate {
namespace {

/// What an outcome means, where its word alone does not say it.
std::string_view gloss(Outcome outcome) {
  switch (outcome) {
  case Outcome::open:
  case Outcome::refused:
  case Outcome::unreachable:
    return "";
  case Outcome::timeout:
    return " (no answer)";
  case Outcome::stalled:
    return " (connects, then silence)";
  case Outcome::reset:
    return " (connects, then closed)";
  case Outcome::denied:
    return " (by the client's own system)";
  case Outcome::unknown:
    return " (it cannot be told)";
  }
  return "";
}

std::string_view hedge(Certainty certainty) {
  switch (certainty) {
  case Certainty::certain:
    return "";
  case Certainty::likely:
    return "likely ";
  case Certainty::possible:
    return "possibly ";
  }
  return "";
}

using Members = std::set<std::size_t>;

/// A way to name some of a report's flows.
struct Naming {
  std::string words;
  Members members;
};

template <typename Predicate>
void add_naming(std::vector<Naming>& namings, const Report& report, std::string words,
                Predicate holds) {
  Naming naming{std::move(words), {}};
  for (std::size_t index = 0; index < report.flows.size(); ++index)
    if (holds(report.flows[index].flow))
      naming.members.insert(index);
  if (!naming.members.empty())
    namings.push_back(std::move(naming));
}

std::string local_name(const Report& report) {
  for (const auto& entry : report.flows)
    if (entry.flow.local && !entry.flow.from.is_loopback())
      return "from this host";
  return "from localhost";
}

/// Names for groups of flows, the most general first.
std::vector<Naming> namings_of(const Report& report) {
  std::vector<Naming> namings;
  const auto local = local_name(report);
  add_naming(namings, report, local, [](const Flow& flow) { return flow.local; });
  add_naming(namings, report, "from the network", [](const Flow& flow) { return !flow.local; });
  for (const auto family : {IpFamily::v4, IpFamily::v6}) {
    const std::string over = family == IpFamily::v4 ? "over IPv4" : "over IPv6";
    add_naming(namings, report, over,
               [family](const Flow& flow) { return flow.to.family() == family; });
    add_naming(namings, report, "from the network " + over,
               [family](const Flow& flow) { return !flow.local && flow.to.family() == family; });
    add_naming(namings, report, local + " " + over,
               [family](const Flow& flow) { return flow.local && flow.to.family() == family; });
  }
  std::set<std::string> interfaces;
  for (const auto& entry : report.flows)
    if (!entry.flow.local && !entry.flow.from_interface.empty())
      interfaces.insert(entry.flow.from_interface);
  for (const auto& name : interfaces)
    add_naming(namings, report, "from " + name,
               [&name](const Flow& flow) { return !flow.local && flow.from_interface == name; });
  for (const auto& entry : report.flows)
    add_naming(namings, report, "from " + client_words(entry.flow),
               [&](const Flow& flow) { return client_words(flow) == client_words(entry.flow); });
  return namings;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    if (index > 0)
      text += index + 1 == parts.size() ? " and " : ", ";
    text += parts[index];
  }
  return text;
}

std::size_t covered(const Naming& naming, const Members& all, const Members& left) {
  if (!std::ranges::includes(all, naming.members))
    return 0; // it would name others, too
  return static_cast<std::size_t>(std::ranges::count_if(
      naming.members, [&left](std::size_t member) { return left.contains(member); }));
}

/// Covers the members by names, each time by the one that names most of those left; counts them if
/// that takes more than three.
std::string name_of(const Report& report, const std::vector<Naming>& namings,
                    const Members& members) {
  auto left = members;
  std::vector<std::string> parts;
  while (!left.empty() && parts.size() <= 3) {
    const auto best = std::ranges::max_element(
        namings, {}, [&](const Naming& naming) { return covered(naming, members, left); });
    parts.push_back(best->words);
    for (const auto member : best->members)
      left.erase(member);
  }
  if (parts.size() > 3)
    return fmt::format("from {} of {}", members.size(), report.flows.size());
  return joined(parts);
}

Certainty weakest(const Report& report, const Members& members) {
  auto certainty = Certainty::certain;
  for (const auto member : members)
    certainty = std::max(certainty, report.flows[member].fate.certainty);
  return certainty;
}

/// Flows by outcome; what stops comes first, what is open last.
std::vector<std::pair<Outcome, Members>> by_outcome(const Report& report) {
  std::map<Outcome, Members> groups;
  for (std::size_t index = 0; index < report.flows.size(); ++index)
    groups[report.flows[index].fate.outcome].insert(index);
  std::vector<std::pair<Outcome, Members>> ordered(groups.begin(), groups.end());
  std::ranges::stable_sort(ordered, {},
                           [](const auto& group) { return group.first == Outcome::open ? 1 : 0; });
  return ordered;
}

Icmp common_icmp(const Report& report, const Members& members) {
  const auto icmp = report.flows[*members.begin()].fate.icmp;
  const bool same = std::ranges::all_of(
      members, [&](std::size_t member) { return report.flows[member].fate.icmp == icmp; });
  return same ? icmp : Icmp::none;
}

date::sys_time<std::chrono::milliseconds> point_of(std::int64_t ms_since_1970) {
  return date::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(ms_since_1970));
}

} // namespace

Standing standing(const Fate& fate) {
  if (fate.outcome == Outcome::unknown) {
    const bool none_open =
        !fate.alternatives.empty() &&
        std::ranges::none_of(fate.alternatives, [](const Alternative& alternative) {
          return alternative.outcome == Outcome::open || alternative.outcome == Outcome::unknown;
        });
    return none_open && fate.certainty != Certainty::possible ? Standing::not_open
                                                              : Standing::unsure;
  }
  if (fate.outcome == Outcome::open)
    return fate.certainty == Certainty::possible ? Standing::unsure : Standing::open;
  return fate.certainty == Certainty::certain ? Standing::not_open : Standing::unsure;
}

namespace {

std::string zoned_endpoint_words(const IpAddress& address, const std::string& zone,
                                 std::int64_t port) {
  if (zone.empty())
    return endpoint_words(address, port);
  const std::string whole = address.to_string() + "%" + escape_for_terminal(zone);
  return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), whole, port);
}

} // namespace

std::string endpoint_words(const IpAddress& address, std::int64_t port) {
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), port)
                         : fmt::format("{}:{}", address.to_string(), port);
}

std::string target_words(const Target& target) {
  if (target.proto == Proto::unix_socket)
    return "unix:" + unix_name(target.path, target.abstract);
  if (target.addresses.empty())
    return fmt::format("{}/{}", to_string(target.proto), target.port);
  if (target.host_name.empty())
    return fmt::format("{}/{}", to_string(target.proto),
                       zoned_endpoint_words(target.addresses.front(), target.zone, target.port));
  std::vector<std::string> addresses;
  for (const auto& address : target.addresses)
    addresses.push_back(address.to_string());
  return fmt::format("{}/{}:{} ({})", to_string(target.proto), target.host_name, target.port,
                     fmt::join(addresses, ", "));
}

std::string client_words(const Flow& flow) {
  if (flow.proto == Proto::unix_socket) {
    if (!flow.identity)
      return "this host";
    return flow.identity->name.empty() ? fmt::format("user {}", flow.identity->uid)
                                       : "user " + flow.identity->name;
  }
  if (flow.local && flow.from.is_loopback())
    return "localhost";
  return flow.from.to_string();
}

std::string callee_words(const Flow& flow) {
  if (flow.proto == Proto::unix_socket)
    return unix_name(flow.path, flow.abstract);
  return zoned_endpoint_words(flow.to, flow.zone, flow.port);
}

std::string outcome_words(Outcome outcome, Icmp icmp) {
  if (icmp == Icmp::none)
    return std::string(to_string(outcome));
  return fmt::format("{} (ICMP {})", to_string(outcome), to_string(icmp));
}

namespace {

/// A kind of culprit as an operator would say it; a plugin's own kind as it is.
std::string kind_words(std::string_view kind) {
  using Entry = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Entry, 10> words{{
      {"nft_rule", "rule"},
      {"nft_chain", "policy of"},
      {"nft_set", "set"},
      {"xt_rule", "iptables-legacy rule"},
      {"xt_policy", "iptables-legacy policy of"},
      {"policy_rule", "routing rule"},
      {"ipsec_policy", "IPsec policy"},
      {"bpf_program", "BPF program"},
      {"netns", "network namespace"},
      {"port_range", "port range"},
  }};
  const auto* const known = std::ranges::find(words, kind, &Entry::first);
  return std::string(known == words.end() ? kind : known->second);
}

} // namespace

std::string culprit_words(const Culprit& culprit) {
  constexpr std::string_view unix_prefix = "unix/";
  if (culprit.kind == "file")
    return "file " + escape_for_terminal(plain_part(culprit.id));
  if (culprit.kind == "socket" && culprit.id.starts_with(unix_prefix))
    return "socket unix:" + escape_for_terminal(plain_part(culprit.id.substr(unix_prefix.size())));
  return fmt::format("{} {}", kind_words(culprit.kind),
                     escape_for_terminal(plain_part(culprit.id)));
}

std::string time_words(std::int64_t ms_since_1970) {
  return date::format("%F %T UTC", date::floor<std::chrono::seconds>(point_of(ms_since_1970)));
}

std::string timestamp(std::int64_t ms_since_1970) {
  return date::format("%FT%TZ", point_of(ms_since_1970));
}

std::string duration_words(std::int64_t ms) {
  const auto seconds = std::max<std::int64_t>(0, ms) / 1000;
  if (seconds < 120)
    return fmt::format("{} s", seconds);
  if (seconds < 120 * 60)
    return fmt::format("{} min", seconds / 60);
  if (seconds < 48 * 3600)
    return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

namespace {

/// "timeout or refused" where it is known what there is to choose from; "unknown" elsewhere.
std::string undecided_words(const Report& report, const Members& members) {
  std::vector<std::string_view> outcomes;
  for (const auto at : members) {
    const Fate& fate = report.flows[at].fate;
    if (fate.alternatives.empty())
      outcomes.push_back(to_string(Outcome::unknown));
    for (const auto& alternative : fate.alternatives)
      outcomes.push_back(to_string(alternative.outcome));
  }
  std::ranges::sort(outcomes);
  const auto repeated = std::ranges::unique(outcomes);
  outcomes.erase(repeated.begin(), repeated.end());
  if (std::ranges::find(outcomes, to_string(Outcome::unknown)) == outcomes.end())
    return fmt::format("{}", fmt::join(outcomes, " or "));
  return std::string(to_string(Outcome::unknown)) + std::string(gloss(Outcome::unknown));
}

} // namespace

std::string verdict_line(const Report& report) {
  auto line = target_words(report.target);
  if (!report.host.name.empty())
    line += " on " + report.host.name;
  line += ": ";
  if (report.flows.empty())
    return line + "it cannot be told, no connection could be examined";
  const auto groups = by_outcome(report);
  const auto namings = namings_of(report);
  std::vector<std::string> parts;
  for (const auto& [outcome, members] : groups) {
    std::string part;
    if (outcome == Outcome::unknown) {
      part += undecided_words(report, members);
    } else {
      part += hedge(weakest(report, members));
      part += outcome_words(outcome, outcome == Outcome::refused ? Icmp::none
                                                                 : common_icmp(report, members));
      part += gloss(outcome);
    }
    if (groups.size() > 1)
      part += " " + name_of(report, namings, members);
    else if (report.flows.size() == 1)
      part += " from " + client_words(report.flows.front().flow);
    parts.push_back(std::move(part));
  }
  return line + fmt::format("{}", fmt::join(parts, ", "));
}

} // namespace synfate
