#include "platform/linux/model/partition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "platform/linux/model/cells.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/vantage.h"
#include "platform/linux/netfilter/join.h"
#include "platform/linux/netfilter/route_tables.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/routing/fib_facts.h"
#include "platform/linux/routing/tables.h"
#include "platform/linux/xtables/tables.h"

namespace synfate {
namespace {

constexpr std::string_view separator("\x1f");

// At a glance nothing may take longer than the walks of the plain flows.
constexpr std::size_t rules_at_a_glance = 2000;
constexpr std::size_t vantages_at_a_glance = 40;
constexpr std::size_t branches_at_a_glance = 256;

/// Has the rules read that the hooks of the path can reach, all at once.
class Prefetch {
public:
  Prefetch(Inquiry& inquiry, Ruleset& ruleset) : inquiry_(inquiry), ruleset_(ruleset) {}

  void run(Int netns) {
    const auto* chains = ruleset_.base_chains(inquiry_, netns);
    if (chains == nullptr)
      return;
    for (const auto& chain : *chains)
      if (chain.hook != "forward")
        visit(chain.scope, chain.name);
  }

private:
  void visit(const NftScope& scope, const std::string& name) {
    if (!seen_.emplace(scope, name).second)
      return;
    const RuleChain* chain = ruleset_.chain(inquiry_, scope, name);
    if (chain == nullptr)
      return;
    const auto order = byte_order_of(inquiry_.snapshot());
    for (const auto& rule : chain->rules) {
      const auto code = rule.last_verdict(order);
      if (code == nft::VerdictCode::jump || code == nft::VerdictCode::go_to)
        if (const auto* verdict =
                std::get_if<nft::ImmediateVerdict>(&rule.expressions(order).back().operation))
          visit(scope, verdict->verdict.chain);
      if (looks_up(rule.bytes, order))
        sets_of(scope);
    }
  }

  void sets_of(const NftScope& scope) {
    if (with_sets_.insert(scope).second)
      static_cast<void>(inquiry_.find(
          {std::string(table_name<NftSet>()),
           {{"netns", scope.netns}, {"family", scope.family}, {"table", scope.table}}}));
  }

  Inquiry& inquiry_;
  Ruleset& ruleset_;
  std::set<std::pair<NftScope, std::string>> seen_;
  std::set<NftScope> with_sets_;
};

/// Ends that nothing tells apart but their addresses, and who may be among them.
struct EndGroup {
  const ClassEnd* end = nullptr;
  std::vector<IntervalSet> addresses;
};

/// Appends numbers as they are written, and texts, each behind a separator.
class KeyText {
public:
  KeyText& operator<<(std::string_view part) {
    text_ += separator;
    text_ += part;
    return *this;
  }
  KeyText& operator<<(int number) {
    std::array<char, 12> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), end);
  }
  std::string take() { return std::move(text_); }

private:
  std::string text_;
};

std::string signature(const ClassEnd& end) {
  KeyText text;
  text << static_cast<int>(end.certainty);
  for (const auto& condition : end.packet_conditions)
    text << condition.when;
  for (const auto& condition : end.conditions)
    text << condition;
  for (const auto& assumption : end.assumptions)
    text << assumption;
  for (const auto& interval : end.ports.intervals())
    text << static_cast<int>(interval.first) << static_cast<int>(interval.last) << "-";
  if (!end.stop)
    return text.take();
  text << static_cast<int>(end.stop->outcome) << static_cast<int>(end.stop->icmp)
       << static_cast<int>(end.stop->stage) << (end.stop->martian ? 1 : 0);
  if (end.stop->culprit)
    text << end.stop->culprit->kind << end.stop->culprit->id;
  return text.take();
}

std::vector<EndGroup> group(const std::vector<ClassEnd>& ends) {
  std::vector<EndGroup> groups;
  std::unordered_map<std::string, std::size_t> known;
  known.reserve(ends.size());
  for (const auto& end : ends) {
    const auto [at, fresh] = known.emplace(signature(end), groups.size());
    if (fresh)
      groups.push_back({&end, {}});
    groups[at->second].addresses.push_back(end.addresses);
  }
  return groups;
}

Journey journey_of(const ClassEnd& end) {
  Journey journey;
  journey.packet.ports = end.ports;
  journey.packet.conditions = end.packet_conditions;
  journey.conditions = end.conditions;
  journey.assumptions = end.assumptions;
  journey.certainty = end.certainty;
  if (end.stop)
    journey.stops.push_back(*end.stop);
  return journey;
}

/// What tells classes apart in the answer.
std::string visible(const SourceClass& part) {
  KeyText text;
  text << static_cast<int>(part.outcome) << static_cast<int>(part.icmp)
       << static_cast<int>(part.certainty)
       << (part.stopped_at ? static_cast<int>(*part.stopped_at) : -1) << (part.martian ? 1 : 0);
  if (part.culprit)
    text << part.culprit->kind << part.culprit->id;
  for (const auto& rule : part.via)
    text << rule;
  return text.take();
}

