// Internet sockets as sock_diag gives them (NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY).
//
// The request is `struct inet_diag_req_v2` (family, protocol, extensions, state mask, socket id)
// with the filter as attribute INET_DIAG_REQ_BYTECODE; the answer per socket is `struct
// inet_diag_msg` with attributes (include/uapi/linux/inet_diag.h; filled by inet_sk_diag_fill(),
// inet_twsk_diag_fill() and inet_req_diag_fill() in net/ipv4/inet_diag.c, Linux 6.12). A listener
// on 0.0.0.0:8080, header only:
//
//   02 0a 00 00  1f90 0000  00000000 ×4  00000000 ×4  if 0  cookie  expires rqueue wqueue uid inode
//   v4 LISTEN    port        src          dst
//
// INET_DIAG_MARK, MD5SIG and ULP_INFO come only with CAP_NET_ADMIN; the mark then comes always, so
// that its absence tells that the others could not be seen. MD5SIG holds the secret itself: it is
// never copied. Tested by tests/unit/platform/linux/sockets/inet_diag_test.cpp, fuzzed by
// tests/fuzz/fuzz_inet_diag.cpp.
#pragma once

#include <cstdint>
#include <optional>

#include "core/facts/tables.h"
#include "platform/linux/netlink.h"
#include "platform/linux/sockets/inet_filter.h"
#include "platform/linux/sockets/socket_words.h"

namespace synfate {

/// Gap id of what only CAP_NET_ADMIN may see of a socket.
inline constexpr std::string_view gap_socket_options = "sockets.options";

/// One dump.
struct InetDump {
  const SocketProtocol* protocol = nullptr;
  std::optional<IpFamily> family; ///< nothing: both in one walk, which only TCP can
  std::uint32_t states = all_states;
  InetFilter filter;
  bool bare = false; ///< without attributes: names, queues, user and inode only
};

/// The 4-tuple of one exact lookup, as the packet of a client would carry it.
struct InetTuple {
  const SocketProtocol* protocol = nullptr;
  IpAddress local_address;
  std::uint16_t local_port = 0;
  IpAddress remote_address;
  std::uint16_t remote_port = 0;
  std::uint32_t interface_index = 0; ///< where it arrives
};

netlink::Request inet_dump_request(const InetDump& dump);
netlink::Request inet_lookup_request(const InetTuple& tuple);
/// The inode in a message, without the rest; 0 also for a message that is none of a socket.
std::uint32_t inode_in(const netlink::Message& message);

/// One message as a row, without `netns`, `interface` and `bind_order`; nothing if it is no
/// inet_diag_msg of an Internet family.
std::optional<Socket> parse_inet_diag(const netlink::Message& message,
                                      const SocketProtocol& protocol);

} // namespace synfate
