#include "platform/linux/processes/cgroup.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include "platform/linux/file.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr std::string_view systemd_hierarchy = "name=systemd";

/// Takes the part up to a separator off the front.
std::string_view take_until(std::string_view& rest, char separator) {
  const auto part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

std::string_view without_prefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : std::string_view();
}
std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : std::string_view();
}

bool is_container_id(std::string_view text) {
  constexpr std::size_t digits = 64;
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string labelled(std::string_view runtime, std::string_view id) {
  constexpr std::size_t shown = 12; // as the runtimes' own listings do
  return std::string(runtime) + ":" + std::string(is_container_id(id) ? id.substr(0, shown) : id);
}

/// Runtimes under systemd name a scope after themselves and the container.
struct ScopePrefix {
  std::string_view prefix;
  std::string_view runtime;
};
constexpr std::array<ScopePrefix, 5> scope_prefixes{{
    {"docker-", "docker"},
    {"libpod-", "podman"},
    {"crio-", "cri-o"},
    {"cri-containerd-", "containerd"},
    {"nerdctl-", "containerd"},
}};

std::string container_of_scope(std::string_view component) {
  const auto stem = without_suffix(component, ".scope");
  for (const auto& [prefix, runtime] : scope_prefixes)
    if (const auto id = without_prefix(stem, prefix); is_container_id(id))
      return labelled(runtime, id);
  return {};
}

/// systemd-nspawn@NAME.service or machine-NAME.scope; libvirt's are qemu\x2d… and lxc\x2d….
std::string container_of_machine(std::string_view component) {
  const auto service = without_prefix(without_suffix(component, ".service"), "systemd-nspawn@");
  if (!service.empty())
    return labelled("nspawn", service);
  const auto scope = without_prefix(without_suffix(component, ".scope"), "machine-");
  if (scope.empty() || scope.starts_with("qemu\\x2d"))
    return {};
  return labelled("nspawn", scope);
}

/// lxc.payload.NAME and the older lxc/NAME, lxc.payload/NAME.
std::string container_of_lxc(std::string_view parent, std::string_view component) {
  if (const auto name = without_prefix(component, "lxc.payload."); !name.empty())
    return labelled("lxc", name);
  if ((parent == "lxc" || parent == "lxc.payload") && component != "lxc")
    return labelled("lxc", component);
  return {};
}

/// A bare id: the folder above names the runtime (docker/ID, kubepods/burstable/podUID/ID).
std::string container_of_id(std::string_view path, std::string_view parent,
                            std::string_view component) {
  if (!is_container_id(component))
    return {};
  if (parent == "docker")
    return labelled("docker", component);
  if (parent == "libpod_parent")
    return labelled("podman", component);
  return labelled(path.find("kubepods") != std::string_view::npos ? "kubernetes" : "container",
                  component);
}

bool is_unit(std::string_view component) {
  return component.ends_with(".service") || component.ends_with(".scope") ||
         component.ends_with(".socket") || component.ends_with(".mount");
}

/// systemd puts '_' before names that could be taken for a kernel file.
std::string_view unescaped(std::string_view component) {
  return component.starts_with('_') ? component.substr(1) : component;
}

/// mountinfo writes blank, tab, line feed and backslash as \ooo.
std::string unescaped_mount(std::string_view text) {
  constexpr std::size_t escape = 4;
  std::string plain;
  while (!text.empty()) {
    const auto code = text.size() >= escape && text[0] == '\\'
                          ? parse_number<unsigned>(text.substr(1, escape - 1), 8)
                          : std::nullopt;
    plain += code ? static_cast<char>(*code) : text[0];
    text.remove_prefix(code ? escape : 1);
  }
  return plain;
}

/// The options of a v1 mount name its controllers among others.
void add_controller(CgroupMounts& mounts, std::string_view option, const CgroupMount& mount) {
  constexpr std::array<std::string_view, 4> of_interest{"freezer", "memory", "pids", "cpu"};
  if (std::ranges::find(of_interest, option) != of_interest.end())
    mounts.by_controller.try_emplace(std::string(option), mount);
}

bool says_frozen(const std::string& events) {
  bool frozen = false;
  for_each_line(events, [&](std::string_view line) {
    frozen = frozen || line == "frozen 1";
    return true;
  });
  return frozen;
}

Error unseen(std::string_view path) {
  return {ErrorCode::not_found,
          "looking whether a cgroup is frozen",
          std::string(path),
          0,
          "the cgroup cannot be seen from here",
          {}};
}

} // namespace

