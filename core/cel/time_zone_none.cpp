// Where there is no time zone database: offsets are known, names are not.
#include "core/cel/time_zone.h"

namespace synfate::cel {

std::optional<std::int64_t> named_zone_offset(std::string_view, std::int64_t) {
  return std::nullopt;
}

} // namespace synfate::cel
