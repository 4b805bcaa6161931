#include "core/rules/pack_parser.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "core/cel/suggest.h"
#include "core/rules/toml_reader.h"
#include "core/rules/words.h"

namespace synfate::rules {
namespace {

constexpr std::int64_t day_ms = 24LL * 60 * 60 * 1000;

std::vector<std::string> table_names(const Schema& schema) {
  std::vector<std::string> names;
  for (const auto& [name, spec] : schema.tables())
    names.push_back(name);
  return names;
}

class Parser {
public:
  Parser(const Reading& reading, const Schema& schema) : reading_(reading), schema_(schema) {}

  Pack parse(const toml::table& root) {
    const TableReader reader(reading_, root, section("file"), {});
    Pack pack;
    pack.file = reading_.file->name();
    if (const auto head = reader.sub_table("pack"))
      parse_head(*head, pack);
    for (const auto& rule : reader.sub_tables("rule"))
      pack.rules.push_back(parse_rule(rule, pack));
    for (const auto& change : reader.sub_tables("override"))
      pack.overrides.push_back(parse_override(change));
    for (const auto& waiver : reader.sub_tables("waiver"))
      pack.waivers.push_back(parse_waiver(waiver));
    return pack;
  }

private:
  static void parse_head(const TableReader& reader, Pack& pack) {
    pack.id = reader.words_or_empty("id");
    pack.title = reader.text("title");
    pack.version = reader.text("version");
  }

  Rule parse_rule(const TableReader& reader, const Pack& pack) {
    Rule rule;
    rule.pack = pack.id.text;
    rule.file = pack.file;
    parse_identity(reader, rule);
    parse_conditions(reader, rule);
    rule.title = message(reader.words("title"));
    rule.explain = message(reader.words("explain"));
    rule.fix = messages(reader, "fix");
    for (const auto& test : reader.sub_tables("test"))
      rule.tests.push_back(parse_test(test, schema_));
    return rule;
  }

  void parse_identity(const TableReader& reader, Rule& rule) {
    rule.id = reader.words_or_empty("id");
    check_id(rule.id);
    rule.severity = severity(reader).value_or(Severity::error);
    rule.certainty = certainty(reader).value_or(Certainty::certain);
    rule.stage = reader.word("stage", stage_from, stage_names());
    rule.tags = reader.texts("tags");
    rule.refs = reader.texts("refs");
    rule.folds = reader.words_list("folds");
    rule.enabled = reader.boolean("enabled").value_or(true);
    for (const auto& table : reader.words_list("needs"))
      if (known_table(table))
        rule.needs.push_back(table.text);
  }

  void parse_conditions(const TableReader& reader, Rule& rule) {
    if (const auto on = reader.sub_table("on"))
      rule.on = parse_filter(*on);
    for (const auto& collect : reader.sub_tables("collect"))
      rule.collect.push_back(parse_collect(collect));
    rule.for_each = expression(reader, "for_each");
    if (const toml::table* names = reader.table("let"))
      rule.let = named_expressions(*names);
    rule.when = expression(reader, "when");
    rule.culprit = expression(reader, "culprit");
    rule.flows = expression(reader, "flows");
    for (auto& words : reader.words_list("evidence"))
      rule.evidence.emplace_back(std::move(words));
  }

  static FlowFilter parse_filter(const TableReader& reader) {
    FlowFilter filter;
    filter.outcome = reader.word_list("outcome", outcome_from, outcome_names());
    filter.stopped_at = reader.word_list("stopped_at", stage_from, stage_names());
    filter.culprit = reader.texts("culprit");
    filter.proto = reader.word_list("proto", proto_from, proto_names());
    filter.local = reader.boolean("local");
    filter.bind = reader.boolean("bind").value_or(false);
    return filter;
  }

  Collect parse_collect(const TableReader& reader) {
    Collect collect;
    collect.table = reader.words_or_empty("table");
    const bool known = !collect.table.empty() && known_table(collect.table);
    if (const toml::table* keys = reader.table("keys")) {
      if (known)
        check_columns(*keys, *schema_.find(collect.table.text));
      collect.keys = named_expressions(*keys);
    }
    collect.optional = reader.boolean("optional").value_or(false);
    return collect;
  }

  void check_columns(const toml::table& keys, const TableSpec& spec) {
    std::vector<std::string> columns;
    for (const auto& column : spec.columns)
      columns.push_back(column.name);
    for (const auto& [key, node] : in_order(keys))
      if (!spec.column(key->str()))
        reading_.error(place_of(*key), code::unknown_column,
                       fmt::format("the table {} has no column '{}'", spec.name, key->str()),
                       cel::suggest(key->str(), columns));
  }

