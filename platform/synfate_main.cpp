// The composition root: the only place that names both the program and an operating system.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "core/command/program.h"
#include "core/facts/tables.h"
#include "core/plugin/worker.h"
#include "platform/linux/model/linux_model.h"
#include "platform/linux/names/names.h"
#include "platform/linux/system/linux_system.h"
#include "platform/linux/system/network_namespaces.h"
#include "platform/linux/worker/worker_process.h"

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

std::string program_path(const char* called) {
  std::vector<char> path(4096);
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : called;
}

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

Terminal look_at_terminal() {
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.utf8 = prefers_utf8();
  winsize size{};
  if (terminal.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    terminal.width = size.ws_col;
  return terminal;
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
  LinuxSystem system;
  const LinuxNames names;
  const auto launcher = make_worker_launcher();
  const std::string path = program_path(arguments[0]);
  const Program program{
      .version = SYNFATE_VERSION,
      .path = path,
      .platform = "linux",
      .words = words,
      .system = system,
      .names = names,
      .model =
          [](const std::string& os) {
            return os == "linux" ? make_linux_model() : std::unique_ptr<Model>();
          },
      .add_tables = add_linux_tables,
      .enter_netns = [](const std::string& name) { return enter_netns(name); },
      .linked = linked_plugins(),
      .worker = worker_factory(path, *launcher),
      .run_worker = run_worker,
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .terminal = look_at_terminal(),
      .no_color = is_set("NO_COLOR"),
  };
  std::ios::sync_with_stdio(false);
  return run(program);
}
