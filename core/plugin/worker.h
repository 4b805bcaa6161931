// Plugins that are not ours run in a process of their own and speak the row protocol.
//
// A library is loaded by this program started again as `synfate plugin-worker LIBRARY`; a program
// in any language is started itself. One process answers one request. On its standard input it gets
// one line of JSON:
//
//   {"protocol":"synfate.rows/1","table":"acme_licence","keys":{"product":"db"},"netns":4026531840,
//    "milliseconds_left":5000,"root":"","parameters":{"spool":"/var/spool/acme"}}
//
// and writes lines to its standard output, cells as in cell_json.h:
//
//   {"row":"acme_licence","cells":{"product":"db","seats":{"unknown":"spool"}}}
//   {"row":"acme_licence","cells":["db",12]}          the same in the order of the columns
//   {"gap":{"id":"spool","what":"…","why":"…","effect":"…","remedy":"…"}}
//   {"failed":"the licence server does not answer"}   instead of done
//   {"done":true}                                     always last
//
// Other members are ignored. What it writes is checked like the cells of a library. A crash, a
// hang, a lie or an end without `done` costs this plugin's facts and nothing else. Its gaps carry
// its id in front, so that they cannot stand for another plugin's. Tested by
// tests/unit/core/plugin/worker_test.cpp.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/plugin/collector.h"
#include "core/plugin/loader.h"

namespace synfate {

struct WorkerCommand {
  std::vector<std::string> words; ///< path of the program, arguments
  std::int64_t memory_mib = 0;    ///< limit of its address space; 0: none
};

/// A running child process: its pipes and its end.
class WorkerProcess {
public:
  /// Kills it if it still runs, with everything it started.
  virtual ~WorkerProcess() = default;
  /// Writes all of the text to its standard input and closes that.
  virtual Status send(std::string_view text) = 0;
  /// The next line of its standard output without the line break; nothing at the end. The code
  /// timed_out if none came in time, damaged for a line that is too long.
  virtual Result<std::optional<std::string>> read_line(std::int64_t milliseconds) = 0;
  /// Ends it and says how it ended: "exit status 1", "signal 11 (Segmentation fault)".
  virtual std::string end() = 0;
  /// The last line it wrote to standard error so far; may be empty.
  virtual std::string last_words() const = 0;
};

/// The seam to the operating system's processes (platform/linux/worker/worker_process.h). The child
/// starts in the calling thread's network namespace, with no descriptors but its three pipes.
class WorkerLauncher {
public:
  virtual ~WorkerLauncher() = default;
  virtual Result<std::unique_ptr<WorkerProcess>> start(const WorkerCommand& command) = 0;
};

/// Runs each request in a new process. `program` is this program's own path; `launcher` outlives
/// the collectors.
WorkerFactory worker_factory(std::string program, WorkerLauncher& launcher);

/// The body of `synfate plugin-worker LIBRARY`: answers the one request on `in`. Returns the exit
/// status.
int run_plugin_worker(const std::string& library, Schema schema, std::istream& in,
                      std::ostream& out);

} // namespace synfate
