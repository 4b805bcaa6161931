#include "platform/linux/routing/sysctls.h"

#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace synfate::linux_routing {
namespace {

constexpr std::string_view proc_sys = "/proc/sys/";
constexpr std::size_t most_bytes = 1U << 20; // no setting is near that; a page is the usual limit

Error failed(const std::string& path, int error) {
  const bool denied = error == EACCES || error == EPERM;
  return {.code = denied ? ErrorCode::denied : ErrorCode::system,
          .doing = "reading a setting",
          .where = path,
          .os_error = error,
          .detail = {},
          .hint = denied ? "run as root" : ""};
}

class File {
public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0)
      close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

private:
  int fd_;
};

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

Result<std::optional<std::string>> read_file(const std::string& path) {
  const File file(path);
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return std::optional<std::string>();
    return failed(path, errno);
  }
  std::string text;
  char buffer[4096];
  for (ssize_t size = 1; size != 0 && text.size() < most_bytes;) {
    size = read(file.fd(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return failed(path, errno);
    text.append(buffer, static_cast<std::size_t>(size));
  }
  if (text.ends_with('\n'))
    text.pop_back();
  return std::optional(std::move(text));
}

} // namespace

Result<std::optional<std::string>> read_sysctl(const std::string& root, std::string_view name) {
  const auto path = sysctl_path(name);
  if (!path)
    return std::optional<std::string>();
  return read_file(root + std::string(proc_sys) + *path);
}

namespace {

/// Keys, which no snapshot may hold: of temporary IPv6 addresses and of TCP Fast Open's cookies.
bool is_secret(std::string_view name) {
  return name == "stable_secret" || name == "tcp_fastopen_key";
}

} // namespace

Status read_sysctl_folder(const std::string& root, std::string_view folder,
                          const SysctlVisitor& visit) {
  const std::string path = root + std::string(proc_sys) + std::string(folder);
  const std::unique_ptr<DIR, CloseFolder> open_folder(opendir(path.c_str()));
  if (!open_folder)
    return failed(path, errno);
  while (const dirent* entry = readdir(open_folder.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || is_secret(name))
      continue;
    const std::string below = std::string(folder) + "/" + name;
    struct stat status{};
    if (fstatat(dirfd(open_folder.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      continue; // an interface that vanished meanwhile
    if (S_ISDIR(status.st_mode)) {
      if (const auto done = read_sysctl_folder(root, below, visit);
          !done && done.error().os_error != ENOENT)
        return done;
    } else if ((status.st_mode & 0444) != 0) {
      visit(sysctl_name(below), read_file(root + std::string(proc_sys) + below));
    }
  }
  return Done{};
}

} // namespace synfate::linux_routing
