// `facts TABLE --where CEL`: the rows for which a condition over the columns holds.
#pragma once

#include <string>
#include <vector>

#include "core/cel/program.h"
#include "core/facts/snapshot.h"

namespace synfate {

struct FilteredRows {
  std::vector<std::size_t> rows;
  std::size_t undecided = 0; ///< rows whose condition hangs on an unknown cell
};

/// The columns are the variables of the condition.
class FactFilter {
public:
  /// An error names the column of the condition's text.
  static Result<FactFilter> parse(const TableSpec& spec, const std::string& condition);

  /// The key columns that have one value in every row for which the condition can hold
  /// (`pid == 7 && …`): a table is asked for them, and need not be read whole.
  const std::vector<Key>& keys() const { return keys_; }
  FilteredRows apply(const Snapshot& snapshot, const std::vector<std::size_t>& rows) const;

private:
  FactFilter(const TableSpec& spec, cel::Program program, std::vector<Key> keys)
      : spec_(&spec), program_(std::move(program)), keys_(std::move(keys)) {}

  const TableSpec* spec_;
  cel::Program program_;
  std::vector<Key> keys_;
};

} // namespace synfate
