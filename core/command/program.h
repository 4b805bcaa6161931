// The whole program but for the operating system: what it is given, and its one entry.
//
// The composition root (platform/synfate_main.cpp) fills a Program with the seams of the system it
// was built for; tests fill it with their own.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/model/target.h"
#include "core/plugin/loader.h"
#include "core/plugin/system.h"

namespace synfate {

/// What the terminal or pipe behind standard output can show.
struct Terminal {
  bool is_terminal = false;
  bool utf8 = true;
  std::size_t width = 80;
};

struct Program {
  std::string version;
  std::string path; ///< of the running program
  std::string platform = "linux";
  std::span<const std::string> words; ///< the command line without the program's name

  System& system;
  const NameService& names;
  /// A model for one snapshot of the named operating system; null if there is none.
  std::function<std::unique_ptr<Model>(const std::string& os)> model;
  /// Adds the tables of every operating system to a schema.
  std::function<Status(Schema&)> add_tables;
  /// Makes NAME|PATH|PID the network namespace of this run; before anything is read.
  std::function<Status(const std::string&)> enter_netns;
  std::vector<LinkedPlugin> linked;
  WorkerFactory worker;
  /// Runs as the process of one of a site's plugins: `synfate plugin-worker …`.
  std::function<int(std::span<const std::string>)> run_worker;

  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  bool no_color = false; ///< NO_COLOR is set
};

/// Runs one command; the result is the exit status of contract.md.
int run(const Program& program);

} // namespace synfate
