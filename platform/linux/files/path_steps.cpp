#include "platform/linux/files/path_steps.h"

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "platform/linux/file.h"

namespace synfate {
namespace {

constexpr int most_links = 40; // MAXSYMLINKS
constexpr Int permission_bits = 07777;

std::string type_word(mode_t mode) {
  switch (mode & S_IFMT) {
  case S_IFDIR:
    return "directory";
  case S_IFSOCK:
    return "socket";
  case S_IFLNK:
    return "link";
  case S_IFIFO:
    return "pipe";
  case S_IFCHR:
  case S_IFBLK:
    return "device";
  default:
    return "file";
  }
}

struct FileSystemKind {
  unsigned long magic;
  const char* name;
};

/// Their directories have no mknod (struct inode_operations); Linux 6.12.
constexpr std::array without_sockets{
    FileSystemKind{PROC_SUPER_MAGIC, "proc"},       FileSystemKind{SYSFS_MAGIC, "sysfs"},
    FileSystemKind{CGROUP_SUPER_MAGIC, "cgroup"},   FileSystemKind{CGROUP2_SUPER_MAGIC, "cgroup2"},
    FileSystemKind{DEBUGFS_MAGIC, "debugfs"},       FileSystemKind{TRACEFS_MAGIC, "tracefs"},
    FileSystemKind{SECURITYFS_MAGIC, "securityfs"}, FileSystemKind{BPF_FS_MAGIC, "bpf"},
    FileSystemKind{DEVPTS_SUPER_MAGIC, "devpts"},   FileSystemKind{EFIVARFS_MAGIC, "efivarfs"},
    FileSystemKind{MSDOS_SUPER_MAGIC, "vfat"},      FileSystemKind{EXFAT_SUPER_MAGIC, "exfat"},
    FileSystemKind{0x62656570, "configfs"},         FileSystemKind{0x19800202, "mqueue"},
};

Fact<Text> kind_without_sockets(const struct statfs& volume) {
  for (const auto& kind : without_sockets)
    if (static_cast<unsigned long>(volume.f_type) == kind.magic)
      return Text(kind.name);
  return {};
}

/// chattr +i, from Linux 4.11 on shown by statx().
Fact<bool> is_immutable(const FileDescriptor& file) {
  struct statx status{};
  if (statx(file.get(), "", AT_EMPTY_PATH, 0, &status) != 0 ||
      (status.stx_attributes_mask & STATX_ATTR_IMMUTABLE) == 0)
    return {};
  return (status.stx_attributes & STATX_ATTR_IMMUTABLE) != 0;
}

std::deque<std::string> names_of(std::string_view path) {
  std::deque<std::string> names;
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('/'));
    if (!name.empty() && name != ".")
      names.emplace_back(name);
    path.remove_prefix(std::min(name.size() + 1, path.size()));
  }
  return names;
}

/// The list that decides besides the mode. O_PATH descriptors have no fgetxattr(); their name in
/// /proc does.
std::optional<Bytes> acl_of(const FileDescriptor& file, const std::string& host_root) {
  char buffer[4096];
  const std::string name = fmt::format("{}/proc/self/fd/{}", host_root, file.get());
  const ssize_t size = getxattr(name.c_str(), "system.posix_acl_access", buffer, sizeof buffer);
  if (size <= 0)
    return std::nullopt;
  return Bytes{std::string(buffer, static_cast<std::size_t>(size))};
}

struct Directory {
  FileDescriptor file;
  std::string name; ///< "" is the root
};

/// Lives for one call of read_path_steps.
class PathWalker {
public:
  PathWalker(const PathQuestion& question, const Delivery<PathStepFacts>& receiver)
      : question_(question), receiver_(receiver) {}

  void walk() {
    if (!enter_root())
      return;
    rest_ = names_of(question_.path);
    visit_directory();
    while (!rest_.empty() && step()) {
    }
  }

private:
  bool enter_root() {
    const std::string root =
        question_.root_pid > 0
            ? fmt::format("{}/proc/{}/root", question_.host_root, question_.root_pid)
            : std::string("/");
    FileDescriptor file(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!file.valid()) {
      refuse("", errno);
      return false;
    }
    way_.clear();
    way_.push_back({std::move(file), ""});
    return true;
  }

