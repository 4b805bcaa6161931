// Processes and the network namespaces they are in.
//
// Every cell comes from /proc/PID (see proc_pid.h) and from the process's cgroup (see cgroup.h). A
// process that vanishes while it is read is left out; what the kernel refuses is unknown, with the
// gap `owners`. Tested by tests/unit/platform/linux/processes/read_processes_test.cpp.
#pragma once

#include <optional>
#include <string>

#include "core/facts/tables.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// Which processes are wanted; every part that is set must hold.
struct ProcessQuery {
  std::optional<Int> pid;
  std::optional<Int> parent;        ///< its children, zombies included
  std::optional<std::string> state; ///< those in this state alone; little is read of the others
};

/// Processes. No row for one that does not exist.
void read_processes(const ProcessQuery& query, const ProcessSource& source,
                    const Delivery<Process>& delivery);

/// Every network namespace that a visible process is in or that has a name for `ip netns`.
void read_namespaces(const ProcessSource& source, const Delivery<NetworkNamespace>& delivery);

/// Every entry of /etc/services.
void read_service_names(const ProcessSource& source, const Delivery<ServiceName>& delivery);

} // namespace synfate
