// One line for a monitoring system, by the conventions of monitoring plugins: the state in words, a
// text, "|", performance data; and the plugin's exit status.
// Tested by tests/unit/core/report/render_nagios_test.cpp.
#pragma once

#include <span>
#include <string>

#include "core/report/audit_report.h"
#include "core/report/report.h"
#include "core/report/who_report.h"

namespace synfate {

enum class NagiosState : std::uint8_t { ok = 0, warning = 1, critical = 2, unknown = 3 };

struct NagiosResult {
  NagiosState state = NagiosState::unknown; ///< the exit status
  std::string line;                         ///< ends with a line break
};

/// CRITICAL if a flow is certainly not open; UNKNOWN if it cannot be told; WARNING if a warning
/// was found about a target that is open; several targets: the worst of them.
NagiosResult render_nagios(std::span<const Report> reports);
/// CRITICAL if an expectation fails, UNKNOWN if one cannot be told.
NagiosResult render_nagios(const AuditReport& report);
/// OK once every source is told, however it fares: nothing is expected of it. UNKNOWN with gaps.
NagiosResult render_nagios(std::span<const WhoReport> reports);

} // namespace synfate
