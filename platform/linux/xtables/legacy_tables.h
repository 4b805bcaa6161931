// iptables-legacy at netfilter's hooks, and x_tables extensions inside nf_tables rules: the model's
// XtTables. Reads the snapshot's `xt_table` rows and nothing else.
//
//   xt::LegacyTables tables;                       // lives as long as the snapshot
//   HookContext context{inquiry, ruleset, &tables, options};
//
// Tables register at the priorities of net/ipv4/netfilter/iptable_*.c (Linux 6.12): raw -300,
// mangle -150, nat -100 or 100, filter 0, security 50.
#pragma once

#include <map>
#include <memory>

#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/xtables/walk.h"

namespace synfate::xt {

class LegacyTables final : public XtTables {
public:
  std::vector<XtHook> hooks(HookContext& context, const HookRequest& request,
                            IpFamily family) const override;
  Branches run(HookContext& context, const HookRequest& request, const XtHook& table,
               const PacketClass& packet) const override;
  std::optional<std::vector<MatchBranch>> match(HookContext& context, const HookRequest& request,
                                                const XtExtension& extension,
                                                const PacketClass& packet,
                                                const Culprit& by) const override;
  std::optional<std::vector<TargetBranch>> target(HookContext& context, const HookRequest& request,
                                                  const XtExtension& extension,
                                                  const PacketClass& packet,
                                                  const Culprit& by) const override;
  std::string text(HookContext& context, Int netns, const XtExtension& extension, bool target,
                   std::string_view table_family) const override;

private:
  /// The table of a row of `xt_table`; null if its bytes are damaged.
  const LoadedTable* load(const Table& rows, std::size_t row) const;

  /// Decoded tables by where their bytes lie in the snapshot.
  mutable std::map<const char*, std::unique_ptr<LoadedTable>> loaded_;
};

} // namespace synfate::xt
