// Finds the processes that hold a socket.
//
// The kernel has no index from a socket to its holders: descriptors are walked. What makes that
// short: the cgroup a socket was made in (its id is in sock_diag's answer, cgroup.procs names the
// processes), then those that opened sockets at the same time (owner_order.h), then processes of
// the user that made it, and of every process its first descriptors before those of processes with
// very many, for listeners are opened early. A socket that was handed to another cgroup (socket
// activation) has holders outside of its own: whoever needs every one asks with complete = true, or
// without that key. Tested by tests/unit/platform/linux/processes/read_owners_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// The key columns of a request for `socket_owner`.
///
/// Without any: every socket of every process. With `listeners_of`, which must be the thread's
/// network namespace: its listeners and unconnected UDP sockets. With complete = false one holder
/// of each is enough; of one inode then the holders in the socket's own cgroup are given, else the
/// first found.
struct OwnerQuery {
  std::optional<Int> inode;
  std::optional<Int> pid;
  std::optional<bool> complete;
  std::optional<Int> hint_cgroup_id;
  std::optional<Int> hint_uid;
  std::optional<Int> listeners_of;
  /// Processes that held what was asked before: of one port they mostly hold the next socket too.
  /// Those are looked at first where one holder is enough.
  std::vector<std::int32_t> known_holders;
};

/// Rows carry the asked key columns. A gap `owners` says that processes could not be looked into.
void read_owners(const OwnerQuery& query, const ProcessSource& source,
                 const Delivery<SocketOwner>& delivery);

} // namespace synfate
