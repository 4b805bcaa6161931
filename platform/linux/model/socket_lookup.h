// Which listener gets a connection: the kernel's own choice, by its own scores.
//
// Follows __inet_lookup_listener() and inet_lhash2_lookup() in net/ipv4/inet_hashtables.c,
// inet6_lookup_listener() in net/ipv6/inet6_hashtables.c, udp4_lib_lookup2() in net/ipv4/udp.c and
// udp6_lib_lookup2() in net/ipv6/udp.c, Linux 6.12:
//   1. TCP: the listeners of the exact address are tried first, whatever their score; only if none
//      matches those of the wildcard address. UDP likewise, after connected sockets of the exact
//      four-tuple.
//   2. Two TCP listeners can match one packet in one of these steps only if both have SO_REUSEPORT
//      (inet_bind_conflict() in net/ipv4/inet_connection_sock.c). The first of them in the kernel's
//      list then gets the packet for its group, whatever the scores of the others
//      (inet_lookup_reuseport() ends the search). New listeners come first in the list, IPv6 ones
//      with SO_REUSEPORT last (__inet_hash()).
//   3. UDP: the best score wins; of equals the first in the list, which is the newest bind
//      (udp_lib_get_port()), unless they form a reuseport group.
//   4. A group is the sockets of one family, address, device, IPV6_V6ONLY and user
//      (inet_reuseport_add_sock()); the hash of the four-tuple decides: every member may get it.
// SO_REUSEPORT itself is not readable. What that leaves open, and what only BPF programs know, the
// kernel answers itself on a live host: see confirmation.h.
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
  std::vector<std::size_t> chosen; ///< more than one: a group or equals; the first tried first
  bool shared = false;             ///< they are a reuseport group and share by hash
  bool equals = false;             ///< UDP: a group, or the first gets all; not readable which
  bool uncertain = false;          ///< a fact that decides is unknown (v6only without sock_diag)
};

/// Why this listener does not match; Mismatch::none if it does.
Mismatch tcp_listener_mismatch(const Socket& socket, const LookupQuestion& question);

/// The listener for a SYN; `sockets` may hold rows of any port and state.
LookupAnswer look_up_tcp_listener(std::span<const Socket> sockets, const LookupQuestion& question);

/// True if two sockets of one port are in one reuseport group, provided that both set SO_REUSEPORT.
bool may_share(const Socket& one, const Socket& other);

/// Why this UDP socket does not match a datagram; Mismatch::none if it does.
Mismatch udp_socket_mismatch(const Socket& socket, const LookupQuestion& question);

/// The socket for a datagram.
LookupAnswer look_up_udp_socket(std::span<const Socket> sockets, const LookupQuestion& question);

} // namespace synfate
