// The answer of `synfate who`: all sources, partitioned by outcome (synfate.who/1).
// Tested by tests/unit/core/report/other_reports_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/ip_range.h"
#include "core/report/page.h"
#include "core/report/report.h"

namespace synfate {

struct WhoReport {
  HostFacts host;
  Target target;
  std::vector<SourceClass>
      classes; ///< disjoint; together all sources for every interface that is up
  std::vector<Gap> gaps;
};

nlohmann::ordered_json json_class(const SourceClass& entry);

/// Called at the same address over the same interface.
bool share_vantage(const SourceClass& one, const SourceClass& other);
/// One class for each fate at the vantages at which not every source fares alike: of other hosts,
/// and only of sources that can arrive.
std::vector<SourceClass> told_apart(std::span<const SourceClass> classes);

std::string render_who_text(const WhoReport& report, const TextOptions& options);
/// The classes of the vantages at which not every source fares alike: a table at the end of a page,
/// nothing if there are none. The largest class of a vantage is "all others".
void write_sources(Page& page, std::span<const SourceClass> classes);
/// The document of one report, an array of several; with `lines` one report a line.
std::string render_who_json(std::span<const WhoReport> reports, bool lines);

} // namespace synfate
