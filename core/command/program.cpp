#include "core/command/program.h"

#include <ostream>

#include "core/command/bind_command.h"
#include "core/command/explain.h"
#include "core/command/facts_command.h"
#include "core/command/options.h"
#include "core/command/overview.h"
#include "core/command/rules_command.h"
#include "core/command/snapshot_command.h"
#include "core/command/who.h"

namespace synfate {

int run(const Program& program) {
  const Parsed parsed = parse_options(program.words, program.version);
  if (!parsed.options) {
    (parsed.to_stderr ? program.err : program.out) << parsed.message;
    return parsed.exit_status;
  }
  const Options& options = *parsed.options;
  switch (options.command) {
  case Command::explain:
    return run_explain(program, options);
  case Command::bind:
    return run_bind(program, options);
  case Command::plugin_worker:
    return program.run_worker(options.words);
  case Command::overview:
    return run_overview(program, options);
  case Command::who:
    return run_who(program, options);
  case Command::audit:
  case Command::diff:
  case Command::watch:
    break;
  case Command::snapshot:
    return run_snapshot(program, options);
  case Command::facts:
    return run_facts(program, options);
  case Command::rules:
    return run_rules(program, options);
  case Command::plugins:
    return run_plugins(program, options);
  }
  program.err
      << "synfate: name a port to explain, for instance: synfate 8080\nSee: synfate --help\n";
  return 2;
}

} // namespace synfate
