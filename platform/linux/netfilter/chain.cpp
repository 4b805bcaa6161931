#include "platform/linux/netfilter/chain.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "platform/linux/netfilter/client_cuts.h"
#include "platform/linux/netfilter/join.h"
#include "platform/linux/netfilter/machine.h"
#include "platform/linux/netfilter/near_miss.h"
#include "platform/linux/netfilter/quick_refusal.h"
#include "platform/linux/netfilter/rule_text.h"

namespace synfate {
namespace {

constexpr unsigned jump_stack = 16;

/// What is known of a packet at a glance.
struct Glance {
  PacketPointer packet;
  QuickPacket facts;
};

/// A part of the class on its way through the chains.
struct Traveller {
  PacketPointer packet;
  std::vector<PathStep> details;
  std::shared_ptr<const Glance> glance; ///< of this packet, or of one it was before
};

/// Joins two parts into one where together they are one class; false if they are not.
bool join(Traveller& into, const Traveller& other) {
  const auto& a = *into.packet;
  const auto& b = *other.packet;
  const bool addresses = a.addresses == b.addresses;
  const bool ports = a.ports == b.ports;
  const bool conditions = a.conditions == b.conditions;
  if (addresses + ports + conditions < 2 || !same_but_class(a, b))
    return false;
  auto joined = std::make_shared<PacketClass>(a);
  if (!addresses)
    joined->addresses = a.addresses | b.addresses;
  else if (!ports)
    joined->ports = a.ports | b.ports;
  else if (!conditions) {
    // opposite conditions that lead to the same place: what they have in common remains
    const auto end = std::ranges::mismatch(a.conditions, b.conditions).in1;
    const auto common = static_cast<std::size_t>(end - a.conditions.begin());
    if (a.conditions.size() != common + 1 || b.conditions.size() != common + 1)
      return false;
    joined->conditions.resize(common);
  }
  into.packet = std::move(joined);
  return true;
}

void join_all(std::vector<Traveller>& travellers) {
  for (std::size_t at = 0; at < travellers.size(); ++at)
    for (std::size_t other = at + 1; other < travellers.size();)
      if (join(travellers[at], travellers[other])) {
        travellers.erase(travellers.begin() + static_cast<std::ptrdiff_t>(other));
        other = at + 1;
      } else {
        ++other;
      }
}

/// The chain a rule ended in, and the rule: for near misses.
struct Visited {
  std::string name;
  const RuleChain* chain = nullptr;
};

class ChainRun {
public:
  ChainRun(HookContext& context, const HookRequest& request, const NftBaseChain& base,
           std::vector<StoppedPart>* stopped)
      : context_(context), request_(request), base_(base), machine_(context, request),
        order_(byte_order_of(context.inquiry.snapshot())), stopped_(stopped) {}

  Branches run(const PacketClass& packet) {
    whole_ports_ = packet.ports;
    assigned_before_ = packet.assigned;
    std::vector<Traveller> in;
    in.push_back({std::make_shared<const PacketClass>(packet), {}, {}});
    auto rest = run_chain(base_.name, std::move(in), 0, Ruleset::Reached::always);
    join_all(rest);
    for (auto& traveller : rest)
      end_by_policy(std::move(traveller));
    for (auto& state : accepted_) {
      Branch branch;
      branch.packet = *state.packet;
      branch.packet.addresses = IntervalSet::unite(state.addresses);
      branches_.push_back(std::move(branch));
    }
    if (context_.options.want_near_misses && !context_.inquiry.pending())
      add_near_misses();
    return std::move(branches_);
  }

private:
  /// What returns from a chain, or falls off its end.
  std::vector<Traveller> run_chain(const std::string& name, std::vector<Traveller> in,
                                   unsigned depth, Ruleset::Reached reached) {
    const RuleChain* chain = context_.ruleset.chain(context_.inquiry, base_.scope, name, reached);
    if (chain == nullptr || depth > jump_stack) {
      for (auto& traveller : in)
        end_unknown(std::move(traveller),
                    chain == nullptr ? fmt::format("the rules of chain {} could not be read", name)
                                     : "jumps too deep");
      return {};
    }
    visited_.push_back({name, chain});
    std::vector<Traveller> returned;
    std::vector<Traveller> current = std::move(in);
    std::optional<ClientCuts> cuts; // of the one part there is
    for (const auto& rule : chain->rules) {
      if (current.empty()) {
        ask_ahead(*chain, rule);
        break;
      }
      if (refused(chain->tests(rule, order_), current))
        continue;
      const RuleSite site{&base_.scope, &name, &rule};
      if (!context_.options.lifted.empty() && context_.options.lifted.contains(rule_id(site)))
        continue;
      if (current.size() == 1 && decided_at_a_glance(*chain, site, current.front(), cuts))
        continue;
      cut_out(cuts, current);
      run_rule(site, current, returned, depth);
    }
    cut_out(cuts, current);
    std::ranges::move(current, std::back_inserter(returned));
    if (returned.size() > 1)
      join_all(returned);
    return returned;
  }

