// Names of settings.
//
//   net.ipv4.conf.all.rp_filter      net/ipv4/conf/all/rp_filter
//   net.ipv4.conf.eth0/100.rp_filter net/ipv4/conf/eth0.100/rp_filter
//
// As sysctl(8) has it, a slash in a dotted name stands for a dot in a file name. Pure; tested by
// tests/unit/platform/linux/routing/sysctls_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

/// The request for one setting.
Request setting_request(Int netns, std::string_view name);

} // namespace synfate::linux_routing
