// One rule over its elements; used by the engine alone.
#pragma once

#include <unordered_map>

#include "core/rules/engine.h"

namespace synfate::rules {

/// A finding, and what it is about.
struct RawFinding {
  Finding finding;
  std::vector<std::size_t> flows;
};

/// Programs of one evaluation, linked when first used.
class Programs {
public:
  explicit Programs(const cel::Environment& environment) : environment_(environment) {}
  const cel::Program& of(const Expression& expression);

private:
  const cel::Environment& environment_;
  std::unordered_map<const cel::CheckedExpression*, cel::Program> programs_;
};

class RuleRun {
public:
  RuleRun(const Rule& rule, const Facts& facts, const cel::Bindings& base, Programs& programs,
          const Options& options);

  /// Decides the rule for all of its elements.
  RuleStatus run(std::vector<Finding>& findings);

private:
  struct Element {
    cel::Value value;
    bool has_value = false;
  };

  std::vector<Element> elements(RuleStatus& status);
  bool facts_are_there(RuleStatus& status) const;
  void decide(const Element& element, RuleStatus& status, std::vector<Finding>& findings);
  bool rests_on_pending(const Collect& collect);
  bool collect(const Collect& collect, const cel::Bindings& names, RuleStatus& status);
  bool ask(const Request& request, RuleStatus& status);
  bool ask_if_possible(const Request& request);
  std::vector<Request> requests(const Collect& collect, const cel::Bindings& names,
                                RuleStatus& status);
  /// The names that `when` leads to, through others too; the rest is evaluated if the rule fires.
  std::vector<bool> names_of_condition();
  void name(const std::vector<bool>& which, bool wanted, cel::Bindings& names);
  cel::Value condition(const Element& element, const cel::Bindings& names);
  Finding make_finding(const Element& element, cel::Bindings& names);
  void name_culprit(const Element& element, cel::Bindings& names, Finding& finding);
  void name_flows(const Element& element, const cel::Bindings& names, Finding& finding);
  void add_evidence(const cel::Value& value, Finding& finding) const;
  void lower_certainty(Finding& finding) const;
  std::string render(const Template& message, const cel::Bindings& names);
  cel::Value value(const Expression& expression, const cel::Bindings& names,
                   cel::Trace* trace = nullptr);
  static void note_unknown(const cel::Value& value, RuleStatus& status);

  const Rule& rule_;
  const Facts& facts_;
  const cel::Bindings& base_;
  Programs& programs_;
  const Options& options_;
  std::chrono::steady_clock::time_point deadline_;
  std::optional<std::vector<bool>> needed_names_;
  bool assumed_ = false; ///< an answer was incomplete: what fires is at most likely
};

} // namespace synfate::rules
