#include "platform/linux/routing/sysctl_names.h"

#include <algorithm>

namespace synfate::linux_routing {
namespace {

void swap_dots_and_slashes(std::string& text) {
  for (char& letter : text)
    letter = letter == '.' ? '/' : letter == '/' ? '.' : letter;
}

} // namespace

std::optional<std::string> sysctl_path(std::string_view name) {
  std::string path(name);
  swap_dots_and_slashes(path);
  std::size_t start = 0;
  do {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = std::string_view(path).substr(start, end - start);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != part.npos)
      return std::nullopt;
    start = end + 1;
  } while (start <= path.size());
  return path;
}

std::string sysctl_name(std::string_view path) {
  std::string name(path);
  swap_dots_and_slashes(name);
  return name;
}

std::string interface_setting(std::string_view folder, std::string_view interface,
                              std::string_view setting) {
  std::string part(interface);
  std::ranges::replace(part, '.', '/');
  return std::string(folder) + "." + part + "." + std::string(setting);
}

Request setting_request(Int netns, std::string_view name) {
  return {std::string(table_name<Setting>()), {{"netns", netns}, {"name", Text(name)}}};
}

} // namespace synfate::linux_routing