  /// The rule matches no part: it has no effect.
  bool refused(std::span<const QuickTest> tests, std::vector<Traveller>& travellers) const {
    return std::ranges::all_of(
        travellers, [&](Traveller& traveller) { return glance_at(traveller).refuses(tests); });
  }

  const QuickPacket& glance_at(Traveller& traveller) const {
    const auto& packet = traveller.packet;
    if (!traveller.glance || traveller.glance->packet != packet)
      traveller.glance = std::make_shared<const Glance>(
          packet, QuickPacket(*packet, protocol_family(request_, base_.scope, *packet)));
    return traveller.glance->facts;
  }

  /// The rule asks many clients for nothing but their addresses, and stops them or lets them in:
  /// then neither those nor the others need a packet of their own.
  bool decided_at_a_glance(const RuleChain& chain, const RuleSite& site, Traveller& traveller,
                           std::optional<ClientCuts>& cuts) {
    const PacketPointer& packet = traveller.packet;
    if (with_steps() || base_.type == "nat" || !packet->conditions.empty() ||
        !(packet->ports == whole_ports_))
      return false;
    const auto end = chain.end(*site.rule, order_);
    if (!end || (end->kind != QuickEnd::Kind::accept && stopped_ == nullptr))
      return false;
    const auto passing =
        passing_addresses(chain.tests(*site.rule, order_), glance_at(traveller), *packet);
    if (!passing)
      return false;
    if (!cuts)
      cuts.emplace(packet->addresses);
    IntervalSet part = cuts->take(*passing);
    if (part.empty())
      return true;
    if (end->kind == QuickEnd::Kind::accept)
      accept_many(site, packet, std::move(part));
    else
      stop_many(site, *end, packet, std::move(part));
    return true;
  }

  void stop_many(const RuleSite& site, const QuickEnd& end, const PacketPointer& packet,
                 IntervalSet addresses) {
    StoppedPart part{packet, std::move(addresses), HookVerdict::drop, {}, rule_id(site)};
    if (end.kind == QuickEnd::Kind::reject) {
      const RuleEnd answered = rejected(end.reject, *packet);
      part.verdict = *answered.final;
      part.rejection = answered.rejection;
    }
    stopped_->push_back(std::move(part));
  }

  /// The part goes on without the clients that rules have decided about.
  static void cut_out(std::optional<ClientCuts>& cuts, std::vector<Traveller>& travellers) {
    if (!cuts)
      return;
    auto rest = std::make_shared<PacketClass>(*travellers.front().packet);
    rest->addresses = cuts->rest();
    cuts.reset();
    if (rest->addresses.empty())
      travellers.clear();
    else
      travellers.front().packet = std::move(rest);
  }

  /// What the rule does to every packet that comes to it; null: it tests something.
  const nft::Verdict* verdict_on_all(const RuleRow& rule) const {
    const auto& expressions = rule.expressions(order_);
    const auto* last = expressions.empty()
                           ? nullptr
                           : std::get_if<nft::ImmediateVerdict>(&expressions.back().operation);
    const auto counts = [](const nft::Expression& expression) {
      return std::holds_alternative<nft::Counter>(expression.operation);
    };
    const bool always =
        last != nullptr && std::all_of(expressions.begin(), expressions.end() - 1, counts);
    return always ? &last->verdict : nullptr;
  }

