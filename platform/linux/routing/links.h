// Network interfaces: RTM_GETLINK, the answer of net/core/rtnetlink.c: rtnl_fill_ifinfo().
//
//   ifinfomsg { family, type (ARPHRD_), index, flags (IFF_), change }
//   IFLA_IFNAME "eth0" · IFLA_MTU · IFLA_OPERSTATE · IFLA_MASTER · IFLA_LINK · IFLA_LINK_NETNSID
//   IFLA_LINKINFO { IFLA_INFO_KIND "veth" } · IFLA_XDP { IFLA_XDP_ATTACHED, IFLA_XDP_PROG_ID }
//
// Names are bytes: dev_valid_name() forbids only '/', ':' and white space.
// Tested by tests/unit/platform/linux/routing/links_test.cpp.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/routing/netlink.h"

namespace synfate::linux_routing {

/// One RTM_NEWLINK message as a row of the given network namespace.
Result<Interface> decode_link(const Message& message, Int netns);

/// All interfaces, or the one of this index (none if it does not exist).
Result<std::vector<Interface>> read_links(RouteSocket& socket, Int netns,
                                          std::optional<Int> index = std::nullopt);

/// Interface names by index.
using InterfaceNames = std::map<Int, std::string>;
InterfaceNames names_of(const std::vector<Interface>& links);

/// "52:54:00:12:34:56" for six bytes; addresses of other lengths alike, "" for none.
std::string hardware_address_text(ByteSpan bytes);

} // namespace synfate::linux_routing
