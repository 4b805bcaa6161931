#include "core/command/facts_command.h"

#include <algorithm>
#include <optional>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/command/fact_filter.h"
#include "core/plugin/listing.h"
#include "core/report/render_facts.h"

namespace synfate {
namespace {

Error no_such_table(const std::string& name, const Schema& schema) {
  std::vector<std::string> names;
  for (const auto& [table, spec] : schema.tables())
    names.push_back(table);
  const auto near = nearest_word(name, names);
  return {.code = ErrorCode::invalid_input,
          .doing = "choosing the table",
          .where = fmt::format("'{}'", name),
          .detail = "there is no such table",
          .hint =
              near ? fmt::format("Did you mean '{}'?", *near) : std::string("See: synfate facts")};
}

/// What is asked replaces what would have been asked without it: another network namespace.
void ask_for(Request& request, const Key& key) {
  const auto there = std::ranges::find(request.keys, key.column, &Key::column);
  if (there == request.keys.end())
    request.keys.push_back(key);
  else
    there->value = key.value;
}

bool asks_something(const Request& request) {
  return std::ranges::any_of(request.keys, [](const Key& key) { return key.column != "netns"; });
}

Error no_question(const TableSpec& spec) {
  std::vector<std::string> keys;
  for (const auto& column : spec.columns)
    if (column.key && column.name != "netns")
      keys.push_back(column.name);
  return {.code = ErrorCode::invalid_input,
          .doing = "reading the table",
          .where = spec.name,
          .detail = "its rows are answers to questions, there is no list of them all",
          .hint =
              fmt::format("Ask with --where, for example: --where '{} == …' (it is asked by: {}).",
                          keys.front(), fmt::join(keys, ", "))};
}

int print_schema(const Program& program, const Options& options, const Schema& schema) {
  std::vector<const TableSpec*> tables;
  for (const auto& [name, spec] : schema.tables())
    if (options.words.empty() || options.words.front() == name)
      tables.push_back(&spec);
  if (options.format == "json" || options.format == "jsonl")
    program.out << render_schema_json(tables);
  else if (options.format == "markdown")
    program.out << render_schema_markdown(tables);
  else if (options.format == "text")
    program.out << render_schema_text(tables, text_options(program, options));
  else
    return report_error(program, unknown_format(options.format, "text, json, markdown"));
  return 0;
}

int print_tables(const Program& program, const Options& options, const Schema& schema) {
  Page page(text_options(program, options));
  std::vector<TableRow> rows;
  for (const auto& [name, spec] : schema.tables())
    rows.push_back({{name, Style::strong}, {spec.meaning, Style::plain}});
  page.table(0, rows);
  program.out << page.text();
  return 0;
}

} // namespace

int run_facts(const Program& program, const Options& options) {
  auto opened = Session::open(program, options);
  if (!opened)
    return report_error(program, opened.error());
  Session& session = **opened;
  const Schema& schema = session.snapshot().schema();
  if (!options.words.empty() && schema.find(options.words.front()) == nullptr)
    return report_error(program, no_such_table(options.words.front(), schema));
  if (options.schema)
    return print_schema(program, options, schema);
  if (options.words.empty())
    return print_tables(program, options, schema);
  if (options.format != "text" && options.format != "json" && options.format != "jsonl")
    return report_error(program, unknown_format(options.format, "text, json, jsonl"));
  const TableSpec& spec = *schema.find(options.words.front());
  Request request{spec.name, {}};
  if (spec.per_namespace())
    request.keys.push_back({"netns", session.snapshot().host().netns});
  std::optional<FactFilter> filter;
  if (!options.where.empty()) {
    auto parsed = FactFilter::parse(spec, options.where);
    if (!parsed)
      return report_error(program, parsed.error());
    filter = std::move(*parsed);
    for (const auto& key : filter->keys())
      ask_for(request, key);
  }
  if (spec.answers_only && session.live() && !asks_something(request))
    return report_error(program, no_question(spec));
  std::vector<std::string> gaps;
  auto rows = session.settle([&](Inquiry& inquiry) {
    auto found = inquiry.find(request);
    gaps = inquiry.gaps();
    return found;
  });
  FactSelection selection{spec.name, std::move(rows)};
  std::size_t undecided = 0;
  if (filter) {
    auto filtered = filter->apply(session.snapshot(), selection.rows);
    selection.rows = std::move(filtered.rows);
    undecided = filtered.undecided;
  }
  program.out << (options.format == "text" ? render_facts_text(session.snapshot(), selection,
                                                               text_options(program, options))
                                           : render_facts_json(session.snapshot(), selection,
                                                               options.format == "jsonl"));
  if (options.verbose)
    program.err << session.timings();
  if (undecided > 0)
    program.err << fmt::format("synfate: for {} rows the condition hangs on an unknown cell\n",
                               undecided);
  if (gaps.empty())
    return undecided > 0 ? 3 : 0;
  for (const auto& id : gaps)
    if (const Gap* gap = session.snapshot().gap(id))
      program.err << escape_for_terminal(fmt::format("synfate: not seen: {} ({}). {}", gap->what,
                                                     gap->why, gap->remedy))
                  << "\n";
  return 3;
}

int run_plugins(const Program& program, const Options& options) {
  if (options.verb != "list" && options.verb != "check")
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command line",
                                  .where = fmt::format("plugins {}", options.verb),
                                  .detail = "there is no such verb",
                                  .hint = "Verbs: list, check."});
  auto opened = Session::open(program, options);
  if (!opened)
    return report_error(program, opened.error());
  LoadedPlugins& plugins = (*opened)->plugins();
  if (options.verb == "check")
    check_plugins((*opened)->host()->collectors(), plugins);
  if (options.format == "json" || options.format == "jsonl")
    program.out << render_plugins_json(plugins.plugins).dump(2) << "\n";
  else if (options.format == "text")
    program.out << render_plugins_text(plugins.plugins);
  else
    return report_error(program, unknown_format(options.format, "text, json"));
  for (const auto& plugin : plugins.plugins)
    if (plugin.health == PluginHealth::refused)
      return 3;
  return 0;
}

} // namespace synfate
