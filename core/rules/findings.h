// What becomes of findings once all rules are decided: one per rule and culprit, causes fold their
// consequences, and the order of the contract.
//
// Tested by tests/unit/core/rules/findings_test.cpp.
#pragma once

#include <span>
#include <vector>

#include "core/model/flow.h"
#include "core/report/report.h"
#include "core/rules/pack.h"

namespace synfate::rules {

/// One finding per rule and culprit (without a culprit: per rule and title), over all their flows.
std::vector<Finding> merge(std::vector<Finding> findings);

/// A finding takes away, for its own flows, the findings that its rule folds; what has no flow left
/// is gone and named in `folded`.
std::vector<Finding> fold(std::vector<Finding> findings, const RuleSet& rules);

/// What stops an asked flow first, most certain first; then other errors, warnings, notes.
std::vector<Finding> order(std::vector<Finding> findings, std::span<const FlowReport> flows);

} // namespace synfate::rules
