// Typed rows: how our own code sees a table, and the one description the table comes from.
//
//   struct Address { Fact<std::int64_t> netns; Fact<IpAddress> address; … };
//   template <> inline constexpr auto description_of<Address> = describe(
//       "address", "One address of an interface.",
//       key(column(&Address::address, "address", "", "The address itself.")), …);
//
// spec_of<Address>() is the schema, read_row<Address>() and to_cells() convert both ways.
#pragma once

#include <tuple>
#include <vector>

#include "core/facts/cell.h"
#include "core/facts/schema.h"
#include "core/facts/table.h"

namespace synfate {

/// Specialised beside each row type.
template <typename Row> inline constexpr auto description_of = nullptr;

template <typename Row, typename T> struct ColumnDescription {
  Fact<T> Row::* member;
  std::string_view name;
  std::string_view unit;
  std::string_view meaning;
  std::string_view refers_to;
  bool is_key = false;
};

template <typename Row, typename T>
constexpr auto column(Fact<T> Row::* member, std::string_view name, std::string_view unit,
                      std::string_view meaning, std::string_view refers_to = {}) {
  return ColumnDescription<Row, T>{member, name, unit, meaning, refers_to, false};
}

/// Marks a column as part of what tells one row from another.
template <typename Row, typename T> constexpr auto key(ColumnDescription<Row, T> description) {
  description.is_key = true;
  return description;
}

template <typename... Columns> struct TableDescription {
  std::string_view name;
  std::string_view meaning;
  std::tuple<Columns...> columns;
  bool answers_only = false;
};

/// A table whose rows are answers to whole questions.
template <typename... Columns>
constexpr auto describe_answers(std::string_view name, std::string_view meaning,
                                Columns... columns) {
  return TableDescription<Columns...>{name, meaning, std::tuple(columns...), true};
}

template <typename... Columns>
constexpr auto describe(std::string_view name, std::string_view meaning, Columns... columns) {
  return TableDescription<Columns...>{name, meaning, std::tuple(columns...)};
}

template <typename T> constexpr ColumnType column_type_of() {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return ColumnType::integer;
  else if constexpr (std::is_same_v<T, double>)
    return ColumnType::real;
  else if constexpr (std::is_same_v<T, std::string>)
    return ColumnType::text;
  else if constexpr (std::is_same_v<T, bool>)
    return ColumnType::boolean;
  else if constexpr (std::is_same_v<T, IpAddress>)
    return ColumnType::ip;
  else {
    static_assert(std::is_same_v<T, Bytes>, "no column type for this member");
    return ColumnType::bytes;
  }
}

template <typename Row, typename T>
ColumnSpec column_spec(const ColumnDescription<Row, T>& description) {
  return {std::string(description.name),      column_type_of<T>(),
          std::string(description.unit),      std::string(description.meaning),
          std::string(description.refers_to), description.is_key};
}

/// The schema of a row type's table.
template <typename Row> TableSpec spec_of() {
  const auto& description = description_of<Row>;
  TableSpec spec{std::string(description.name),
                 std::string(description.meaning),
                 {},
                 description.answers_only};
  std::apply([&](const auto&... columns) { (spec.columns.push_back(column_spec(columns)), ...); },
             description.columns);
  return spec;
}

template <typename Row> constexpr std::string_view table_name() {
  return description_of<Row>.name;
}

/// The cells of a typed row, in the order of its table's columns.
template <typename Row> std::vector<Cell> to_cells(const Row& row) {
  std::vector<Cell> cells;
  std::apply(
      [&](const auto&... columns) {
        cells.reserve(sizeof...(columns));
        (cells.push_back(to_cell(row.*(columns.member))), ...);
      },
      description_of<Row>.columns);
  return cells;
}

/// A typed copy of one row of the table that `description_of<Row>` describes.
template <typename Row> Row read_row(const Table& table, std::size_t row) {
  Row typed;
  std::size_t index = 0;
  const auto read = [&]<typename T>(const ColumnDescription<Row, T>& description) {
    typed.*(description.member) = table.fact<T>(row, index++);
  };
  std::apply([&](const auto&... columns) { (read(columns), ...); }, description_of<Row>.columns);
  return typed;
}

} // namespace synfate
