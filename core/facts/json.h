// Rows and tables for people and programs: `synfate facts --format json|jsonl`, `facts --schema`.
//
// Unlike cells in a snapshot file these need not be read back: text that is no UTF-8 gets U+FFFD,
// so that the JSON is always valid. Tested by tests/unit/core/json_test.cpp.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/facts/schema.h"
#include "core/facts/snapshot.h"

namespace synfate {

/// null if absent, {"unknown": GAP} if unknown, addresses as text, bytes as base64. A double that
/// is no finite number is null.
nlohmann::ordered_json fact_json(const Cell& cell);
/// {"column": cell, …}
nlohmann::ordered_json row_json(const Table& table, std::size_t row);

/// {"schema": "synfate.schema/1", "tables": [{"name", "meaning", "columns": […]}]}
nlohmann::ordered_json schema_json(const Schema& schema);
/// For a terminal.
std::string schema_text(const Schema& schema);
/// The reference page docs/reference/tables.md.
std::string schema_markdown(const Schema& schema);

} // namespace synfate
