// The sets of capabilities in /proc/PID/status, 64 bits in hexadecimal: "CapEff:
// 00000000a80425fb".
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace synfate {

/// True if a capability, by its number in linux/capability.h, is in the set; false also if the text
/// is no set.
inline bool has_capability(std::string_view hexadecimal, unsigned number) {
  std::uint64_t bits = 0;
  const char* end = hexadecimal.data() + hexadecimal.size();
  const auto [stop, error] = std::from_chars(hexadecimal.data(), end, bits, 16);
  return error == std::errc() && stop == end && ((bits >> number) & 1U) != 0;
}

} // namespace synfate
