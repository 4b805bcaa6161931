// `synfate snapshot -o FILE [--redact]`: all facts of this host in a file that every other command
// takes with --snapshot FILE.
//
// First what a call for each listener would read (keyed answers: routes, sets), then every table as
// a whole, straight into the file. Tested by tests/lab/cases_snapshot.py.
#pragma once

#include "core/command/session.h"

namespace synfate {

int run_snapshot(const Program& program, const Options& options);

} // namespace synfate
