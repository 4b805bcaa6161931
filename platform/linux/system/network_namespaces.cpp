#include "platform/linux/system/network_namespaces.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <numeric>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

namespace synfate {
namespace {

namespace fs = std::filesystem;

constexpr std::array named_folders{"/run/netns", "/run/docker/netns"};

/// include/linux/proc_ns.h: PROC_PID_INIT_INO, the same on every Linux since 3.8.
constexpr std::int64_t initial_pid_namespace = 0xEFFFFFFC;
/// The initial network namespace has a fixed inode below 0xF0000000 on recent kernels; on older
/// ones it is among the first that proc_alloc_inum() gave out at boot, and those made later come
/// some hundreds further on.
constexpr std::int64_t last_initial_netns = 0xF0000000 + 170;

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char digit) { return digit >= '0' && digit <= '9'; });
}

std::int64_t inode_of(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_ino) : 0;
}

std::vector<std::string> entries_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored; // a folder that is not there holds no names
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end;
       at.increment(ignored))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

Error failed(const std::string& where, int error) {
  Error result{.code = ErrorCode::system,
               .doing = "entering a network namespace",
               .where = where,
               .os_error = error,
               .detail = {},
               .hint = {}};
  if (error == EPERM || error == EACCES) {
    result.code = ErrorCode::denied;
    result.hint = "Run as root.";
  } else if (error == EINVAL) {
    result.code = ErrorCode::invalid_input;
    result.detail = "this file is no network namespace";
    result.os_error = 0;
  } else if (error == ENOENT || error == ESRCH) {
    result.code = ErrorCode::not_found;
  }
  return result;
}

Error no_such_name(const std::string& which) {
  std::string near;
  for (const auto& name : nearest_names(which, entries_of(named_folders[0])))
    near += (near.empty() ? "" : ", ") + name;
  return {.code = ErrorCode::not_found,
          .doing = "entering a network namespace",
          .where = which,
          .os_error = 0,
          .detail = "there is no namespace of this name",
          .hint = near.empty() ? "No namespace has a name here; give a path or a process id."
                               : "Did you mean " + near + "?"};
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t(0));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

} // namespace

Result<std::int64_t> current_netns() {
  const std::string path = "/proc/thread-self/ns/net";
  struct stat status{};
  if (stat(path.c_str(), &status) != 0)
    return Error{.code = ErrorCode::system,
                 .doing = "looking which network namespace this is",
                 .where = path,
                 .os_error = errno,
                 .detail = {},
                 .hint = "is /proc mounted?"};
  return static_cast<std::int64_t>(status.st_ino);
}

Status enter_netns_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return failed(path, errno);
  const int error = setns(fd, CLONE_NEWNET) == 0 ? 0 : errno;
  close(fd);
  if (error != 0)
    return failed(path, error);
  return Done{};
}

Status enter_netns(const std::string& which) {
  if (which.find('/') != which.npos)
    return enter_netns_file(which);
  if (which.empty() || which == "." || which == "..")
    return no_such_name(which);
  for (const auto* folder : named_folders)
    if (const std::string path = fmt::format("{}/{}", folder, which); inode_of(path) != 0)
      return enter_netns_file(path);
  if (!is_number(which))
    return no_such_name(which);
  const std::string process = "/proc/" + which;
  auto entered = enter_netns_file(process + "/ns/net");
  if (entered || entered.error().code != ErrorCode::not_found)
    return entered;
  Error error = std::move(entered).error();
  error.os_error = 0;
  error.detail = "there is no process " + which + " (any more)";
  return error;
}

Result<std::string> find_netns_file(std::int64_t inode) {
  for (const auto* folder : named_folders)
    for (const auto& name : entries_of(folder))
      if (const std::string path = fmt::format("{}/{}", folder, name); inode_of(path) == inode)
        return path;
  bool denied = false;
  for (const auto& name : entries_of("/proc")) {
    if (!is_number(name))
      continue;
    const std::string path = "/proc/" + name + "/ns/net";
    errno = 0;
    if (inode_of(path) == inode)
      return path;
    denied = denied || errno == EACCES || errno == EPERM;
  }
  return Error{.code = denied ? ErrorCode::denied : ErrorCode::not_found,
               .doing = "looking for a network namespace",
               .where = fmt::format("inode {}", inode),
               .os_error = 0,
               .detail = denied ? "no process or name that may be looked at is in it"
                                : "no process or name is in it (any more)",
               .hint = denied ? "run as root" : ""};
}

std::vector<std::string> nearest_names(std::string_view wanted, std::vector<std::string> names) {
  std::ranges::stable_sort(names, {},
                           [&](const std::string& name) { return edit_distance(wanted, name); });
  names.resize(std::min<std::size_t>(names.size(), 3));
  return names;
}

bool is_initial_netns(std::int64_t inode, std::int64_t first_process, bool initial_pids) {
  if (initial_pids && first_process != 0)
    return inode == first_process;
  return inode <= last_initial_netns;
}

bool in_initial_netns(std::int64_t inode) {
  return is_initial_netns(inode, inode_of("/proc/1/ns/net"),
                          inode_of("/proc/self/ns/pid") == initial_pid_namespace);
}

} // namespace synfate