std::vector<IpRange> ranges_of(const IntervalSet& set, IpFamily family) {
  std::vector<IpRange> ranges;
  ranges.reserve(set.intervals().size());
  for (const auto& interval : set.intervals())
    ranges.emplace_back(to_address(interval.first, family), to_address(interval.last, family));
  return ranges;
}

/// The answer for one vantage: ends become cells, cells that read alike become classes.
class Classes {
public:
  Classes(const Inquiry& inquiry, const Vantage& vantage, const ClassWalk& walked)
      : inquiry_(inquiry), vantage_(vantage), walked_(walked) {}

  std::vector<SourceClass> run() {
    groups_ = group(walked_.ends);
    std::vector<IntervalSet> sets;
    for (const auto& group : groups_)
      sets.push_back(IntervalSet::unite(group.addresses));
    for (auto& cell : overlay(sets))
      take(std::move(cell));
    take_open();
    const auto untold = vantage_.sources - IntervalSet::unite(told_);
    if (!untold.empty())
      take_unknown(untold);
    return classes();
  }

private:
  struct Part {
    SourceClass told;
    std::vector<IntervalSet> addresses;
  };

  void take(AddressCell cell) {
    SourceClass told = told_of(cell.sets);
    told_.push_back(cell.addresses);
    if (told.outcome == Outcome::open && !walked_.passages.empty())
      open_.push_back({std::move(told), {std::move(cell.addresses)}});
    else
      add(std::move(told), std::move(cell.addresses));
  }

  /// What is open is told apart by the rules that let it pass.
  void take_open() {
    std::vector<IntervalSet> sets;
    for (const auto& part : open_)
      sets.push_back(part.addresses.front());
    for (const auto& passage : walked_.passages)
      sets.push_back(passage.addresses);
    if (open_.empty())
      return;
    for (auto& cell : overlay(sets)) {
      if (cell.sets.front() >= open_.size())
        continue; // let pass here, stopped elsewhere
      SourceClass told = open_[cell.sets.front()].told;
      std::map<std::string, std::vector<std::vector<Condition>>> ways;
      for (const auto set : cell.sets)
        if (set >= open_.size()) {
          const auto& passage = walked_.passages[set - open_.size()];
          add_passage(told.via, passage.by.id);
          ways[passage.by.id].push_back(passage.conditions);
        }
      // Of some members only the rule lets pass.
      if (std::ranges::any_of(ways, [](const auto& of_rule) { return !cover_all(of_rule.second); }))
        told.certainty = std::max(told.certainty, Certainty::likely);
      add(std::move(told), std::move(cell.addresses));
    }
  }

  static void add_passage(std::vector<std::string>& via, const std::string& id) {
    if (std::ranges::find(via, id) == via.end())
      via.push_back(id);
  }

  /// Called over this vantage, and nothing more yet.
  SourceClass somebody() const {
    SourceClass told;
    told.interface = vantage_.flow.from_interface;
    told.to = vantage_.flow.to;
    return told;
  }

  SourceClass told_of(const std::vector<std::uint32_t>& ends) const {
    if (ends.size() == 1)
      return told_of(*groups_[ends.front()].end);
    Journeys journeys;
    SourceClass told = somebody();
    told.martian = true;
    for (const auto at : ends) {
      const ClassEnd& end = *groups_[at].end;
      told.martian = told.martian && end.stop && end.stop->martian;
      journeys.push_back(journey_of(end));
    }
    Fate fate = fate_of(journeys, inquiry_, true);
    told.outcome = fate.outcome;
    told.icmp = fate.icmp;
    told.certainty = fate.certainty;
    told.stopped_at = fate.stopped_at;
    told.culprit = std::move(fate.culprit);
    return told;
  }

  /// All ways end alike: what fate_of() says of one journey.
  SourceClass told_of(const ClassEnd& end) const {
    SourceClass told = somebody();
    told.certainty = end.certainty;
    told.outcome = Outcome::open;
    if (!end.stop)
      return told;
    told.martian = end.stop->martian;
    told.outcome = end.stop->outcome;
    told.icmp = end.stop->icmp;
    told.stopped_at = end.stop->stage;
    told.culprit = end.stop->culprit;
    return told;
  }

  void take_unknown(const IntervalSet& addresses) {
    SourceClass told = somebody();
    told.certainty = Certainty::possible;
    add(std::move(told), addresses);
  }

  void add(SourceClass told, IntervalSet addresses) {
    const auto [at, fresh] = known_.emplace(visible(told), parts_.size());
    if (fresh)
      parts_.push_back({std::move(told), {}});
    parts_[at->second].addresses.push_back(std::move(addresses));
  }

