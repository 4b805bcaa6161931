// A bare `synfate`: every port that listens here or that NAT leads in, its owner, and who of the
// usual clients (contract: flows of a plain call) reaches it.
//
// Sockets, their holders and what walks have in common are each read in one question for all
// listeners, so that two thousand listeners cost little more than one. Tested by
// tests/lab/cases_overview.py.
#pragma once

#include "core/command/session.h"
#include "core/report/overview.h"
#include "core/rules/engine.h"

namespace synfate {

/// What these clients reach; without any, one of each network. `all_holders`: every holder of each
/// listener, not only the first found.
Overview build_overview(Session& session, const rules::RuleSet& rules,
                        std::span<const ZonedAddress> clients, bool all_holders);

int run_overview(const Program& program, const Options& options);

} // namespace synfate
