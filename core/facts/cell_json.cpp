#include "core/facts/cell_json.h"

#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/base/text_encoding.h"

namespace synfate {
namespace {

/// Appends the JSON of one kind of cell.
struct CellWriter {
  std::string& out;

  void operator()(const Absent&) const { out += "null"; }
  void operator()(const Unknown& unknown) const { tagged("unknown", unknown.gap); }
  void operator()(std::int64_t value) const {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  void operator()(double value) const {
    if (std::isfinite(value))
      fmt::format_to(std::back_inserter(out), "{}", value);
    else
      tagged("double", std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  }
  void operator()(const std::string& value) const {
    if (is_utf8(value))
      append_json_string(out, value);
    else
      tagged("base64", to_base64(value));
  }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(const IpAddress& value) const { append_json_string(out, value.to_string()); }
  void operator()(const Bytes& value) const { append_json_string(out, to_base64(value.data)); }

  void tagged(std::string_view tag, std::string_view text) const {
    out += "{\"";
    out += tag;
    out += "\":";
    append_json_string(out, to_valid_utf8(text));
    out += '}';
  }
};

std::optional<Cell> special_double(const std::string& text) {
  if (text == "nan")
    return Cell(std::numeric_limits<double>::quiet_NaN());
  if (text == "inf")
    return Cell(std::numeric_limits<double>::infinity());
  if (text == "-inf")
    return Cell(-std::numeric_limits<double>::infinity());
  return std::nullopt;
}

std::optional<Cell> tagged_cell(const std::string& tag, const std::string& text, ColumnType type) {
  if (tag == "unknown" && !text.empty())
    return Unknown{text};
  if (tag == "double" && type == ColumnType::real)
    return special_double(text);
  if (tag == "base64" && type == ColumnType::text)
    if (auto bytes = from_base64(text))
      return Cell(std::move(*bytes));
  return std::nullopt;
}

/// {"tag": "text"}
std::optional<Cell> scan_tagged(JsonScanner& scanner, ColumnType type) {
  scanner.begin_object();
  const auto tag = scanner.next_key();
  const auto text = tag ? scanner.string() : std::nullopt;
  if (!text || scanner.next_key() || scanner.failed())
    return std::nullopt;
  return tagged_cell(*tag, *text, type);
}

template <typename T> std::optional<Cell> cell_of(std::optional<T> value) {
  if (!value)
    return std::nullopt;
  return Cell(std::in_place_type<T>, std::move(*value));
}

std::optional<Cell> scan_value(JsonScanner& scanner, ColumnType type) {
  switch (type) {
  case ColumnType::integer:
    return cell_of(scanner.integer());
  case ColumnType::real:
    return cell_of(scanner.real());
  case ColumnType::text:
    return cell_of(scanner.string());
  case ColumnType::boolean:
    return cell_of(scanner.boolean());
  case ColumnType::ip: {
    const auto text = scanner.string();
    return cell_of(text ? IpAddress::parse(*text) : std::nullopt);
  }
  case ColumnType::bytes: {
    const auto text = scanner.string();
    auto bytes = text ? from_base64(*text) : std::nullopt;
    return bytes ? std::optional<Cell>(Bytes{std::move(*bytes)}) : std::nullopt;
  }
  }
  return std::nullopt;
}

} // namespace

void append_cell(std::string& out, const Cell& cell) {
  std::visit(CellWriter{out}, cell);
}

void append_cells(std::string& out, const std::vector<Cell>& cells) {
  std::size_t count = cells.size();
  while (count > 0 && std::holds_alternative<Absent>(cells[count - 1]))
    --count;
  out += '[';
  for (std::size_t index = 0; index < count; ++index) {
    if (index > 0)
      out += ',';
    append_cell(out, cells[index]);
  }
  out += ']';
}

std::optional<Cell> scan_cell(JsonScanner& scanner, ColumnType type) {
  const auto kind = scanner.peek();
  if (kind == JsonScanner::Kind::null)
    return scanner.null() ? std::optional<Cell>(Absent{}) : std::nullopt;
  if (kind == JsonScanner::Kind::object)
    return scan_tagged(scanner, type);
  return scan_value(scanner, type);
}

} // namespace synfate
