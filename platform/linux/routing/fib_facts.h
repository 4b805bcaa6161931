// The rows and settings a Fib is made of, asked of a snapshot.
//
// Tested by tests/unit/platform/linux/routing/reachability_test.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "platform/linux/routing/fib.h"

namespace synfate::linux_routing {

/// The number in a setting, nothing if there is no such setting.
using SettingReader = std::function<std::optional<Int>(const std::string& name)>;

/// The settings of one interface, combined with those of `all`.
InterfaceSettings interface_settings(const std::string& interface, const SettingReader& read);

/// All routes of a namespace; at a glance the inquiry gives up where there are many.
std::vector<Route> ask_all_routes(Inquiry& inquiry, Int netns);

/// Everything routing decides from, and the settings of the interfaces named by index. The result
/// means nothing while inquiry.pending(); inquiry.gaps() tells what is missing from it.
FibFacts ask_fib_facts(Inquiry& inquiry, Int netns, const std::vector<Int>& interfaces);

} // namespace synfate::linux_routing
