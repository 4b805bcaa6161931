// Runs the tests that packs bring along, and says which parts of conditions they never decided.
//
// Tested by tests/unit/core/rules/commands_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "core/rules/engine.h"

namespace synfate::rules {

struct TestResult {
  std::string rule;
  std::string name;
  std::string where;   ///< FILE:LINE:COL of the test
  std::string failure; ///< empty if it passed; else what differs, and the condition's values
};

/// A part of a condition that no test made true, or false.
struct CoverageHole {
  std::string rule;
  std::string where;
  std::string text;
  std::string missing; ///< "never true", "never false", "never evaluated"; "no tests"
};

struct TestRun {
  std::vector<TestResult> results;
  std::vector<CoverageHole> holes;
  std::vector<std::string> untested; ///< rules without tests
};

/// Runs every test of every rule that was loaded from a file.
TestRun run_tests(const RuleSet& rules, const Schema& schema);

/// The snapshot a test describes: every table was read, but for those in not_collected.
Snapshot fixture_snapshot(const RuleTest& test, const Schema& schema);

} // namespace synfate::rules
