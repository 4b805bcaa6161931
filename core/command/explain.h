// `synfate explain TARGET…`: what becomes of a connection, and why.
#pragma once

#include "core/command/session.h"
#include "core/report/report.h"
#include "core/rules/engine.h"

namespace synfate {

/// Derives the whole answer to one target.
Report explain_target(Session& session, const Target& target, const rules::RuleSet& rules,
                      std::span<const ZonedAddress> clients, const std::optional<Identity>& as);

/// The targets that the command line names.
Result<std::vector<Target>> read_targets(const Program& program, const Options& options);
/// The clients of --from.
Result<std::vector<ZonedAddress>> read_clients(const Options& options);

int run_explain(const Program& program, const Options& options);

} // namespace synfate
