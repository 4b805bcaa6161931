// The conntrack match's private data, its three revisions brought into one form.
#pragma once

#include <array>

#include "platform/linux/xtables/entry.h"

namespace synfate::xt {

/// XT_CONNTRACK_* of include/uapi/linux/netfilter/xt_conntrack.h.
inline constexpr std::uint16_t ct_match_state = 1U << 0;
inline constexpr std::uint16_t ct_match_proto = 1U << 1;
inline constexpr std::uint16_t ct_match_address = 1U << 2; ///< the first of four
inline constexpr std::uint16_t ct_match_status = 1U << 6;
inline constexpr std::uint16_t ct_match_expires = 1U << 7;
inline constexpr std::uint16_t ct_match_port = 1U << 8; ///< the first of four
inline constexpr std::uint16_t ct_match_direction = 1U << 12;
inline constexpr std::uint16_t ct_match_alias = 1U << 13;

struct ConntrackInfo {
  /// Origin source, origin destination, reply source, reply destination.
  std::array<wire::ConntrackAddress, 4> address{};
  std::array<std::uint16_t, 4> port_low{}, port_high{}; ///< same order
  std::uint32_t expires_min = 0, expires_max = 0;       ///< seconds
  std::uint16_t l4proto = 0, match = 0, invert = 0;
  std::uint16_t state = 0, status = 0; ///< one bit each; see XT_CONNTRACK_STATE_*
};

/// Reads revision 1, 2 or 3.
ConntrackInfo conntrack_of(ByteView info, unsigned revision);

/// Written as "-m state": nothing but the state is asked.
inline bool is_state_alias(const ConntrackInfo& info) {
  return (info.match & ct_match_alias) != 0;
}

} // namespace synfate::xt
