// The words of the command line as one value. Nothing is read or resolved here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace synfate {

enum class Command : std::uint8_t {
  overview,
  explain,
  who,
  bind,
  audit,
  snapshot,
  diff,
  watch,
  facts,
  rules,
  plugins,
  plugin_worker, ///< not for people: the process that a site's plugin runs in
};

struct Options {
  Command command = Command::overview;
  std::string verb;               ///< of rules and plugins: "check", "list" …
  std::vector<std::string> words; ///< targets, files, the table: what stands without a dash

  std::vector<std::string> from;
  std::string as_user;
  std::string netns;
  std::string save_file;
  std::string snapshot_file;
  std::string format = "text";
  std::vector<std::string> rules;
  std::vector<std::string> plugins;
  bool no_color = false;
  double timeout_seconds = 10;
  bool verbose = false;

  bool all_holders = false;
  std::string output_file; ///< snapshot -o
  bool redact = false;     ///< snapshot --redact

  std::string where;   ///< facts --where
  bool schema = false; ///< facts --schema

  bool reuse_address = false; ///< bind --reuseaddr
  bool reuse_port = false;    ///< bind --reuseport
  bool v6only = false;        ///< bind --v6only
  std::string interface;      ///< bind --device

  bool batch = false;    ///< rules eval --batch
  bool coverage = false; ///< rules test --coverage
  std::string with_file; ///< rules eval --with
};

/// What the command line asked for, or what to print instead and the exit status.
struct Parsed {
  std::optional<Options> options;
  std::string message;    ///< help, version or an error
  bool to_stderr = false; ///< the message is an error
  int exit_status = 0;
};

/// Reads the command line; `words` is without the program's name.
Parsed parse_options(std::span<const std::string> words, const std::string& version);

/// The names of the commands, for "did you mean".
std::vector<std::string> command_names();

} // namespace synfate
