// Settings: files below /proc/sys.
//
//   /proc/sys/net/ipv4/conf/all/rp_filter    "0\n"
//
// What is below /proc/sys/net belongs to the network namespace of the thread that opens it
// (net/sysctl_net.c: net_ctl_header_lookup() takes current->nsproxy), so no thread-self is needed.
// Tested by tests/unit/platform/linux/routing/sysctls_test.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/linux/routing/sysctl_names.h"

namespace synfate::linux_routing {

/// The text of a setting without its last newline; absent if this kernel has no such setting.
Result<std::optional<std::string>> read_sysctl(const std::string& root, std::string_view name);

/// One file of a folder of settings: its text, or why it could not be read.
using SysctlVisitor =
    std::function<void(const std::string& name, const Result<std::optional<std::string>>& text)>;

/// All readable settings in and below a folder ("net"); write-only ones are left out.
Status read_sysctl_folder(const std::string& root, std::string_view folder,
                          const SysctlVisitor& visit);

} // namespace synfate::linux_routing
