// The tables of the match hashlimit, of the calling thread's network namespace:
// /proc/thread-self/net/ipt_hashlimit/NAME and ip6t_hashlimit/NAME, a line for each entry
//
//   58 10.0.0.9:0->0.0.0.0:22 1374389530000 6871947650000 1374389530000
//
// (net/netfilter/xt_hashlimit.c: dl_seq_print(), Linux 6.12): seconds until it is forgotten, what
// it tells apart, its credit as of now, the most of it, the cost of a packet.
// Tested by tests/unit/platform/linux/xtables/hashlimit_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/xtables/tables.h"

namespace synfate::xt {

/// Pure: the entries of a table. Lines that do not read as one are left out.
std::vector<HashlimitEntry> parse_hashlimit(std::string_view text, Int netns,
                                            std::string_view family, const std::string& list);

/// The names of a family's tables, ip or ip6; none where the match is not in use. Errors: denied,
/// system.
Result<std::vector<std::string>> hashlimit_tables(const std::string& root, std::string_view family);

/// Errors: not_found (no rule has this table), denied, system.
Result<std::vector<HashlimitEntry>> read_hashlimit(const std::string& root, Int netns,
                                                   std::string_view family,
                                                   const std::string& list);

} // namespace synfate::xt
