#include "core/rules/rule_test.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/cel/unparse.h"
#include "core/rules/trace.h"

namespace synfate::rules {
namespace {

/// Which values each node of a rule's condition had, over all of its tests.
struct Coverage {
  struct Seen {
    bool yes = false;
    bool no = false;
    bool known = false; ///< was a bool at least once
  };
  std::vector<Seen> nodes;
};

class Watcher final : public Observer {
public:
  explicit Watcher(Coverage& coverage) : coverage_(coverage) {}

  void decided(const Rule&, const cel::Value& element, const cel::Program& program,
               const cel::Trace& trace, const cel::Value&) override {
    coverage_.nodes.resize(program.ast().size());
    for (std::size_t at = 0; at < program.ast().size(); ++at)
      if (const cel::Value* value = trace.value(static_cast<cel::NodeIndex>(at)))
        note(coverage_.nodes[at], *value);
    if (!element.is(cel::Kind::null))
      text_ += fmt::format("  it = {}\n", value_line(element));
    text_ += names_ + to_string(trace_tree(program.ast(), trace), 2);
    names_.clear();
  }

  void named(const Rule&, const std::string& name, const cel::Value& value) override {
    names_ += fmt::format("  {} = {}\n", name, value_line(value));
  }

  const std::string& text() const { return text_; }

private:
  static void note(Coverage::Seen& seen, const cel::Value& value) {
    seen.yes = seen.yes || value.is_true();
    seen.no = seen.no || value.is_false();
    seen.known = seen.known || value.is(cel::Kind::boolean);
  }

  Coverage& coverage_;
  std::string names_;
  std::string text_;
};

std::string place_text(const Words& words, std::size_t offset) {
  const Place place = words.place(offset);
  return fmt::format("{}:{}:{}", words.file == nullptr ? "built-in" : words.file->name(),
                     place.line, place.column);
}

class TestRunner {
public:
  TestRunner(const Rule& rule, const Schema& schema) : rule_(rule), schema_(schema) {}

  void run(TestRun& run) {
    for (const auto& test : rule_.tests)
      run.results.push_back(run_one(test));
    if (rule_.tests.empty())
      run.untested.push_back(rule_.id.text);
    else if (rule_.when && rule_.when->words().file != nullptr)
      find_holes(run.holes);
  }

private:
  TestResult run_one(const RuleTest& test) {
    Watcher watcher(coverage_);
    const Snapshot snapshot = fixture_snapshot(test, schema_);
    Inquiry inquiry(snapshot);
    RuleSet alone;
    alone.rules.push_back(rule_);
    alone.waivers = test.waivers;
    const Evaluation answer =
        evaluate(inquiry, alone, {test.target, test.flows}, {.budget = {}, .observer = &watcher});
    std::string failure = difference(test, answer);
    if (!failure.empty())
      failure += "\n" + watcher.text();
    return {rule_.id.text, test.name.text, place_text(test.name, 0), std::move(failure)};
  }

  static std::string lines(const std::vector<std::string>& list) {
    return fmt::format("{}", fmt::join(list, "\n    "));
  }

  static std::string difference(const RuleTest& test, const Evaluation& answer) {
    const RuleStatus status = answer.rules.empty() ? RuleStatus{} : answer.rules.front();
    const std::string_view said = to_string(status.state);
    if (said != expect_name(test.expect))
      return fmt::format("expected {}, it is {}{}{}{}", expect_name(test.expect), said,
                         status.gaps.empty() ? ""
                                             : fmt::format(" ({})", fmt::join(status.gaps, ", ")),
                         status.reason.empty() ? "" : ": ", status.reason);
    return test.expect == RuleTest::Expect::fires && !answer.findings.empty()
               ? difference(test, answer.findings.front())
               : "";
  }

  static std::string difference(const RuleTest& test, const Finding& finding) {
    const auto differs = [](std::string_view what, const auto& wanted, const auto& found) {
      return fmt::format("{}: expected\n    {}\n  it is\n    {}", what, wanted, found);
    };
    if (test.title && test.title->text != finding.title)
      return differs("title", test.title->text, finding.title);
    if (test.explain && test.explain->text != finding.explain)
      return differs("explain", test.explain->text, finding.explain);
    if (test.fix && *test.fix != finding.fix)
      return differs("fix", lines(*test.fix), lines(finding.fix));
    if (test.certainty && *test.certainty != finding.certainty)
      return differs("certainty", to_string(*test.certainty), to_string(finding.certainty));
    const std::string blamed = finding.culprit ? finding.culprit->id : "none";
    return test.culprit && *test.culprit != blamed ? differs("culprit", *test.culprit, blamed) : "";
  }

  void find_holes(std::vector<CoverageHole>& holes) const {
    const Expression& when = *rule_.when;
    const cel::Ast& ast = when.get().ast;
    const auto inside = inside_macros(ast);
    const auto hole = [&](cel::NodeIndex index, std::string missing) {
      holes.push_back({rule_.id.text,
                       place_text(when.words(), when.offset() + ast.node(index).position),
                       cel::unparse(ast, index), std::move(missing)});
    };
    if (coverage_.nodes.empty())
      return hole(ast.root, "never evaluated");
    for (std::size_t at = 0; at < ast.size(); ++at) {
      const auto index = static_cast<cel::NodeIndex>(at);
      const Coverage::Seen& seen = coverage_.nodes[at];
      if (!seen.known || inside[at] || ast.node(index).kind == cel::NodeKind::literal)
        continue;
      if (!seen.yes || !seen.no)
        hole(index, seen.yes ? "never false" : "never true");
    }
  }

  const Rule& rule_;
  const Schema& schema_;
  Coverage coverage_;
};

} // namespace

Snapshot fixture_snapshot(const RuleTest& test, const Schema& schema) {
  Snapshot snapshot(schema);
  snapshot.set_host(test.host);
  for (const auto& [name, spec] : schema.tables()) {
    const bool missing = std::ranges::find(test.not_collected, name) != test.not_collected.end();
    snapshot.answered({name, {}}, missing ? std::vector{name} : std::vector<std::string>());
    if (missing)
      snapshot.add_gap({name, "the table " + name, "the test says so", "", ""});
  }
  for (const auto& row : test.rows)
    snapshot.add_row(row.table, row.cells);
  return snapshot;
}

TestRun run_tests(const RuleSet& rules, const Schema& schema) {
  TestRun run;
  for (const auto& rule : rules.rules)
    if (rule.id.file != nullptr)
      TestRunner(rule, schema).run(run);
  return run;
}

} // namespace synfate::rules
