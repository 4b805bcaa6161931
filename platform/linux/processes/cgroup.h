// Cgroups: of which one a process is, what that says, and whether it is frozen.
//
//   /proc/PID/cgroup     0::/system.slice/nginx.service          (v2)
//                        6:freezer:/                             (v1: number:controllers:path)
//                        1:name=systemd:/system.slice/nginx.service
//   /proc/self/mountinfo 38 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
//
// A process can be in a v2 cgroup and in one of each v1 hierarchy at once; units are looked for in
// the v2 path, then in systemd's own v1 hierarchy, then in the others. Freezing: v2 cgroup.events
// says "frozen 1" once every task stopped, cgroup.freeze of the cgroup or an ancestor that it was
// asked for (kernel/cgroup/freezer.c); v1 freezer.state is FROZEN or FREEZING, parents included
// (legacy_freezer.c). Tested by tests/unit/platform/linux/processes/cgroup_test.cpp, fuzzed by
// tests/fuzz/fuzz_proc_pid.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/file.h"

namespace synfate {

/// The cgroups of one process by hierarchy, as paths without the mount.
struct CgroupPaths {
  std::optional<std::string> unified;                            ///< v2
  std::map<std::string, std::string, std::less<>> by_controller; ///< v1: freezer, name=systemd …

  /// The one that says most: v2 unless that is the root, then systemd's, then any other.
  std::string main() const;
};
CgroupPaths parse_cgroup(std::string_view text);

/// What the names along a path say.
struct CgroupNames {
  std::string unit;      ///< "nginx.service"; empty if none
  std::string container; ///< "docker:0123456789ab", "lxc:web"; empty if none
};
CgroupNames names_of_cgroup(std::string_view path);
/// The same over all hierarchies of a process.
CgroupNames names_of(const CgroupPaths& paths);

/// Where one hierarchy is mounted.
struct CgroupMount {
  std::string point; ///< /sys/fs/cgroup/unified
  std::string root;  ///< the part of the hierarchy that is seen there, mostly "/"
};
struct CgroupMounts {
  std::optional<CgroupMount> unified;
  std::map<std::string, CgroupMount, std::less<>> by_controller; ///< v1: freezer, memory, pids, cpu

  /// The v1 hierarchy of a controller.
  std::optional<CgroupMount> legacy(std::string_view controller) const;
};
CgroupMounts parse_cgroup_mounts(std::string_view mountinfo);

/// The directory of a cgroup below its mount; nothing if the mount does not show it.
std::optional<std::string> cgroup_directory(const CgroupMount& mount, std::string_view path);

/// Whether cgroups are frozen; remembers answers, for many processes share a cgroup. One thread.
class FrozenCgroups {
public:
  /// `root` goes before the mount points.
  FrozenCgroups(CgroupMounts mounts, std::string root)
      : mounts_(std::move(mounts)), root_(std::move(root)) {}
  /// The file that holds them so, which may be an ancestor's: cgroup.freeze, or freezer.state of
  /// v1; empty if they are not frozen. Error: not_found if the process's cgroup cannot be seen from
  /// here.
  Result<std::string> frozen_by(const CgroupPaths& paths);

private:
  Result<std::string> frozen_by_unified(const std::string& path);
  Result<std::string> frozen_by_legacy(const std::string& path);
  /// The nearest directory, from this one up to the mount, whose file says 1; empty if none.
  std::string asked_for(const std::string& directory, const CgroupMount& mount,
                        std::string_view file) const;

  CgroupMounts mounts_;
  std::string root_;
  std::map<std::string, std::string, std::less<>> known_; ///< by directory
};

/// The directory of the v2 cgroup with this id, by its file handle. Errors as below.
Result<FileDescriptor> open_cgroup(std::int64_t cgroup_id, const CgroupMounts& mounts);

/// The directory of our own v2 cgroup. Errors: denied, not_found.
Result<FileDescriptor> open_own_cgroup(const CgroupMounts& mounts);

/// The processes of the v2 cgroup with this id, by its file handle. Errors: denied
/// (CAP_DAC_READ_SEARCH is missing), not_found (it is gone, or cgroup2 is not mounted).
Result<std::vector<std::int32_t>> read_cgroup_processes(std::int64_t cgroup_id,
                                                        const CgroupMounts& mounts);

} // namespace synfate
