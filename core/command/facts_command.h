// `synfate facts [TABLE]` and `synfate plugins …`: what was read, and by whom.
#pragma once

#include "core/command/session.h"

namespace synfate {

int run_facts(const Program& program, const Options& options);
int run_plugins(const Program& program, const Options& options);

} // namespace synfate
