// Parts of JSON answers that several commands share. Objects keep the order in which their members
// are written, so that a run and its replay print the same bytes.
// Tested by tests/unit/core/report/render_json_test.cpp.
#pragma once

#include <optional>
#include <span>

#include <nlohmann/json.hpp>

#include "core/facts/table.h"
#include "core/report/report.h"

namespace synfate {

using Json = nlohmann::ordered_json;

/// Valid text whatever bytes came in; what is no UTF-8 becomes U+FFFD.
Json json_text(std::string_view text);
/// A list of them.
Json json_texts(std::span<const std::string> texts);
/// As json_text(), null for an empty text.
Json json_text_or_null(std::string_view text);
/// A value; null if absent; {"unknown": GAP} if unknown; the rest as core/facts/cell_json.h says.
Json json_cell(const Cell& cell);
/// All columns of a row by name.
Json json_row(const Table& table, std::size_t row);
/// {"kind", "id"}; with its text where `with_text` says so and there is one.
Json json_culprit(const std::optional<Culprit>& culprit, bool with_text = false);
Json json_target(const Target& target);
Json json_findings(const Snapshot& snapshot, std::span<const Finding> findings);
Json json_gaps(std::span<const Gap> gaps);

/// A value on one line or indented by two spaces; nothing in it acts on a terminal.
std::string json_value(const Json& json, bool one_line);
/// The document on one line (jsonl) or indented by two spaces, with a line break at the end.
std::string json_document(const Json& json, bool one_line);

} // namespace synfate
