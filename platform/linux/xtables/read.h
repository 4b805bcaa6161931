// Reads iptables-legacy's tables of the calling thread's network namespace.
//
// /proc/thread-self/net/ip_tables_names comes first: asking getsockopt() for a table that the
// namespace does not have would create it (net/netfilter/x_tables.c: xt_find_table_lock()). Then
// IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; EAGAIN says that the table changed in between.
// Tested by tests/lab/xtables_texts.py.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/xtables/tables.h"

namespace synfate::xt {

/// The names in /proc/…/net/ip_tables_names or ip6_tables_names; empty if the kernel has none.
/// Errors: denied (the file is for root), system.
Result<std::vector<std::string>> read_table_names(const std::string& root, bool v6);
/// Pure: one name a line.
std::vector<std::string> parse_table_names(std::string_view text);

/// One table that read_table_names() listed. Errors: denied (no CAP_NET_ADMIN), interrupted (it
/// kept changing), system.
Result<XtTable> read_table(Int netns, bool v6, const std::string& name);

/// All tables of both families.
Result<std::vector<XtTable>> read_tables(Int netns, const std::string& root);

} // namespace synfate::xt
