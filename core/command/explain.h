// `synfate explain TARGET…`: what becomes of a connection, and why.
#pragma once

#include "core/command/session.h"
#include "core/report/report.h"
#include "core/rules/engine.h"

namespace synfate {

/// Gives every flow its fate; facts that several of them need are read together.
void walk_flows(Session& session, std::span<FlowReport> flows);

/// Derives the whole answer to one target.
Report explain_target(Session& session, const Target& target, const rules::RuleSet& rules,
                      std::span<const ZonedAddress> clients, const std::optional<Identity>& as);

int run_explain(const Program& program, const Options& options);

} // namespace synfate