  std::vector<SourceClass> classes() {
    const IpFamily family = vantage_.flow.from.family();
    std::vector<std::pair<Wide, std::size_t>> order; // by the first address
    order.reserve(parts_.size());
    for (std::size_t at = 0; at < parts_.size(); ++at) {
      auto& part = parts_[at];
      const IntervalSet sources = IntervalSet::unite(part.addresses);
      order.emplace_back(sources.first(), at);
      part.told.sources = ranges_of(sources, family);
      part.addresses.clear();
    }
    std::ranges::sort(order);
    std::vector<SourceClass> classes;
    classes.reserve(parts_.size());
    for (const auto& [first, at] : order)
      classes.push_back(std::move(parts_[at].told));
    return classes;
  }

  const Inquiry& inquiry_;
  const Vantage& vantage_;
  const ClassWalk& walked_;
  std::vector<EndGroup> groups_;
  std::vector<IntervalSet> told_; ///< all that is told so far
  std::vector<Part> open_;        ///< with one set each
  std::unordered_map<std::string, std::size_t> known_;
  std::vector<Part> parts_;
};

/// Those whom no walk tells about.
SourceClass told_without_walk(const Vantage& vantage) {
  SourceClass told;
  told.sources = ranges_of(vantage.sources, vantage.flow.from.family());
  told.interface = vantage.flow.from_interface;
  const char* family = vantage.flow.from.is_v4() ? "IPv4" : "IPv6";
  switch (vantage.kind) {
  case Vantage::Kind::clients:
    break;
  case Vantage::Kind::no_address:
    told.outcome = Outcome::timeout;
    told.stopped_at = Stage::route;
    told.culprit = Culprit{"interface", id_part(told.interface),
                           fmt::format("this host has no {} address to call", family)};
    break;
  case Vantage::Kind::elsewhere:
  case Vantage::Kind::no_target:
    told.martian = true;
    told.outcome = Outcome::denied;
    told.stopped_at = Stage::client;
    break;
  case Vantage::Kind::vrf:
    told.certainty = Certainty::possible;
    told.culprit = Culprit{"interface", id_part(told.interface), "routed by a VRF"};
    break;
  }
  return told;
}

std::size_t rules_read(const Snapshot& snapshot, const Ruleset& ruleset) {
  std::size_t count = ruleset.rules_read();
  if (const Table* tables = snapshot.table(table_name<XtTable>()))
    for (std::size_t row = 0; row < tables->size(); ++row)
      count += static_cast<std::size_t>(read_row<XtTable>(*tables, row).rules.value_or(0));
  return count;
}

VantageFacts look_around(Inquiry& inquiry, Int netns) {
  VantageFacts facts;
  facts.interfaces = ask_interfaces(inquiry, netns);
  facts.addresses = ask_addresses(inquiry, netns);
  // A program binds to what the table local has: inet_addr_type_table().
  for (auto& route : linux_routing::ask_all_routes(inquiry, netns))
    if (route.type.is("local") && route.table.is(table_local))
      facts.local_routes.push_back(std::move(route));
  return facts;
}

} // namespace

std::vector<SourceClass> partition_clients(Inquiry& inquiry, Ruleset& ruleset, const XtTables* xt,
                                           const Target& target,
                                           const std::optional<Identity>& as) {
  const Int netns = inquiry.snapshot().host().netns;
  const bool glance = inquiry.at_a_glance();
  if (glance && rules_read(inquiry.snapshot(), ruleset) > rules_at_a_glance)
    inquiry.give_up();
  if (inquiry.too_much())
    return {};
  const VantageFacts facts = look_around(inquiry, netns);
  Fibs fibs;
  static_cast<void>(fibs.of(inquiry, netns));
  if (!glance)
    Prefetch(inquiry, ruleset).run(netns);
  for (const char* name : {"net.ipv4.fwmark_reflect", "net.ipv6.fwmark_reflect"})
    static_cast<void>(ask_setting(inquiry, netns, name));
  if (inquiry.pending())
    return {};
  auto vantages = vantages_of(facts, target, as);
  if (glance) // this host's own clients are told by the flows
    std::erase_if(vantages, [](const Vantage& vantage) { return vantage.flow.local; });
  if (glance && vantages.size() > vantages_at_a_glance)
    inquiry.give_up();
  std::vector<SourceClass> classes;
  for (const auto& vantage : vantages) {
    if (inquiry.too_much())
      return {};
    if (vantage.kind != Vantage::Kind::clients) {
      classes.push_back(told_without_walk(vantage));
      continue;
    }
    ClassWalk many{.sources = vantage.sources, .fibs = fibs};
    if (glance)
      many.most_branches = branches_at_a_glance;
    Walk walk{inquiry, vantage.flow, ruleset, xt, &many};
    walk_flow(walk);
    if (inquiry.pending())
      continue;
    for (auto& told : Classes(inquiry, vantage, many).run())
      classes.push_back(std::move(told));
  }
  if (way_is_partly_seen(inquiry))
    for (auto& told : classes)
      told.certainty = std::max(told.certainty, Certainty::likely);
  return classes;
}

} // namespace synfate
