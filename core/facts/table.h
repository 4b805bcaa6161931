// Rows of one table, stored by column.
//
// Storage is dynamic, since a site's tables have no C++ type. A cell costs nine bytes and its text,
// a column of absent cells nothing; texts, addresses, bytes live in an arena that never moves:
// views stay valid like the table; long bytes stay in their string. A row whose key columns equal
// an earlier row's is the same row read again: the later one is dropped, because a plugin may
// deliver more than it was asked for. Tested by tests/unit/core/table_test.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/facts/cell.h"
#include "core/facts/hash_index.h"
#include "core/facts/schema.h"

namespace synfate {

/// Receives rows cell by cell. A plugin, a snapshot file and a test fixture all write through it.
class RowSink {
public:
  virtual ~RowSink() = default;
  /// One whole row, cells in the order of the table's columns. The cells fit the columns' types,
  /// and what they hold may be taken out of them.
  virtual void add_row(const TableSpec& table, std::vector<Cell>&& cells) = 0;
};

class Table {
public:
  explicit Table(TableSpec spec);

  const TableSpec& spec() const { return spec_; }
  std::size_t size() const { return rows_; }

  /// False if the row was dropped: its key was there already. Cells must fit the columns; long
  /// bytes are taken out of them.
  bool add(std::vector<Cell>&& cells);
  bool add(const std::vector<Cell>& cells) { return add(std::vector<Cell>(cells)); }

  /// A copy of one cell.
  Cell cell(std::size_t row, std::size_t column) const;
  std::vector<Cell> row(std::size_t row) const;
  /// The same as a typed fact: absent if the column is of another type.
  template <typename T> Fact<T> fact(std::size_t row, std::size_t column) const;

  /// Views without copying; empty or zero unless the cell holds that type. Bytes are text here, and
  /// a bool is 0 or 1.
  std::string_view text(std::size_t row, std::size_t column) const;
  std::int64_t integer(std::size_t row, std::size_t column) const;
  bool is_unknown(std::size_t row, std::size_t column) const;
  bool is_absent(std::size_t row, std::size_t column) const;

  /// Rows whose cell equals `value`, in order, plus those where it is unknown. Uses an index that
  /// is built at the first question.
  std::vector<std::size_t> find(std::size_t column, const Cell& value) const;
  /// About how many rows find() would give, never less; cheap.
  std::size_t count(std::size_t column, const Cell& value) const;

private:
  enum class Kind : std::uint8_t { absent, unknown, integer, real, text, boolean, ip, bytes };
  struct Column {
    std::vector<Kind> kinds;            ///< to the last that is not absent, as the other two
    std::vector<std::uint64_t> words;   ///< the value, or where its bytes start
    std::vector<std::uint32_t> lengths; ///< only for text, ip and bytes columns, and unknowns
    mutable HashIndex index;            ///< of the rows that a question met so far
  };

  void put(Column& column, Cell& cell);
  const char* keep(std::string_view bytes);
  std::string_view adopt(std::string& bytes);
  /// Absent cells that come after a column's last other one are not stored.
  static Kind kind_of(const Column& column, std::size_t row) {
    return row < column.kinds.size() ? column.kinds[row] : Kind::absent;
  }
  static std::string_view view(const Column& column, std::size_t row) {
    if (row >= column.lengths.size())
      return {};
    return {reinterpret_cast<const char*>(column.words[row]), column.lengths[row]};
  }
  static IpAddress address(const Column& column, std::size_t row);
  std::uint64_t hash(const Column& column, std::size_t row) const;
  void extend_index(const Column& column) const;

  TableSpec spec_;
  std::vector<std::size_t> key_columns_;
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_used_ = 0;
  std::size_t chunk_size_ = 0;
  std::vector<std::string> adopted_; ///< bytes that were too long to be copied
  HashIndex keys_;                   ///< rows by their key cells
};

template <typename T> Fact<T> Table::fact(std::size_t row, std::size_t column) const {
  const Column& from = columns_[column];
  const Kind kind = kind_of(from, row);
  if (kind == Kind::unknown)
    return Unknown{std::string(view(from, row))};
  if constexpr (std::is_same_v<T, std::int64_t>) {
    if (kind == Kind::integer)
      return static_cast<std::int64_t>(from.words[row]);
  } else if constexpr (std::is_same_v<T, double>) {
    if (kind == Kind::real)
      return std::bit_cast<double>(from.words[row]);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (kind == Kind::text)
      return std::string(view(from, row));
  } else if constexpr (std::is_same_v<T, bool>) {
    if (kind == Kind::boolean)
      return from.words[row] != 0;
  } else if constexpr (std::is_same_v<T, IpAddress>) {
    if (kind == Kind::ip)
      return address(from, row);
  } else {
    static_assert(std::is_same_v<T, Bytes>, "no column type for this fact");
    if (kind == Kind::bytes)
      return Bytes{std::string(view(from, row))};
  }
  return Absent{};
}

} // namespace synfate
