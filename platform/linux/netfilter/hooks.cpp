#include "platform/linux/netfilter/hooks.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/chain.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/join.h"
#include "platform/linux/netfilter/nat.h"
#include "platform/linux/netfilter/route_keys.h"
#include "platform/linux/netfilter/tables.h"
#include "platform/linux/netfilter/tied_order.h"

namespace synfate {
namespace {

constexpr int conntrack_priority = -200;

/// One function registered at the hook.
struct HookFunction {
  enum class Kind : std::uint8_t { nft, xt, conntrack, nat };
  Kind kind = Kind::nft;
  int priority = 0;
  const NftBaseChain* chain = nullptr;
  XtHook table;
};

bool is_source_nat(Hook hook) {
  return hook == Hook::postrouting || hook == Hook::input;
}

int nat_priority(Hook hook) {
  return is_source_nat(hook) ? 100 : -100;
}

bool device_fits(const NftBaseChain& chain, const std::string& device) {
  return std::ranges::any_of(chain.devices, [&](const std::string& name) {
    if (name.ends_with('*'))
      return device.starts_with(std::string_view(name).substr(0, name.size() - 1));
    return name == device;
  });
}

/// The chain is registered where the packet comes by.
bool at_hook(const NftBaseChain& chain, const HookRequest& request, const PacketClass& packet) {
  if (chain.hook != to_string(request.hook))
    return false;
  const auto& family = chain.scope.family;
  const bool arp = is_arp(packet);
  if (request.hook == Hook::ingress || request.hook == Hook::egress) {
    const auto& device = request.hook == Hook::ingress ? packet.meta.in.name : packet.meta.out.name;
    // nft_do_chain_inet_ingress() looks at IP alone.
    return (family == "netdev" || (family == "inet" && !arp)) && device_fits(chain, device);
  }
  if (request.family == HookFamily::bridge)
    return family == "bridge";
  if (arp)
    return family == "arp"; // arp_rcv(), arp_xmit()
  return family == "inet" || family == (packet.family == IpFamily::v4 ? "ip" : "ip6");
}

class HookRun {
public:
  HookRun(HookContext& context, const HookRequest& request)
      : context_(context), request_(request) {}

  Branches run(const PacketClass& packet) {
    const auto* chains = context_.ruleset.base_chains(context_.inquiry, request_.netns);
    if (chains == nullptr)
      return undecided(packet, "the rules of nf_tables could not be read");
    gather(*chains, packet);
    Branches nft_first = run_functions(packet);
    if (auto unclear = moved(packet))
      return std::move(*unclear);
    if (!tie_matters_ || context_.inquiry.pending())
      return nft_first;
    put_legacy_first();
    legacy_acts_ = std::ranges::any_of(nat_chains_, [&](const auto& chain) { return ties(chain); });
    only_table_ = legacy_acts_ ? nullptr : only_tied_table();
    whole_ports_ = packet.ports;
    Branches legacy_first = run_functions(packet, Order::legacy_first);
    if (!legacy_acts_)
      return nft_first;
    constexpr const char* chains_of_nft = "the chains of nftables";
    constexpr const char* tables = "the tables of iptables-legacy";
    return join_orders(packet, {std::move(nft_first), loaded_later(chains_of_nft, tables)},
                       {std::move(legacy_first), loaded_later(tables, chains_of_nft)});
  }

  /// False, and nothing done, if anything but conntrack and what it knows of NAT may have a say.
  bool pass_in_place(PacketClass& packet, std::vector<PathStep>& steps) {
    const auto* chains = context_.ruleset.base_chains(context_.inquiry, request_.netns);
    if (chains == nullptr || !packet.assumptions.empty() ||
        rules_moved(context_.inquiry.snapshot(), request_.netns))
      return false;
    gather(*chains, packet);
    using enum HookFunction::Kind;
    const auto has = [this](HookFunction::Kind kind) {
      return std::ranges::find(functions_, kind, &HookFunction::kind) != functions_.end();
    };
    if (has(nft) || has(xt) || context_.inquiry.pending())
      return false;
    const bool tracks = has(conntrack) && has_conntrack();
    if ((tracks && full_table(packet)) || context_.inquiry.pending())
      return false;
    if (!tracks && has(nat) && asks_for_nat(packet.ct))
      return false;
    if (tracks) { // before NAT, at both hooks that have it
      std::optional<ConntrackView> before;
      if (has(nat))
        before = packet.ct;
      enter(packet);
      if (has(nat) && asks_for_nat(packet.ct)) {
        packet.ct = std::move(*before);
        return false;
      }
      steps.push_back(step(Verdict::pass, std::nullopt, state_note(packet.ct)));
    }
    if (has(nat) && is_tracked(packet.ct))
      translate_bound(packet);
    confirm(packet);
    return true;
  }

private:
  static Branches undecided(const PacketClass& packet, const char* why) {
    Branches branches(1);
    branches.front().packet = packet;
    branches.front().verdict = HookVerdict::unknown;
    branches.front().why = why;
    return branches;
  }