std::string CgroupPaths::main() const {
  if (unified && *unified != "/")
    return *unified;
  if (const auto systemd = by_controller.find(systemd_hierarchy);
      systemd != by_controller.end() && systemd->second != "/")
    return systemd->second;
  for (const auto& [controller, path] : by_controller)
    if (path != "/")
      return path;
  return unified || !by_controller.empty() ? "/" : "";
}

CgroupPaths parse_cgroup(std::string_view text) {
  CgroupPaths paths;
  for_each_line(text, [&](std::string_view line) {
    const auto number = take_until(line, ':');
    const auto controllers = take_until(line, ':');
    if (!parse_number<unsigned>(number) || !line.starts_with('/'))
      return true;
    if (number == "0" && controllers.empty()) {
      paths.unified = std::string(line);
      return true;
    }
    auto rest = controllers;
    while (!rest.empty())
      paths.by_controller.try_emplace(std::string(take_until(rest, ',')), line);
    return true;
  });
  return paths;
}

CgroupNames names_of_cgroup(std::string_view path) {
  CgroupNames names;
  std::string_view rest = path, parent;
  while (!rest.empty()) {
    const auto component = unescaped(take_until(rest, '/'));
    if (component.empty())
      continue;
    if (is_unit(component)) // the deepest: a user's or a container's own unit
      names.unit = component;
    for (auto found :
         {container_of_scope(component), container_of_machine(component),
          container_of_lxc(parent, component), container_of_id(path, parent, component)})
      if (!found.empty())
        names.container = std::move(found);
    parent = component;
  }
  return names;
}

CgroupNames names_of(const CgroupPaths& paths) {
  CgroupNames names;
  const auto look = [&](const std::string& path) {
    auto found = names_of_cgroup(path);
    if (names.unit.empty())
      names.unit = std::move(found.unit);
    if (names.container.empty())
      names.container = std::move(found.container);
  };
  if (paths.unified)
    look(*paths.unified);
  if (const auto systemd = paths.by_controller.find(systemd_hierarchy);
      systemd != paths.by_controller.end())
    look(systemd->second);
  for (const auto& [controller, path] : paths.by_controller)
    look(path);
  return names;
}

std::optional<CgroupMount> CgroupMounts::legacy(std::string_view controller) const {
  const auto found = by_controller.find(controller);
  return found == by_controller.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> cgroup_directory(const CgroupMount& mount, std::string_view path) {
  if (path.starts_with("/.."))
    return std::nullopt; // outside our cgroup namespace
  if (mount.root != "/") {
    if (!path.starts_with(mount.root))
      return std::nullopt;
    path.remove_prefix(mount.root.size());
  }
  return mount.point + std::string(path == "/" ? "" : path);
}

CgroupMounts parse_cgroup_mounts(std::string_view mountinfo) {
  CgroupMounts mounts;
  for_each_line(mountinfo, [&](std::string_view line) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos)
      return true;
    auto after = line.substr(dash + 3);
    const auto type = take_word(after);
    if (!type.starts_with("cgroup"))
      return true;
    take_word(after); // source
    const auto options = take_word(after);
    for (int skipped = 0; skipped < 3; ++skipped) // id, parent, device
      take_word(line);
    const auto root = take_word(line);
    CgroupMount mount{unescaped_mount(take_word(line)), unescaped_mount(root)};
    if (type == "cgroup2" && !mounts.unified)
      mounts.unified = std::move(mount);
    else if (type == "cgroup")
      for (auto rest = options; !rest.empty();)
        add_controller(mounts, take_until(rest, ','), mount);
    return true;
  });
  return mounts;
}

Result<std::string> FrozenCgroups::frozen_by(const CgroupPaths& paths) {
  const auto legacy = paths.by_controller.find(std::string_view("freezer"));
  if (legacy != paths.by_controller.end() && legacy->second != "/") {
    auto file = frozen_by_legacy(legacy->second);
    if (!file || !file->empty())
      return file;
  }
  if (paths.unified && *paths.unified != "/")
    return frozen_by_unified(*paths.unified);
  return std::string(); // the root of a hierarchy cannot be frozen
}

std::string FrozenCgroups::asked_for(const std::string& directory, const CgroupMount& mount,
                                     std::string_view file) const {
  for (std::string above = directory; above.size() > mount.point.size();
       above.resize(above.rfind('/')))
    if (const auto text = read_file(root_ + above + "/" + std::string(file));
        text && text->starts_with('1'))
      return above;
  return {};
}

