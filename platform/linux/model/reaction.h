// What this host sends back when it refuses: an RST or an ICMP error has to get out as well.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// A stop as the client sees it once its answer has met this host's own output rules: `refused`
/// becomes `timeout` if the RST is dropped on its way out.
Stop after_reaction(Walk& walk, const Journey& journey, Stop stop, const Branch& branch);

} // namespace synfate
