#include "platform/linux/xtables/walk.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "platform/linux/xtables/ipset_lookup.h"
#include "platform/linux/xtables/near_miss.h"
#include "platform/linux/xtables/test_ip.h"
#include "platform/linux/xtables/travellers.h"

namespace synfate::xt {
namespace {

constexpr unsigned jump_limit = 512;       // the kernel refuses loops when rules are loaded
constexpr unsigned most_rules = 2'000'000; // looked at in one run

/// The rule at hand.
struct Site {
  std::uint32_t offset = 0;
  EntryFrame frame;
  ByteView bytes; ///< of this entry alone
};

/// Parts of the class on both sides of a rule's tests.
struct Sides {
  Travellers matched;
  Travellers not_matched;
};

class TableWalk {
public:
  TableWalk(HookContext& context, const HookRequest& request, const LoadedTable& table,
            int priority, unsigned hook)
      : context_(context), request_(request), table_(table), priority_(priority), hook_(hook),
        facts_() {}

  Branches run(const PacketClass& packet) {
    Travellers start{{std::make_shared<const PacketClass>(packet), {}}};
    Travellers rest = run_chain(table_.blob.hook_entry(hook_), std::move(start), 0);
    join_all(rest);
    for (auto& traveller : rest)
      end_by_policy(std::move(traveller));
    if (context_.options.want_near_misses && !context_.inquiry.pending())
      add_near_misses({context_, request_, table_, hook_,
                       [this](std::uint32_t offset) { return culprit(offset); }},
                      branches_);
    return std::move(branches_);
  }

private:
  IpFamily family() const { return table_.blob.family(); }

  /// From an entry on, to the end of its chain; gives those who return from it.
  Travellers run_chain(std::uint32_t offset, Travellers current, unsigned depth) {
    Travellers returned;
    while (!current.empty()) {
      const ByteView bytes = table_.blob.at(offset);
      const auto frame = frame_of(bytes, family());
      if (depth > jump_limit)
        seen_ = most_rules; // a loop has as many ways through it as one likes: none is followed on
      if (!frame || depth > jump_limit || ++seen_ > most_rules) {
        give_up(std::move(current),
                frame ? "its chains are too deep or too long" : "the table's bytes are damaged");
        break;
      }
      run_rule({offset, *frame, bytes.first(frame->next_offset)}, current, returned, depth);
      offset += frame->next_offset;
      limit(current);
    }
    if (returned.size() > 1)
      join_all(returned);
    return returned;
  }

  void run_rule(const Site& site, Travellers& current, Travellers& returned, unsigned depth) {
    if (std::ranges::none_of(current, [&](const Traveller& traveller) {
          return addresses_may_match(site.bytes, family(), facts_of(traveller));
        }))
      return;
    const IpPart ip = decode_ip(site.bytes, family());
    if (std::ranges::none_of(current, [&](const Traveller& traveller) {
          return may_match(ip, facts_of(traveller));
        }))
      return;
    Sides sides;
    for (auto& traveller : current)
      test_rule(site, ip, std::move(traveller), sides);
    current = std::move(sides.not_matched);
    if (sides.matched.empty()) {
      if (current.size() > 1)
        join_all(current);
      return;
    }
    if (is_lifted(site.offset)) {
      std::ranges::move(sides.matched, std::back_inserter(current));
      join_all(current);
      return;
    }
    for (auto& traveller : sides.matched)
      act(site, std::move(traveller), current, returned, depth);
    if (current.size() > 1)
      join_all(current);
  }

  /// Facts of the packet seen last: parts of a class share a packet most of the time.
  const QuickFacts& facts_of(const Traveller& traveller) {
    if (facts_packet_ != traveller.packet) {
      facts_packet_ = traveller.packet;
      facts_ = quick_facts(*traveller.packet);
    }
    return facts_;
  }

