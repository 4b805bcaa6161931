// The answer of `synfate bind`: would bind() and listen() succeed here now (synfate.bind/1).
// Tested by tests/unit/core/report/other_reports_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/report/page.h"
#include "core/report/report.h"

namespace synfate {

/// One address that would be bound.
struct BindAttempt {
  Flow flow;
  std::optional<bool> would_bind;
  std::string error;
  Certainty certainty = Certainty::certain;
  std::optional<Culprit> culprit;
  std::vector<Alternative> alternatives; ///< what else may happen, and when
};

struct BindReport {
  HostFacts host;
  Target target;
  std::optional<bool> would_bind; ///< nothing: it cannot be told
  std::string error;              ///< errno by name; empty if it would bind
  Certainty certainty = Certainty::certain;
  std::optional<Culprit> culprit;    ///< what is in the way
  std::vector<BindAttempt> attempts; ///< where the target means several addresses, each of them
  std::vector<std::int64_t> holders; ///< processes that hold a socket in the way, in order
  std::vector<Finding> findings;
  std::vector<Gap> gaps;
};

std::string render_bind_text(const Snapshot& snapshot, const BindReport& report,
                             const TextOptions& options);
std::string render_bind_json(const Snapshot& snapshot, const BindReport& report, bool one_line);

} // namespace synfate