  /// A chain was missing, so the walk will begin again: asks for the chains that the rules from
  /// here on jump to without a condition as well, or it would begin again for each of them.
  void ask_ahead(const RuleChain& chain, const RuleRow& from) {
    constexpr std::size_t most = 1024;
    if (!context_.inquiry.pending())
      return;
    const auto first = static_cast<std::size_t>(&from - chain.rules.data());
    for (std::size_t at = first; at < std::min(chain.rules.size(), first + most); ++at) {
      if (chain.rules[at].last_verdict(order_) != nft::VerdictCode::jump)
        continue;
      const auto* verdict = verdict_on_all(chain.rules[at]);
      if (verdict != nullptr && verdict->code == nft::VerdictCode::jump)
        context_.ruleset.chain(context_.inquiry, base_.scope, verdict->chain);
    }
  }

  void run_rule(const RuleSite& site, std::vector<Traveller>& current,
                std::vector<Traveller>& returned, unsigned depth) {
    std::vector<Traveller> next;
    bool parted = current.size() > 1;
    for (std::size_t at = 0; at < current.size(); ++at) {
      ends_.clear();
      machine_.run(site, current[at].packet, ends_);
      const bool plain = std::ranges::all_of(ends_, [&](const RuleEnd& end) {
        return !end.final && end.verdict.code == nft::VerdictCode::proceed;
      });
      if (plain && ends_.size() == 1) {
        current[at].packet = ends_.front().packet;
        next.push_back(std::move(current[at]));
        continue;
      }
      parted = true;
      const auto ends = std::move(ends_);
      Traveller& from = current[at];
      for (const auto& end : ends) {
        const bool last = &end == &ends.back(); // the way so far goes on with it
        follow(site, end, {end.packet, last ? std::move(from.details) : from.details, from.glance},
               next, returned, depth);
      }
    }
    if (parted && next.size() > 1)
      join_all(next);
    limit(next);
    current = std::move(next);
  }

  /// Classes that fall into too many parts are given up, not enumerated.
  void limit(std::vector<Traveller>& travellers) {
    const std::size_t most = context_.options.most_branches;
    while (travellers.size() > most) {
      end_unknown(std::move(travellers.back()), "too many cases to tell apart");
      travellers.pop_back();
    }
  }

  void follow(const RuleSite& site, const RuleEnd& end, Traveller traveller,
              std::vector<Traveller>& next, std::vector<Traveller>& returned, unsigned depth) {
    if (end.final || end.verdict.code == nft::VerdictCode::accept)
      return finish(site, end, std::move(traveller));
    switch (end.verdict.code) {
    case nft::VerdictCode::return_up:
      returned.push_back(std::move(traveller));
      return;
    case nft::VerdictCode::jump:
    case nft::VerdictCode::go_to: {
      if (context_.options.want_trace)
        traveller.details.push_back(step(Verdict::pass, rule_culprit(context_, site),
                                         verdict_text(end.verdict), *site.chain, true));
      std::vector<Traveller> in;
      in.push_back(std::move(traveller));
      const bool jump = end.verdict.code == nft::VerdictCode::jump;
      const auto reached = verdict_on_all(*site.rule) != nullptr ? Ruleset::Reached::always
                                                                 : Ruleset::Reached::by_a_test;
      auto back = run_chain(end.verdict.chain, std::move(in), depth + (jump ? 1 : 0), reached);
      std::ranges::move(back, std::back_inserter(jump ? next : returned));
      return;
    }
    default:
      next.push_back(std::move(traveller));
    }
  }

  PathStep step(Verdict verdict, std::optional<Culprit> by, std::string note,
                const std::string& chain, bool detail) const {
    PathStep step;
    step.packet = request_.packet;
    step.stage = stage_of(request_);
    step.chain = fmt::format("{}/{}/{}", id_part(base_.scope.family), id_part(base_.scope.table),
                             id_part(chain));
    if (!detail)
      step.priority = base_.priority;
    step.verdict = verdict;
    step.by = std::move(by);
    step.note = std::move(note);
    step.netns = request_.netns;
    step.detail = detail;
    return step;
  }

  static Verdict path_verdict(const Branch& branch, bool translated) {
    switch (branch.verdict) {
    case HookVerdict::accept:
      return translated ? Verdict::divert : Verdict::pass;
    case HookVerdict::drop:
    case HookVerdict::reject:
      return Verdict::stop;
    case HookVerdict::queue:
      return Verdict::assumed;
    case HookVerdict::stolen:
      return Verdict::divert;
    case HookVerdict::unknown:
      return Verdict::unknown;
    }
    return Verdict::unknown;
  }