  /// Rules of two versions need not fit together: what they decide is unknown.
  std::optional<Branches> moved(const PacketClass& packet) {
    if (!rules_moved(context_.inquiry.snapshot(), request_.netns))
      return std::nullopt;
    if (context_.options.classes != nullptr && context_.options.classes->stopped != nullptr)
      context_.options.classes->stopped->clear();
    context_.inquiry.add_gap(
        {.id = "nft.changed",
         .what = "the rules of nf_tables (nft, iptables-nft, firewalld)",
         .why = "they changed while they were read",
         .effect = "whether this host's firewall lets the packets in cannot be told",
         .remedy = "run again when the rules are not changing"});
    return undecided(packet, "the rules of nf_tables changed while they were read");
  }

  enum class Order : std::uint8_t { nft_first, legacy_first };

  /// With the legacy tables first: nothing, once it is seen that they do nothing.
  Branches run_functions(const PacketClass& packet, Order order = Order::nft_first) {
    Branches done;
    Branches live(1);
    live.front().packet = packet;
    for (const auto& function : functions_) {
      if (order == Order::legacy_first && !legacy_acts_ &&
          function.kind == HookFunction::Kind::nft && ties(function))
        return {};
      Branches next;
      for (auto& branch : live)
        pass(function, std::move(branch), next, done);
      live = std::move(next);
      if (context_.options.classes != nullptr && context_.options.classes->passages != nullptr)
        join_passed(live, *context_.options.classes->passages);
    }
    for (auto& branch : live) {
      confirm(branch.packet);
      done.push_back(std::move(branch));
    }
    for (auto& branch : done)
      if (!branch.packet.assumptions.empty())
        branch.certainty = std::max(branch.certainty, Certainty::likely);
    return done;
  }

  /// A chain and a legacy table of the same priority: who was registered last comes first
  /// (nf_hook_entries_grow()), and nothing that can be read says who that was.
  bool ties(const HookFunction& function) const {
    using enum HookFunction::Kind;
    if (function.kind != nft && function.kind != xt)
      return false;
    const auto tied = [&](const HookFunction& other) {
      return other.priority == function.priority && other.kind == (function.kind == nft ? xt : nft);
    };
    return std::ranges::any_of(functions_, tied) || std::ranges::any_of(nat_chains_, tied);
  }

  /// What it lets pass unchanged ends as if it came last: then only the rest is run again.
  const HookFunction* only_tied_table() const {
    const HookFunction* only = nullptr;
    for (const auto& function : functions_) {
      if (function.kind != HookFunction::Kind::xt || !ties(function))
        continue;
      if (only != nullptr)
        return nullptr;
      only = &function;
    }
    return only;
  }

  /// By addresses alone: where ports are cut, what is left out could not be told by them.
  void leave_out_untouched(const PacketClass& before, Branches& results) const {
    if (std::ranges::all_of(
            results, [&](const Branch& result) { return result.packet.ports == whole_ports_; }))
      std::erase_if(results, [&](const Branch& result) { return !acts(before, result); });
  }

  void put_legacy_first() {
    const auto place = [](const HookFunction& function) {
      return std::pair(function.priority, function.kind == HookFunction::Kind::nft);
    };
    std::ranges::stable_sort(functions_, {}, place);
    std::ranges::stable_sort(nat_chains_, {}, place);
  }

  Condition loaded_later(const char* first, const char* second) const {
    return {
        fmt::format("at {} {} come before {} of the same priority: they were loaded later",
                    to_string(request_.hook), first, second),
        Culprit{"hook_order", fmt::format("{}/{}", request_.netns, to_string(request_.hook)), {}},
        {}};
  }

