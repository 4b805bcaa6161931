// Reads the sockets of the calling thread's network namespace.
//
// sock_diag first, filtered in the kernel; where it is refused or not built, the files of
// /proc/thread-self/net with a gap that says what they cannot tell (/proc/net would be the main
// thread's namespace). Tested on real sockets by
// tests/unit/platform/linux/sockets/read_sockets_test.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/facts/tables.h"
#include "platform/linux/delivery.h"
#include "platform/linux/sockets/tables.h"

namespace synfate {

/// Which sockets are wanted; every part that is set must hold.
struct SocketQuery {
  std::optional<std::string> proto;
  std::optional<std::string> state;
  std::optional<IpAddress> local_address;
  std::optional<IpAddress> remote_address;
  std::optional<Int> local_port;
  std::optional<Int> remote_port;
  std::optional<Int> interface_index;
  std::optional<Int> inode;
  std::optional<Int> cookie;
  friend bool operator==(const SocketQuery&, const SocketQuery&) = default;
};

struct UnixSocketQuery {
  std::optional<std::string> state;
  std::optional<std::string> path;
  std::optional<Int> inode;
};

/// Where and how to read.
struct SocketSource {
  Int netns = 0;         ///< inode of the thread's network namespace, stamped into rows
  std::string root;      ///< before /proc
  bool sock_diag = true; ///< false: only the /proc files
  std::string release;   ///< of the kernel, "6.12.1"
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
};

void read_sockets(const SocketQuery& query, const SocketSource& source,
                  const Delivery<Socket>& receiver);

/// Only the inodes, without those of 0, and no gaps: of thousands of sockets a small part of the
/// work.
void read_socket_inodes(const SocketQuery& query, const SocketSource& source,
                        const std::function<void(Int)>& receiver);

void read_unix_sockets(const UnixSocketQuery& query, const SocketSource& source,
                       const Delivery<UnixSocket>& receiver);

/// A netlink socket that serves one question after another; it asks in the network namespace of the
/// thread that opened it.
class KeptNetlink {
public:
  KeptNetlink();
  ~KeptNetlink();
  KeptNetlink(const KeptNetlink&) = delete;
  KeptNetlink& operator=(const KeptNetlink&) = delete;

private:
  friend class SocketLookups;
  struct Held;
  std::unique_ptr<Held> held_;
};

/// Asks the kernel which socket would get a packet: the key columns of `asked` are the question.
/// Gives one row, or a gap if it could not be asked.
void read_socket_lookup(const SocketLookup& asked, const SocketSource& source, KeptNetlink& kept,
                        const Delivery<SocketLookup>& receiver);

/// True for a release from `major.minor` on; false if it cannot be told.
bool release_at_least(std::string_view release, int major, int minor);

} // namespace synfate
