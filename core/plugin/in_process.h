// Plugins of this project, in the host's own process: a shared library that is loaded at the first
// request for one of its tables, or code that is linked into the program.
#pragma once

#include <memory>

#include "core/plugin/abi.h"
#include "core/plugin/collector.h"

namespace synfate {

/// `library` is loaded (Boost.DLL, local symbols) when the first request comes, or by check().
std::unique_ptr<Collector> library_collector(Manifest manifest, std::string library, Origin origin);

std::unique_ptr<Collector> linked_collector(Manifest manifest, synfate_plugin_entry entry);

} // namespace synfate