  void gather(const std::vector<NftBaseChain>& chains, const PacketClass& packet) {
    bool nat = false;
    for (const auto& chain : chains) {
      if (!at_hook(chain, request_, packet))
        continue;
      if (chain.type == "nat") {
        nat_chains_.push_back({HookFunction::Kind::nft, chain.priority, &chain, {}});
        nat = true;
      } else {
        functions_.push_back({HookFunction::Kind::nft, chain.priority, &chain, {}});
      }
    }
    const bool arp = is_arp(packet);
    const bool layer3 = request_.family == HookFamily::inet && request_.hook != Hook::ingress &&
                        request_.hook != Hook::egress && !arp;
    if (context_.xt != nullptr && !arp)
      for (const auto& table : context_.xt->hooks(context_, request_, packet.family)) {
        const HookFunction function{HookFunction::Kind::xt, table.priority, nullptr, table};
        (table.nat ? nat_chains_ : functions_).push_back(function);
        nat = nat || table.nat;
      }
    // NAT is registered at all of its hooks once there is a NAT chain at one of them.
    nat = nat || std::ranges::any_of(chains, [&](const NftBaseChain& chain) {
            return chain.type == "nat" &&
                   (chain.scope.family == "inet" ||
                    chain.scope.family == (packet.family == IpFamily::v4 ? "ip" : "ip6"));
          });
    has_nat_ = nat; // then conntrack is registered too
    if (layer3 && (request_.hook == Hook::prerouting || request_.hook == Hook::output))
      functions_.push_back({HookFunction::Kind::conntrack, conntrack_priority, nullptr, {}});
    if (layer3 && nat && request_.hook != Hook::forward)
      functions_.push_back({HookFunction::Kind::nat, nat_priority(request_.hook), nullptr, {}});
    std::ranges::stable_sort(functions_, {}, &HookFunction::priority);
    std::ranges::stable_sort(nat_chains_, {}, &HookFunction::priority);
    const auto in_a_tie = [this](const HookFunction& function) { return ties(function); };
    has_ties_ =
        std::ranges::any_of(functions_, in_a_tie) || std::ranges::any_of(nat_chains_, in_a_tie);
  }

  /// Hands a branch to a function; what comes out goes to `next`, what ends to `done`.
  void pass(const HookFunction& function, Branch&& branch, Branches& next, Branches& done) {
    if (next.size() + done.size() >= context_.options.most_branches) {
      branch.verdict = HookVerdict::unknown;
      branch.why = "too many cases to tell apart";
      done.push_back(std::move(branch));
      return;
    }
    Branches results;
    switch (function.kind) {
    case HookFunction::Kind::nft:
    case HookFunction::Kind::xt:
      results = evaluate(function, branch);
      if (&function == only_table_)
        leave_out_untouched(branch.packet, results);
      sort_out(std::move(results), next, done);
      return;
    case HookFunction::Kind::conntrack:
      track(std::move(branch), next, done);
      return;
    case HookFunction::Kind::nat:
      translate(std::move(branch), next, done);
      return;
    }
  }

  Branches run_chain(const NftBaseChain& chain, const Branch& before) {
    const auto* classes = context_.options.classes;
    // Which of two orders it is hangs on what is stopped as well: then all are branches.
    std::vector<StoppedPart>* stopped =
        classes == nullptr || has_ties_ ? nullptr : classes->stopped;
    const std::size_t start = stopped == nullptr ? 0 : stopped->size();
    auto results = run_base_chain(context_, request_, chain, before.packet, stopped);
    for (std::size_t at = start; stopped != nullptr && at < stopped->size(); ++at) {
      auto& part = (*stopped)[at];
      part.certainty = part.packet->assumptions.empty()
                           ? before.certainty
                           : std::max(before.certainty, Certainty::likely);
    }
    return results;
  }

  /// One chain's results, with what the branch went through before.
  Branches evaluate(const HookFunction& function, const Branch& before) {
    Branches results = function.kind == HookFunction::Kind::nft
                           ? run_chain(*function.chain, before)
                           : context_.xt->run(context_, request_, function.table, before.packet);
    const bool routes = request_.hook == Hook::output && routes_again(function);
    if (ties(function) && std::ranges::any_of(results, [&](const Branch& result) {
          return acts(before.packet, result);
        })) {
      tie_matters_ = true;
      legacy_acts_ = legacy_acts_ || function.kind == HookFunction::Kind::xt;
    }
    for (auto& result : results) {
      if (routes && changes_route(before.packet, result.packet))
        result.packet.meta.reroute = true;
      else if (before.packet.meta.reroute && !routes && changes_route(before.packet, result.packet))
        result.packet.assumptions.push_back(
            "routing sees the last mark that a rule in output sets");
      result.steps.insert(result.steps.begin(), before.steps.begin(), before.steps.end());
      result.near_misses.insert(result.near_misses.begin(), before.near_misses.begin(),
                                before.near_misses.end());
      result.certainty = std::max(result.certainty, before.certainty);
    }
    return results;
  }

