#include "core/cel/time_zone.h"

#include <cctype>

namespace synfate::cel {
namespace {

/// [+-]HH:MM
std::optional<std::int64_t> fixed_offset(std::string_view zone) {
  const bool negative = zone.starts_with('-');
  if (negative || zone.starts_with('+'))
    zone.remove_prefix(1);
  const auto digit = [&zone](std::size_t at) {
    return std::isdigit(static_cast<unsigned char>(zone[at])) != 0 ? zone[at] - '0' : -1;
  };
  if (zone.size() != 5 || zone[2] != ':')
    return std::nullopt;
  for (const std::size_t at : {0U, 1U, 3U, 4U})
    if (digit(at) < 0)
      return std::nullopt;
  const int hours = digit(0) * 10 + digit(1);
  const int minutes = digit(3) * 10 + digit(4);
  if (hours > 23 || minutes > 59)
    return std::nullopt;
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return negative ? -seconds : seconds;
}

} // namespace

std::optional<std::int64_t> utc_offset(std::string_view zone, std::int64_t seconds_since_epoch) {
  if (zone == "UTC" || zone == "Z" || zone.empty())
    return 0;
  if (const auto fixed = fixed_offset(zone))
    return fixed;
  return named_zone_offset(zone, seconds_since_epoch);
}

} // namespace synfate::cel
