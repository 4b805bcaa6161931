// The gaps that a report tells of: each once, in the order in which they mattered.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/facts/snapshot.h"
#include "core/model/flow.h"

namespace synfate {

/// Adds a gap that is not among them yet.
void add_gap(std::vector<Gap>& gaps, const Gap& gap);
/// The same for those of the snapshot with these ids.
void add_gaps(std::vector<Gap>& gaps, const Snapshot& snapshot, std::span<const std::string> ids);
/// The same for what the fates hung on, and for plugins at fault, which concern every report.
void add_gaps(std::vector<Gap>& gaps, const Snapshot& snapshot, std::span<const FlowReport> flows);

/// A plugin is at fault, or was refused.
bool is_of_plugin(const Gap& gap);

} // namespace synfate
