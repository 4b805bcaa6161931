// The surface is contract.md's: `synfate TARGET…` is short for `synfate explain TARGET…`, and the
// options of inspection may stand before or after the command. Tested by
// tests/unit/core/command/options_test.cpp.
#include "core/command/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <CLI/CLI.hpp>

#include "core/base/text.h"

namespace synfate {
namespace {

struct CommandWords {
  Command command;
  const char* name;
  const char* help;
};

constexpr std::array<CommandWords, 7> commands{{
    {Command::explain, "explain", "what becomes of a connection to a port, and why (the default)"},
    {Command::who, "who",
     "every source there can be: who can connect, who cannot, and what decides"},
    {Command::bind, "bind", "would bind() and listen() succeed here now, and if not, why"},
    {Command::snapshot, "snapshot", "all facts into a file, to be explained on any machine"},
    {Command::facts, "facts", "the fact tables themselves"},
    {Command::rules, "rules",
     "the rule packs: list, show, check, test, explain, eval, doc, schema"},
    {Command::plugins, "plugins", "the plugins: list, check"},
}};

constexpr auto target_words =
    "Targets: 8080 · tcp/8080 · udp/53 · 10.0.0.5:8080 · [::1]:8080 · https ·\n"
    "         host.example:8080 · /run/app.sock · @abstract · unix:/run/app.sock ·\n"
    "         unix-dgram:/dev/log\n";
constexpr auto explain_statuses =
    "Exit status: 0 every asked flow is open · 1 at least one certainly is not ·\n"
    "             2 the call is wrong · 3 it could not tell\n";

std::string closing_words(Command command) {
  const std::string options = "The options that `synfate --help` lists may stand here as well.\n";
  switch (command) {
  case Command::explain:
    return target_words + options + explain_statuses;
  case Command::bind:
    return target_words + options +
           "Exit status: 0 it would succeed · 1 it would fail · 2 the call is wrong ·\n"
           "             3 it could not tell\n";
  case Command::who:
  case Command::facts:
  case Command::snapshot:
    return (command == Command::who ? target_words : "") + options +
           "Exit status: 0 complete · 2 the call is wrong ·\n"
           "             3 incomplete: something could not be read\n";
  case Command::rules:
  case Command::plugins:
  case Command::overview:
  case Command::audit:
  case Command::diff:
  case Command::watch:
  case Command::plugin_worker:
    break;
  }
  return options;
}

/// Nothing where a value should be is mostly a variable of a script that is not set.
std::string refuse_nothing(const std::string& text) {
  return text.empty() ? "the value is empty" : "";
}

void add_inspection_options(CLI::App& app, Options& options) {
  app.add_option("--from", options.from, "the client: ADDR[%IFACE]; repeatable")
      ->type_name("ADDR[%IFACE]")
      ->allow_extra_args(false);
  app.add_option("--as", options.as_user, "a local client's user")
      ->type_name("USER")
      ->check(refuse_nothing);
  app.add_option("--netns", options.netns, "look at another network namespace")
      ->type_name("NAME|PATH|PID")
      ->check(refuse_nothing);
  app.add_option("--save", options.save_file, "keep exactly what this run read")
      ->type_name("FILE")
      ->check(refuse_nothing);
  app.add_option("--snapshot", options.snapshot_file, "answer from a file instead of this host")
      ->type_name("FILE")
      ->check(refuse_nothing);
  app.add_option("--format", options.format, "text, json, jsonl, nagios …")->type_name("FORMAT");
  app.add_option("--rules", options.rules, "more rule packs; repeatable")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("--plugins", options.plugins, "more plugins; repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_flag("--no-color", options.no_color, "no colours (also NO_COLOR)");
  app.add_option("--timeout", options.timeout_seconds, "for the whole run")
      ->type_name("SECONDS")
      ->check([](const std::string& text) {
        char* end = nullptr;
        const double seconds = std::strtod(text.c_str(), &end);
        const bool sound = end != text.c_str() && *end == '\0' && seconds > 0 && seconds <= 86400;
        return sound ? std::string()
                     : "'" + text + "' is no number of seconds above 0, up to 86400";
      });
  app.add_flag("-v,--verbose", options.verbose, "every decision on the path; what was read, timed");
  app.add_flag("--all-holders", options.all_holders, "look for every process that holds a socket");
}

void add_own_options(CLI::App& command, Command which, Options& options) {
  if (which == Command::bind) {
    command.add_flag("--reuseaddr", options.reuse_address, "the program sets SO_REUSEADDR");
    command.add_flag("--reuseport", options.reuse_port, "it sets SO_REUSEPORT");
    command.add_flag("--v6only", options.v6only, "it sets IPV6_V6ONLY");
    command.add_option("--device", options.interface, "it sets SO_BINDTODEVICE")
        ->type_name("IF")
        ->check(refuse_nothing);
  }
  if (which == Command::facts) {
    command.add_option("--where", options.where, "only rows for which this holds")
        ->type_name("CEL");
    command.add_flag("--schema", options.schema, "what the tables and columns mean");
  }
  if (which == Command::snapshot) {
    command
        .add_option("-o,--output", options.output_file, "the file to write, readable by you alone")
        ->type_name("FILE");
    command.add_flag("--redact", options.redact,
                     "stable pseudonyms for addresses, user names and command lines");
  }
  if (which == Command::rules) {
    command.add_flag("--batch", options.batch, "eval: requests from standard input");
    command.add_flag("--coverage", options.coverage, "test: what no test exercises");
    command.add_option("--with", options.with_file, "eval: values for the expression")
        ->type_name("FILE.json");
  }
}

const char* words_of(Command command) {
  switch (command) {
  case Command::facts:
    return "TABLE";
  case Command::rules:
  case Command::plugins:
    return "VERB";
  case Command::snapshot:
    return "";
  case Command::audit:
    return "POLICY.toml";
  case Command::diff:
    return "SNAPSHOT";
  case Command::overview:
  case Command::explain:
  case Command::who:
  case Command::bind:
  case Command::watch:
  case Command::plugin_worker:
    return "TARGET";
  }
  return "";
}

const char* meaning_of(Command command) {
  switch (command) {
  case Command::facts:
    return "the table to print; without one, what tables there are";
  case Command::rules:
  case Command::plugins:
    return "what to do, and with what";
  case Command::bind:
    return "where a service would bind";
  case Command::overview:
  case Command::explain:
  case Command::who:
  case Command::snapshot:
  case Command::audit:
  case Command::diff:
  case Command::watch:
  case Command::plugin_worker:
    break;
  }
  return "what clients call";
}

Parsed failed(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    if (dynamic_cast<const CLI::CallForVersion*>(&error) != nullptr)
      return {{}, std::string(error.what()) + "\n", false, 0};
    return {{}, app.help(), false, 0}; // of the subcommand, if there is one
  }
  return {{}, "synfate: " + escape_for_terminal(error.what()) + "\nSee: synfate --help\n", true, 2};
}

void take_verb(Options& options) {
  if (options.command != Command::rules && options.command != Command::plugins)
    return;
  if (options.words.empty()) {
    options.verb = "list";
    return;
  }
  options.verb = options.words.front();
  options.words.erase(options.words.begin());
}

} // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& command : commands)
    names.emplace_back(command.name);
  return names;
}

Parsed parse_options(std::span<const std::string> words, const std::string& version) {
  Options options;
  if (!words.empty() && words.front() == "plugin-worker") {
    options.command = Command::plugin_worker;
    options.words.assign(words.begin() + 1, words.end());
    return {options, {}, false, 0};
  }
  CLI::App app("Why a port refuses connections, from whom, what decides it, and what fixes it.",
               "synfate");
  app.footer(target_words + std::string(explain_statuses));
  app.set_version_flag("--version", "synfate " + version);
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_inspection_options(app, options);
  app.add_option("TARGET", options.words, "the ports to explain");
  for (const auto& [which, name, help] : commands) {
    CLI::App* command = app.add_subcommand(name, help);
    command->fallthrough();
    command->footer(closing_words(which));
    add_own_options(*command, which, options);
    if (const std::string label = words_of(which); !label.empty())
      command->add_option(label, options.words, meaning_of(which));
    command->callback([&options, chosen = which] { options.command = chosen; });
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return failed(app, error);
  }
  if (app.get_subcommands().empty() && !options.words.empty())
    options.command = Command::explain;
  take_verb(options);
  return {options, {}, false, 0};
}

} // namespace synfate
