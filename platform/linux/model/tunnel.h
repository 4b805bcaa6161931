// What carries the packets of a tunnel is a packet of its own, with its own route, and it meets the
// rules of the host again: drivers/net/vxlan/vxlan_core.c: vxlan_xmit_one(), net/ipv4/ip_tunnel.c:
// ip_tunnel_xmit(), drivers/net/wireguard/socket.c: send4(); Linux 6.12. It is not followed.
// Tested by tests/lab/cases_path.py.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// Where rules of the namespace could stop what carries a packet of the device, that they do not is
/// assumed.
void take_for_carried(Walk& walk, Journey& journey, Int netns, const Interface& device);

} // namespace synfate
