// One base chain on a packet class: rules in order, jumps and returns, the policy at the end.
// net/netfilter/nf_tables_core.c: nft_do_chain(), Linux 6.12. Parts of the class that reach the
// next rule in the same state are joined again, so that rules which decide nothing cost nothing.
#pragma once

#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/ruleset.h"

namespace synfate {

/// Each branch carries the chain's own step of the path. Verdict accept: the packet goes on to the
/// next function of the hook. `stopped`: takes what ClassContext says; null: all are branches.
Branches run_base_chain(HookContext& context, const HookRequest& request, const NftBaseChain& chain,
                        const PacketClass& packet, std::vector<StoppedPart>* stopped);

} // namespace synfate