  void test_rule(const Site& site, const IpPart& ip, Traveller traveller, Sides& sides) {
    const QuickFacts facts = facts_of(traveller);
    if (!may_match(ip, facts)) {
      sides.not_matched.push_back(std::move(traveller));
      return;
    }
    const NameRule name = [&] { return culprit(site.offset); };
    const Extension none;
    const MatchCall call{context_, request_, *traveller.packet, none, name, facts.transport};
    Travellers open;
    sort_out(site, test_ip(call, ip, facts), std::move(traveller), open, sides);
    ByteView rest = site.bytes.subspan(head_size(), site.frame.target_offset - head_size());
    while (!rest.empty() && !open.empty()) {
      const auto match = extension_at(rest);
      if (!match) {
        give_up(std::move(open), "the rule's bytes are damaged");
        return;
      }
      Travellers next;
      for (auto& part : open)
        test_match(site, match->extension, std::move(part), name, next, sides);
      open = std::move(next);
      rest = rest.subspan(match->size);
    }
    std::ranges::move(open, std::back_inserter(sides.matched));
  }

  std::size_t head_size() const {
    return family() == IpFamily::v4 ? sizeof(wire::Entry4) : sizeof(wire::Entry6);
  }

  void test_match(const Site& site, const Extension& match, Traveller part, const NameRule& name,
                  Travellers& open, Sides& sides) {
    auto answer = evaluate_match(context_, request_, match, *part.packet, name);
    if (answer) {
      sort_out(site, std::move(*answer), std::move(part), open, sides);
      return;
    }
    Travellers one;
    one.push_back(std::move(part));
    give_up(std::move(one), fmt::format("{} uses the match {} (revision {}), which is not known",
                                        culprit(site.offset).id, match.name, match.revision));
  }

  /// Parts that matched go on to the next test, those that did not to the next rule.
  void sort_out(const Site& site, MatchAnswer answer, Traveller traveller, Travellers& open,
                Sides& sides) {
    if (answer.truth != Truth::depends) {
      if (answer.dropped)
        end_hotdrop(site, std::move(traveller));
      else
        (answer.truth == Truth::yes ? open : sides.not_matched).push_back(std::move(traveller));
      return;
    }
    for (auto& part : answer.parts) {
      Traveller parted{std::make_shared<const PacketClass>(std::move(part.packet)),
                       traveller.details};
      if (part.dropped)
        end_hotdrop(site, std::move(parted));
      else
        (part.matched ? open : sides.not_matched).push_back(std::move(parted));
    }
  }

  /// The target of a rule that matched.
  void act(const Site& site, Traveller traveller, Travellers& current, Travellers& returned,
           unsigned depth) {
    const auto target = extension_at(site.bytes.subspan(site.frame.target_offset));
    if (!target)
      return end_unknown(std::move(traveller), "the rule's bytes are damaged");
    const Verdict verdict = verdict_of(target->extension);
    switch (verdict.kind) {
    case StandardVerdict::accept:
      return end_rule(site, std::move(traveller), HookVerdict::accept, "accept");
    case StandardVerdict::drop:
      return end_rule(site, std::move(traveller), HookVerdict::drop, "drop");
    case StandardVerdict::queue:
      return end_rule(site, std::move(traveller), HookVerdict::queue, "queue 0");
    case StandardVerdict::returns:
      returned.push_back(std::move(traveller));
      return;
    case StandardVerdict::error:
      return end_rule(site, std::move(traveller), HookVerdict::drop, "ERROR: not a rule");
    case StandardVerdict::jump:
      return jump(site, verdict.offset, std::move(traveller), current, returned, depth);
    case StandardVerdict::other:
      return extend(site, target->extension, std::move(traveller), current, returned);
    }
  }

  void jump(const Site& site, std::uint32_t to, Traveller traveller, Travellers& current,
            Travellers& returned, unsigned depth) {
    if (to == site.offset + site.frame.next_offset) { // a rule without a target
      current.push_back(std::move(traveller));
      return;
    }
    const auto flag = family() == IpFamily::v4 ? wire::flag_goto4 : wire::flag_goto6;
    const bool is_goto = (decode_ip(site.bytes, family()).flags & flag) != 0;
    note(site, traveller, is_goto ? "goto" : "jump");
    Travellers in;
    in.push_back(std::move(traveller));
    Travellers back = run_chain(to, std::move(in), depth + 1);
    std::ranges::move(back, std::back_inserter(is_goto ? returned : current));
  }

