// The numbers of the IP header's protocol field (IANA), without a system's header.
#pragma once

#include <cstdint>

namespace synfate::ip_protocol {

inline constexpr std::uint8_t icmp = 1;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t icmpv6 = 58;

} // namespace synfate::ip_protocol
