// Who holds a socket, asked in as few questions as possible.
//
// One search through the descriptors of all processes costs as much for a thousand sockets as for
// one. So whoever needs many asks owners_of_listeners() first (the overview), or everything at once
// (a snapshot), and each socket's question is then answered by what is there; else a question of
// its own is asked, with hints that make the search short. Models and rules ask through this, so
// that nothing is searched for twice. Tested by tests/unit/core/model/owners_test.cpp.
#pragma once

#include <string>

#include "core/facts/tables.h"
#include "core/model/model.h"

namespace synfate {

/// What a question about a socket's holders needs to know of it.
struct HeldSocket {
  Int netns = 0;
  Int inode = 0;
  std::optional<Int> cgroup_id; ///< of its creator, a hint
  std::optional<Int> uid;       ///< likewise
  bool for_a_link = false;      ///< the kernel's own: no process holds it
};
HeldSocket held_socket(const Socket& socket);

/// Rows of `socket_owner` for one socket: all holders if `complete`, else one or more. As with any
/// question, nothing is said while the inquiry is pending, and incomplete() tells of gaps.
std::vector<std::size_t> find_owners(Inquiry& inquiry, const HeldSocket& socket, bool complete);

/// True if every holder of the socket was asked for and nothing was in the way.
bool holders_complete(const Snapshot& snapshot, const HeldSocket& socket);

/// The link whose socket in the kernel has the UDP port, such as "vxlan vx0"; empty where none has.
/// No process holds such a socket; it is bound to no address.
std::string kernel_link(Inquiry& inquiry, Int netns, Int port);
/// The same of a socket, by the interfaces that were read.
std::string kernel_link(const Snapshot& snapshot, const Socket& socket);
/// An unconnected UDP socket on every address, as the kernel opens them for links.
bool may_be_for_a_link(const Socket& socket);

/// The one question about the holders of all listeners of a network namespace.
Request owners_of_listeners(Int netns, bool complete);
/// The question for every holder of one socket.
Request all_owners_of(Int inode);

} // namespace synfate
