// Cells as JSON that loses nothing: in snapshot files and in the rows that plugins in other
// processes send.
//
//   absent                 null
//   unknown                {"unknown": "owners"}
//   int, bool              8080, true
//   double                 0.5; {"double": "nan"}, "inf" and "-inf" for what JSON has no number for
//   string                 "sshd"; {"base64": "…"} if it is no UTF-8
//   ip                     "10.0.0.1"
//   bytes                  "AAEC" (base64)
//
// The column's type tells strings, addresses and bytes apart. Tested by
// tests/unit/core/cell_json_test.cpp.
#pragma once

#include <optional>
#include <string>

#include "core/base/json_scanner.h"
#include "core/facts/cell.h"

namespace synfate {

void append_cell(std::string& out, const Cell& cell);
/// A list of cells: `[1,"a",null]`, absent ones at the end left out.
void append_cells(std::string& out, const std::vector<Cell>& cells);

/// The next value as a cell of this type. Nothing, and the scanner failed, if it is none.
std::optional<Cell> scan_cell(JsonScanner& scanner, ColumnType type);

} // namespace synfate
