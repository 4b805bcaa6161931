// What a table is: its name, its columns, their types, units and meaning.
//
// A table is described once. Our own tables are described beside their typed row (row.h); a site's
// tables are described in its plugin's manifest. Storage, JSON, the plugin boundary, the types that
// rules are checked against, `facts --schema` and the reference page all come from this one value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace synfate {

/// The types a column may have. There is no unsigned type, so that `s.local_port == 8080` compares
/// two ints in a rule.
enum class ColumnType : std::uint8_t { integer, real, text, boolean, ip, bytes };

/// The name rules, manifests and `facts --schema` use: int, double, string, bool, ip, bytes.
std::string_view to_string(ColumnType type);
std::optional<ColumnType> column_type_from(std::string_view name);

struct ColumnSpec {
  std::string name;
  ColumnType type = ColumnType::text;
  std::string unit;      ///< "bytes", "ms", "packets"; empty for names and plain numbers
  std::string meaning;   ///< one line
  std::string refers_to; ///< "table.column" that a value here points to; may be empty
  bool key = false;      ///< part of what tells one row from another

  friend bool operator==(const ColumnSpec&, const ColumnSpec&) = default;
};

struct TableSpec {
  std::string name;
  std::string meaning; ///< one line
  std::vector<ColumnSpec> columns;
  /// Rows are answers to whole questions (is this key in that set?): to ask for all of them means
  /// nothing.
  bool answers_only = false;

  /// The position of a column, or nothing.
  std::optional<std::size_t> column(std::string_view column_name) const;
  /// True if the network namespace is part of what tells rows apart (a key column `netns`): it is
  /// asked with every question. A process has a namespace, too, but is found whatever it is in.
  bool per_namespace() const;

  friend bool operator==(const TableSpec&, const TableSpec&) = default;
};

/// All tables that this run knows, by name.
class Schema {
public:
  /// Adds a table; the same description again is accepted, a different one is an error.
  Status add(TableSpec spec);
  const TableSpec* find(std::string_view name) const;
  /// As if the table had never been added; nothing if there is none of that name.
  void remove(std::string_view name);
  /// By name, in alphabetical order.
  const std::map<std::string, TableSpec, std::less<>>& tables() const { return tables_; }

private:
  std::map<std::string, TableSpec, std::less<>> tables_;
};

} // namespace synfate
