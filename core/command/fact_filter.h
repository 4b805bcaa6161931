// `facts TABLE --where CEL`: the rows for which a condition over the columns holds.
#pragma once

#include <string>
#include <vector>

#include "core/facts/snapshot.h"

namespace synfate {

struct FilteredRows {
  std::vector<std::size_t> rows;
  std::size_t undecided = 0; ///< rows whose condition hangs on an unknown cell
};

/// The columns are the variables of the condition. An error names the column of its text.
Result<FilteredRows> filter_rows(const Snapshot& snapshot, const std::string& table,
                                 const std::vector<std::size_t>& rows,
                                 const std::string& condition);

} // namespace synfate
