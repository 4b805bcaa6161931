#include "core/report/report.h"

namespace synfate {

std::optional<Outcome> Report::outcome() const {
  if (flows.empty())
    return Outcome::unknown;
  const Outcome first = flows.front().fate.outcome;
  for (const auto& flow : flows)
    if (flow.fate.outcome != first)
      return std::nullopt;
  return first;
}

} // namespace synfate
