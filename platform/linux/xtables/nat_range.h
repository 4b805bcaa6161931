// The private data of the NAT targets, in one form.
//
// Three layouts are in use: nf_nat_ipv4_multi_range_compat, nf_nat_range and nf_nat_range2
// (include/uapi/linux/netfilter/nf_nat.h, Linux 6.12).
#pragma once

#include "platform/linux/xtables/entry.h"

namespace synfate::xt {

/// NF_NAT_RANGE_* flags.
inline constexpr std::uint32_t nat_addresses = 1U << 0;
inline constexpr std::uint32_t nat_ports = 1U << 1;
inline constexpr std::uint32_t nat_random = 1U << 2;
inline constexpr std::uint32_t nat_persistent = 1U << 3;
inline constexpr std::uint32_t nat_random_fully = 1U << 4;
inline constexpr std::uint32_t nat_port_offset = 1U << 5;

struct NatRange {
  std::uint32_t flags = 0;
  IpAddress min, max; ///< with nat_addresses
  std::uint16_t port_min = 0, port_max = 0, port_base = 0;
};

enum class NatLayout : std::uint8_t { compat, range, range2 };

/// Which layout a NAT target's revision has: net/netfilter/xt_nat.c, xt_MASQUERADE.c,
/// xt_REDIRECT.c, xt_NETMAP.c.
NatLayout nat_layout(std::string_view target, unsigned revision, IpFamily family);
NatRange nat_range_of(ByteView info, NatLayout layout, IpFamily family);

} // namespace synfate::xt
