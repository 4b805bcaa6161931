// Filters of traffic control, through rtnetlink.
//
// A filter hangs on a qdisc: `ingress` (parent ffff:), or `clsact`, which has one side for each
// direction (ffff:fff2, ffff:fff3). net/sched/cls_api.c: tc_dump_tfilter(), Linux 6.12.
// Tested by tests/lab/cases_programs.py.
#pragma once

#include <vector>

#include "platform/linux/netlink.h"
#include "platform/linux/programs/tables.h"

namespace synfate {

/// Every filter at an ingress or clsact qdisc in the thread's network namespace.
Result<std::vector<PacketProgram>> read_tc_filters(Int netns, std::chrono::milliseconds timeout);

} // namespace synfate
