// A rule pack as loaded: rules, their tests, changes to other rules, and waivers.
//
// Packs are TOML with CEL inside; docs/rule-guide.md shows how to write one, keys.h lists the keys.
// Tested by tests/unit/core/rules/packs_test.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/facts/snapshot.h"
#include "core/model/flow.h"
#include "core/report/report.h"
#include "core/rules/expression.h"
#include "core/rules/source.h"

namespace synfate::rules {

/// Which flows a rule is about at all; an empty list means any. Decided without evaluating CEL, so
/// that a run only touches the rules that may apply.
struct FlowFilter {
  std::vector<Outcome> outcome;
  std::vector<Stage> stopped_at;
  std::vector<std::string> culprit; ///< kinds
  std::vector<Proto> proto;
  std::optional<bool> local;
  bool bind = false; ///< it is about bind() and listen(), and about no connections

  bool accepts(const FlowReport& flow) const;
};

/// Facts that a rule wants read before it is decided: rows of `table` where every key equals the
/// value of its expression; one question per element where that value is a list.
struct Collect {
  Words table;
  std::vector<std::pair<std::string, Expression>> keys;
  bool optional = false; ///< the rule can do without what could not be read
};

/// A finding that a site accepts for a time.
struct Waiver {
  Words id;
  std::string reason;
  std::string expires;         ///< as written: 2026-12-31
  std::int64_t expires_at = 0; ///< ms since 1970: the first instant it no longer holds
  std::string culprit;         ///< only with this culprit's id; empty: any
};

/// One expected answer to one fixture.
struct RuleTest {
  enum class Expect : std::uint8_t { fires, quiet, unknown };
  struct Row {
    std::string table;
    std::vector<Cell> cells;
  };

  Words name;
  Place place;
  Expect expect = Expect::fires;
  HostFacts host;
  Target target;
  std::vector<FlowReport> flows;
  std::vector<Row> rows;
  std::vector<std::string> not_collected; ///< tables that could not be read
  std::vector<Waiver> waivers;
  std::optional<Certainty> certainty;
  std::optional<Words> title;
  std::optional<Words> explain;
  std::optional<std::vector<std::string>> fix;
  std::optional<std::string> culprit; ///< the culprit's id
};

struct Rule {
  Words id;
  std::string pack; ///< id of its pack
  std::string file; ///< where it was loaded from
  Template title;
  Template explain;
  std::vector<Template> fix;
  Severity severity = Severity::error;
  Certainty certainty = Certainty::certain;
  std::optional<Stage> stage;
  std::vector<std::string> tags;
  std::vector<std::string> refs;
  std::vector<std::string> needs;
  std::vector<Words> folds;
  bool enabled = true;
  std::optional<FlowFilter> on;
  std::vector<Collect> collect;
  std::optional<Expression> for_each;
  std::vector<std::pair<std::string, Expression>> let; ///< in the order of the file
  std::optional<Expression> when;
  std::optional<Expression> culprit;
  std::optional<Expression> flows; ///< which flows it is about, when its element is none
  std::vector<Expression> evidence;
  std::vector<RuleTest> tests;
  std::vector<std::string> overridden_by; ///< files that changed it
};

/// Single fields of another rule, changed by a site.
struct Override {
  Words id;
  std::optional<bool> enabled;
  std::optional<Severity> severity;
  std::optional<Certainty> certainty;
  std::optional<Expression> when_and;
  std::optional<Template> title;
  std::optional<Template> explain;
  std::optional<std::vector<Template>> fix;
};

struct Pack {
  Words id;
  std::string title;
  std::string version;
  std::string file;
  std::vector<Rule> rules;
  std::vector<Override> overrides;
  std::vector<Waiver> waivers;
};

/// All rules of a run, overrides applied, in the order they were loaded.
struct RuleSet {
  std::vector<Rule> rules;
  std::vector<Waiver> waivers;
  std::vector<std::string> files; ///< what was loaded, in order

  const Rule* find(std::string_view id) const;
  Rule* find(std::string_view id);
};

std::string_view severity_name(Severity severity); ///< error, warning, note
std::optional<Severity> severity_from(std::string_view name);
std::string_view expect_name(RuleTest::Expect expect);
std::optional<RuleTest::Expect> expect_from(std::string_view name);
std::optional<Proto> proto_from(std::string_view name);

} // namespace synfate::rules
