// `rules doc` and `rules schema`: written from the same descriptions that packs are read by.
#include <algorithm>
#include <map>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/rules/commands.h"
#include "core/rules/functions.h"
#include "core/rules/keys.h"
#include "core/rules/words.h"

namespace synfate::rules {
namespace {

using nlohmann::json;

json words_schema(const std::vector<std::string>& words) {
  return {{"type", "string"}, {"enum", words}};
}

json text_list() {
  return {{"type", "array"}, {"items", {{"type", "string"}}}};
}

json reference(std::string_view section) {
  return {{"$ref", fmt::format("#/$defs/{}", section)}};
}

json rows_schema() {
  const json row = {{"type", "object"}};
  return {{"type", "object"}, {"additionalProperties", {{"type", "array"}, {"items", row}}}};
}

json value_schema(const KeySpec& spec) {
  switch (spec.kind) {
  case ValueKind::text:
  case ValueKind::condition:
  case ValueKind::expression:
  case ValueKind::message:
    return {{"type", "string"}};
  case ValueKind::texts:
  case ValueKind::expressions:
  case ValueKind::messages:
    return text_list();
  case ValueKind::boolean:
    return {{"type", "boolean"}};
  case ValueKind::integer:
    return {{"type", "integer"}};
  case ValueKind::date:
    return {{"type", "string"}, {"format", "date"}};
  case ValueKind::severity:
    return words_schema(severity_names());
  case ValueKind::certainty:
    return words_schema(certainty_names());
  case ValueKind::stage:
    return words_schema(stage_names());
  case ValueKind::expectation:
    return words_schema(expect_names());
  case ValueKind::table:
    return reference(spec.section);
  case ValueKind::tables:
    return {{"type", "array"}, {"items", reference(spec.section)}};
  case ValueKind::names:
    return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
  case ValueKind::rows:
    return rows_schema();
  }
  return json::object();
}

json section_schema(const Section& section) {
  json properties = json::object();
  json required = json::array();
  for (const auto& key : section.keys) {
    json value = value_schema(key);
    value["description"] = std::string(key.meaning);
    properties[std::string(key.name)] = std::move(value);
    if (key.required)
      required.push_back(std::string(key.name));
  }
  json schema = {{"type", "object"},
                 {"description", std::string(section.meaning)},
                 {"additionalProperties", false},
                 {"properties", std::move(properties)}};
  if (!required.empty())
    schema["required"] = std::move(required);
  return schema;
}

void write_rule(std::ostream& out, const Rule& rule) {
  out << fmt::format("### {}\n\n{}: {}\n\n", rule.id.text, severity_name(rule.severity),
                     rule.title.words.text);
  out << rule.explain.words.text << "\n";
  if (rule.explain.words.text.empty() || rule.explain.words.text.back() != '\n')
    out << "\n";
  for (const auto& fix : rule.fix)
    out << fmt::format("- {}\n", fix.words.text);
  if (!rule.fix.empty())
    out << "\n";
  std::vector<std::string> facts;
  if (rule.stage)
    facts.push_back(fmt::format("Stage: {}.", to_string(*rule.stage)));
  facts.push_back(fmt::format("Certainty: {}.", to_string(rule.certainty)));
  std::vector<std::string> folds;
  for (const auto& id : rule.folds)
    folds.push_back(id.text);
  if (!folds.empty())
    facts.push_back(fmt::format("Folds: {}.", fmt::join(folds, ", ")));
  if (!rule.refs.empty())
    facts.push_back(fmt::format("See: {}.", fmt::join(rule.refs, ", ")));
  out << fmt::format("{}\n\n", fmt::join(facts, " "));
}

} // namespace

int write_reference(const RuleSet& rules, const Output& output) {
  std::ostream& out = output.out;
  out << "# Rules\n\nWritten by `synfate rules doc`. Words in braces are filled in from the "
         "facts.\n";
  std::vector<std::string> packs;
  for (const auto& rule : rules.rules)
    if (std::ranges::find(packs, rule.pack) == packs.end())
      packs.push_back(rule.pack);
  for (const auto& pack : packs) {
    out << fmt::format("\n## {}\n\n", pack);
    for (const auto& rule : rules.rules)
      if (rule.pack == pack)
        write_rule(out, rule);
  }
  out << "\n## Functions\n\n";
  for (const auto& function : function_descriptions())
    out << fmt::format("- `{}`: {}\n", function.signature, function.meaning);
  out << "\n## Keys\n";
  for (const auto& section : sections()) {
    out << fmt::format("\n### {}\n\n{}\n\n", section.name, section.meaning);
    for (const auto& key : section.keys)
      out << fmt::format("- `{}` ({}{}): {}\n", key.name, describe(key.kind),
                         key.required ? ", required" : "", key.meaning);
  }
  return 0;
}

int write_schema(const Output& output) {
  json schema = section_schema(section("file"));
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = "synfate rule pack";
  json definitions = json::object();
  for (const auto& part : sections())
    if (part.name != "file")
      definitions[std::string(part.name)] = section_schema(part);
  schema["$defs"] = std::move(definitions);
  output.out << schema.dump(2) << "\n";
  return 0;
}

} // namespace synfate::rules