  void push(Branch&& branch, Traveller&& traveller, std::string note) {
    const auto& assigned = branch.packet.assigned;
    const bool handed = assigned && assigned != assigned_before_; // by a rule that need not end it
    const bool translated = handed || (base_.type == "nat" && branch.culprit.has_value() &&
                                       branch.verdict == HookVerdict::accept &&
                                       (branch.packet.ct.destination_nat == branch.culprit ||
                                        branch.packet.ct.source_nat == branch.culprit));
    if (!with_steps())
      return push_one_of_many(std::move(branch));
    branch.steps = std::move(traveller.details);
    const bool passed = handed && branch.verdict == HookVerdict::accept;
    branch.steps.push_back(step(path_verdict(branch, translated),
                                passed ? std::optional(assigned->by) : branch.culprit,
                                std::move(note), base_.name, false));
    branches_.push_back(std::move(branch));
  }

  /// Branches are large: a list of tens of thousands should not move often.
  void push_one_of_many(Branch&& branch) {
    constexpr std::size_t many = 1024;
    if (branches_.size() >= many && branches_.size() == branches_.capacity())
      branches_.reserve(4 * branches_.size());
    branches_.push_back(std::move(branch));
  }

  /// Classes of many clients have parts without number: their ways are not told step by step.
  bool with_steps() const {
    return context_.options.classes == nullptr || context_.options.classes->passages == nullptr;
  }

  Culprit culprit_of(const RuleSite& site) const {
    if (with_steps())
      return rule_culprit(context_, site);
    auto [kind, id] = rule_id(site);
    return {std::move(kind), std::move(id), {}};
  }

  /// Of many clients: twenty thousand rules that accept one client each make one branch.
  void accept_many(const RuleSite& site, const PacketPointer& packet, IntervalSet addresses) {
    context_.options.classes->passages->push_back(
        {addresses, packet->ports, rule_id(site), conditions_of_address(packet->conditions)});
    for (auto& state : accepted_)
      if (state.packet == packet ||
          (state.packet->ports == packet->ports && state.packet->conditions == packet->conditions &&
           same_but_class(*state.packet, *packet))) {
        state.addresses.push_back(std::move(addresses));
        return;
      }
    if (accepted_.size() < context_.options.most_branches) {
      accepted_.push_back({packet, {std::move(addresses)}});
      return;
    }
    auto part = std::make_shared<PacketClass>(*packet);
    part->addresses = std::move(addresses);
    end_unknown({std::move(part), {}, {}}, "too many cases to tell apart");
  }

  void finish(const RuleSite& site, const RuleEnd& end, Traveller&& traveller) {
    if (!with_steps() && !end.final && base_.type != "nat")
      return accept_many(site, end.packet, end.packet->addresses);
    Branch branch;
    branch.packet = *end.packet;
    branch.verdict = end.final.value_or(HookVerdict::accept);
    branch.rejection = end.rejection;
    branch.queue = end.queue;
    branch.theft = end.theft;
    branch.stolen_interface = end.stolen_interface;
    branch.why = end.why;
    branch.culprit = culprit_of(site);
    std::string note = end.why.empty() ? std::string(to_string(branch.verdict)) : end.why;
    push(std::move(branch), std::move(traveller), std::move(note));
  }

  void end_unknown(Traveller traveller, std::string why) {
    Branch branch;
    branch.packet = *traveller.packet;
    branch.verdict = HookVerdict::unknown;
    branch.why = why;
    push(std::move(branch), std::move(traveller), std::move(why));
  }

  void end_by_policy(Traveller traveller) {
    Branch branch;
    branch.packet = *traveller.packet;
    const Culprit policy{"nft_chain",
                         fmt::format("{}/{}/{}", id_part(base_.scope.family),
                                     id_part(base_.scope.table), id_part(base_.name)),
                         base_.drops ? "policy drop" : "policy accept"};
    const bool drops = base_.drops && !context_.options.lifted.contains({policy.kind, policy.id});
    if (drops) {
      branch.verdict = HookVerdict::drop;
      branch.culprit = policy;
    }
    push(std::move(branch), std::move(traveller), drops ? policy.text : std::string());
  }

