#include <linux/netlink.h>

#include "platform/linux/file.h"
#include "platform/linux/netlink.h"
#include "platform/linux/sockets/proc_net.h"
#include "platform/linux/sockets/read_sockets.h"
#include "platform/linux/sockets/unix_diag.h"

namespace synfate {

namespace {

constexpr int attempts = 3;

bool may_match(const UnixSocketQuery& query, const UnixSocket& socket) {
  const auto holds = [](const auto& wanted, const auto& cell) {
    return !wanted || cell.unknown() || cell.is(*wanted);
  };
  return holds(query.state, socket.state) && holds(query.path, socket.path) &&
         holds(query.inode, socket.inode);
}

/// Reads one query; lives for one call of read_unix_sockets.
class UnixSocketReader {
public:
  UnixSocketReader(const UnixSocketQuery& query, const SocketSource& source,
                   const Delivery<UnixSocket>& receiver)
      : query_(query), source_(source), receiver_(receiver) {}

  void read() {
    const auto states = unix_states_of(query_.state.value_or(""));
    if (states == 0 || (query_.inode && (*query_.inode <= 0 || *query_.inode > UINT32_MAX)))
      return; // no socket can be so
    const auto status = source_.sock_diag ? ask(states) : Status(switched_off());
    if (!status)
      read_proc_file(status.error());
  }

private:
  static Error switched_off() {
    return {
        ErrorCode::unsupported, "reading the Unix sockets", {}, 0, "sock_diag is switched off", {}};
  }

  Status ask(std::uint32_t states) {
    SYNFATE_TRY(netlink, netlink::Socket::open(NETLINK_SOCK_DIAG, source_.timeout));
    Status status = Done{};
    for (int attempt = 0; attempt < attempts; ++attempt) {
      auto request = query_.inode ? unix_inode_request(static_cast<std::uint32_t>(*query_.inode))
                                  : unix_dump_request(states);
      status = netlink.exchange(request, "reading the Unix sockets", [&](const auto& message) {
        if (auto socket = parse_unix_diag(message))
          deliver(std::move(*socket));
        return wanted_;
      });
      if (status || status.error().code != ErrorCode::interrupted)
        break;
    }
    if (!status && query_.inode && is_no_such_socket(status.error()))
      return Done{};
    return status;
  }

  /// ENOENT is the answer both for "no such inode" and "no unix_diag in this kernel"; only a dump
  /// tells them apart.
  bool is_no_such_socket(const Error& error) {
    if (error.os_error != ENOENT)
      return false;
    auto netlink = netlink::Socket::open(NETLINK_SOCK_DIAG, source_.timeout);
    if (!netlink)
      return false;
    auto request = unix_dump_request(0);
    return netlink->exchange(request, "probing unix_diag", [](const auto&) { return true; }).ok();
  }

  void deliver(UnixSocket socket) {
    if (!may_match(query_, socket))
      return;
    socket.netns = source_.netns;
    wanted_ = receiver_.row(socket);
  }

  void read_proc_file(const Error& why) {
    const auto text = read_file(source_.root + "/proc/thread-self/net/unix");
    if (!text) {
      receiver_.gap(
          {"unix_sockets", "the Unix sockets", to_string(why) + "; " + to_string(text.error()),
           "it cannot be told who listens on a Unix socket", "run it where /proc is mounted"});
      return;
    }
    receiver_.gap({Text(gap_sock_diag), "details of sockets",
                   "the kernel's socket diagnosis (sock_diag) cannot be used: " + to_string(why),
                   "queues, peers, and the files that Unix sockets are bound to are not known",
                   "load the module unix_diag, or allow netlink sockets "
                   "(RestrictAddressFamilies=, seccomp)"});
    for_each_line(*text, [&](std::string_view line) {
      if (auto socket = parse_proc_net_unix_line(line))
        deliver(std::move(*socket));
      return wanted_;
    });
  }

  const UnixSocketQuery& query_;
  const SocketSource& source_;
  const Delivery<UnixSocket>& receiver_;
  bool wanted_ = true;
};

} // namespace

void read_unix_sockets(const UnixSocketQuery& query, const SocketSource& source,
                       const Delivery<UnixSocket>& receiver) {
  UnixSocketReader(query, source, receiver).read();
}

} // namespace synfate
