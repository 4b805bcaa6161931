// The static form of the built-in rules to what the engine takes.
#include <algorithm>

#include "core/rules/builtin.h"

namespace synfate::rules {
namespace {

std::vector<std::string> strings(std::span<const std::string_view> list) {
  return {list.begin(), list.end()};
}

Words words(std::string_view text) {
  return {std::string(text), nullptr, {}};
}

std::optional<Expression> expression(const BuiltinText& written) {
  if (written.text.empty())
    return std::nullopt;
  return Expression(written.text, std::as_bytes(std::span(written.tree)));
}

Template message(const BuiltinMessage& written) {
  Template made{words(written.words), {}};
  made.pieces.reserve(written.pieces.size());
  for (const auto& piece : written.pieces) {
    if (piece.tree.empty())
      made.pieces.push_back({std::string(piece.text), std::nullopt});
    else
      made.pieces.push_back({{}, expression(piece)});
  }
  return made;
}

std::vector<std::pair<std::string, Expression>> names(std::span<const BuiltinName> written) {
  std::vector<std::pair<std::string, Expression>> made;
  for (const auto& name : written)
    made.emplace_back(std::string(name.name), expression(name.value).value_or(Expression()));
  return made;
}

std::optional<FlowFilter> filter(const BuiltinFilter& written) {
  if (!written.given)
    return std::nullopt;
  FlowFilter made;
  made.outcome.assign(written.outcome.begin(), written.outcome.end());
  made.stopped_at.assign(written.stopped_at.begin(), written.stopped_at.end());
  made.culprit = strings(written.culprit);
  made.proto.assign(written.proto.begin(), written.proto.end());
  if (written.local >= 0)
    made.local = written.local == 1;
  made.bind = written.bind;
  return made;
}

void read_conditions(const BuiltinRule& written, Rule& rule) {
  rule.on = filter(written.on);
  for (const auto& collect : written.collect)
    rule.collect.push_back({words(collect.table), names(collect.keys), collect.optional});
  rule.for_each = expression(written.for_each);
  rule.let = names(written.let);
  rule.when = expression(written.when);
  rule.culprit = expression(written.culprit);
  rule.flows = expression(written.flows);
  for (const auto& rows : written.evidence)
    rule.evidence.push_back(expression(rows).value_or(Expression()));
}

Rule rule_of(const BuiltinRule& written) {
  Rule rule;
  rule.id = words(written.id);
  rule.pack = written.pack;
  rule.file = written.file;
  rule.title = message(written.title);
  rule.explain = message(written.explain);
  for (const auto& fix : written.fix)
    rule.fix.push_back(message(fix));
  rule.severity = written.severity;
  rule.certainty = written.certainty;
  if (written.stage >= 0)
    rule.stage = static_cast<Stage>(written.stage);
  rule.enabled = written.enabled;
  rule.tags = strings(written.tags);
  rule.refs = strings(written.refs);
  rule.needs = strings(written.needs);
  for (const auto id : written.folds)
    rule.folds.push_back(words(id));
  read_conditions(written, rule);
  return rule;
}

} // namespace

RuleSet rules_of(std::span<const BuiltinRule> table) {
  RuleSet set;
  set.rules.reserve(table.size());
  for (const auto& written : table) {
    set.rules.push_back(rule_of(written));
    if (std::ranges::find(set.files, written.file) == set.files.end())
      set.files.emplace_back(written.file);
  }
  return set;
}

} // namespace synfate::rules
