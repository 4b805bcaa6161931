#include "core/rules/commands.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/cel/batch.h"
#include "core/cel/suggest.h"
#include "core/rules/builtin.h"
#include "core/rules/rule_test.h"
#include "core/rules/trace.h"

namespace synfate::rules {
namespace {

constexpr int ok = 0;
constexpr int failed = 1;
constexpr int wrong = 2;

void print(std::ostream& out, const std::vector<PackError>& errors) {
  for (const auto& error : errors)
    out << to_string(error);
}

int unknown_rule(const RuleSet& rules, const std::string& id, const Output& output) {
  std::vector<std::string> ids;
  for (const auto& rule : rules.rules)
    ids.push_back(rule.id.text);
  const std::string near = cel::suggest(id, ids);
  output.err << fmt::format("there is no rule '{}'{}\n", id,
                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
  return wrong;
}

Loaded load_files(const std::vector<std::filesystem::path>& files, const Schema& schema,
                  bool builtin) {
  Errors errors;
  const auto read = read_pack_files(files, {}, errors);
  Loaded loaded = load_packs(read, schema, builtin ? builtin_rules() : RuleSet{});
  auto unreadable = errors.take();
  loaded.errors.insert(loaded.errors.begin(), unreadable.begin(), unreadable.end());
  return loaded;
}

/// The packs that are part of the program, from their text, with their tests.
Loaded load_builtin_files(const Schema& schema) {
  std::vector<std::shared_ptr<const SourceFile>> files;
  for (const auto& file : builtin_files())
    files.push_back(std::make_shared<SourceFile>(std::string(file.name), std::string(file.text)));
  return load_packs(files, schema, {});
}

void print_field(std::ostream& out, std::string_view name, const std::string& text) {
  if (!text.empty())
    out << fmt::format("  {:<10} {}\n", name, text);
}

void print_expression(std::ostream& out, std::string_view name,
                      const std::optional<Expression>& expression) {
  if (expression)
    print_field(out, name, expression->text());
}

std::string filter_text(const FlowFilter& filter) {
  std::vector<std::string> parts;
  const auto add = [&parts](std::string_view name, const auto& list, const auto& text) {
    std::string words;
    for (const auto& element : list)
      words.append(words.empty() ? "" : " or ").append(text(element));
    if (!words.empty())
      parts.push_back(fmt::format("{} {}", name, words));
  };
  const auto name_of = [](const auto& value) { return to_string(value); };
  add("outcome", filter.outcome, name_of);
  add("stopped at", filter.stopped_at, name_of);
  add("culprit", filter.culprit, [](const std::string& kind) { return kind; });
  add("proto", filter.proto, name_of);
  if (filter.local)
    parts.push_back(*filter.local ? "local client" : "remote client");
  if (filter.bind)
    parts.emplace_back("bind() and listen()");
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Keeps what explain prints about each element.
class Narrator final : public Observer {
public:
  void decided(const Rule&, const cel::Value& element, const cel::Program& program,
               const cel::Trace& trace, const cel::Value&) override {
    if (!element.is(cel::Kind::null))
      text_ += fmt::format("it = {}\n", value_line(element));
    text_ += names_ + to_string(trace_tree(program.ast(), trace)) + "\n";
    names_.clear();
  }
  void named(const Rule&, const std::string& name, const cel::Value& value) override {
    names_ += fmt::format("{} = {}\n", name, value_line(value));
  }
  const std::string& text() const { return text_; }

private:
  std::string names_;
  std::string text_;
};

} // namespace

int list_rules(const RuleSet& rules, const Output& output) {
  for (const auto& rule : rules.rules)
    output.out << fmt::format("{:<32} {:<8} {:<9} {:<24} {}{}\n", rule.id.text,
                              severity_name(rule.severity), to_string(rule.certainty), rule.file,
                              rule.title.words.text, rule.enabled ? "" : " (disabled)");
  return ok;
}

int show_rule(const RuleSet& rules, const std::string& id, const Output& output) {
  const Rule* rule = rules.find(id);
  if (rule == nullptr)
    return unknown_rule(rules, id, output);
  std::ostream& out = output.out;
  out << rule->id.text << "\n";
  print_field(out, "title", rule->title.words.text);
  print_field(out, "severity", std::string(severity_name(rule->severity)));
  print_field(out, "certainty", std::string(to_string(rule->certainty)));
  print_field(out, "stage", rule->stage ? std::string(to_string(*rule->stage)) : "");
  print_field(out, "from", rule->file);
  print_field(out, "changed by", fmt::format("{}", fmt::join(rule->overridden_by, ", ")));
  print_field(out, "enabled", rule->enabled ? "yes" : "no");
  print_field(out, "on", rule->on ? filter_text(*rule->on) : "");
  print_expression(out, "for each", rule->for_each);
  for (const auto& [name, expression] : rule->let)
    print_field(out, "let", fmt::format("{} = {}", name, expression.text()));
  print_expression(out, "when", rule->when);
  print_expression(out, "culprit", rule->culprit);
  for (const auto& id_of_folded : rule->folds)
    print_field(out, "folds", id_of_folded.text);
  print_field(out, "explain", rule->explain.words.text);
  for (const auto& fix : rule->fix)
    print_field(out, "fix", fix.words.text);
  print_field(out, "see", fmt::format("{}", fmt::join(rule->refs, ", ")));
  return ok;
}

int check_files(const std::vector<std::filesystem::path>& files, const Schema& schema, bool builtin,
                const Output& output) {
  const Loaded loaded = load_files(files, schema, builtin);
  print(output.err, loaded.errors);
  return loaded.errors.empty() ? ok : wrong;
}

int test_files(const std::vector<std::filesystem::path>& files, const Schema& schema, bool builtin,
               bool coverage, const Output& output) {
  const Loaded loaded =
      files.empty() ? load_builtin_files(schema) : load_files(files, schema, builtin);
  print(output.err, loaded.errors);
  if (!loaded.errors.empty())
    return wrong;
  const TestRun run = run_tests(loaded.rules, schema);
  std::size_t failures = 0;
  for (const auto& result : run.results) {
    if (result.failure.empty())
      continue;
    ++failures;
    output.out << fmt::format("{}: {}: {}\n  {}\n", result.where, result.rule, result.name,
                              result.failure);
  }
  const bool incomplete = coverage && (!run.holes.empty() || !run.untested.empty());
  if (coverage) {
    for (const auto& rule : run.untested)
      output.out << fmt::format("{}: has no tests\n", rule);
    for (const auto& hole : run.holes)
      output.out << fmt::format("{}: {}: {}: {}\n", hole.where, hole.rule, hole.missing, hole.text);
  }
  output.out << fmt::format("{} tests, {} failed\n", run.results.size(), failures);
  return failures == 0 && !incomplete ? ok : failed;
}

int explain_rule(Inquiry& inquiry, const RuleSet& rules, const std::string& id,
                 const Subject& subject, const Output& output) {
  const Rule* rule = rules.find(id);
  if (rule == nullptr)
    return unknown_rule(rules, id, output);
  RuleSet alone;
  alone.rules.push_back(*rule);
  alone.rules.front().enabled = true;
  Narrator narrator;
  const Evaluation answer =
      evaluate(inquiry, alone, subject, {.budget = {}, .observer = &narrator});
  if (inquiry.pending() || answer.rules.empty())
    return ok;
  const RuleStatus& status = answer.rules.front();
  output.out << fmt::format("{}: {}\n", id, to_string(status.state));
  if (!status.gaps.empty())
    output.out << fmt::format("  because of {}\n", fmt::join(status.gaps, ", "));
  if (!status.reason.empty())
    output.out << fmt::format("  because of: {}\n", status.reason);
  if (rule->on)
    output.out << fmt::format("on {}\n", filter_text(*rule->on));
  output.out << narrator.text();
  if (narrator.text().empty() && status.state == RuleState::quiet)
    output.out << "no flow or row is of the kind that this rule is about\n";
  return ok;
}

int evaluate_expression(const std::string& expression, const std::string& json,
                        const Output& output) {
  const std::string reply = cel::evaluate_with_json(expression, json);
  output.out << escape_json_for_terminal(reply) << "\n";
  return reply.starts_with("{\"error\"") ? wrong : ok;
}

int evaluate_batch(std::istream& input, const Output& output) {
  cel::run_batch(input, output.out);
  return ok;
}

} // namespace synfate::rules