  /// net/netfilter/nft_chain_route.c, net/ipv4/netfilter/iptable_mangle.c.
  static bool routes_again(const HookFunction& function) {
    return function.kind == HookFunction::Kind::nft ? function.chain->type == "route"
                                                    : function.table.table == "mangle";
  }

  static bool changes_route(const PacketClass& before, const PacketClass& after) {
    const auto marks = [](const PacketClass& packet) { return packet.meta.mark; };
    return !(marks(before) == marks(after)) || !(source_of(before) == source_of(after)) ||
           !(destination_of(before) == destination_of(after));
  }

  void sort_out(Branches results, Branches& next, Branches& done) {
    const auto is = [](HookVerdict verdict) {
      return [verdict](const Branch& result) { return result.verdict == verdict; };
    };
    if (!done.empty() || std::ranges::any_of(results, is(HookVerdict::queue))) {
      for (auto& result : results)
        sort_out(std::move(result), next, done);
      return;
    }
    // Tens of thousands of classes may end here: they stay where they are.
    for (auto& result : results)
      if (result.verdict == HookVerdict::accept)
        next.push_back(std::move(result));
    std::erase_if(results, is(HookVerdict::accept));
    done = std::move(results);
  }

  void sort_out(Branch&& result, Branches& next, Branches& done) {
    if (result.verdict == HookVerdict::queue)
      attend(std::move(result), next, done);
    else
      (result.verdict == HookVerdict::accept ? next : done).push_back(std::move(result));
  }

  /// A queue without a listener drops, or with bypass passes. net/netfilter/nfnetlink_queue.c.
  void attend(Branch branch, Branches& next, Branches& done) {
    const auto rows = context_.inquiry.rows<NetfilterQueue>({{"netns", request_.netns}});
    if (context_.inquiry.incomplete() || context_.inquiry.pending()) {
      branch.verdict = HookVerdict::unknown;
      branch.why = fmt::format("who listens to queue {} could not be read", branch.queue.first);
      done.push_back(std::move(branch));
      return;
    }
    const unsigned count = branch.queue.last - branch.queue.first + 1U;
    unsigned attended = 0;
    for (const auto& row : rows)
      if (const Int number = row.number.value_or(-1);
          number >= branch.queue.first && number <= branch.queue.last)
        ++attended;
    const auto part = [&](const char* when) {
      Branch copy = branch;
      if (attended > 0 && attended < count)
        copy.packet.conditions.push_back({fmt::format("the packet goes to a queue that {}", when),
                                          branch.culprit.value_or(Culprit{}),
                                          {}});
      return copy;
    };
    if (attended > 0) {
      Branch passed = part("somebody listens to");
      passed.verdict = HookVerdict::accept;
      passed.packet.assumptions.push_back(
          fmt::format("the program behind queue {} accepts the packet", branch.queue.first));
      next.push_back(std::move(passed));
    }
    if (attended == count)
      return;
    Branch left = part("nobody listens to");
    left.verdict = branch.queue.bypass ? HookVerdict::accept : HookVerdict::drop;
    left.why = fmt::format("nobody listens to queue {}", branch.queue.first);
    (branch.queue.bypass ? next : done).push_back(std::move(left));
  }

  std::optional<Int> setting(const char* name, bool& known) {
    const Request request{std::string(table_name<Setting>()),
                          {{"netns", request_.netns}, {"name", Text(name)}}};
    const auto rows = context_.inquiry.find(request);
    known = !context_.inquiry.incomplete() && !context_.inquiry.pending();
    if (rows.empty())
      return std::nullopt;
    const Table& table = *context_.inquiry.snapshot().table(request.table);
    const auto value = *table.spec().column("value");
    if (table.is_unknown(rows.front(), value) || table.is_absent(rows.front(), value))
      return std::nullopt;
    return std::strtoll(std::string(table.text(rows.front(), value)).c_str(), nullptr, 10);
  }

