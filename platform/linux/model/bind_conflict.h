// Which sockets stand in the way of bind() and listen(): the kernel's conflict rules.
//
// TCP: inet_csk_get_port(), inet_csk_bind_conflict() and inet_bind_conflict() in
// net/ipv4/inet_connection_sock.c; the buckets by address of inet_bhash2_addr_any_conflict() decide
// alike. listen() asks get_port() once more. UDP: udp_lib_get_port() and udp_lib_lport_inuse() in
// net/ipv4/udp.c. Linux 6.12.
//
// SO_REUSEADDR and SO_REUSEPORT of the sockets that are there cannot be read from outside: where
// they decide, the clash says which of them. Two more things are not readable and matter only with
// SO_REUSEPORT:
//   - TCP keeps in the bucket of a port the user and address of the last socket that shared it
//     (fastreuseport, sk_reuseport_match()), and lets a socket that fits in without looking at the
//     others, even after that one is gone. Interfaces are not compared, and [::] fits 0.0.0.0.
//   - UDP looks no further once it met a socket of the same user that shares the port.
//
// Tested by tests/unit/platform/linux/model/bind_conflict_test.cpp and, against the kernel, by
// tests/twin/bind.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/target.h"

namespace synfate {

/// What is to be bound.
struct BindClaim {
  Proto proto = Proto::tcp;
  IpAddress address;
  std::uint16_t port = 0;
  bool v6only = false; ///< as the kernel has it during bind(): set for specific IPv6 addresses
  bool reuse_address = false;
  bool reuse_port = false;
  Int interface_index = 0; ///< SO_BINDTODEVICE; 0: none
  Int l3_domain = 0;       ///< TCP: index of the VRF that the interface belongs to; 0: none
  Int uid = 0;
};

/// Whether one socket is in the way.
enum class Clash : std::uint8_t {
  none,
  certain,
  likely,               ///< but for a fast path that cannot be seen
  unless_reuse_address, ///< only if the other socket has SO_REUSEADDR it is not in the way
  unless_reuse_port,    ///< likewise SO_REUSEPORT
  unless_either,        ///< either of them
  perhaps,              ///< whether the two overlap at all is not known
};

/// True if both could receive the same packet: address, family, interface (in one VRF).
bool overlaps(const BindClaim& claim, const Socket& holder);
/// True if the socket keeps its port: half-open connections do not.
bool holds_port(const Socket& socket);

/// What `holder` means for the claim; `others` are all sockets of the port.
Clash clash_of(const BindClaim& claim, const Socket& holder, std::span<const Socket> others);

/// A socket that is in the way, or may be.
struct SocketInTheWay {
  std::size_t at = 0; ///< position in the span that was asked
  Clash clash = Clash::none;
};

/// The sockets in the way: certain ones first, then by how surely they are; listeners before
/// others.
std::vector<SocketInTheWay> holders_in_the_way(const BindClaim& claim,
                                               std::span<const Socket> sockets);

} // namespace synfate
