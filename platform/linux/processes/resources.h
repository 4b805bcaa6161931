// The limits that hold for one process: those of its cgroups, and of its user.
//
//   v2  pids.max 100 | max, pids.current, pids.events "max 3"
//       memory.max, memory.current, memory.events "oom_kill 1"
//       cpu.max "50000 100000" | "max 100000", cpu.stat "nr_periods 9", "nr_throttled 9"
//   v1  pids.max and the like; memory.limit_in_bytes, memory.usage_in_bytes, memory.oom_control
//       "oom_kill 1", memory.kmem.tcp.limit_in_bytes; cpu.cfs_quota_us, cpu.cfs_period_us, cpu.stat
//
// A limit of a cgroup above holds as well, so each level gets a row (kernel/cgroup/pids.c:
// pids_try_charge(); mm/memcontrol.c; kernel/sched/fair.c). RLIMIT_NPROC counts the tasks of the
// real user, and does not bind root nor who has CAP_SYS_RESOURCE or CAP_SYS_ADMIN (kernel/fork.c:
// copy_process()); Linux 6.12. Tested by tests/unit/platform/linux/processes/resources_test.cpp and
// tests/lab/cases_limits.py.
#pragma once

#include "core/facts/resource_table.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// No row for a process that is gone, nor for what has no limit and no failure.
void read_resources(Int pid, const ProcessSource& source, const Delivery<Resource>& delivery);

} // namespace synfate
