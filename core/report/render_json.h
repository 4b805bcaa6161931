// A report as JSON: synfate.report/1, the stable interface for programs.
// Tested by tests/unit/core/report/render_json_test.cpp.
#pragma once

#include <span>
#include <string>

#include "core/report/report.h"

namespace synfate {

enum class JsonLayout : std::uint8_t {
  document, ///< indented; several reports are an array
  lines,    ///< one report a line
};

/// The same snapshot and reports give the same bytes.
std::string render_json(const Snapshot& snapshot, std::span<const Report> reports,
                        JsonLayout layout);

} // namespace synfate
