// Addresses of interfaces: RTM_GETADDR, the answers of net/ipv4/devinet.c: inet_fill_ifaddr() and
// net/ipv6/addrconf.c: inet6_fill_ifaddr().
//
//   ifaddrmsg { family, prefix length, flags, scope, interface index }
//   IFA_LOCAL the address · IFA_ADDRESS its peer, or the address again · IFA_FLAGS (32 bits)
//
// IPv6 gives IFA_LOCAL only for point-to-point addresses. A point-to-point address has its prefix
// at the peer. Tested by tests/unit/platform/linux/routing/addresses_test.cpp.
#pragma once

#include <optional>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/routing/links.h"
#include "platform/linux/routing/netlink.h"

namespace synfate::linux_routing {

/// One RTM_NEWADDR message as a row. The name is looked up in `names`: unknown if that is null,
/// absent if the interface is not there any more.
Result<Address> decode_address(const Message& message, Int netns, const InterfaceNames* names);

/// All IPv4 and IPv6 addresses.
Result<std::vector<Address>> read_addresses(RouteSocket& socket, Int netns,
                                            const InterfaceNames* names);

/// "global", "site", "link", "host" or "nowhere"; the number as text for others.
std::string scope_text(std::uint8_t scope);

/// The gap that unknown interface names point to.
inline constexpr std::string_view links_gap = "links";

} // namespace synfate::linux_routing
