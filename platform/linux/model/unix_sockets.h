// Which socket answers to a Unix name.
//
// net/unix/af_unix.c, Linux 6.12: a path leads to the socket whose file it is, in whatever network
// namespace that socket lives (unix_find_socket_byinode()); an abstract name leads to the socket of
// the same namespace and type (unix_abstract_hash()). What accept() returns carries the name of its
// listener, too, but nobody finds it under it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/model.h"
#include "platform/linux/files/tables.h"

namespace synfate {

inline constexpr std::size_t longest_unix_name = 108; ///< sizeof(sockaddr_un::sun_path)

struct FoundUnixSocket {
  UnixSocket socket;
  Evidence evidence;
  bool by_name_only = false; ///< its file could not be compared
};

/// The socket bound to this file, among those that can be listed.
struct SocketOfFile {
  std::optional<FoundUnixSocket> found;
  bool complete = true; ///< the sockets of every network namespace that shows were read
};
SocketOfFile find_socket_of_file(Inquiry& inquiry, const PathStepFacts& file,
                                 const std::string& path);

/// What the kernel itself knows to be bound to a file where no socket is listed: it finds those of
/// network namespaces that cannot be seen, too (of a host around this container, or without a
/// process of their own).
enum class BoundToFile : std::uint8_t { nothing, datagram, other, unknown };
BoundToFile ask_bound_to_file(Inquiry& inquiry, const std::string& path, Int root_pid);

/// What a datagram socket met that called connect() with this name; at most one row.
std::vector<DatagramRoom> ask_datagram_room(Inquiry& inquiry, const std::string& path,
                                            bool abstract, Int root_pid);
/// The sockets bound under this path, whatever became of their file; of this namespace, or if it
/// has none, of all others.
std::vector<FoundUnixSocket> find_by_name(Inquiry& inquiry, const std::string& path);
/// True if the socket is bound to this very file, as far as both could be read.
bool same_inode(const PathStepFacts& file, const UnixSocket& socket);
/// The sockets of this namespace with an abstract name, those that own it first.
std::vector<FoundUnixSocket> find_abstract(Inquiry& inquiry, Int netns, const std::string& name);

/// True if the name leads to it: it was bound, not accepted.
bool owns_name(const UnixSocket& socket);

/// "unix/%2Frun%2Fapp.sock", with its state in words.
Culprit unix_culprit(const UnixSocket& socket, std::string text = {});
/// The same for a name without a socket.
Culprit unix_name_culprit(const std::string& path, bool abstract, std::string text);

} // namespace synfate
