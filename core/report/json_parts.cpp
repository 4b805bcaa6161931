#include "core/report/json_parts.h"

#include "core/base/text.h"
#include "core/facts/cell_json.h"

namespace synfate {
namespace {

Json json_evidence(const Snapshot& snapshot, std::span<const Evidence> evidence) {
  auto list = Json::array();
  for (const auto& item : evidence) {
    const auto* const table = snapshot.table(item.table);
    if (table != nullptr && item.row < table->size())
      list.push_back({{"table", json_text(item.table)}, {"row", json_row(*table, item.row)}});
  }
  return list;
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
  case Severity::error:
    return "error";
  case Severity::warning:
    return "warning";
  case Severity::note:
    return "note";
  }
  return "";
}

Json json_finding(const Snapshot& snapshot, const Finding& finding) {
  Json json;
  json["rule"] = json_text(finding.rule);
  json["severity"] = severity_name(finding.severity);
  json["certainty"] = to_string(finding.certainty);
  json["stage"] = finding.stage ? Json(to_string(*finding.stage)) : Json();
  json["title"] = json_text(finding.title);
  json["explain"] = json_text(finding.explain);
  json["fix"] = json_texts(finding.fix);
  json["flows"] = finding.flows;
  json["culprit"] = json_culprit(finding.culprit);
  json["evidence"] = json_evidence(snapshot, finding.evidence);
  if (!finding.refs.empty())
    json["refs"] = json_texts(finding.refs);
  if (!finding.folded.empty())
    json["folded"] = json_texts(finding.folded);
  return json;
}

} // namespace

Json json_text(std::string_view text) {
  return to_valid_utf8(text);
}

Json json_texts(std::span<const std::string> texts) {
  auto list = Json::array();
  for (const auto& text : texts)
    list.push_back(json_text(text));
  return list;
}

Json json_text_or_null(std::string_view text) {
  return text.empty() ? Json() : json_text(text);
}

Json json_cell(const Cell& cell) {
  std::string text;
  append_cell(text, cell);
  return Json::parse(text);
}

Json json_row(const Table& table, std::size_t row) {
  auto json = Json::object();
  for (std::size_t column = 0; column < table.spec().columns.size(); ++column)
    json[to_valid_utf8(table.spec().columns[column].name)] = json_cell(table.cell(row, column));
  return json;
}

Json json_culprit(const std::optional<Culprit>& culprit, bool with_text) {
  if (!culprit)
    return {};
  Json json;
  json["kind"] = json_text(culprit->kind);
  json["id"] = json_text(culprit->id);
  if (with_text && !culprit->text.empty())
    json["text"] = json_text(culprit->text);
  return json;
}

Json json_target(const Target& target) {
  const bool is_unix = target.proto == Proto::unix_socket;
  Json json;
  json["text"] = json_text(target.text);
  json["proto"] = to_string(target.proto);
  json["port"] = is_unix ? Json() : Json(target.port);
  json["address"] =
      target.addresses.size() == 1 ? Json(target.addresses.front().to_string()) : Json();
  json["path"] = is_unix ? json_text((target.abstract ? "@" : "") + target.path) : Json();
  return json;
}

Json json_findings(const Snapshot& snapshot, std::span<const Finding> findings) {
  auto list = Json::array();
  for (const auto& finding : findings)
    list.push_back(json_finding(snapshot, finding));
  return list;
}

Json json_gaps(std::span<const Gap> gaps) {
  auto list = Json::array();
  for (const auto& gap : gaps)
    list.push_back({{"id", json_text(gap.id)},
                    {"what", json_text(gap.what)},
                    {"why", json_text(gap.why)},
                    {"effect", json_text(gap.effect)},
                    {"remedy", json_text(gap.remedy)}});
  return list;
}

std::string json_document(const Json& json, bool one_line) {
  return json_value(json, one_line) + "\n";
}

std::string json_value(const Json& json, bool one_line) {
  // Every text went through json_text(); `replace` only guards against one that did not.
  return escape_json_for_terminal(
      json.dump(one_line ? -1 : 2, ' ', false, Json::error_handler_t::replace));
}

} // namespace synfate
