#include "core/rules/table_records.h"

#include <cmath>

#include <fmt/format.h>

#include "core/base/utf8.h"
#include "core/cel/unicode.h"

namespace synfate::rules {
namespace {

constexpr std::size_t sample_size = 64;
constexpr std::size_t most_estimates = 32;

std::string visible_text(std::string_view text) {
  std::string visible;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned length = decode_utf8(text, at).length;
    if (length == 0)
      visible += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at++]));
    visible += text.substr(at, length);
    at += length;
  }
  return visible;
}

std::optional<std::int64_t> whole_number(const cel::Value& value) {
  constexpr double limit = 9007199254740992.0;
  if (value.is(cel::Kind::integer))
    return value.as_int();
  if (value.is(cel::Kind::unsigned_integer) && value.as_uint() <= INT64_MAX)
    return static_cast<std::int64_t>(value.as_uint());
  if (value.is(cel::Kind::floating) && std::abs(value.as_double()) < limit &&
      value.as_double() == std::trunc(value.as_double()))
    return static_cast<std::int64_t>(value.as_double());
  return std::nullopt;
}

} // namespace

cel::Type cel_type(ColumnType type) {
  switch (type) {
  case ColumnType::integer:
    return {cel::TypeKind::integer, {}, {}};
  case ColumnType::real:
    return {cel::TypeKind::floating, {}, {}};
  case ColumnType::text:
    return {cel::TypeKind::string, {}, {}};
  case ColumnType::boolean:
    return {cel::TypeKind::boolean, {}, {}};
  case ColumnType::ip:
    return cel::Type::opaque("net.IP");
  case ColumnType::bytes:
    return {cel::TypeKind::bytes, {}, {}};
  }
  return {};
}

std::shared_ptr<const cel::RecordType> record_type(const TableSpec& spec) {
  std::vector<cel::Field> fields;
  for (const auto& column : spec.columns)
    fields.push_back({column.name, cel_type(column.type)});
  return std::make_shared<cel::RecordType>(spec.name, std::move(fields));
}

cel::Value text_value(std::string_view text) {
  return cel::is_valid_utf8(text) ? cel::Value::borrowed_string(text)
                                  : cel::Value::string(visible_text(text));
}

cel::Value unknown_value(std::string gap) {
  return cel::Value::unknown(cel::UnknownReason{0, std::move(gap)});
}

cel::Value to_value(const Cell& cell) {
  if (const auto* number = std::get_if<std::int64_t>(&cell))
    return cel::Value::integer(*number);
  if (const auto* number = std::get_if<double>(&cell))
    return cel::Value::floating(*number);
  if (const auto* flag = std::get_if<bool>(&cell))
    return cel::Value::boolean(*flag);
  if (const auto* address = std::get_if<IpAddress>(&cell))
    return cel::Value::ip(*address);
  if (const auto* text = std::get_if<std::string>(&cell))
    return cel::Value::string(cel::is_valid_utf8(*text) ? *text : visible_text(*text));
  if (const auto* bytes = std::get_if<Bytes>(&cell))
    return cel::Value::bytes(bytes->data);
  if (const auto* unknown = std::get_if<Unknown>(&cell))
    return unknown_value(unknown->gap);
  return {};
}

std::optional<Cell> to_cell(const cel::Value& value, ColumnType type) {
  if (value.is(cel::Kind::null))
    return Cell(Absent{});
  switch (type) {
  case ColumnType::integer:
    if (const auto number = whole_number(value))
      return Cell(*number);
    return std::nullopt;
  case ColumnType::real:
    return value.is(cel::Kind::floating) ? std::optional<Cell>(value.as_double()) : std::nullopt;
  case ColumnType::text:
    return value.is(cel::Kind::string) ? std::optional<Cell>(std::string(value.as_text()))
                                       : std::nullopt;
  case ColumnType::boolean:
    return value.is(cel::Kind::boolean) ? std::optional<Cell>(value.as_bool()) : std::nullopt;
  case ColumnType::ip:
    return value.is(cel::Kind::ip) ? std::optional<Cell>(value.as_ip()) : std::nullopt;
  case ColumnType::bytes:
    return value.is(cel::Kind::bytes) ? std::optional<Cell>(Bytes{std::string(value.as_text())})
                                      : std::nullopt;
  }
  return std::nullopt;
}

cel::Value TableRecords::field(std::size_t row, std::size_t column) const {
  if (spec_.columns[column].type == ColumnType::text && !table_->is_unknown(row, column) &&
      !table_->is_absent(row, column))
    return text_value(table_->text(row, column));
  return to_value(table_->cell(row, column));
}

// A column where most rows are equal (netns, proto, state) is no help: building its index would
// cost more than looking at the rows.
bool TableRecords::is_selective(std::size_t column, const Cell& cell) const {
  const std::size_t step = std::max<std::size_t>(1, table_->size() / sample_size);
  std::size_t seen = 0;
  std::size_t equal = 0;
  for (std::size_t row = 0; row < table_->size(); row += step, ++seen)
    equal += table_->cell(row, column) == cell ? 1 : 0;
  return equal * 4 < seen;
}

std::optional<std::size_t> TableRecords::estimate(std::size_t column,
                                                  const cel::Value& value) const {
  const ColumnType type = spec_.columns[column].type;
  const bool indexed = type == ColumnType::integer || type == ColumnType::ip ||
                       (type == ColumnType::text && value.is(cel::Kind::string));
  const auto cell = indexed ? to_cell(value, type) : std::nullopt;
  if (!cell || std::holds_alternative<Absent>(*cell) || table_ == nullptr ||
      table_->size() < sample_size)
    return std::nullopt;
  for (const auto& known : estimates_)
    if (known.column == column && known.cell == *cell)
      return known.rows;
  std::optional<std::size_t> rows;
  if (is_selective(column, *cell))
    rows = table_->find(column, *cell).size();
  if (estimates_.size() < most_estimates)
    estimates_.push_back({column, *cell, rows});
  return rows;
}

std::vector<std::uint32_t> TableRecords::find(std::size_t column, const cel::Value& value) const {
  const auto cell = to_cell(value, spec_.columns[column].type);
  if (!cell || table_ == nullptr)
    return {};
  const auto rows = table_->find(column, *cell);
  return {rows.begin(), rows.end()};
}

std::pair<const void*, std::uint64_t> TableRecords::identity(std::size_t row) const {
  return {table_, row};
}

} // namespace synfate::rules
