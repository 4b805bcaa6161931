// The rows of a snapshot's table as CEL records, without copying.
//
// A cell that is absent is null, one that is unknown is an unknown with the id of its gap. Tested
// by tests/unit/core/rules/engine_test.cpp.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/cel/record.h"
#include "core/facts/schema.h"
#include "core/facts/table.h"

namespace synfate::rules {

/// The CEL type of a column's values.
cel::Type cel_type(ColumnType type);
/// The record type of a table: its name, its columns.
std::shared_ptr<const cel::RecordType> record_type(const TableSpec& spec);

cel::Value to_value(const Cell& cell);
/// The cell that a value of a key expression asks for; nothing if it fits no column of that type.
std::optional<Cell> to_cell(const cel::Value& value, ColumnType type);
/// Text of the system as a CEL string: bytes that are no UTF-8 become \xNN.
cel::Value text_value(std::string_view text);
cel::Value unknown_value(std::string gap);

/// A table; the type and the table outlive it. `table` is null while it has no rows.
class TableRecords final : public cel::RecordSet {
public:
  TableRecords(std::shared_ptr<const cel::RecordType> type, const TableSpec& spec,
               const Table* table)
      : type_(std::move(type)), spec_(spec), table_(table) {}

  const cel::RecordType& type() const override { return *type_; }
  std::size_t size() const override { return table_ == nullptr ? 0 : table_->size(); }
  cel::Value field(std::size_t row, std::size_t column) const override;
  std::optional<std::size_t> estimate(std::size_t column, const cel::Value& value) const override;
  std::vector<std::uint32_t> find(std::size_t column, const cel::Value& value) const override;
  std::pair<const void*, std::uint64_t> identity(std::size_t row) const override;

  const TableSpec& spec() const { return spec_; }
  const Table* table() const { return table_; }

private:
  bool is_selective(std::size_t column, const Cell& cell) const;

  /// How many rows a question gives; nothing when looking at all of them is cheaper.
  struct Estimate {
    std::size_t column;
    Cell cell;
    std::optional<std::size_t> rows;
  };

  std::shared_ptr<const cel::RecordType> type_;
  const TableSpec& spec_;
  const Table* table_;
  mutable std::vector<Estimate> estimates_; ///< rules ask for the same few values again and again
};

} // namespace synfate::rules
