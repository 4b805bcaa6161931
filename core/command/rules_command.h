// `synfate rules …`: the rule packs.
#pragma once

#include "core/command/session.h"
#include "core/rules/loader.h"

namespace synfate {

/// The rules of this run: built in, the site's, those of --rules. An error lists what is wrong with
/// the packs, one line each.
Result<rules::RuleSet> load_rules(const Program& program, const Options& options,
                                  const Schema& schema);

int run_rules(const Program& program, const Options& options);

} // namespace synfate
