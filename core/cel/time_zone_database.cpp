#include <stdexcept>
#include <string>

#include <date/tz.h>

#include "core/cel/time_zone.h"

namespace synfate::cel {

std::optional<std::int64_t> named_zone_offset(std::string_view zone,
                                              std::int64_t seconds_since_epoch) {
  try { // the library reports an unknown zone, or a missing database, by throwing
    const auto* found = date::locate_zone(std::string(zone));
    const date::sys_seconds instant{std::chrono::seconds(seconds_since_epoch)};
    return found->get_info(instant).offset.count();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

} // namespace synfate::cel
