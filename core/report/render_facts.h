// Tables as they are, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "core/facts/snapshot.h"
#include "core/report/page.h"

namespace synfate {

/// Which rows of which table to show.
struct FactSelection {
  std::string table;
  std::vector<std::size_t> rows;
};

std::string render_facts_text(const Snapshot& snapshot, const FactSelection& selection,
                              const TextOptions& options);
/// A JSON array of the rows, or with `lines` one row a line. An unknown cell is {"unknown": GAP}.
std::string render_facts_json(const Snapshot& snapshot, const FactSelection& selection, bool lines);

/// The description of these tables: as text, as JSON, or as the reference page (Markdown).
std::string render_schema_text(const std::vector<const TableSpec*>& tables,
                               const TextOptions& options);
std::string render_schema_json(const std::vector<const TableSpec*>& tables);
std::string render_schema_markdown(const std::vector<const TableSpec*>& tables);

} // namespace synfate
