// The built-in packs: sound, tested, wholly covered, and the same once compiled in.
#include "tests/unit/catch.h"

#include <filesystem>
#include <sstream>

#include "core/rules/builtin.h"
#include "core/rules/commands.h"
#include "core/rules/rule_test.h"
#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

Loaded load_folder() {
  Errors errors;
  const auto files = read_pack_files({SYNFATE_RULES_FOLDER}, {}, errors);
  REQUIRE(errors.empty());
  return load_packs(files, fixtures::schema());
}

} // namespace

TEST_CASE("the built-in packs are sound and every test in them passes") {
  const Loaded loaded = load_folder();
  for (const auto& error : loaded.errors)
    FAIL_CHECK(to_string(error));
  const TestRun run = run_tests(loaded.rules, fixtures::schema());
  CHECK(run.results.size() > 100);
  for (const auto& result : run.results)
    if (!result.failure.empty())
      FAIL_CHECK(result.where << ": " << result.rule << ": " << result.name << "\n"
                              << result.failure);
}

TEST_CASE("every built-in rule has tests, and every part of its condition is decided both ways") {
  const TestRun run = run_tests(load_folder().rules, fixtures::schema());
  for (const auto& rule : run.untested)
    FAIL_CHECK(rule << " has no tests");
  for (const auto& hole : run.holes)
    FAIL_CHECK(hole.where << ": " << hole.rule << ": " << hole.missing << ": " << hole.text);
}

TEST_CASE("the compiled rules are those of the folder") {
  const Loaded loaded = load_folder();
  const RuleSet builtin = builtin_rules();
  for (const auto& rule : loaded.rules.rules) {
    const Rule* compiled = builtin.find(rule.id.text);
    REQUIRE(compiled != nullptr);
    CHECK(compiled->title.words.text == rule.title.words.text);
    CHECK(compiled->let.size() == rule.let.size());
    CHECK(compiled->when.has_value() == rule.when.has_value());
    CHECK(compiled->on.has_value() == rule.on.has_value());
    if (rule.when)
      CHECK(compiled->when->get().ast.size() == rule.when->get().ast.size());
  }
  CHECK(builtin.rules.size() == loaded.rules.rules.size());
}

TEST_CASE("compiled rules give the findings that their sources give") {
  Loaded loaded = load_folder();
  RuleSet builtin = builtin_rules();
  std::size_t compared = 0;
  for (const auto& rule : loaded.rules.rules)
    for (const auto& test : rule.tests) {
      const Snapshot facts = fixture_snapshot(test, fixtures::schema());
      Inquiry first(facts);
      Inquiry second(facts);
      const auto from_file = evaluate(first, loaded.rules, {test.target, test.flows});
      const auto compiled = evaluate(second, builtin, {test.target, test.flows});
      REQUIRE(from_file.findings.size() == compiled.findings.size());
      for (std::size_t at = 0; at < compiled.findings.size(); ++at) {
        CHECK(compiled.findings[at].rule == from_file.findings[at].rule);
        CHECK(compiled.findings[at].title == from_file.findings[at].title);
        CHECK(compiled.findings[at].fix == from_file.findings[at].fix);
        ++compared;
      }
    }
  CHECK(compared > 100);
}

TEST_CASE("where a built-in test fires, the rule's finding stands first or is folded") {
  const Loaded loaded = load_folder();
  for (const auto& rule : loaded.rules.rules)
    for (const auto& test : rule.tests) {
      if (test.expect != RuleTest::Expect::fires || !test.waivers.empty() ||
          rule.severity != Severity::error || test.flows.front().fate.outcome == Outcome::open)
        continue;
      const Snapshot facts = fixture_snapshot(test, fixtures::schema());
      Inquiry inquiry(facts);
      const auto answer = evaluate(inquiry, loaded.rules, {test.target, test.flows});
      REQUIRE(!answer.findings.empty());
      const Finding& first = answer.findings.front();
      INFO(rule.id.text << ": " << test.name.text << ": first is " << first.rule);
      CHECK((first.rule == rule.id.text || std::find(first.folded.begin(), first.folded.end(),
                                                     rule.id.text) != first.folded.end()));
    }
}

TEST_CASE("the reference page is what the program writes") {
  std::ostringstream out;
  std::ostringstream err;
  write_reference(builtin_rules(), {out, err});
  const auto path = std::filesystem::path(SYNFATE_DOCS_FOLDER) / "reference" / "rules.md";
  Errors errors;
  const auto files = read_pack_files({path}, {}, errors);
  REQUIRE(files.size() == 1);
  CHECK(files.front()->text() == out.str());
}

TEST_CASE("the example of the rule guide is sound, passes its tests, and is wholly covered") {
  Errors errors;
  const auto path = std::filesystem::path(SYNFATE_DOCS_FOLDER) / "rule-guide.md";
  const auto files = read_pack_files({path}, {}, errors);
  REQUIRE(files.size() == 1);
  const std::string& text = files.front()->text();
  const auto begin = text.find("```toml\n");
  REQUIRE(begin != std::string::npos);
  const auto end = text.find("\n```", begin);
  const auto example = fixtures::file(text.substr(begin + 8, end - begin - 7));
  const Loaded loaded = load_packs({example}, fixtures::schema(), builtin_rules());
  for (const auto& error : loaded.errors)
    FAIL_CHECK(to_string(error));
  const TestRun run = run_tests(loaded.rules, fixtures::schema());
  CHECK(run.results.size() == 4);
  for (const auto& result : run.results)
    CHECK(result.failure.empty());
  for (const auto& hole : run.holes)
    FAIL_CHECK(hole.where << " " << hole.missing << ": " << hole.text);
}
