#include "core/report/render_facts.h"

#include <fmt/format.h>

#include "core/report/json_parts.h"

namespace synfate {
namespace {

std::string cell_words(const Cell& cell) {
  if (std::holds_alternative<Absent>(cell))
    return "-";
  if (const auto* unknown = std::get_if<Unknown>(&cell))
    return "?" + unknown->gap;
  if (const auto* bytes = std::get_if<Bytes>(&cell))
    return fmt::format("{} bytes", bytes->data.size());
  const Json json = json_cell(cell);
  return json.is_string() ? json.get<std::string>() : json.dump();
}

std::string flags_of(const ColumnSpec& column) {
  std::string text = column.unit.empty() ? "" : fmt::format(" [{}]", column.unit);
  if (column.key)
    text += " key";
  if (!column.refers_to.empty())
    text += " → " + column.refers_to;
  return text;
}

} // namespace

std::string render_facts_text(const Snapshot& snapshot, const FactSelection& selection,
                              const TextOptions& options) {
  Page page(options);
  const TableSpec* spec = snapshot.schema().find(selection.table);
  const Table* table = snapshot.table(selection.table);
  std::vector<TableRow> rows;
  TableRow heading;
  for (const auto& column : spec->columns)
    heading.push_back({column.name, Style::faint});
  rows.push_back(std::move(heading));
  for (const auto row : selection.rows) {
    TableRow cells;
    for (std::size_t column = 0; column < spec->columns.size(); ++column)
      cells.push_back({cell_words(table->cell(row, column)), Style::plain});
    rows.push_back(std::move(cells));
  }
  page.table(0, rows);
  return page.text();
}

std::string render_facts_json(const Snapshot& snapshot, const FactSelection& selection,
                              bool lines) {
  const Table* table = snapshot.table(selection.table);
  std::string text;
  auto list = Json::array();
  for (const auto row : selection.rows) {
    if (lines)
      text += json_document(json_row(*table, row), true);
    else
      list.push_back(json_row(*table, row));
  }
  return lines ? text : json_document(list, false);
}

std::string render_schema_text(const std::vector<const TableSpec*>& tables,
                               const TextOptions& options) {
  Page page(options);
  for (const auto* table : tables) {
    page.blank();
    page.paragraph(table->name + "  ", table->meaning, Style::plain, Style::strong);
    std::vector<TableRow> rows;
    for (const auto& column : table->columns)
      rows.push_back({{column.name, Style::plain},
                      {std::string(to_string(column.type)), Style::faint},
                      {column.meaning + flags_of(column), Style::plain}});
    page.table(2, rows);
  }
  return page.text();
}

std::string render_schema_json(const std::vector<const TableSpec*>& tables) {
  auto list = Json::array();
  for (const auto* table : tables) {
    auto columns = Json::array();
    for (const auto& column : table->columns)
      columns.push_back({{"name", column.name},
                         {"type", to_string(column.type)},
                         {"unit", json_text_or_null(column.unit)},
                         {"meaning", column.meaning},
                         {"refers_to", json_text_or_null(column.refers_to)},
                         {"key", column.key}});
    list.push_back({{"name", table->name}, {"meaning", table->meaning}, {"columns", columns}});
  }
  return json_document(list, false);
}

std::string render_schema_markdown(const std::vector<const TableSpec*>& tables) {
  std::string text = "# Fact tables\n\nWritten by `synfate facts --schema --format markdown`.\n";
  for (const auto* table : tables) {
    text += fmt::format("\n## {}\n\n{}\n\n| column | type | unit | meaning | refers to |\n"
                        "| --- | --- | --- | --- | --- |\n",
                        table->name, table->meaning);
    for (const auto& column : table->columns)
      text += fmt::format("| {}{} | {} | {} | {} | {} |\n", column.name, column.key ? " (key)" : "",
                          to_string(column.type), column.unit, column.meaning, column.refers_to);
  }
  return text;
}

} // namespace synfate