Result<std::string> FrozenCgroups::frozen_by_legacy(const std::string& path) {
  const auto mount = mounts_.legacy("freezer");
  const auto directory = mount ? cgroup_directory(*mount, path) : std::nullopt;
  if (!directory)
    return unseen(path);
  if (const auto known = known_.find(*directory); known != known_.end())
    return known->second;
  const auto state = read_file(root_ + *directory + "/freezer.state");
  if (!state && !file_exists(root_ + *directory))
    return unseen(path);
  std::string file;
  if (state && !state->starts_with("THAWED")) { // the mount's top has no file
    const auto asked = asked_for(*directory, *mount, "freezer.self_freezing");
    file = (asked.empty() ? *directory : asked) + "/freezer.state";
  }
  known_[*directory] = file;
  return file;
}

Result<std::string> FrozenCgroups::frozen_by_unified(const std::string& path) {
  const auto directory = mounts_.unified ? cgroup_directory(*mounts_.unified, path) : std::nullopt;
  if (!directory)
    return unseen(path);
  if (const auto known = known_.find(*directory); known != known_.end())
    return known->second;
  if (!file_exists(root_ + *directory))
    return unseen(path);
  auto asked = asked_for(*directory, *mounts_.unified, "cgroup.freeze");
  if (asked.empty())
    if (const auto events = read_file(root_ + *directory + "/cgroup.events");
        events && says_frozen(*events))
      asked = *directory;
  const std::string file = asked.empty() ? asked : asked + "/cgroup.freeze";
  known_[*directory] = file;
  return file;
}

namespace {

/// A file handle of kernfs: FILEID_KERNFS and the cgroup's id (fs/kernfs/mount.c,
/// kernfs_fh_to_dentry(); the id of a cgroup is that of its kernfs node).
constexpr int kernfs_handle = 0xfe;

Error handle_error(std::int64_t cgroup_id) {
  const int os_error = errno;
  const bool denied = os_error == EPERM || os_error == EACCES;
  return {denied ? ErrorCode::denied : ErrorCode::not_found,
          "opening a cgroup",
          std::to_string(cgroup_id),
          os_error,
          {},
          {}};
}

} // namespace

Result<FileDescriptor> open_cgroup(std::int64_t cgroup_id, const CgroupMounts& mounts) {
  if (!mounts.unified)
    return Error{ErrorCode::not_found, "opening a cgroup", {}, 0, "cgroup2 is not mounted", {}};
  const FileDescriptor mount(
      open(mounts.unified->point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!mount.valid())
    return handle_error(cgroup_id);
  alignas(file_handle) std::array<char, sizeof(file_handle) + sizeof(cgroup_id)> bytes{};
  auto* handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = sizeof(cgroup_id);
  handle->handle_type = kernfs_handle;
  std::memcpy(handle->f_handle, &cgroup_id, sizeof(cgroup_id));
  FileDescriptor directory(
      open_by_handle_at(mount.get(), handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid())
    return handle_error(cgroup_id);
  return directory;
}

Result<FileDescriptor> open_own_cgroup(const CgroupMounts& mounts) {
  const Error none{
      ErrorCode::not_found, "opening our cgroup", {}, 0, "there is none to be seen", {}};
  const auto text = read_file("/proc/self/cgroup");
  const auto paths = text ? parse_cgroup(*text) : CgroupPaths{};
  const auto directory = mounts.unified && paths.unified
                             ? cgroup_directory(*mounts.unified, *paths.unified)
                             : std::nullopt;
  if (!directory)
    return none;
  FileDescriptor opened(open(directory->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid())
    return none;
  return opened;
}

Result<std::vector<std::int32_t>> read_cgroup_processes(std::int64_t cgroup_id,
                                                        const CgroupMounts& mounts) {
  SYNFATE_TRY(directory, open_cgroup(cgroup_id, mounts));
  SYNFATE_TRY(text, read_file_at(directory.get(), "cgroup.procs"));
  std::vector<std::int32_t> pids;
  for_each_line(text, [&](std::string_view line) {
    if (const auto pid = parse_number<std::int32_t>(line); pid && *pid > 0)
      pids.push_back(*pid); // 0 stands for one outside our PID namespace
    return true;
  });
  return pids;
}

} // namespace synfate