  PathStep step(Verdict verdict, std::optional<Culprit> by, std::string note) const {
    PathStep step;
    step.packet = request_.packet;
    step.stage = stage_of(request_);
    step.chain = "conntrack";
    step.priority = conntrack_priority;
    step.verdict = verdict;
    step.by = std::move(by);
    step.note = std::move(note);
    step.netns = request_.netns;
    return step;
  }

  /// False: this kernel has no conntrack, or has not loaded it.
  bool has_conntrack() {
    bool known = false;
    const auto count = setting("net.netfilter.nf_conntrack_count", known);
    return count || !known || has_nat_;
  }

  /// The packet's addresses have no entry in its zone yet.
  static bool needs_entry(const PacketClass& packet) {
    const auto entries = [](const ConntrackView& ct) { return ct.elsewhere.size() + ct.exists; };
    if (is_tracked(packet.ct) || packet.ct.state == CtState::untracked)
      return false;
    if (!packet.ct.pattern && packet.ct.elsewhere.empty())
      return !packet.ct.exists;
    PacketClass entered = packet;
    enter_conntrack(entered, true);
    return entries(entered.ct) > entries(packet.ct);
  }

  /// What stops a packet that needs an entry of its own; nothing if there is room.
  std::optional<Culprit> full_table(const PacketClass& packet) {
    if (!needs_entry(packet))
      return std::nullopt;
    bool known = false;
    const auto count = setting("net.netfilter.nf_conntrack_count", known);
    const auto max = setting("net.netfilter.nf_conntrack_max", known);
    if (!max || !count || *max <= 0 || *count < *max)
      return std::nullopt;
    Culprit full{"sysctl", "net.netfilter.nf_conntrack_max",
                 fmt::format("conntrack table full: {} of {}", *count, *max)};
    if (context_.options.lifted.contains({full.kind, full.id}))
      return std::nullopt;
    return full;
  }

  /// net/netfilter/nf_conntrack_core.c: nf_conntrack_in(), resolve_normal_ct().
  void track(Branch branch, Branches& next, Branches& done) {
    if (!has_conntrack()) {
      next.push_back(std::move(branch));
      return;
    }
    if (auto full = full_table(branch.packet)) {
      // Entries that saw no answer may be thrown out for a new one (early_drop()).
      branch.verdict = HookVerdict::drop;
      branch.certainty = Certainty::likely;
      branch.why = "the conntrack table is full";
      branch.steps.push_back(step(Verdict::stop, full, "table full"));
      branch.culprit = std::move(full);
      done.push_back(std::move(branch));
      return;
    }
    enter(branch.packet);
    branch.steps.push_back(step(Verdict::pass, std::nullopt, state_note(branch.packet.ct)));
    next.push_back(std::move(branch));
  }

  static std::string state_note(const ConntrackView& ct) {
    switch (ct.state) {
    case CtState::fresh:
      return "new";
    case CtState::established:
      return "established";
    case CtState::related:
      return "related";
    case CtState::untracked:
      return "untracked";
    case CtState::none:
    case CtState::invalid:
      return "invalid";
    }
    return {};
  }

  /// net.netfilter.nf_conntrack_tcp_loose, asked for only where it matters.
  void enter(PacketClass& packet) {
    bool known = false;
    enter_conntrack(packet, !picks_up(packet) ||
                                setting("net.netfilter.nf_conntrack_tcp_loose", known) != 0);
  }

  void confirm(PacketClass& packet) const {
    if ((request_.hook == Hook::input || request_.hook == Hook::postrouting) &&
        request_.family == HookFamily::inet && is_tracked(packet.ct))
      packet.ct.status |= ct_status_confirmed;
  }

  /// NAT chains may have a say, or it is an error about another connection.
  static bool asks_for_nat(const ConntrackView& ct) {
    return is_tracked(ct) && (ct.state == CtState::fresh || ct.state == CtState::related);
  }

  /// nf_nat_inet_fn(): a packet of a connection that is known already.
  void translate_bound(PacketClass& packet) const {
    const bool source = is_source_nat(request_.hook);
    if (!(source ? source_bound(packet.ct) : destination_bound(packet.ct)))
      bind_nothing(packet, source);
    apply_nat(packet, source);
  }

