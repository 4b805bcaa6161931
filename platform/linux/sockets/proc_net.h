// Sockets as /proc/net shows them: what stands in where sock_diag is refused or not built.
//
//   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4321 1
//    …
//
// (tcp4_seq_show() in net/ipv4/tcp_ipv4.c, udp4_format_sock() in net/ipv4/udp.c, Linux 6.12; UDP
// and raw lines end with the drops.) An address is 32-bit words, each printed as a number of the
// host's byte order; ports and states are plain hexadecimal; the timer counts in 1/100 s. These
// files do not tell: IPV6_V6ONLY, the bound device, the accept queue's limit, cookie, cgroup,
// marks, options, bound sockets that do not listen.
//
//   Num               RefCount Protocol Flags    Type St Inode Path
//   0000000000000000: 00000002 00000000 00010000 0001 01 23456 /run/app.sock
//
// (unix_seq_show() in net/unix/af_unix.c.) A NUL of the name is printed as '@', other bytes as they
// are, a line feed too: such a name runs over several lines and only its first is kept.
// Tested by tests/unit/platform/linux/sockets/proc_net_test.cpp, fuzzed by
// tests/fuzz/fuzz_proc_net.cpp.
#pragma once

#include <optional>
#include <string_view>

#include "core/facts/tables.h"
#include "platform/linux/sockets/socket_words.h"

namespace synfate {

/// Gap id of cells that only sock_diag can fill.
inline constexpr std::string_view gap_sock_diag = "sockets.sock_diag";

/// One line as a row, without `netns`; nothing for the heading and for lines of another form.
std::optional<Socket> parse_proc_net_line(std::string_view line, const SocketProtocol& protocol,
                                          std::string_view file);

/// One line of /proc/net/unix.
std::optional<UnixSocket> parse_proc_net_unix_line(std::string_view line);

} // namespace synfate
