// The connections that conntrack knows: IPCTNL_MSG_CT_GET over nfnetlink.
//
// net/netfilter/nf_conntrack_netlink.c: ctnetlink_dump_table(), ctnetlink_filter_match(); Linux
// 6.12. The kernel filters since 5.8 (CTA_FILTER); older ones send all, and what was not asked for
// is left out here. Tested by tests/unit/platform/linux/netfilter/tracked_test.cpp,
// tests/lab/cases_nat.py and tests/fuzz/fuzz_nft_message.cpp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/facts/tracked_connection_table.h"
#include "platform/linux/netlink.h"

namespace synfate {

/// What is asked for; nothing: any.
struct TrackedQuestion {
  std::optional<std::string> proto; ///< tcp or udp
  std::optional<IpAddress> destination;
  std::optional<Int> destination_port;
};

/// Of the calling thread's namespace. An error of code `unsupported`: there is no conntrack, or
/// nothing that shows its entries.
Result<std::vector<TrackedConnection>> read_tracked(Int netns, const TrackedQuestion& question,
                                                    std::chrono::milliseconds timeout,
                                                    const std::string& root);

/// One message of the answer; nothing for other protocols than TCP and UDP.
std::optional<TrackedConnection> parse_tracked(const netlink::Message& message);

} // namespace synfate
