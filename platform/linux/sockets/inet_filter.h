// The kernel's own filter for socket dumps: inet_diag bytecode.
//
// A program is a sequence of operations { u8 code, u8 yes, u16 no } with arguments behind them.
// `yes` is the distance to the next operation when the condition holds, `no` when it does not;
// leaving the program at its very end accepts, jumping 4 bytes beyond it refuses.
// inet_diag_bc_audit() checks it and inet_diag_bc_run() interprets it (net/ipv4/inet_diag.c,
// Linux 6.12). A conjunction of three operations of 8, 16 and 8 bytes, each refusing by no = bytes
// left + 4:
//
//   0b 08 0024  00 00 1f90 | 07 10 001c  02 20 0000 ffffffff 0a4d0001 | 09 08 000c  03 00 00 00
//   S_EQ        port 8080    S_COND      AF_INET /32 any port 10.77.0.1  DEV_COND    ifindex 3
//
// Unlike idiag_sport of the request it also applies to bound sockets that do not listen.
// Tested by tests/unit/platform/linux/sockets/inet_filter_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/ip.h"

namespace synfate {

/// What sockets of a dump must be like; every part that is set must hold.
struct InetFilter {
  std::optional<std::uint16_t> local_port;
  std::optional<std::uint16_t> remote_port;
  std::optional<IpAddress> local_address;  ///< exactly; an IPv4 one also matches its v4-mapped form
  std::optional<IpAddress> remote_address; ///< likewise
  std::optional<std::uint32_t> interface_index;
};

/// The filter as bytecode; empty if it asks for nothing.
std::vector<std::byte> inet_bytecode(const InetFilter& filter);

} // namespace synfate
