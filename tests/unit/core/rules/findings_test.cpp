#include "tests/unit/catch.h"

#include "core/rules/findings.h"
#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

Finding finding(const std::string& rule, std::vector<std::size_t> flows,
                Severity severity = Severity::error) {
  Finding made;
  made.rule = rule;
  made.severity = severity;
  made.flows = std::move(flows);
  return made;
}

RuleSet folding(const std::vector<std::pair<std::string, std::string>>& pairs) {
  RuleSet rules;
  for (const auto& [cause, consequence] : pairs) {
    Rule rule;
    rule.id.text = cause;
    rule.folds.push_back({consequence, nullptr, {}});
    rules.rules.push_back(std::move(rule));
  }
  return rules;
}

std::vector<std::string> ids(const std::vector<Finding>& findings) {
  std::vector<std::string> list;
  for (const auto& one : findings)
    list.push_back(one.rule);
  return list;
}

} // namespace

TEST_CASE("one finding per rule and culprit, over all flows") {
  auto first = finding("a", {2});
  first.culprit = Culprit{"socket", "x", ""};
  auto second = finding("a", {0});
  second.culprit = Culprit{"socket", "x", ""};
  second.certainty = Certainty::likely;
  auto other = finding("a", {1});
  other.culprit = Culprit{"socket", "y", ""};
  const auto merged = merge({first, second, other});
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].flows == std::vector<std::size_t>{0, 2});
  CHECK(merged[0].certainty == Certainty::likely);
}

TEST_CASE("a cause folds its consequences for its own flows only") {
  const auto left = fold({finding("cause", {0}), finding("consequence", {0, 1})},
                         folding({{"cause", "consequence"}}));
  REQUIRE(left.size() == 2);
  CHECK(left[1].flows == std::vector<std::size_t>{1});
  CHECK(left[0].folded.empty());
}

TEST_CASE("what has no flow left is gone, and named") {
  const auto left = fold({finding("consequence", {0}), finding("cause", {0, 1})},
                         folding({{"cause", "consequence"}}));
  REQUIRE(left.size() == 1);
  CHECK(left[0].folded == std::vector<std::string>{"consequence"});
}

TEST_CASE("folding reaches through rules that did not fire") {
  const auto left = fold({finding("a", {0}), finding("c", {0})}, folding({{"a", "b"}, {"b", "c"}}));
  CHECK(ids(left) == std::vector<std::string>{"a"});
}

TEST_CASE("what stops a flow comes first, then other errors, warnings, notes") {
  auto flow = fixtures::flow(Outcome::refused, Stage::input);
  flow.fate.culprit = Culprit{"nft_rule", "r", ""};
  auto cause = finding("cause", {0});
  cause.culprit = Culprit{"nft_rule", "r", ""};
  auto doubtful = finding("doubtful", {0});
  doubtful.stage = Stage::input;
  doubtful.certainty = Certainty::likely;
  auto elsewhere = finding("elsewhere", {0});
  elsewhere.stage = Stage::accept;
  const std::vector<FlowReport> flows{flow};
  const auto ordered =
      order({finding("note", {0}, Severity::note), finding("nowhere", {}),
             finding("warning", {0}, Severity::warning), elsewhere, doubtful, cause},
            flows);
  CHECK(ids(ordered) ==
        std::vector<std::string>{"cause", "doubtful", "elsewhere", "nowhere", "warning", "note"});
}
