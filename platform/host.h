// What the composition root takes from the operating system that it is built for:
// platform/linux/host.cpp, platform/windows/host.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/command/program.h"
#include "core/plugin/worker.h"

namespace synfate {

struct Platform {
  std::string platform; ///< plugins for others are left out
  std::unique_ptr<System> system;
  std::unique_ptr<NameService> names;
  std::unique_ptr<WorkerLauncher> launcher; ///< none: a site's plugins are refused
  std::function<Status(const std::string&)> enter_netns;
  std::string program_path; ///< of the running program
  Terminal terminal;        ///< of standard output; its character set is not looked at
};

/// `called` is the program's name on its command line.
Platform make_platform(const std::string& called);

} // namespace synfate
