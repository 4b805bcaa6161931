#include "core/command/rules_command.h"

#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>
#include <sstream>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/cel/batch.h"
#include "core/command/explain.h"
#include "core/facts/tables.h"
#include "core/rules/commands.h"
#include "core/rules/diagnostic.h"

namespace synfate {
namespace {

/// Line by line, so that control characters of the file stay harmless and line breaks stay.
void print_lines(std::ostream& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    out << escape_for_terminal(text.substr(0, end)) << "\n";
    if (end == std::string_view::npos)
      return;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::filesystem::path> paths_of(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading the values of --with",
                 .where = path,
                 .os_error = errno,
                 .detail = {},
                 .hint = {}};
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int run_eval(const Program& program, const Options& options, const rules::Output& output) {
  if (options.batch)
    return rules::evaluate_batch(program.in, output);
  if (options.words.size() != 1)
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command line",
                                  .where = "rules eval",
                                  .detail = "one expression is needed",
                                  .hint = "Write: synfate rules eval 'EXPR' [--with FILE.json]"});
  std::string values = "{}";
  if (!options.with_file.empty()) {
    auto text = read_text(options.with_file);
    if (!text)
      return report_error(program, text.error());
    values = std::move(*text);
  }
  return rules::evaluate_expression(options.words.front(), values, output);
}

int run_why(const Program& program, const Options& options, const rules::Output& output) {
  if (options.words.size() != 2)
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command line",
                                  .where = "rules explain",
                                  .detail = "a rule and a target are needed",
                                  .hint = "Write: synfate rules explain ID TARGET"});
  const auto target = parse_target(options.words[1], program.names);
  if (!target)
    return report_error(program, target.error());
  auto session = Session::open(program, options);
  if (!session)
    return report_error(program, session.error());
  auto set = load_rules(program, options, (*session)->snapshot().schema());
  if (!set)
    return report_error(program, set.error());
  const Report report = explain_target(**session, *target, *set, {}, {});
  Inquiry inquiry((*session)->snapshot());
  return rules::explain_rule(inquiry, *set, options.words[0], {report.target, report.flows},
                             output);
}

std::optional<rules::Writers> writers_of(System& system, const std::filesystem::path& path) {
  const auto owner = system.file_owner(path.string());
  if (!owner)
    return std::nullopt;
  return rules::Writers{owner->uid, owner->group_writable || owner->others_writable};
}

Result<Schema> known_schema(const Program& program, const Options& options) {
  SYNFATE_TRY(session, Session::open(program, options));
  return session->snapshot().schema();
}

} // namespace

Result<rules::RuleSet> load_rules(const Program& program, const Options& options,
                                  const Schema& schema) {
  rules::LayerOptions layers;
  layers.rules = paths_of(options.rules);
  if (program.system.effective_uid() == 0)
    layers.writers_of = [&program](const auto& path) { return writers_of(program.system, path); };
  rules::Loaded loaded = rules::load_layers(schema, layers);
  if (loaded.errors.empty())
    return std::move(loaded.rules);
  for (const auto& error : loaded.errors)
    print_lines(program.err, rules::to_string(error));
  return Error{.code = ErrorCode::invalid_input,
               .doing = "loading the rules",
               .where = {},
               .detail = fmt::format("{} errors in rule packs", loaded.errors.size()),
               .hint = "Check them with: synfate rules check FILE"};
}

namespace {

/// Everything but `eval`, `schema` and `explain`.
int run_on_packs(const Program& program, const Options& options, const rules::Output& output) {
  const auto schema = known_schema(program, options);
  if (!schema)
    return report_error(program, schema.error());
  if (options.verb == "check")
    return rules::check_files(paths_of(options.words), *schema, true, output);
  if (options.verb == "test")
    return rules::test_files(paths_of(options.words), *schema, true, options.coverage, output);
  const auto set = load_rules(program, options, *schema);
  if (!set)
    return report_error(program, set.error());
  if (options.verb == "list")
    return rules::list_rules(*set, output);
  if (options.verb == "doc")
    return rules::write_reference(*set, output);
  if (options.verb == "show" && options.words.size() == 1)
    return rules::show_rule(*set, options.words.front(), output);
  return report_error(
      program, {.code = ErrorCode::invalid_input,
                .doing = "reading the command line",
                .where = fmt::format("rules {}", options.verb),
                .detail = options.verb == "show" ? "one rule is needed" : "there is no such verb",
                .hint = "Verbs: list, show, check, test, explain, eval, doc, schema."});
}

} // namespace

int run_rules(const Program& program, const Options& options) {
  const rules::Output direct{program.out, program.err};
  if (options.verb == "eval")
    return run_eval(program, options, direct);
  if (options.verb == "schema")
    return rules::write_schema(direct);
  std::ostringstream out; // a pack may be anybody's: its words are shown without control characters
  std::ostringstream err;
  const rules::Output output{out, err};
  const int status = options.verb == "explain" ? run_why(program, options, output)
                                               : run_on_packs(program, options, output);
  print_lines(program.out, out.str());
  print_lines(program.err, err.str());
  return status;
}

} // namespace synfate
