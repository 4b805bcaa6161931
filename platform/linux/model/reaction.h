// What this host sends back when it refuses: an RST or an ICMP error has to get out as well.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// A stop as the client sees it once the answer to it had to find its way back: `refused` becomes
/// `timeout` where the RST cannot be routed.
Stop after_reaction(Walk& walk, const Journey& journey, Stop stop);

} // namespace synfate
