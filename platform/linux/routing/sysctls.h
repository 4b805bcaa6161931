// Settings: files below /proc/sys.
//
//   net.ipv4.conf.all.rp_filter      /proc/sys/net/ipv4/conf/all/rp_filter      "0\n"
//   net.ipv4.conf.eth0/100.rp_filter /proc/sys/net/ipv4/conf/eth0.100/rp_filter
//
// As sysctl(8) has it, a slash in a dotted name stands for a dot in a file name. What is below
// /proc/sys/net belongs to the network namespace of the thread that opens it
// (net/sysctl_net.c: net_ctl_header_lookup() takes current->nsproxy), so no thread-self is needed.
// Tested by tests/unit/platform/linux/routing/sysctls_test.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/facts/snapshot.h"
#include "core/facts/tables.h"

namespace synfate::linux_routing {

/// The path below /proc/sys; nothing for a name that cannot be one ("", "a..b", "net.//.x").
std::optional<std::string> sysctl_path(std::string_view name);
/// The name of a path below /proc/sys.
std::string sysctl_name(std::string_view path);
/// interface_setting("net.ipv4.conf", "eth0.100", "rp_filter") is
/// "net.ipv4.conf.eth0/100.rp_filter".
std::string interface_setting(std::string_view folder, std::string_view interface,
                              std::string_view setting);

/// The text of a setting without its last newline; absent if this kernel has no such setting.
Result<std::optional<std::string>> read_sysctl(const std::string& root, std::string_view name);

/// One file of a folder of settings: its text, or why it could not be read.
using SysctlVisitor =
    std::function<void(const std::string& name, const Result<std::optional<std::string>>& text)>;

/// All readable settings in and below a folder ("net"); write-only ones are left out.
Status read_sysctl_folder(const std::string& root, std::string_view folder,
                          const SysctlVisitor& visit);

/// The request for one setting.
Request setting_request(Int netns, std::string_view name);

} // namespace synfate::linux_routing
