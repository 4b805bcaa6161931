// Comparing a stored cell with a value, without a copy of it where that is easy.
#pragma once

#include <variant>

#include "core/facts/table.h"

namespace synfate {

/// table.cell(row, column) == value; numbers and texts, which are most, without a copy.
inline bool holds(const Table& table, std::size_t row, std::size_t column, const Cell& value) {
  if (table.is_unknown(row, column))
    return table.cell(row, column) == value;
  if (table.is_absent(row, column))
    return std::holds_alternative<Absent>(value);
  const ColumnType type = table.spec().columns[column].type;
  if (const auto* number = std::get_if<Int>(&value))
    return type == ColumnType::integer && table.integer(row, column) == *number;
  if (const auto* text = std::get_if<Text>(&value))
    return type == ColumnType::text && table.text(row, column) == *text;
  return table.cell(row, column) == value;
}

} // namespace synfate
