#include "core/plugin/row_protocol.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/base/text_encoding.h"
#include "core/facts/cell_json.h"

namespace synfate {
namespace {

constexpr std::string_view protocol_name = "synfate.rows/1";
constexpr std::size_t quoted_length = 80;

Error wrong(std::string detail) {
  return {.code = ErrorCode::damaged,
          .doing = "reading a plugin's answer",
          .detail = std::move(detail)};
}

Error no_protocol(std::string_view line) {
  return wrong(fmt::format("wrote a line that is not of the row protocol: {}",
                           escape_for_terminal(line.substr(0, quoted_length))));
}

const TableSpec* table_of(const Manifest& manifest, std::string_view name) {
  const auto at = std::ranges::find(manifest.tables, name,
                                    [](const ManifestTable& entry) { return entry.spec.name; });
  return at == manifest.tables.end() ? nullptr : &at->spec;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  append_json_string(out, name);
  out += ':';
  append_json_string(out, to_valid_utf8(text));
}

/// {"name": "text", …}
std::optional<std::map<std::string, std::string, std::less<>>> scan_texts(JsonScanner& scanner) {
  std::map<std::string, std::string, std::less<>> texts;
  scanner.begin_object();
  while (auto key = scanner.next_key()) {
    auto text = scanner.string();
    if (!text)
      return std::nullopt;
    texts.insert_or_assign(std::move(*key), std::move(*text));
  }
  if (scanner.failed())
    return std::nullopt;
  return texts;
}

/// The text of the member that comes next.
bool scan_into(JsonScanner& scanner, std::string& text) {
  auto value = scanner.string();
  if (value)
    text = std::move(*value);
  return value.has_value();
}
bool scan_into(JsonScanner& scanner, std::int64_t& number) {
  const auto value = scanner.integer();
  number = value.value_or(0);
  return value.has_value();
}

Status scan_keys(JsonScanner& scanner, const TableSpec& table, Request& request) {
  scanner.begin_object();
  while (auto key = scanner.next_key()) {
    const auto column = table.column(*key);
    if (!column && *key != limit_key)
      return wrong(fmt::format("has no column '{}' in '{}'", *key, table.name));
    auto cell = scan_cell(scanner, column ? table.columns[*column].type : ColumnType::integer);
    if (!cell)
      return wrong(fmt::format("cannot use the key '{}'", *key));
    request.keys.push_back({std::move(*key), std::move(*cell)});
  }
  return scanner.failed() ? Status(wrong("cannot read the keys")) : Status(Done{});
}

/// A worker's line while it is read: the members may come in any order, but the name of the table
/// must come before the cells.
class LineReader {
public:
  LineReader(std::string_view line, const Manifest& manifest)
      : line_(line), manifest_(manifest), scanner_(line) {}

  Result<WorkerLine> read() {
    scanner_.begin_object();
    while (const auto key = scanner_.next_key()) {
      Status status = member(*key);
      if (!status)
        return std::move(status).error();
    }
    if (!scanner_.at_end() || !read_)
      return no_protocol(line_);
    return std::move(*read_);
  }

private:
  Status member(const std::string& key) {
    if (key == "row")
      return row();
    if (key == "cells")
      return cells();
    if (key == "gap")
      return gap();
    if (key == "failed")
      return text<FailedLine>(&FailedLine::why);
    if (key == "fault")
      return text<FaultLine>(&FaultLine::what);
    if (key == "done")
      return done();
    if (key == "stopped")
      return stopped();
    return scanner_.skip() ? Status(Done{}) : Status(no_protocol(line_));
  }

  template <typename Line> Status text(std::string Line::* member) {
    Line line;
    if (!scan_into(scanner_, line.*member))
      return no_protocol(line_);
    read_ = std::move(line);
    return Done{};
  }

  Status done() {
    if (!scanner_.boolean())
      return no_protocol(line_);
    read_ = DoneLine{};
    return Done{};
  }
  Status stopped() {
    const auto truth = scanner_.boolean();
    auto* line = read_ ? std::get_if<DoneLine>(&*read_) : nullptr;
    if (!truth || line == nullptr)
      return no_protocol(line_);
    line->stopped = *truth;
    return Done{};
  }

  Status gap() {
    const auto texts = scan_texts(scanner_);
    if (!texts)
      return no_protocol(line_);
    const auto text = [&](std::string_view name) {
      const auto at = texts->find(name);
      return at == texts->end() ? std::string() : at->second;
    };
    read_ = Gap{text("id"), text("what"), text("why"), text("effect"), text("remedy")};
    return Done{};
  }

  Status row() {
    RowLine line;
    if (!scan_into(scanner_, line.table))
      return no_protocol(line_);
    table_ = table_of(manifest_, line.table);
    if (table_ == nullptr)
      return wrong(fmt::format("delivered a row of the table '{}', which its manifest does not "
                               "declare",
                               escape_for_terminal(line.table)));
    read_ = std::move(line);
    return Done{};
  }