  void extend(const Site& site, const Extension& target, Traveller traveller, Travellers& current,
              Travellers& returned) {
    const NameRule name = [&] { return culprit(site.offset); };
    auto answer = evaluate_target(context_, request_, target, *traveller.packet, name);
    if (!answer)
      return end_unknown(std::move(traveller),
                         fmt::format("{} uses the target {} (revision {}), which is not known",
                                     culprit(site.offset).id, target.name, target.revision));
    for (auto& part : answer->parts) {
      if (part.goes_on || part.returns) {
        const bool same = part.branch.packet == *traveller.packet;
        Traveller next{same ? traveller.packet
                            : std::make_shared<const PacketClass>(std::move(part.branch.packet)),
                       traveller.details};
        note(site, next, std::string(target.name));
        (part.goes_on ? current : returned).push_back(std::move(next));
        continue;
      }
      part.branch.culprit = culprit(site.offset);
      std::string text =
          part.branch.why.empty() ? std::string(to_string(part.branch.verdict)) : part.branch.why;
      push(std::move(part.branch), traveller.details, std::move(text));
    }
  }

  // Names ----------------------------------------------------------------------------------------

  std::string table_id() const { return table_.family + "/" + id_part(table_.name); }

  std::string rule_id(std::uint32_t offset) const {
    const Place* place = table_.places().find(offset);
    if (place == nullptr)
      return fmt::format("{}/?/{}", table_id(), offset);
    return fmt::format("{}/{}/{}", table_id(), id_part(table_.places().chains[place->chain]),
                       place->number);
  }

  bool is_policy(std::uint32_t offset) const {
    for (unsigned hook = 0; hook < hook_names.size(); ++hook)
      if (table_.blob.has_hook(hook) && table_.blob.underflow(hook) == offset)
        return true;
    return false;
  }

  bool is_lifted(std::uint32_t offset) const {
    return !context_.options.lifted.empty() && !is_policy(offset) &&
           context_.options.lifted.contains({"xt_rule", rule_id(offset)});
  }

  Culprit culprit(std::uint32_t offset) {
    auto& known = culprits_[offset];
    if (known.kind.empty())
      known = {"xt_rule", rule_id(offset), text_at(offset)};
    return known;
  }

  std::string text_at(std::uint32_t offset) {
    const auto entry = decode_entry(table_.blob.at(offset), family());
    if (!entry)
      return {};
    const Verdict verdict = verdict_of(entry->target);
    std::string_view chain;
    const auto frame = frame_of(table_.blob.at(offset), family());
    if (verdict.kind == StandardVerdict::jump && verdict.offset != offset + frame->next_offset)
      if (const Place* to = table_.places().find(verdict.offset))
        chain = table_.places().chains[to->chain];
    const TextNames names{[this](std::uint16_t index) {
      return set_name_of(context_.inquiry, request_.netns, index);
    }};
    return rule_text(*entry, chain, names);
  }

  Culprit policy() const {
    const bool drops = policy_drops();
    return {"xt_policy", fmt::format("{}/{}", table_id(), hook_names[hook_]),
            drops ? "policy DROP" : "policy ACCEPT"};
  }

  bool policy_drops() const {
    const ByteView bytes = table_.blob.at(table_.blob.underflow(hook_));
    const auto frame = frame_of(bytes, family());
    const auto target = frame ? extension_at(bytes.subspan(frame->target_offset)) : std::nullopt;
    return target && verdict_of(target->extension).kind == StandardVerdict::drop;
  }

  // Ends -----------------------------------------------------------------------------------------

  PathStep step(synfate::Verdict verdict, std::optional<Culprit> by, std::string note,
                bool detail) const {
    PathStep step;
    step.packet = request_.packet;
    step.stage = stage_of(request_);
    step.chain = fmt::format("{}/{}", table_id(), hook_names[hook_]);
    if (!detail)
      step.priority = priority_;
    step.verdict = verdict;
    step.by = std::move(by);
    step.note = std::move(note);
    step.netns = request_.netns;
    step.detail = detail;
    return step;
  }

  void note(const Site& site, Traveller& traveller, std::string text) {
    if (context_.options.want_trace)
      traveller.details.push_back(
          step(synfate::Verdict::pass, culprit(site.offset), std::move(text), true));
  }

