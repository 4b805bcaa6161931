#include "core/command/report_gaps.h"

#include <algorithm>

namespace synfate {

void add_gap(std::vector<Gap>& gaps, const Gap& gap) {
  if (std::ranges::find(gaps, gap) == gaps.end())
    gaps.push_back(gap);
}

void add_gaps(std::vector<Gap>& gaps, const Snapshot& snapshot, std::span<const std::string> ids) {
  for (const auto& id : ids)
    if (const Gap* gap = snapshot.gap(id))
      add_gap(gaps, *gap);
}

void add_gaps(std::vector<Gap>& gaps, const Snapshot& snapshot, std::span<const FlowReport> flows) {
  for (const auto& flow : flows)
    add_gaps(gaps, snapshot, flow.fate.gaps);
  for (const auto& gap : snapshot.gaps())
    if (is_of_plugin(gap))
      add_gap(gaps, gap);
}

bool is_of_plugin(const Gap& gap) {
  return gap.id.starts_with("plugin.");
}

} // namespace synfate
