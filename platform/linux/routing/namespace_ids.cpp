#include "platform/linux/routing/namespace_ids.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace synfate::linux_routing {
namespace {

/// struct rtgenmsg, with the bytes that align it.
struct GeneralMessage {
  std::uint8_t family = AF_UNSPEC;
  std::uint8_t padding[3] = {};
};

Error failed(const std::string& path, int error) {
  return {.code = ErrorCode::system,
          .doing = "asking for the number of a network namespace",
          .where = path,
          .os_error = error,
          .detail = {},
          .hint = {}};
}

/// A file that is closed at the end.
class OpenFile {
public:
  explicit OpenFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0)
      close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

private:
  int fd_;
};

} // namespace

Result<std::optional<Int>> read_namespace_id(RouteSocket& socket, const std::string& path) {
  const OpenFile file(path);
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ESRCH) // it is gone
      return std::optional<Int>();
    return failed(path, errno);
  }
  std::optional<Int> id;
  const auto take = [&](const Message& message) -> Status {
    if (message.type != RTM_NEWNSID)
      return Done{};
    SYNFATE_TRY(attributes, message.attributes(sizeof(GeneralMessage)));
    if (const auto number = attributes.s32(NETNSA_NSID); number && *number >= 0)
      id = Int{*number};
    return Done{};
  };
  const auto request = RequestBytes(GeneralMessage{})
                           .attribute_u32(NETNSA_FD, static_cast<std::uint32_t>(file.fd()));
  SYNFATE_TRY(answer, socket.ask(RTM_GETNSID, request, take));
  if (answer.error != 0)
    return failed(path, answer.error);
  return id;
}

} // namespace synfate::linux_routing
