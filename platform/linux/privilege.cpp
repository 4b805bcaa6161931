#include "platform/linux/privilege.h"

#include <cstdint>
#include <sstream>

#include "platform/linux/file.h"

namespace synfate {

bool is_first_user_namespace(std::string_view uid_map) {
  std::istringstream first_line{std::string(uid_map)};
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  return first_line >> inside >> outside >> count && inside == 0 && outside == 0 &&
         count == 4294967295;
}

std::string remedy_with(std::string_view capability) {
  const auto uid_map = read_file("/proc/self/uid_map");
  return remedy_with(capability, !uid_map || is_first_user_namespace(*uid_map));
}

std::string remedy_with(std::string_view capability, bool first_users) {
  return first_users ? "run it as root or with " + std::string(capability)
                     : "run it as root outside of this user namespace (container)";
}

} // namespace synfate
