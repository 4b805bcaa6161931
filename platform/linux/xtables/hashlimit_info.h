// The hashlimit match's private data, its three revisions brought into one form.
#pragma once

#include <string>

#include "platform/linux/xtables/entry.h"

namespace synfate::xt {

/// XT_HASHLIMIT_* of include/uapi/linux/netfilter/xt_hashlimit.h.
inline constexpr std::uint32_t hashlimit_invert = 1U << 4;
inline constexpr std::uint32_t hashlimit_bytes = 1U << 5;
inline constexpr std::uint32_t hashlimit_rate_match = 1U << 6;

struct HashlimitInfo {
  std::string name;
  std::uint32_t mode = 0;
  std::uint64_t average = 0; ///< time per packet in 1/scale s, or a cost per 16 bytes
  std::uint64_t burst = 0;
  std::uint64_t scale = 1;
  std::uint32_t size = 0, max = 0, gc_interval = 0, expire = 0, interval = 0;
  std::uint8_t source_mask = 0, destination_mask = 0;
};

/// Reads revision 1, 2 or 3; `info` holds at least that revision's struct.
HashlimitInfo hashlimit_of(ByteView info, unsigned revision);

/// The rate behind a byte mode's average.
std::uint64_t bytes_per_second(std::uint64_t cost);

} // namespace synfate::xt
