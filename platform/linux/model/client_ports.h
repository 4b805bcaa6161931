// The port of a client of this host, which its kernel chooses in connect().
//
// net/ipv4/inet_hashtables.c: __inet_hash_connect() tries every port of
// net.ipv4.ip_local_port_range that is not reserved, __inet_check_established() refuses one that
// has a connection between the same two ends, unless that is in TIME_WAIT and
// net/ipv4/tcp_ipv4.c: tcp_twsk_unique() gives it away (net.ipv4.tcp_tw_reuse); Linux 6.12. Ports
// that somebody has bound explicitly are passed over as well; that a socket was is not readable.
//
// Whoever has fewer TCP sockets than the range has ports is not looked at further; then the kernel
// is asked for a few ports; only if all of these are taken the connections are read.
// Tested by tests/lab/cases_limits.py.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// net.ipv4.ip_local_port_range, both ends included.
struct EphemeralRange {
  Int first = 32768;
  Int last = 60999;
};
EphemeralRange ask_ephemeral_range(Inquiry& inquiry, Int netns);

/// Stops a client that finds no port for its connection (EADDRNOTAVAIL).
void take_client_port(Walk& walk, Journey& journey);

} // namespace synfate
