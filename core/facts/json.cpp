#include "core/facts/json.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/base/text_encoding.h"

namespace synfate {
namespace {

using Json = nlohmann::ordered_json;

struct CellJson {
  Json operator()(const Absent&) const { return nullptr; }
  Json operator()(const Unknown& unknown) const {
    return {{"unknown", to_valid_utf8(unknown.gap)}};
  }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(double value) const { return std::isfinite(value) ? Json(value) : Json(nullptr); }
  Json operator()(const std::string& value) const { return to_valid_utf8(value); }
  Json operator()(bool value) const { return value; }
  Json operator()(const IpAddress& value) const { return value.to_string(); }
  Json operator()(const Bytes& value) const { return to_base64(value.data); }
};

Json column_json(const ColumnSpec& column) {
  return {{"name", column.name},
          {"type", to_string(column.type)},
          {"unit", column.unit},
          {"key", column.key},
          {"refers_to", column.refers_to.empty() ? Json(nullptr) : Json(column.refers_to)},
          {"meaning", column.meaning}};
}

/// What a cell of a Markdown table may hold.
std::string in_markdown(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '|' || letter == '<' || letter == '*' || letter == '_')
      out += '\\';
    out += letter == '\n' ? ' ' : letter;
  }
  return out;
}

std::string column_text(const ColumnSpec& column, std::size_t name_width) {
  std::string text = fmt::format("  {}{:<{}}  {:<6}  {}", column.key ? '*' : ' ', column.name,
                                 name_width, to_string(column.type), column.meaning);
  if (!column.unit.empty())
    text += fmt::format(" [{}]", column.unit);
  if (!column.refers_to.empty())
    text += fmt::format(" -> {}", column.refers_to);
  return text + "\n";
}

} // namespace

Json fact_json(const Cell& cell) {
  return std::visit(CellJson{}, cell);
}

Json row_json(const Table& table, std::size_t row) {
  Json json = Json::object();
  for (std::size_t column = 0; column < table.spec().columns.size(); ++column)
    json[table.spec().columns[column].name] = fact_json(table.cell(row, column));
  return json;
}

Json schema_json(const Schema& schema) {
  Json tables = Json::array();
  for (const auto& [name, table] : schema.tables()) {
    Json columns = Json::array();
    for (const auto& column : table.columns)
      columns.push_back(column_json(column));
    tables.push_back({{"name", name}, {"meaning", table.meaning}, {"columns", std::move(columns)}});
  }
  return {{"schema", "synfate.schema/1"}, {"tables", std::move(tables)}};
}

std::string schema_text(const Schema& schema) {
  std::string text;
  for (const auto& [name, table] : schema.tables()) {
    std::size_t width = 0;
    for (const auto& column : table.columns)
      width = std::max(width, column.name.size());
    text += fmt::format("{}{}: {}\n", text.empty() ? "" : "\n", name, table.meaning);
    for (const auto& column : table.columns)
      text += column_text(column, width);
  }
  return text + "\n* tells one row from another.\n";
}

std::string schema_markdown(const Schema& schema) {
  std::string text = "# Fact tables\n\n"
                     "Written by `synfate facts --schema --format markdown`; do not edit. Columns "
                     "in bold tell one row from another.\n";
  for (const auto& [name, table] : schema.tables()) {
    text += fmt::format("\n## {}\n\n{}\n\n| column | type | unit | meaning |\n"
                        "| --- | --- | --- | --- |\n",
                        name, in_markdown(table.meaning));
    for (const auto& column : table.columns) {
      const std::string reference =
          column.refers_to.empty() ? "" : fmt::format(" → `{}`", column.refers_to);
      text +=
          fmt::format("| {0}`{1}`{0} | {2} | {3} | {4}{5} |\n", column.key ? "**" : "", column.name,
                      to_string(column.type), column.unit, in_markdown(column.meaning), reference);
    }
  }
  return text;
}

} // namespace synfate
