// The queues that programs listen to: /proc/net/netfilter/nfnetlink_queue.
//
//     0  12345     0 2 65531     0     0        7  1
//   number, netlink port of the program, packets waiting, copy mode, copy range, dropped because
//   the queue was full, dropped on the way to the program, last packet id, 1.
// net/netfilter/nfnetlink_queue.c: seq_show(), Linux 6.12. The file is there once the kernel has
// the queue mechanism at all. Tested by tests/unit/platform/linux/netfilter/decode_test.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/netfilter/tables.h"

namespace synfate {

/// The queues of the calling thread's namespace; none if the kernel has no such file.
Result<std::vector<NetfilterQueue>> read_netfilter_queues(const std::string& root, Int netns);

/// Lines that are not such a line are an error that names the line.
Result<std::vector<NetfilterQueue>> parse_netfilter_queues(std::string_view text);

} // namespace synfate
