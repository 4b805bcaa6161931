// Links and descriptor counts below /proc/PID.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"

namespace synfate {

/// Where a link leads. Errors: denied, not_found, interrupted (the process vanished).
Result<std::string> read_link_at(int directory, const char* name);

/// The open descriptors of the process whose /proc/PID is `directory`: the size of its fd directory
/// where the kernel gives one (6.2 and later, without privileges), else by counting the links.
Result<std::int64_t> count_descriptors(int directory);

} // namespace synfate
