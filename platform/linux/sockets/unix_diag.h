// Unix sockets as sock_diag gives them (net/unix/diag.c, Linux 6.12).
//
// The request is `struct unix_diag_req`, the answer per socket `struct unix_diag_msg` with
// attributes: NAME (sun_path, up to 108 bytes: of an abstract name with its leading NUL and no
// closing one, of a path with a closing NUL), VFS (inode and device of the bound file), PEER, ICONS
// (peers that wait), RQLEN (of a listener: waiting connections and backlog), MEMINFO, UID. The
// device is in the kernel's form, 12 bits major and 20 bits minor; the table has it as stat(2)
// gives it. A dump cannot be filtered but by state; an inode is asked without a dump. Tested by
// tests/unit/platform/linux/sockets/unix_diag_test.cpp, fuzzed by tests/fuzz/fuzz_unix_diag.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/facts/tables.h"
#include "platform/linux/netlink.h"

namespace synfate {

/// Every Unix socket in one of these states (bits as of socket_words.h).
netlink::Request unix_dump_request(std::uint32_t states);
/// The one socket with this inode.
netlink::Request unix_inode_request(std::uint32_t inode);

/// The state bits behind a word of the table; every state for an empty word, 0 for an unknown one.
std::uint32_t unix_states_of(std::string_view word);

/// One message as a row, without `netns`; nothing if it is no unix_diag_msg.
std::optional<UnixSocket> parse_unix_diag(const netlink::Message& message);

} // namespace synfate
