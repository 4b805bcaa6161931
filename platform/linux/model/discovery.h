// Before a client's first packet: whoever sends it on the link has to learn this host's link-layer
// address.
//
// It asks all on the link, by an ARP request or a neighbour solicitation, which comes in like any
// packet; the answer goes out like any. Rules that drop either (a policy of drop that leaves ICMPv6
// out, a netdev chain that knows IP alone) and settings (arp_ignore, disable_ipv6) keep the client
// from sending anything: after three tries its kernel gives EHOSTUNREACH. net/ipv4/arp.c:
// arp_rcv(), arp_process(), arp_xmit(), arp_error_report(); net/ipv6/ndisc.c: ndisc_recv_ns(),
// ndisc_send_skb(), ndisc_error_report(); Linux 6.12.
//
// Who knows the answer already does not ask. Where the client, or its router, is in a namespace of
// this machine that is read; else it is taken to know nothing, which makes a rule's part in it
// likely. Tested by tests/lab/cases_path.py,
// tests/unit/platform/linux/netfilter/link_messages_test.cpp.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// The journey of a first packet that has come by `device`, stopped where it could not be sent; of
/// many clients the parts that differ. Empty while walk.inquiry.pending().
Journeys get_discovered(Walk& walk, Journey journey, const Interface& device);

/// The networks that a device is in, and link-local addresses: who has such an address asks for
/// itself, all others have a router ask for them.
IntervalSet on_link_of(Walk& walk, Int netns, const Interface& device, IpFamily family);
/// The addresses of a namespace.
IntervalSet own_addresses(Walk& walk, Int netns, IpFamily family);

} // namespace synfate
