// Who runs this tool, and which user namespace the network namespace belongs to.
//
// Ports below ip_unprivileged_port_start need CAP_NET_BIND_SERVICE in the user namespace that owns
// the network namespace (net/ipv4/af_inet.c: __inet_bind()). cap_capable() in security/commoncap.c
// (Linux 6.12) grants a capability in a user namespace to whoever has it in that one or in one
// above, and to the user that made it, from the one above. Relations are read with the ioctls of
// ioctl_ns(2).
#pragma once

#include "platform/linux/delivery.h"
#include "platform/linux/files/tables.h"

namespace synfate {

/// The row of the calling thread's network namespace, whose inode is `netns`.
Caller read_caller(Int netns, const std::string& host_root);

/// Asks poll(2) about the datagram socket that the key columns of `asked` name. A socket is made
/// and connected to it, which sends nothing and which the other side does not see.
DatagramRoom read_datagram_room(DatagramRoom asked, const std::string& host_root);

} // namespace synfate