  static synfate::Verdict path_verdict(const Branch& branch, bool translated) {
    switch (branch.verdict) {
    case HookVerdict::accept:
      return translated ? synfate::Verdict::divert : synfate::Verdict::pass;
    case HookVerdict::drop:
    case HookVerdict::reject:
      return synfate::Verdict::stop;
    case HookVerdict::queue:
      return synfate::Verdict::assumed;
    case HookVerdict::stolen:
      return synfate::Verdict::divert;
    case HookVerdict::unknown:
      return synfate::Verdict::unknown;
    }
    return synfate::Verdict::unknown;
  }

  void push(Branch branch, std::vector<PathStep> details, std::string text) {
    const auto& packet = branch.packet;
    const bool translated =
        branch.culprit &&
        ((packet.assigned && packet.assigned->by == *branch.culprit) ||
         packet.ct.destination_nat == branch.culprit || packet.ct.source_nat == branch.culprit);
    branch.steps = std::move(details);
    branch.steps.push_back(
        step(path_verdict(branch, translated), branch.culprit, std::move(text), false));
    branches_.push_back(std::move(branch));
  }

  /// An entry's own verdict: a rule's, or the policy's, which is an entry too.
  void end_rule(const Site& site, Traveller traveller, HookVerdict verdict, std::string text) {
    if (site.offset == table_.blob.underflow(hook_))
      return end_by_policy(std::move(traveller));
    Branch branch;
    branch.packet = *traveller.packet;
    branch.verdict = verdict;
    branch.culprit = culprit(site.offset);
    push(std::move(branch), std::move(traveller.details), std::move(text));
  }

  void end_hotdrop(const Site& site, Traveller traveller) {
    Branch branch;
    branch.packet = *traveller.packet;
    branch.verdict = HookVerdict::drop;
    branch.culprit = culprit(site.offset);
    branch.why = "a match of this rule drops packets it cannot parse";
    std::string text = branch.why;
    push(std::move(branch), std::move(traveller.details), std::move(text));
  }

  void end_by_policy(Traveller traveller) {
    Branch branch;
    branch.packet = *traveller.packet;
    const Culprit by = policy();
    const bool drops = policy_drops() && !context_.options.lifted.contains({by.kind, by.id});
    if (drops) {
      branch.verdict = HookVerdict::drop;
      branch.culprit = by;
    }
    push(std::move(branch), std::move(traveller.details), drops ? by.text : std::string());
  }

  void end_unknown(Traveller traveller, std::string why) {
    Branch branch;
    branch.packet = *traveller.packet;
    branch.verdict = HookVerdict::unknown;
    branch.why = why;
    push(std::move(branch), std::move(traveller.details), std::move(why));
  }

  void give_up(Travellers travellers, const std::string& why) {
    for (auto& traveller : travellers)
      end_unknown(std::move(traveller), why);
  }

  /// Classes that fall into too many parts are given up, not enumerated.
  void limit(Travellers& current) {
    while (current.size() > context_.options.most_branches ||
           (!current.empty() && branches_.size() >= context_.options.most_branches)) {
      end_unknown(std::move(current.back()), "too many cases to tell apart");
      current.pop_back();
    }
  }

  HookContext& context_;
  const HookRequest& request_;
  const LoadedTable& table_;
  int priority_;
  unsigned hook_;
  unsigned seen_ = 0; ///< rules looked at
  QuickFacts facts_;
  SharedPacket facts_packet_;
  std::map<std::uint32_t, Culprit> culprits_;
  Branches branches_;
};

} // namespace

std::optional<unsigned> hook_number(Hook hook) {
  switch (hook) {
  case Hook::prerouting:
    return 0;
  case Hook::input:
    return 1;
  case Hook::forward:
    return 2;
  case Hook::output:
    return 3;
  case Hook::postrouting:
    return 4;
  case Hook::ingress:
  case Hook::egress:
    return std::nullopt;
  }
  return std::nullopt;
}

Branches run_xt_table(HookContext& context, const HookRequest& request, const LoadedTable& table,
                      int priority, const PacketClass& packet) {
  const auto hook = hook_number(request.hook);
  if (!hook || !table.blob.has_hook(*hook)) {
    Branch branch;
    branch.packet = packet;
    return {branch};
  }
  return TableWalk(context, request, table, priority, *hook).run(packet);
}

} // namespace synfate::xt
