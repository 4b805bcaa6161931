// The numbers that network namespaces have for each other.
//
// The other end of a veth is told as an interface number and, if it is in another namespace, as
// that one's id (IFLA_LINK_NETNSID): a number that means something only where it was read.
// net/core/net_namespace.c: rtnl_net_getid(), peernet2id(); Linux 6.12. RTM_GETNSID is asked with a
// descriptor of the namespace. Tested by tests/lab/cases_path.py.
#pragma once

#include "core/facts/tables.h"
#include "platform/linux/routing/netlink.h"

namespace synfate {

struct NamespaceId {
  Fact<Int> netns;
  Fact<Text> path;
  Fact<Int> id;
};

template <>
inline constexpr auto description_of<NamespaceId> = describe(
    "netns_id", "The number that one network namespace has in another.",
    key(column(&NamespaceId::netns, "netns", "", "Inode of the namespace that it has it in.",
               "netns.inode")),
    key(column(&NamespaceId::path, "path", "", "The file that opens the other one.", "netns.path")),
    column(&NamespaceId::id, "id", "", "Its number there; absent: it has none.",
           "interface.link_netns_id"));

namespace linux_routing {

/// The id that the namespace of a file has in the one that the socket is of; nothing if it has
/// none, or if there is no such file any more.
Result<std::optional<Int>> read_namespace_id(RouteSocket& socket, const std::string& path);

} // namespace linux_routing
} // namespace synfate
