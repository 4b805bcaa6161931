// What targets are made of: the ways they end.
#pragma once

#include <string>

#include "platform/linux/xtables/xt_evaluate.h"

namespace synfate::xt {

/// XT_CONTINUE with the packet, perhaps changed.
TargetAnswer goes_on(PacketClass packet);
TargetAnswer goes_on(const TargetCall& call);
TargetAnswer accepts(PacketClass packet);
TargetAnswer drops(const TargetCall& call, std::string why);
TargetAnswer unknown(const TargetCall& call, std::string why);
/// A branch to fill in: nothing decided yet, the rule named.
TargetPart part_of(const TargetCall& call, HookVerdict verdict);

} // namespace synfate::xt