  Status cells() {
    if (table_ == nullptr)
      return no_protocol(line_);
    return scanner_.peek() == JsonScanner::Kind::array ? cells_by_position() : cells_by_name();
  }
  Status cells_by_position() {
    scanner_.begin_array();
    for (std::size_t column = 0; scanner_.next_element(); ++column) {
      Status status = cell(column < table_->columns.size() ? std::optional(column) : std::nullopt,
                           fmt::format("number {}", column));
      if (!status)
        return status;
    }
    return Done{};
  }
  Status cells_by_name() {
    scanner_.begin_object();
    while (const auto name = scanner_.next_key()) {
      Status status = cell(table_->column(*name), *name);
      if (!status)
        return status;
    }
    return Done{};
  }
  Status cell(std::optional<std::size_t> column, const std::string& name) {
    if (!column)
      return wrong(fmt::format("put a cell into a column that does not exist: '{}' of the table "
                               "'{}'",
                               escape_for_terminal(name), table_->name));
    const ColumnSpec& spec = table_->columns[*column];
    auto value = scan_cell(scanner_, spec.type);
    if (!value)
      return wrong(fmt::format("put something into the column '{}' of the table '{}', which holds "
                               "{}: {}",
                               spec.name, table_->name, to_string(spec.type),
                               escape_for_terminal(line_.substr(0, quoted_length))));
    std::get<RowLine>(*read_).cells.emplace_back(*column, std::move(*value));
    return Done{};
  }

  std::string_view line_;
  const Manifest& manifest_;
  JsonScanner scanner_;
  const TableSpec* table_ = nullptr;
  std::optional<WorkerLine> read_;
};

std::string text_line(std::string_view name, std::string_view text) {
  std::string out = "{";
  append_member(out, name, text);
  return out + "}";
}

} // namespace

std::string render_request(const WorkerRequest& request, const TableSpec& table) {
  std::string out = "{";
  append_member(out, "protocol", protocol_name);
  out += ',';
  append_member(out, "table", request.request.table);
  out += ",\"keys\":{";
  const char* joint = "";
  for (const auto& key : request.request.keys) {
    if (!table.column(key.column))
      continue;
    out += joint;
    append_json_string(out, key.column);
    out += ':';
    append_cell(out, key.value);
    joint = ",";
  }
  out += fmt::format("}},\"netns\":{},\"milliseconds_left\":{},", request.netns,
                     request.milliseconds_left);
  append_member(out, "root", request.root);
  out += ",\"parameters\":{";
  joint = "";
  for (const auto& [name, value] : request.parameters) {
    out += joint;
    append_member(out, name, value);
    joint = ",";
  }
  return out + "}}";
}

Result<WorkerRequest> parse_request(std::string_view line, const Manifest& manifest) {
  WorkerRequest asked;
  const TableSpec* table = nullptr;
  JsonScanner scanner(line);
  scanner.begin_object();
  while (const auto key = scanner.next_key()) {
    bool sound = true;
    if (*key == "table") {
      sound = scan_into(scanner, asked.request.table);
      table = table_of(manifest, asked.request.table);
    } else if (*key == "keys" && table != nullptr) {
      Status status = scan_keys(scanner, *table, asked.request);
      if (!status)
        return std::move(status).error();
    } else if (*key == "netns") {
      sound = scan_into(scanner, asked.netns);
    } else if (*key == "milliseconds_left") {
      sound = scan_into(scanner, asked.milliseconds_left);
    } else if (*key == "root") {
      sound = scan_into(scanner, asked.root);
    } else if (*key == "parameters") {
      auto texts = scan_texts(scanner);
      sound = texts.has_value();
      asked.parameters = std::move(texts).value_or(asked.parameters);
    } else {
      sound = scanner.skip();
    }
    if (!sound)
      break;
  }
  if (!scanner.at_end() || table == nullptr)
    return no_protocol(line);
  return asked;
}

std::string render_row(const TableSpec& table, const std::vector<Cell>& cells) {
  std::string out = "{";
  append_member(out, "row", table.name);
  out += ",\"cells\":";
  append_cells(out, cells);
  return out + "}";
}

std::string render_line(const Gap& gap) {
  std::string out = "{\"gap\":{";
  append_member(out, "id", gap.id);
  for (const auto& [name, text] :
       {std::pair<std::string_view, const std::string&>{"what", gap.what},
        {"why", gap.why},
        {"effect", gap.effect},
        {"remedy", gap.remedy}}) {
    out += ',';
    append_member(out, name, text);
  }
  return out + "}}";
}

std::string render_line(const FailedLine& line) {
  return text_line("failed", line.why);
}
std::string render_line(const FaultLine& line) {
  return text_line("fault", line.what);
}
std::string render_line(const DoneLine& line) {
  return line.stopped ? R"({"done":true,"stopped":true})" : R"({"done":true})";
}

Result<WorkerLine> parse_worker_line(std::string_view line, const Manifest& manifest) {
  return LineReader(line, manifest).read();
}

} // namespace synfate
