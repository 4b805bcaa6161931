// The answer of `synfate who`: all sources, partitioned by outcome (synfate.who/1).
// Tested by tests/unit/core/report/other_reports_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/ip_range.h"
#include "core/report/page.h"
#include "core/report/report.h"

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

struct WhoReport {
  HostFacts host;
  Target target;
  std::vector<WhoClass> classes; ///< disjoint; together all sources for every interface that is up
  std::vector<Gap> gaps;
};

nlohmann::ordered_json json_class(const WhoClass& entry);

std::string render_who_text(const WhoReport& report, const TextOptions& options);
/// The document of one report, an array of several; with `lines` one report a line.
std::string render_who_json(std::span<const WhoReport> reports, bool lines);

} // namespace synfate