  std::vector<std::pair<std::string, Expression>> named_expressions(const toml::table& table) {
    std::vector<std::pair<std::string, Expression>> named;
    for (const auto& [key, node] : in_order(table)) {
      if (const auto* text = node->as_string())
        named.emplace_back(std::string(key->str()),
                           Expression(Words{text->get(), reading_.file, place_of(*node)}));
      else
        reading_.error(place_of(*key), code::wrong_type,
                       fmt::format("'{}' must be a string with an expression (CEL)", key->str()));
    }
    return named;
  }

  Override parse_override(const TableReader& reader) {
    Override change;
    change.id = reader.words_or_empty("id");
    change.enabled = reader.boolean("enabled");
    change.severity = severity(reader);
    change.certainty = certainty(reader);
    change.when_and = expression(reader, "when_and");
    if (reader.words("title"))
      change.title = message(reader.words("title"));
    if (reader.words("explain"))
      change.explain = message(reader.words("explain"));
    if (reader.node("fix") != nullptr)
      change.fix = messages(reader, "fix");
    return change;
  }

  static std::optional<Severity> severity(const TableReader& reader) {
    return reader.word("severity", severity_from, severity_names());
  }
  static std::optional<Certainty> certainty(const TableReader& reader) {
    return reader.word("certainty", certainty_from, certainty_names());
  }

  static std::optional<Expression> expression(const TableReader& reader, std::string_view key) {
    auto words = reader.words(key);
    return words ? std::optional<Expression>(std::in_place, std::move(*words)) : std::nullopt;
  }

  Template message(const std::optional<Words>& words) {
    if (!words)
      return {};
    std::vector<TemplateProblem> problems;
    Template parsed = parse_template(*words, problems);
    for (auto& problem : problems)
      reading_.errors.add(*words, problem.offset, code::placeholder, std::move(problem.message));
    return parsed;
  }

  std::vector<Template> messages(const TableReader& reader, std::string_view key) {
    std::vector<Template> parsed;
    for (const auto& words : reader.words_list(key))
      parsed.push_back(message(words));
    return parsed;
  }

  bool known_table(const Words& table) {
    if (schema_.find(table.text) != nullptr)
      return true;
    reading_.errors.add(table, 0, code::unknown_table,
                        fmt::format("there is no table '{}'", table.text),
                        cel::suggest(table.text, table_names(schema_)));
    return false;
  }

  void check_id(const Words& id) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
    const auto bad = id.text.find_first_not_of(allowed);
    if (bad != std::string::npos)
      reading_.errors.add(id, bad, code::bad_value,
                          "an id has lower-case letters, digits, '_', '-' and dots only");
    else if (id.text.empty() && id.file != nullptr)
      reading_.errors.add(id, 0, code::bad_value, "an id cannot be empty");
  }

  Reading reading_;
  const Schema& schema_;
};

} // namespace

Waiver parse_waiver(const TableReader& reader) {
  Waiver waiver;
  waiver.id = reader.words_or_empty("id");
  waiver.reason = reader.text("reason");
  waiver.culprit = reader.text("culprit");
  const toml::node* node = reader.node("expires");
  if (node == nullptr || !node->is_date())
    return waiver;
  const toml::date date = node->as_date()->get();
  const std::chrono::year_month_day day{std::chrono::year(date.year),
                                        std::chrono::month(date.month), std::chrono::day(date.day)};
  waiver.expires = fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
  waiver.expires_at = (std::chrono::sys_days(day).time_since_epoch().count() + 1) * day_ms;
  return waiver;
}

std::optional<Pack> parse_pack(const std::shared_ptr<const SourceFile>& file, const Schema& schema,
                               Errors& errors) {
  try {
    const toml::table root = toml::parse(std::string_view(file->text()), std::string(file->name()));
    return Parser({file, errors}, schema).parse(root);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    errors.add(*file, {static_cast<std::uint32_t>(at.line), static_cast<std::uint32_t>(at.column)},
               code::syntax, std::string(error.description()));
    return std::nullopt;
  }
}

bool FlowFilter::accepts(const FlowReport& flow) const {
  const auto allows = [](const auto& list, const auto& value) {
    return list.empty() || std::ranges::find(list, value) != list.end();
  };
  const Fate& fate = flow.fate;
  if (bind != flow.flow.bind.has_value() || !allows(outcome, fate.outcome) ||
      !allows(proto, flow.flow.proto))
    return false;
  if (local && *local != flow.flow.local)
    return false;
  if (!stopped_at.empty() && (!fate.stopped_at || !allows(stopped_at, *fate.stopped_at)))
    return false;
  return culprit.empty() || (fate.culprit && allows(culprit, fate.culprit->kind));
}

const Rule* RuleSet::find(std::string_view id) const {
  const auto at = std::ranges::find_if(rules, [&](const Rule& rule) { return rule.id.text == id; });
  return at == rules.end() ? nullptr : &*at;
}

Rule* RuleSet::find(std::string_view id) {
  return const_cast<Rule*>(std::as_const(*this).find(id));
}

} // namespace synfate::rules
