// Finding and entering network namespaces.
//
// A namespace is a file of nsfs: /proc/PID/ns/net, or such a file bind-mounted to /run/netns/NAME
// (`ip netns`) or by a container engine. Its inode is its identity. Entering it with setns(2) moves
// the calling thread only, and needs CAP_SYS_ADMIN. Nothing else is changed: mounts stay as they
// are, other than with `ip netns exec`.
// Tested by tests/unit/platform/linux/system/network_namespaces_test.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace synfate {

/// The inode of the calling thread's network namespace.
Result<std::int64_t> current_netns();

/// Moves the calling thread into the namespace that a file stands for.
Status enter_netns_file(const std::string& path);

/// --netns NAME|PATH|PID: moves the calling thread, to be done before anything is read. A name of
/// `ip netns` wins over a process id.
Status enter_netns(const std::string& which);

/// A file that opens the namespace with this inode: a name first, a process otherwise.
Result<std::string> find_netns_file(std::int64_t inode);

/// Names that look most like `wanted`, at most three.
std::vector<std::string> nearest_names(std::string_view wanted, std::vector<std::string> names);

/// True if this inode is that of the namespace the system was started with. `first_process` is the
/// namespace of process 1, 0 if it cannot be read; `initial_pids` says that this process is in the
/// initial pid namespace, so that process 1 is the system's own.
bool is_initial_netns(std::int64_t inode, std::int64_t first_process, bool initial_pids);

/// The same for the calling thread.
bool in_initial_netns(std::int64_t inode);

} // namespace synfate