  /// The rule that decided, by its number, if it stands in this chain.
  std::optional<Int> handle_in(const Visited& place, const Branch& branch) const {
    if (!branch.culprit || branch.culprit->kind != "nft_rule")
      return std::nullopt;
    const std::string_view id = branch.culprit->id;
    const auto chain = fmt::format("{}/{}/{}/", id_part(base_.scope.family),
                                   id_part(base_.scope.table), id_part(place.name));
    if (!id.starts_with(chain))
      return std::nullopt;
    return std::strtoll(id.substr(chain.size()).data(), nullptr, 10);
  }

  void add_near_misses() {
    const bool stopped = std::ranges::any_of(branches_, [](const Branch& branch) {
      return branch.verdict == HookVerdict::drop || branch.verdict == HookVerdict::reject;
    });
    if (!stopped)
      return;
    for (auto& branch : branches_) {
      if (branch.verdict != HookVerdict::drop && branch.verdict != HookVerdict::reject)
        continue;
      const auto packet = std::make_shared<const PacketClass>(branch.packet);
      const QuickPacket glance(*packet, protocol_family(request_, base_.scope, *packet));
      for (const auto& place : visited_) {
        const auto decided = handle_in(place, branch);
        for (const auto& rule : place.chain->rules) {
          if (rule.handle == decided)
            break; // rules behind the one that decided were never reached
          if (branch.near_misses.size() < most_near_miss_candidates &&
              glance.failing(place.chain->tests(rule, order_), 2) < 2 &&
              rule.last_verdict(order_) == nft::VerdictCode::accept)
            near_miss({&base_.scope, &place.name, &rule}, packet, branch.near_misses);
        }
      }
      keep_nearest(branch.near_misses);
    }
  }

  /// The packet's whole address or interface: a rule may test only its first bytes.
  static std::string carried_text(const std::string& field, const PacketClass& packet) {
    const bool in = field == "iifname" || field == "iif";
    if (in || field == "oifname" || field == "oif")
      return fmt::format("\"{}\"", in ? packet.meta.in.name : packet.meta.out.name);
    const bool source = field == "ip saddr" || field == "ip6 saddr";
    if (!source && field != "ip daddr" && field != "ip6 daddr")
      return {};
    const auto term = (source ? source_of(packet) : destination_of(packet)).address;
    if (term.kind == AddressTerm::Kind::known)
      return term.first.to_string();
    return term.kind == AddressTerm::Kind::client ? to_string(packet.addresses, packet.family)
                                                  : std::string();
  }

  void near_miss(const RuleSite& site, const PacketPointer& packet,
                 std::vector<NearMiss>& near_misses) {
    std::vector<std::vector<Octet>> had;
    const auto failed = machine_.failures(site, packet, &had);
    if (!failed || failed->size() != 1)
      return;
    for (const auto& phrase : phrases_of(site.rule->expressions(order_), base_.scope.family,
                                         text_sources(context_, base_.scope)))
      if (phrase.at == failed->front()) {
        std::string bytes;
        bool known = true;
        for (const auto& octet : had.front()) {
          known = known && octet.is_known();
          bytes += static_cast<char>(octet.value);
        }
        std::string text = carried_text(phrase.field, *packet);
        if (text.empty() && known)
          text = value_text(phrase.field, bytes, order_);
        near_misses.push_back(
            {rule_culprit(context_, site), phrase.field, phrase.value, std::move(text)});
      }
  }

  HookContext& context_;
  const HookRequest& request_;
  const NftBaseChain& base_;
  Machine machine_;
  ByteOrder order_;
  std::vector<RuleEnd> ends_;
  Branches branches_;
  /// Parts that rules accepted, by the state they go on in.
  struct Accepted {
    PacketPointer packet;
    std::vector<IntervalSet> addresses;
  };
  std::vector<Accepted> accepted_;
  std::vector<Visited> visited_;
  IntervalSet whole_ports_;                       ///< of the class that came
  std::optional<AssignedSocket> assigned_before_; ///< what an earlier chain gave the packet
  std::vector<StoppedPart>* stopped_;
};

} // namespace

Branches run_base_chain(HookContext& context, const HookRequest& request, const NftBaseChain& chain,
                        const PacketClass& packet, std::vector<StoppedPart>* stopped) {
  return ChainRun(context, request, chain, stopped).run(packet);
}

} // namespace synfate
