// Records: rows of the embedding program's tables, seen by expressions without copying.
//
// A record value is a table and a row number. `x.exists(s, s.column == value && …)` over a table
// asks find() first, so that a condition over a million rows costs what it matches.
// Tested by tests/unit/core/cel/record_test.cpp.
#pragma once

#include "core/cel/type.h"
#include "core/cel/value.h"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace synfate::cel {

/// The declaration of one field.
struct Field {
  std::string name;
  Type type;
};

/// The declaration of a record type: a name, and fields in the order of their numbers.
class RecordType {
public:
  RecordType(std::string name, std::vector<Field> fields);
  RecordType(const RecordType&) = delete;
  RecordType& operator=(const RecordType&) = delete;
  const std::string& name() const { return name_; }
  const std::vector<Field>& fields() const { return fields_; }
  std::optional<std::size_t> find(std::string_view field) const;

private:
  std::string name_;
  std::vector<Field> fields_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
};

/// A table, or a single row of something: what record values refer to.
class RecordSet : public Shared {
public:
  virtual const RecordType& type() const = 0;
  virtual std::size_t size() const = 0;
  /// The cell; an unknown when it could not be read, null when it has none.
  virtual Value field(std::size_t row, std::size_t column) const = 0;
  /// Whether the cell has a value: what the has() macro answers.
  virtual Value has(std::size_t row, std::size_t column) const;
  /// About how many rows find() would return; nothing when the column has no index for `value`.
  virtual std::optional<std::size_t> estimate(std::size_t column, const Value& value) const;
  /// The rows, in ascending order, whose cell equals `value` under CEL equality or is unknown or an
  /// error; rows left out must be certainly unequal. Asked only after estimate() gave a number.
  virtual std::vector<std::uint32_t> find(std::size_t column, const Value& value) const;
  /// Two records are equal when they name the same row; a view of another table's rows says here
  /// which table and row it means.
  virtual std::pair<const void*, std::uint64_t> identity(std::size_t row) const {
    return {this, row};
  }
};

} // namespace synfate::cel
