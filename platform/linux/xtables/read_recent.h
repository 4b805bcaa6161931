// The lists of the match recent, of the calling thread's network namespace:
// /proc/thread-self/net/xt_recent/NAME, a line for each address
//
//   src=10.0.0.9 ttl: 64 last_seen: 4296270310 oldest_pkt: 2 4296269554, 4296270310
//
// (net/netfilter/xt_recent.c: recent_seq_show(), Linux 6.12). The numbers at the end are jiffies.
// Tested by tests/unit/platform/linux/xtables/recent_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/xtables/tables.h"

namespace synfate::xt {

/// Pure: the entries of a list. Lines that do not read as one are left out.
std::vector<RecentEntry> parse_recent(std::string_view text, Int netns, const std::string& list);

/// The names of all lists; none where the match is not in use. Errors: denied, system.
Result<std::vector<std::string>> recent_lists(const std::string& root);

/// Errors: not_found (no rule has this list), denied, system.
Result<std::vector<RecentEntry>> read_recent(const std::string& root, Int netns,
                                             const std::string& list);

} // namespace synfate::xt
