#include "core/rules/rule_checker.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/cel/parser.h"
#include "core/rules/functions.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

using cel::Type;
using cel::TypeKind;

const Type* element_of(const Type& type) {
  return type.is(TypeKind::list) && !type.parameters.empty() ? &type.parameters.front() : nullptr;
}

void mismatch(const Expression& expression, Errors& errors, std::string_view wanted,
              const Type& found) {
  errors.add(expression.words(), expression.offset(), code::not_a_condition,
             fmt::format("this must be {}, not {}", wanted, cel::to_string(found)));
}

class RuleChecker {
public:
  RuleChecker(const Rule& rule, cel::Environment environment, Errors& errors)
      : rule_(rule), environment_(std::move(environment)), errors_(errors) {}

  void check_all() {
    declare_element();
    check_collect();
    declare_lets();
    check_condition(rule_.when);
    check_culprit();
    check_flows();
    for (const auto& rows : rule_.evidence)
      check_evidence(rows);
    check_message(rule_.title);
    check_message(rule_.explain);
    for (const auto& fix : rule_.fix)
      check_message(fix);
  }

  /// Only what comes before the conditions and messages of an override.
  void declare_names() {
    declare_element();
    declare_lets();
    check_culprit();
  }

  void check_condition(const std::optional<Expression>& condition) {
    if (!condition)
      return;
    const Type type = check(*condition);
    if (!type.is(TypeKind::boolean) && !type.is_dynamic())
      mismatch(*condition, errors_, "a condition (bool)", type);
  }

  void check_message(const Template& message) {
    for (const auto& piece : message.pieces) {
      if (!piece.expression)
        continue;
      const Type type = check(*piece.expression);
      if (!has_message_text(type))
        mismatch(*piece.expression, errors_, "something that has a text, such as one of its fields",
                 type);
    }
  }

private:
  Type check(const Expression& expression) {
    return check_expression(expression, environment_, errors_);
  }

  void declare_element() {
    Type element;
    if (rule_.for_each) {
      const Type list = check(*rule_.for_each);
      if (const Type* inner = element_of(list))
        element = *inner;
      else if (!list.is_dynamic())
        mismatch(*rule_.for_each, errors_, "a list", list);
    } else if (rule_.on) {
      element = Type::record("flow");
    } else {
      return;
    }
    is_flow_ = element.is(TypeKind::record) && element.name == "flow";
    environment_.declare_variable("it", element);
  }

  void check_collect() {
    for (const auto& collect : rule_.collect)
      for (const auto& [column, key] : collect.keys)
        check(key);
  }

  void declare_lets() {
    for (const auto& [name, expression] : rule_.let)
      environment_.declare_variable(name, check(expression));
  }

  void check_culprit() {
    if (rule_.culprit) {
      const Type type = check(*rule_.culprit);
      if (!type.is(TypeKind::record) && !type.is_dynamic() && !type.is(TypeKind::null))
        mismatch(*rule_.culprit, errors_, "a row or a culprit", type);
      environment_.declare_variable("culprit", type);
    } else if (is_flow_) {
      environment_.declare_variable("culprit", Type::record("culprit"));
    }
  }

  void check_flows() {
    if (!rule_.flows)
      return;
    const Type type = check(*rule_.flows);
    const Type* element = element_of(type);
    const Type& flow = element == nullptr ? type : *element;
    if (flow != Type::record("flow") && !flow.is_dynamic())
      mismatch(*rule_.flows, errors_, "a flow or a list of flows", type);
  }

  void check_evidence(const Expression& rows) {
    const Type type = check(rows);
    const Type* element = element_of(type);
    const Type& row = element == nullptr ? type : *element;
    if (!row.is(TypeKind::record) && !row.is_dynamic())
      mismatch(rows, errors_, "a row or a list of rows", type);
  }

  const Rule& rule_;
  cel::Environment environment_;
  Errors& errors_;
  bool is_flow_ = false;
};

void join_conditions(Rule& rule, const Expression& further) {
  if (!rule.when || !rule.when->checked()) {
    rule.when = further;
    return;
  }
  const cel::CheckedExpression& left = rule.when->get();
  Expression both(Words{rule.when->text() + " && (" + further.text() + ")", nullptr, {}});
  both.set({cel::conjoin(left.ast, further.get().ast), left.type});
  rule.when = both;
}

} // namespace

cel::Type check_expression(const Expression& expression, const cel::Environment& environment,
                           Errors& errors) {
  const auto report = [&](const std::vector<cel::Diagnostic>& diagnostics) {
    for (const auto& diagnostic : diagnostics)
      errors.add(expression.words(), expression.offset() + diagnostic.position.offset,
                 diagnostic.code, diagnostic.message, diagnostic.suggestion);
    return Type{TypeKind::error, {}, {}};
  };
  if (expression.checked())
    return expression.get().type;
  auto parsed = cel::parse(expression.text());
  if (!parsed.ok())
    return report(parsed.errors);
  auto checked = cel::check(std::move(parsed.ast), environment);
  if (!checked.ok())
    return report(checked.errors);
  expression.set(std::move(checked.expression));
  return expression.get().type;
}

void check_rule(const Rule& rule, const cel::Environment& environment, Errors& errors) {
  RuleChecker(rule, environment, errors).check_all();
}

void apply_override(const Override& change, const std::string& file, Rule& rule,
                    const cel::Environment& environment, Errors& errors) {
  RuleChecker checker(rule, environment, errors);
  checker.declare_names();
  checker.check_condition(change.when_and);
  if (change.when_and && change.when_and->checked())
    join_conditions(rule, *change.when_and);
  const auto replace = [&checker](const std::optional<Template>& message, Template& into) {
    if (!message)
      return;
    checker.check_message(*message);
    into = *message;
  };
  replace(change.title, rule.title);
  replace(change.explain, rule.explain);
  if (change.fix) {
    for (const auto& fix : *change.fix)
      checker.check_message(fix);
    rule.fix = *change.fix;
  }
  rule.enabled = change.enabled.value_or(rule.enabled);
  rule.severity = change.severity.value_or(rule.severity);
  rule.certainty = change.certainty.value_or(rule.certainty);
  rule.overridden_by.push_back(file);
}

} // namespace synfate::rules
