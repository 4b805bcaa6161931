// Units of systemd, without asking it.
//
//   /run/systemd/units/invocation:shop.service -> 8d1f6c5e…    as long as the unit is not inactive
//                                                              or failed (systemd 239 and later)
//   /etc/systemd/system/shop.service -> /dev/null              masked
//
// Tested by tests/unit/platform/linux/processes/service_state_test.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "core/facts/service_state_table.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// True for a unit file that forbids its unit.
bool is_mask(const std::filesystem::path& file);

ServiceState read_service_state(const std::string& unit, const ProcessSource& source);

} // namespace synfate
