// Time zones. Names are behind a seam: time_zone_database.cpp is the only file that knows where
// the rules come from; where there are none, time_zone_none.cpp knows no name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace synfate::cel {

/// Seconds east of UTC in `zone` at that instant; nothing when there is no such zone. A zone is a
/// name of the time zone database ("Europe/Paris", "UTC") or an offset ("+02:00", "-09:30",
/// "02:00").
std::optional<std::int64_t> utc_offset(std::string_view zone, std::int64_t seconds_since_epoch);

/// The part of it that needs the database: `zone` is a name.
std::optional<std::int64_t> named_zone_offset(std::string_view zone,
                                              std::int64_t seconds_since_epoch);

} // namespace synfate::cel
