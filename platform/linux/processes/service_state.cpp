#include "platform/linux/processes/service_state.h"

namespace synfate {
namespace {

namespace fs = std::filesystem;

/// shop@.service is a pattern of units, and is never started itself.
bool is_template(const std::string& unit) {
  return unit.find("@.") != std::string::npos;
}

bool is_name(const std::string& unit) {
  return !unit.empty() && unit.find('/') == std::string::npos;
}

} // namespace

bool is_mask(const fs::path& file) {
  std::error_code none; // what is no link is no mask
  return fs::read_symlink(file, none) == "/dev/null" && !none;
}

ServiceState read_service_state(const std::string& unit, const ProcessSource& source) {
  ServiceState state;
  state.unit = unit;
  if (!is_name(unit))
    return state;
  state.masked = is_mask(source.root + "/etc/systemd/system/" + unit) ||
                 is_mask(source.root + "/run/systemd/system/" + unit);
  const fs::path units = source.root + "/run/systemd/units";
  std::error_code error;
  if (is_template(unit) || !fs::is_directory(units, error))
    return state;
  const auto status = fs::symlink_status(units / ("invocation:" + unit), error);
  if (status.type() == fs::file_type::symlink)
    state.active = true;
  else if (status.type() == fs::file_type::not_found)
    state.active = false;
  return state;
}

} // namespace synfate
