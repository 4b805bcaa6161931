// A class of sources in a report: what `synfate who` tells, and parts of the other reports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_range.h"
#include "core/model/flow.h"

namespace synfate {

/// Sources that share one fate for one reason.
struct WhoClass {
  std::vector<IpRange> sources; ///< disjoint, in order
  std::string interface;        ///< where their packets arrive
  std::string name;             ///< "on-link of eth0", "default route"; mostly empty
  std::optional<IpAddress> to;  ///< the address they call
  bool martian = false;         ///< such packets cannot arrive there
  Outcome outcome = Outcome::unknown;
  Icmp icmp = Icmp::none;
  Certainty certainty = Certainty::certain;
  std::optional<Stage> stopped_at;
  std::optional<Culprit> culprit;
  std::vector<std::string> via; ///< ids of the rules that let them pass
};

} // namespace synfate