  /// net/netfilter/nf_nat_core.c: nf_nat_inet_fn().
  void translate(Branch branch, Branches& next, Branches& done) {
    const bool source = is_source_nat(request_.hook);
    const auto& ct = branch.packet.ct;
    if (!is_tracked(ct)) {
      next.push_back(std::move(branch));
      return;
    }
    const bool bound = source ? source_bound(ct) : destination_bound(ct);
    Branches live{std::move(branch)};
    // nf_nat_icmp_reply_translation(): an ICMP error follows the connection that it is about.
    const auto state = live.front().packet.ct.state;
    const bool error = state == CtState::related && is_icmp_error(live.front().packet);
    if (!bound && !error &&
        (live.front().packet.ct.state == CtState::fresh ||
         live.front().packet.ct.state == CtState::related))
      live = consult(std::move(live), source, done);
    for (auto& result : live) {
      auto& packet = result.packet;
      if (!error && !(source ? source_bound(packet.ct) : destination_bound(packet.ct)))
        bind_nothing(packet, source);
      apply_nat(packet, source);
      next.push_back(std::move(result));
    }
  }

  /// NAT chains in order, until one has bound the connection.
  Branches consult(Branches live, bool source, Branches& done) {
    Branches settled;
    for (const auto& chain : nat_chains_) {
      Branches open;
      for (auto& branch : live)
        for (auto& result : evaluate(chain, branch)) {
          const auto& ct = result.packet.ct;
          if (result.verdict == HookVerdict::accept &&
              (source ? source_bound(ct) : destination_bound(ct)))
            settled.push_back(std::move(result));
          else
            sort_out(std::move(result), open, done);
        }
      live = std::move(open);
    }
    settled.insert(settled.end(), std::make_move_iterator(live.begin()),
                   std::make_move_iterator(live.end()));
    return settled;
  }

  HookContext& context_;
  const HookRequest& request_;
  std::vector<HookFunction> functions_;
  std::vector<HookFunction> nat_chains_;
  bool has_nat_ = false;
  bool has_ties_ = false;
  bool tie_matters_ = false; ///< one of those that tie has stopped or changed the packet
  bool legacy_acts_ = false; ///< and that was a legacy table
  IntervalSet whole_ports_;  ///< of the class, in the second run
  const HookFunction* only_table_ = nullptr; ///< of the second run, where there is but one
};

} // namespace

std::string_view to_string(Hook hook) {
  switch (hook) {
  case Hook::ingress:
    return "ingress";
  case Hook::prerouting:
    return "prerouting";
  case Hook::input:
    return "input";
  case Hook::forward:
    return "forward";
  case Hook::output:
    return "output";
  case Hook::postrouting:
    return "postrouting";
  case Hook::egress:
    return "egress";
  }
  return "";
}

Stage stage_of(const HookRequest& request) {
  if (request.family == HookFamily::bridge)
    return Stage::bridge;
  switch (request.hook) {
  case Hook::ingress:
    return Stage::ingress;
  case Hook::prerouting:
    return Stage::prerouting;
  case Hook::input:
    return Stage::input;
  case Hook::forward:
    return Stage::forward;
  case Hook::output:
    return Stage::output;
  case Hook::postrouting:
    return Stage::postrouting;
  case Hook::egress:
    return Stage::egress;
  }
  return Stage::input;
}

std::optional<RouteLookup> look_up_route(HookContext& context, Int netns, const IpAddress& to,
                                         const std::optional<IpAddress>& source,
                                         std::uint32_t mark) {
  if (context.options.route)
    return context.options.route(to, source, mark);
  auto rows = context.inquiry.rows<RouteLookup>(route_keys(netns, to, Int{mark}));
  return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

Branches run_hook(HookContext& context, const HookRequest& request, const PacketClass& packet) {
  // For many clients a run also notes who let which of them pass: it has to be run.
  if (context.options.classes != nullptr)
    return HookRun(context, request).run(packet);
  auto& memory = context.ruleset.memory();
  if (const Branches* before = memory.find(request, context.options, packet))
    return *before;
  Branches branches = HookRun(context, request).run(packet);
  if (!context.inquiry.pending() && context.inquiry.gaps().empty())
    memory.keep(request, context.options, packet, branches);
  return branches;
}

bool pass_in_place(HookContext& context, const HookRequest& request, PacketClass& packet,
                   std::vector<PathStep>& steps) {
  return HookRun(context, request).pass_in_place(packet, steps);
}

} // namespace synfate
