// The answer of `synfate audit`: which declared expectations hold (synfate.audit/1).
// Tested by tests/unit/core/report/other_reports_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "core/report/page.h"
#include "core/report/report.h"

namespace synfate {

enum class AuditResult : std::uint8_t { holds, fails, unknown };
std::string_view to_string(AuditResult result);

/// One expectation and what was found.
struct Expectation {
  std::string name;     ///< as the policy calls it
  std::string where;    ///< "policy.toml:12"
  std::string expected; ///< "tcp/8080 open from 10.0.0.0/8"
  std::string found;    ///< "refused from 10.77.0.2 at input: nft_rule inet/filter/input/14"
  AuditResult result = AuditResult::unknown;
  std::vector<Finding> findings; ///< why, where it does not hold
};

struct AuditReport {
  HostFacts host;
  std::vector<Expectation> expectations; ///< in the order of the policies
  std::vector<Gap> gaps;

  /// fails if one fails, else unknown if one is, else holds.
  AuditResult result() const;
};

std::string render_audit_text(const Snapshot& snapshot, const AuditReport& report,
                              const TextOptions& options);
std::string render_audit_json(const Snapshot& snapshot, const AuditReport& report, bool one_line);

} // namespace synfate
