#include "platform/host.h"

#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "platform/linux/names/names.h"
#include "platform/linux/system/linux_system.h"
#include "platform/linux/system/network_namespaces.h"
#include "platform/linux/worker/worker_process.h"

namespace synfate {
namespace {

std::string program_path(const std::string& called) {
  std::vector<char> path(4096);
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : called;
}

Terminal look_at_terminal() {
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (terminal.is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    terminal.width = size.ws_col;
  return terminal;
}

} // namespace

Platform make_platform(const std::string& called) {
  return {.platform = "linux",
          .system = std::make_unique<LinuxSystem>(),
          .names = std::make_unique<LinuxNames>(),
          .launcher = make_worker_launcher(),
          .enter_netns = [](const std::string& name) { return enter_netns(name); },
          .program_path = program_path(called),
          .terminal = look_at_terminal()};
}

} // namespace synfate
