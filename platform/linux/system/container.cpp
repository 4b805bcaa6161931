#include "platform/linux/system/container.h"

#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include <unistd.h>

namespace synfate {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str(); // what cannot be read gives no sign, as a file that is not there
}

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

} // namespace

std::string container_of_cgroup(std::string_view cgroup_file) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> signs{
      {{"kubepods", "kubernetes"},
       {"/docker/", "docker"},
       {"docker-", "docker"},
       {"libpod-", "podman"},
       {"/libpod_parent", "podman"},
       {"/lxc/", "lxc"},
       {"lxc.payload", "lxc"},
       {"crio-", "cri-o"},
       {"cri-containerd", "containerd"},
       {"machine.slice/systemd-nspawn@", "systemd-nspawn"}}};
  for (const auto& [sign, kind] : signs)
    if (cgroup_file.find(sign) != cgroup_file.npos)
      return std::string(kind);
  return {};
}

std::string container_of_environment(std::string_view environ_file) {
  static constexpr std::string_view name = "container=";
  while (!environ_file.empty()) {
    const auto end = std::min(environ_file.find('\0'), environ_file.size());
    const auto variable = environ_file.substr(0, end);
    if (variable.starts_with(name))
      return std::string(variable.substr(name.size()));
    environ_file.remove_prefix(std::min(end + 1, environ_file.size()));
  }
  return {};
}

std::string find_container(const std::string& root) {
  if (const auto named = first_line(text_of(root + "/run/systemd/container")); !named.empty())
    return named;
  if (exists(root + "/run/.containerenv"))
    return "podman";
  if (exists(root + "/.dockerenv"))
    return "docker";
  if (const auto named = container_of_environment(text_of(root + "/proc/1/environ"));
      !named.empty())
    return named;
  return container_of_cgroup(text_of(root + "/proc/1/cgroup"));
}

} // namespace synfate
