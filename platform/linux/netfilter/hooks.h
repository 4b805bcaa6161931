// One netfilter hook, as the kernel runs it: every registered function in the order of priorities,
// whoever registered it: nf_tables base chains of several families and tables, iptables-legacy
// tables, conntrack, NAT. Follows net/netfilter/core.c: nf_hook_slow(), Linux 6.12.
//
//   Ruleset ruleset;                       // lives as long as the snapshot
//   HookContext context{inquiry, ruleset, &xtables, options};
//   Branches branches = run_hook(context, {.hook = Hook::input, .netns = netns}, packet);
//   if (inquiry.pending()) …               // collect, then again
//
// Tested by tests/unit/platform/linux/netfilter/hooks_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/model.h"
#include "platform/linux/netfilter/evaluation.h"

namespace synfate {

enum class Hook : std::uint8_t {
  ingress, ///< of a device: netdev tables, and inet tables' ingress chains
  prerouting,
  input,
  forward,
  output,
  postrouting,
  egress, ///< of a device: netdev tables
};
std::string_view to_string(Hook hook);

/// What hooks a packet meets: the protocol's own, or the bridge's.
enum class HookFamily : std::uint8_t { inet, bridge };

struct HookRequest {
  Hook hook = Hook::input;
  HookFamily family = HookFamily::inet; ///< IPv4 or IPv6 is the packet's family
  Int netns = 0;                        ///< inode of the namespace
  Packet packet = Packet::syn;          ///< for the path's rows
};

/// The stage of the path that a hook is.
Stage stage_of(const HookRequest& request);

/// A legacy table's place at a hook.
struct XtHook {
  std::string table; ///< "filter"
  int priority = 0;
  bool nat = false; ///< consulted by NAT, for the first packet of a connection only
};

/// One answer of an x_tables match: a part of the class, and whether it matched there.
struct MatchBranch {
  PacketClass packet;
  bool matched = false;
  bool dropped = false; ///< the match drops it on the spot (hotdrop)
};

/// An x_tables extension as nf_tables (NFT_COMPAT) or a legacy rule carries it.
struct XtExtension {
  std::string name;
  std::uint32_t revision = 0;
  std::string info; ///< the kernel's bytes
};

struct HookOptions;
class Ruleset;
class XtTables;

/// Everything a hook is evaluated with.
struct HookContext {
  Inquiry& inquiry;
  Ruleset& ruleset;   ///< decoded chains and sets of this snapshot
  const XtTables* xt; ///< null: no legacy tables, and compat extensions are unknown
  const HookOptions& options;
};

/// iptables-legacy, and its extensions that nf_tables rules may carry. Implemented in
/// platform/linux/xtables.
class XtTables {
public:
  virtual ~XtTables() = default;
  /// The legacy tables registered at a hook in a namespace, any order.
  virtual std::vector<XtHook> hooks(HookContext& context, const HookRequest& request,
                                    IpFamily family) const = 0;
  /// Runs one table's chain of the hook. verdict accept: the next function of the hook follows.
  virtual Branches run(HookContext& context, const HookRequest& request, const XtHook& table,
                       const PacketClass& packet) const = 0;
  /// A match in an nf_tables rule. `by` is that rule, for conditions. An extension that is not
  /// modelled: nothing.
  virtual std::optional<std::vector<MatchBranch>>
  match(HookContext& context, const HookRequest& request, const XtExtension& extension,
        const PacketClass& packet, const Culprit& by) const = 0;
  /// A target in an nf_tables rule. Branch::verdict accept with `goes_on` set: the rule goes on
  /// (XT_CONTINUE). An extension that is not modelled: nothing.
  struct TargetBranch {
    Branch branch;
    bool goes_on = false;
    bool returns = false; ///< XT_RETURN
  };
  virtual std::optional<std::vector<TargetBranch>>
  target(HookContext& context, const HookRequest& request, const XtExtension& extension,
         const PacketClass& packet, const Culprit& by) const = 0;
  /// "-m comment --comment x" in iptables' words, for rule texts of a namespace. The family is the
  /// table's: ip, ip6.
  virtual std::string text(HookContext& context, Int netns, const XtExtension& extension,
                           bool target, std::string_view table_family) const = 0;
};

/// A culprit of the path as a set of them compares it: kind and id.
struct CulpritId {
  std::string kind;
  std::string id;
  friend auto operator<=>(const CulpritId&, const CulpritId&) = default;
};

/// A part of a class that a rule let pass.
struct Passage {
  IntervalSet addresses;
  IntervalSet ports;
  CulpritId by;
  /// It hangs on the address of each client, which classes do not follow: what has to hold of it.
  std::vector<Condition> conditions = {};
};

/// A part of a class of many clients that a rule stopped, where all that matters of the packet is
/// who sent it: twenty thousand rules may each stop another client.
struct StoppedPart {
  std::shared_ptr<const PacketClass> packet; ///< as the rule met it; its addresses are more
  IntervalSet addresses;                     ///< those that the rule stopped
  HookVerdict verdict = HookVerdict::drop;   ///< or reject
  Rejection rejection;
  CulpritId by;
  Certainty certainty = Certainty::certain;
};

/// Parts of a class's addresses by the way to them: the interface, 0 where no unicast route leads.
struct WayClass {
  IntervalSet addresses;
  Int interface_index = 0;
  bool certain = true; ///< false: one of several ways
};

/// What many clients at once need, beside what one client does.
struct ClassContext {
  /// Set: says who let which parts pass. Parts that go on alike are joined, steps are left out.
  std::vector<Passage>* passages = nullptr;
  /// Set, and empty: takes parts that are stopped; they have no branch then.
  std::vector<StoppedPart>* stopped = nullptr;
  /// The routes to `addresses` for packets from `source`, if it is known, with a mark. Nothing: not
  /// known.
  std::function<std::vector<WayClass>(const IntervalSet& addresses, IpFamily family,
                                      const std::optional<IpAddress>& source, std::uint32_t mark)>
      ways;
};

struct HookOptions {
  /// Looked at as if it were not there: a lifted rule is skipped, a lifted policy accepts.
  std::set<CulpritId> lifted;
  bool want_trace = false;               ///< detail steps: rules hit and jumps
  bool want_near_misses = true;          ///< for classes that are stopped
  std::size_t most_branches = 512;       ///< beyond: the rest is unknown
  const ClassContext* classes = nullptr; ///< the packet stands for many clients
  /// Set: the route to an address as rules look it up, from a source that this host need not have.
  /// Nothing: not known.
  std::function<std::optional<RouteLookup>(
      const IpAddress& to, const std::optional<IpAddress>& source, std::uint32_t mark)>
      route;
};

/// The route that a rule of a namespace looks up: HookOptions::route, or without that the one from
/// any source.
std::optional<RouteLookup> look_up_route(HookContext& context, Int netns, const IpAddress& to,
                                         const std::optional<IpAddress>& source,
                                         std::uint32_t mark);

/// Runs a hook. Branches, with ClassContext::stopped, are disjoint and cover the class. Meaningless
/// while inquiry.pending().
Branches run_hook(HookContext& context, const HookRequest& request, const PacketClass& packet);

/// The same without a copy, where nothing but conntrack looks at the packet, and NAT has nothing to
/// decide, as at most hooks of most hosts: the packet is as run_hook() would let it pass, with its
/// steps. False, and nothing changed, where that cannot be said so quickly; then run_hook() is to
/// be asked.
bool pass_in_place(HookContext& context, const HookRequest& request, PacketClass& packet,
                   std::vector<PathStep>& steps);

} // namespace synfate
