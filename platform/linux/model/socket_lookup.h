// Which listener gets a connection: the kernel's own choice, by its own scores.
//
// Follows __inet_lookup_listener() and inet_lhash2_lookup() in net/ipv4/inet_hashtables.c,
// inet6_lookup_listener() in net/ipv6/inet6_hashtables.c, udp4_lib_lookup2() in net/ipv4/udp.c and
// udp6_lib_lookup2() in net/ipv6/udp.c, Linux 6.12:
//   1. TCP: the listeners of the exact address are tried first, whatever their score; only if none
//      matches those of the wildcard address. UDP likewise, after connected sockets of the exact
//      four-tuple.
//   2. A listener bound to a device counts only for packets of that device, and then for more.
//   3. For IPv4 a socket of family IPv4 beats an IPv6 socket that serves both.
//   4. In a reuseport group the hash of the four-tuple decides: every member may get it.
// Tested by tests/unit/platform/linux/model/socket_lookup_test.cpp and, against the kernel, by
// tests/twin.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/facts/tables.h"

namespace synfate {

/// What the lookup is asked for.
struct LookupQuestion {
  IpAddress source;
  std::uint16_t source_port = 0; ///< 0: any ephemeral port
  IpAddress destination;
  std::uint16_t port = 0;
  std::int64_t interface_index = 0; ///< the device the kernel looks up with; see lookup_device()
};

/// Why a socket of the port does not take the packet.
enum class Mismatch : std::uint8_t { none, state, family, v6only, address, device, peer, port };

/// The sockets that may get the packet: positions in the span that was asked.
struct LookupAnswer {
  std::vector<std::size_t> chosen; ///< more than one: a reuseport group or equal candidates
  bool shared = false;             ///< the members of a reuseport group share by hash
  bool uncertain = false;          ///< a fact that decides is unknown (v6only without sock_diag)
};

/// Why this listener does not match; Mismatch::none if it does.
Mismatch tcp_listener_mismatch(const Socket& socket, const LookupQuestion& question);

/// The listener for a SYN; `sockets` may hold rows of any port and state.
LookupAnswer look_up_tcp_listener(std::span<const Socket> sockets, const LookupQuestion& question);

/// Why this UDP socket does not match a datagram; Mismatch::none if it does.
Mismatch udp_socket_mismatch(const Socket& socket, const LookupQuestion& question);

/// The socket for a datagram.
LookupAnswer look_up_udp_socket(std::span<const Socket> sockets, const LookupQuestion& question);

} // namespace synfate
