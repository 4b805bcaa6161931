// Files of the calling thread's network namespace that a match of iptables fills, one for each name
// that its rules give: /proc/thread-self/net/xt_recent/NAME. Tested by tests/lab/cases_fw.py.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace synfate::xt {

/// The names in a folder of /proc/net; none where the match is not in use. Errors: denied, system.
Result<std::vector<std::string>> proc_lists(const std::string& root, std::string_view folder);

/// Errors: not_found (no rule has this name), denied, system.
Result<std::string> read_proc_list(const std::string& root, std::string_view folder,
                                   const std::string& name);

} // namespace synfate::xt
