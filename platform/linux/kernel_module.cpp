#include "platform/linux/kernel_module.h"

#include <filesystem>
#include <fstream>

#include <sys/utsname.h>

namespace synfate {

bool module_waits(const std::string& root, std::string_view module) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists(root + "/sys/module/" + std::string(module), ignored))
    return false;
  utsname name{};
  if (uname(&name) != 0)
    return false;
  std::ifstream modules(root + "/lib/modules/" + name.release + "/modules.dep");
  const auto file = "/" + std::string(module) + ".ko";
  for (std::string line; std::getline(modules, line);)
    if (line.substr(0, line.find(':')).find(file) != std::string::npos)
      return true;
  return false;
}

} // namespace synfate
