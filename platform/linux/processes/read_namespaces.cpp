// A network namespace has no list: it exists while a process is in it, a file is mounted on it, or
// a socket keeps it. /proc/PID/ns/net names the one of each process ("net:[4026531840]"); the names
// of `ip netns` are files of /run/netns that the namespace is mounted on (ip-netns(8)), and those
// of Docker are below /run/docker/netns. A namespace that only a descriptor keeps is not found.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "platform/linux/file.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/parallel.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_links.h"
#include "platform/linux/processes/read_processes.h"

namespace synfate {

namespace {

constexpr std::string_view gap_namespaces = "netns";
constexpr std::array<std::string_view, 2> name_folders{"/run/netns", "/run/docker/netns"};

/// The lowest process of each namespace, and how many could not be looked at.
struct Found {
  std::map<std::int64_t, std::int32_t> process_of;
  std::size_t denied = 0;
};

/// The inode of a file that a namespace is mounted on; nothing for a plain file.
std::optional<std::int64_t> namespace_at(const std::string& path) {
  struct statfs system{};
  struct stat status{};
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid() || fstatfs(file.get(), &system) != 0 || system.f_type != NSFS_MAGIC ||
      fstat(file.get(), &status) != 0)
    return std::nullopt;
  return static_cast<std::int64_t>(status.st_ino);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr)
    return names;
  while (const dirent* entry = readdir(directory))
    if (entry->d_name[0] != '.')
      names.emplace_back(entry->d_name);
  closedir(directory);
  std::ranges::sort(names);
  return names;
}

/// Reads all namespaces; lives for one call.
class NamespaceReader {
public:
  NamespaceReader(const ProcessSource& source, const Delivery<NetworkNamespace>& delivery)
      : source_(source), delivery_(delivery) {}

  void read() {
    proc_ = FileDescriptor(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto pids = read_numbers(proc_.get(), ".");
    if (!proc_.valid() || !pids)
      report("/proc cannot be listed", "run it where /proc is mounted");
    else
      look_at_processes(*pids);
    report_hidden();
    look_at_names();
    for (auto& [inode, row] : rows_)
      if (!delivery_.row(row))
        return;
  }

private:
  void look_at_processes(const std::vector<std::int32_t>& pids) {
    constexpr std::size_t at_once = 64;
    const auto parts = for_each_in_parallel<Found>(
        pids.size(), at_once, [&](Found& found, std::size_t at) { look_at(found, pids[at]); });
    Found all;
    for (const auto& part : parts) {
      all.denied += part.denied;
      for (const auto& [inode, pid] : part.process_of) {
        const auto [place, added] = all.process_of.try_emplace(inode, pid);
        place->second = std::min(place->second, pid);
      }
    }
    for (const auto& [inode, pid] : all.process_of)
      put_process(inode, pid);
    if (all.denied > 0)
      report(std::to_string(all.denied) + " of " + std::to_string(pids.size()) +
                 " processes do not show their namespace without CAP_SYS_PTRACE",
             remedy_with("CAP_SYS_PTRACE"));
  }

  void report_hidden() {
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    const auto status = read_file(source_.proc() + "/self/status");
    if (mountinfo && status && hides_processes(*mountinfo, *status))
      report("/proc is mounted with hidepid=, which hides processes of other users",
             remedy_with("CAP_SYS_PTRACE"));
    else if (source_.live() && !sees_all_processes())
      report("this pid namespace shows the processes of the container only",
             "run it on the host, with --netns for the container's namespace");
  }

  void look_at(Found& found, std::int32_t pid) const {
    const auto link = read_link_at(proc_.get(), (std::to_string(pid) + "/ns/net").c_str());
    if (!link) {
      found.denied += link.error().code == ErrorCode::denied ? 1 : 0;
      return;
    }
    const auto inode = parse_inode_link(*link, "net");
    if (!inode)
      return;
    const auto [place, added] = found.process_of.try_emplace(*inode, pid);
    place->second = std::min(place->second, pid);
  }

  void put_process(std::int64_t inode, std::int32_t pid) {
    auto& row = rows_[inode];
    row.inode = inode;
    row.pid = pid;
    row.path = source_.proc() + "/" + std::to_string(pid) + "/ns/net";
    const auto cgroup = read_file_at(proc_.get(), (std::to_string(pid) + "/cgroup").c_str());
    if (!cgroup)
      return;
    auto names = names_of(parse_cgroup(*cgroup));
    if (!names.unit.empty())
      row.unit = std::move(names.unit);
    if (!names.container.empty())
      row.container = std::move(names.container);
  }

  void look_at_names() {
    for (const auto folder : name_folders)
      for (auto& name : names_in(source_.root + std::string(folder))) {
        const auto path = source_.root + std::string(folder) + "/" + name;
        const auto inode = namespace_at(path);
        if (!inode)
          continue;
        auto& row = rows_[*inode];
        row.inode = *inode;
        if (!row.name.known())
          row.name = std::move(name);
        if (!row.path.known())
          row.path = path;
      }
  }

  void report(std::string why, std::string remedy) {
    delivery_.gap({Text(gap_namespaces), "the network namespaces of this host", std::move(why),
                   "a listener in another namespace or container is not found", std::move(remedy)});
  }

  const ProcessSource& source_;
  const Delivery<NetworkNamespace>& delivery_;
  FileDescriptor proc_;
  std::map<std::int64_t, NetworkNamespace> rows_;
};

} // namespace

void read_namespaces(const ProcessSource& source, const Delivery<NetworkNamespace>& delivery) {
  NamespaceReader(source, delivery).read();
}

} // namespace synfate
