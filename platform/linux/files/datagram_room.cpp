// net/unix/af_unix.c, Linux 6.12: connect() of a datagram socket only notes the peer
// (unix_dgram_connect()), and unix_dgram_poll() says POLLOUT while the peer's queue has room
// (unix_recvq_full()). The number of messages in that queue and its limit are not readable
// otherwise: for a datagram socket sock_diag tells the size of the first message alone.
//
// The same connect() tells whether any socket at all is bound to a file: unix_find_bsd() finds
// those of every network namespace and looks at the type last (EPROTOTYPE), where sock_diag lists
// only those of its own. A stream listener takes no notice of it.
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform/linux/file.h"
#include "platform/linux/files/caller.h"
#include "platform/linux/files/path_steps.h"

namespace synfate {
namespace {

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;
};

std::optional<Name> name_of(const std::string& path, bool abstract) {
  Name name;
  name.address.sun_family = AF_UNIX;
  const std::size_t begin = abstract ? 1 : 0;
  if (path.size() + begin > sizeof name.address.sun_path)
    return std::nullopt;
  std::memcpy(name.address.sun_path + begin, path.data(), path.size());
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + begin + path.size());
  return name;
}

/// A path below another process's root is reached through the descriptor of its last file.
std::string reachable_path(const DatagramRoom& asked, const std::string& host_root,
                           FileDescriptor& file) {
  const std::string path = asked.path.value_or("");
  if (!asked.root_pid.known())
    return path;
  std::string resolved;
  read_path_steps({path, asked.root_pid.value(), host_root},
                  {[&](const PathStepFacts& step) {
                     resolved = step.type.is("socket") ? step.resolved.value_or("") : "";
                     return true;
                   },
                   [](const Gap&) {}});
  if (resolved.empty())
    return path;
  const std::string whole =
      fmt::format("{}/proc/{}/root{}", host_root, asked.root_pid.value(), resolved);
  file = FileDescriptor(open(whole.c_str(), O_PATH | O_CLOEXEC));
  return fmt::format("{}/proc/self/fd/{}", host_root, file.get());
}

} // namespace

DatagramRoom read_datagram_room(DatagramRoom asked, const std::string& host_root) {
  FileDescriptor file;
  const bool abstract = asked.abstract.value_or(false);
  const std::string path =
      abstract ? asked.path.value_or("") : reachable_path(asked, host_root, file);
  const auto name = name_of(path, abstract);
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!name || !socket.valid())
    return asked;
  asked.reached =
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&name->address), name->size) == 0;
  if (!asked.reached.is(true)) {
    asked.error = Text(strerrorname_np(errno));
    return asked;
  }
  pollfd wait{socket.get(), POLLOUT, 0};
  if (poll(&wait, 1, 0) >= 0)
    asked.writable = (wait.revents & POLLOUT) != 0;
  return asked;
}

} // namespace synfate