  /// One name; false at the end of the way.
  bool step() {
    const std::string name = std::move(rest_.front());
    rest_.pop_front();
    if (name == "..") {
      if (way_.size() > 1)
        way_.pop_back();
      visit_directory();
      return true;
    }
    const std::string resolved = way_.back().name + "/" + name;
    FileDescriptor file(
        openat(way_.back().file.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid())
      return missing(resolved, errno);
    struct stat status{};
    if (fstat(file.get(), &status) != 0)
      return refuse(resolved, errno);
    if (S_ISLNK(status.st_mode))
      return follow(file, resolved, status);
    deliver(file, resolved, status, {});
    if (!S_ISDIR(status.st_mode))
      return false;
    way_.push_back({std::move(file), resolved});
    return true;
  }

  bool follow(const FileDescriptor& file, const std::string& resolved, const struct stat& status) {
    if (++links_ > most_links) {
      PathStepFacts row = begin_row(resolved);
      row.type = Text("loop");
      receiver_.row(row);
      return false;
    }
    char target[PATH_MAX];
    const ssize_t size = readlinkat(file.get(), "", target, sizeof target);
    if (size < 0)
      return refuse(resolved, errno);
    const std::string_view to(target, static_cast<std::size_t>(size));
    deliver(file, resolved, status, Text(to));
    auto names = names_of(to);
    rest_.insert(rest_.begin(), names.begin(), names.end());
    if (to.starts_with('/')) {
      if (!enter_root())
        return false;
      visit_directory();
    } else if (rest_.empty()) { // a link to "." ends where it lies
      visit_directory();
    }
    return true;
  }

  /// The directory that the next name is looked up in.
  void visit_directory() {
    struct stat status{};
    const Directory& here = way_.back();
    if (fstat(here.file.get(), &status) == 0)
      deliver(here.file, here.name.empty() ? "/" : here.name, status, {});
  }

  PathStepFacts begin_row(const std::string& resolved) {
    PathStepFacts row;
    row.path = question_.path;
    if (question_.root_pid > 0)
      row.root_pid = question_.root_pid;
    row.position = position_++;
    row.resolved = resolved;
    row.last = rest_.empty();
    return row;
  }

  void deliver(const FileDescriptor& file, const std::string& resolved, const struct stat& status,
               Fact<Text> link_target) {
    PathStepFacts row = begin_row(resolved);
    row.type = type_word(status.st_mode);
    row.inode = static_cast<Int>(status.st_ino);
    row.device = static_cast<Int>(status.st_dev);
    row.mode = Int{status.st_mode} & permission_bits;
    row.uid = Int{status.st_uid};
    row.gid = Int{status.st_gid};
    row.link_target = std::move(link_target);
    if (!S_ISLNK(status.st_mode))
      if (auto acl = acl_of(file, question_.host_root))
        row.acl = std::move(*acl);
    struct statfs volume{};
    if (fstatfs(file.get(), &volume) == 0) {
      constexpr long read_only = 1; // ST_RDONLY
      row.read_only = (volume.f_flags & read_only) != 0;
      row.file_system = kind_without_sockets(volume);
    }
    row.immutable = is_immutable(file);
    receiver_.row(row);
  }

  bool missing(const std::string& resolved, int error) {
    if (error != ENOENT && error != ENAMETOOLONG)
      return refuse(resolved, error);
    PathStepFacts row = begin_row(resolved);
    row.type = Text(error == ENOENT ? "missing" : "too_long");
    receiver_.row(row);
    return false;
  }

  bool refuse(const std::string& resolved, int error) {
    const std::string gap = "path." + question_.path;
    receiver_.gap({gap, "the file " + (resolved.empty() ? question_.path : resolved),
                   error == EACCES ? "this user may not look into its directory"
                                   : fmt::format("looking at it failed with errno {}", error),
                   "it cannot be told whether a client may use the socket", "run as root"});
    PathStepFacts row = begin_row(resolved);
    row.type = Unknown{gap};
    receiver_.row(row);
    return false;
  }

  const PathQuestion& question_;
  const Delivery<PathStepFacts>& receiver_;
  std::vector<Directory> way_;
  std::deque<std::string> rest_;
  int links_ = 0;
  Int position_ = 0;
};

} // namespace

void read_path_steps(const PathQuestion& question, const Delivery<PathStepFacts>& receiver) {
  PathWalker(question, receiver).walk();
}

} // namespace synfate
