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

#include <optional>

#include "core/facts/tables.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// The key columns of a request for `socket_owner`.
///
/// Without inode and pid: every socket of every process; with complete = false only the listeners
/// and unconnected UDP sockets of the thread's network namespace, at least one holder each.
/// With complete = false and an inode: the holders in the socket's own cgroup, else the first
/// found.
struct OwnerQuery {
  std::optional<Int> inode;
  std::optional<Int> pid;
  std::optional<bool> complete;
  std::optional<Int> hint_cgroup_id;
  std::optional<Int> hint_uid;
};

/// Rows carry the asked key columns. A gap `owners` says that processes could not be looked into.
void read_owners(const OwnerQuery& query, const ProcessSource& source,
                 const Delivery<SocketOwner>& delivery);

} // namespace synfate
