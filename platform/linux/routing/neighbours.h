// Neighbours (ARP, neighbour discovery): RTM_GETNEIGH, the answer of net/core/neighbour.c:
// neigh_fill_info() and, for addresses we answer for, pneigh_fill_info().
//
//   ndmsg { family, interface index, state (NUD_), flags (NTF_), type }
//   NDA_DST the address · NDA_LLADDR its link-layer address
//
// Tested by tests/unit/platform/linux/routing/neighbours_test.cpp.
#pragma once

#include <optional>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/routing/netlink.h"

namespace synfate::linux_routing {

/// One RTM_NEWNEIGH message as a row.
Result<Neighbour> decode_neighbour(const Message& message, Int netns);

/// All neighbours and proxy entries of both families, or those of one interface.
Result<std::vector<Neighbour>> read_neighbours(RouteSocket& socket, Int netns,
                                               std::optional<Int> interface_index = std::nullopt);

} // namespace synfate::linux_routing
