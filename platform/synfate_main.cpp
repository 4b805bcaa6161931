// The composition root: the only place that names both the program and an operating system.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "core/command/program.h"
#include "core/facts/tables.h"
#include "core/plugin/worker.h"
#include "platform/host.h"
#include "platform/linux/model/linux_model.h"

#ifdef SYNFATE_SINGLE_FILE
namespace synfate {
std::vector<LinkedPlugin> linked_plugins(); // written by plugins/CMakeLists.txt
}
#endif

namespace {

using namespace synfate;

#ifndef SYNFATE_SINGLE_FILE
/// The plugins are shared libraries beside the program.
std::vector<LinkedPlugin> linked_plugins() {
  return {};
}
#endif

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

/// The character set of the locale as the environment names it, without loading the locale.
bool prefers_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (is_set(variable)) {
      const std::string locale = std::getenv(variable);
      return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    }
  return true;
}

/// `synfate plugin-worker LIBRARY`
int run_worker(std::span<const std::string> words) {
  Schema schema;
  if (words.size() != 1 || !add_core_tables(schema) || !add_linux_tables(schema))
    return 2;
  return run_plugin_worker(words.front(), std::move(schema), std::cin, std::cout);
}

} // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  Platform host = make_platform(arguments[0]);
  host.terminal.utf8 = prefers_utf8();
  const Program program{
      .version = SYNFATE_VERSION,
      .path = host.program_path,
      .platform = host.platform,
      .words = words,
      .system = *host.system,
      .names = *host.names,
      .model =
          [](const std::string& os) {
            return os == "linux" ? make_linux_model() : std::unique_ptr<Model>();
          },
      .add_tables = add_linux_tables,
      .enter_netns = host.enter_netns,
      .linked = linked_plugins(),
      .worker = host.launcher ? worker_factory(host.program_path, *host.launcher) : WorkerFactory(),
      .run_worker = run_worker,
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .terminal = host.terminal,
      .no_color = is_set("NO_COLOR"),
  };
  std::ios::sync_with_stdio(false);
  return run(program);
}
