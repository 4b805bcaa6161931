// Which of this host's addresses the kernel puts into a packet by itself.
//
// MASQUERADE: net/netfilter/nf_nat_masquerade.c takes what inet_select_addr()
// (net/ipv4/devinet.c) gives for the device and the next hop, and over IPv6 what
// ipv6_dev_get_saddr() (net/ipv6/addrconf.c) gives for the destination; REDIRECT and TPROXY:
// net/netfilter/nf_nat_redirect.c takes the first address of the device. Without any of them the
// packet is dropped. Linux 6.12. Where several are left because the order of devices or the next
// hop cannot be told, all of them are given.
// Tested by tests/unit/platform/linux/netfilter/own_addresses_test.cpp, tests/lab/cases_nat.py and
// tests/twin.
#pragma once

#include <vector>

#include "core/model/model.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// Addresses of which the kernel takes one; none: it finds none.
struct OwnAddresses {
  std::vector<IpAddress> choices;
  bool read = true; ///< false: the addresses of this host could not be read, or not yet
};

/// The source that MASQUERADE gives to a packet that leaves by a device.
OwnAddresses masquerade_sources(Inquiry& inquiry, Int netns, const InterfaceView& out,
                                const PacketClass& packet);
/// The destination that REDIRECT gives to a packet that came by a device.
OwnAddresses redirect_destinations(Inquiry& inquiry, Int netns, const InterfaceView& in,
                                   const PacketClass& packet);

/// The address at which TPROXY looks for a socket, if its rule names none (nf_tproxy_laddr4(),
/// nf_tproxy_laddr6()); none: that of the packet.
OwnAddresses proxy_destinations(Inquiry& inquiry, Int netns, const InterfaceView& in,
                                const PacketClass& packet);

} // namespace synfate
