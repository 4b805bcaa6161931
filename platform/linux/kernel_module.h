// Whether a part of the kernel is a module that waits to be loaded: asking it over netlink would
// load it, and looking must change nothing.
#pragma once

#include <string>
#include <string_view>

namespace synfate {

/// True if modules.dep of the running kernel lists the module and it is not loaded. A part that is
/// built in, or that this kernel does not have at all, does not wait. `root` is put before paths.
bool module_waits(const std::string& root, std::string_view module);

} // namespace synfate
