// `synfate bind TARGET…`: would bind() and listen() succeed here now, and if not, because of what.
#pragma once

#include "core/command/session.h"
#include "core/report/bind_report.h"
#include "core/rules/engine.h"

namespace synfate {

/// Derives the whole answer to one target.
BindReport bind_target(Session& session, const Target& target, const BindRequest& request,
                       const rules::RuleSet& rules);

int run_bind(const Program& program, const Options& options);

} // namespace synfate
