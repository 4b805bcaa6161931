// The sockets a lookup from a rule may find: for the match `socket` and the target TPROXY.
#pragma once

#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/split.h"

namespace synfate {

struct ServingSockets {
  std::vector<Socket> sockets;
  bool known = false; ///< false: not read, or not yet
};

/// Listeners (TCP) or unconnected sockets (UDP) that take packets to an address and port from a
/// device: those bound to the address, else those bound to any, and of these the ones that
/// compute_score() prefers.
ServingSockets serving_sockets(HookContext& context, Int netns, std::uint8_t proto,
                               const AddressTerm& address, std::uint16_t port,
                               const PacketClass& packet);

/// On the input path the connection's own socket may be known already: tcp_v4_early_demux(),
/// udp_v4_early_demux() of net/ipv4, called from ip_rcv_finish() before the hook `input`.
bool demultiplexed_early(const HookRequest& request, const PacketClass& packet);

/// An answer goes to a client: whether that has its socket in the namespace of the request. The
/// lookup asks for the client as it was before its address was translated:
/// net/ipv4/netfilter/nf_socket_ipv4.c, net/ipv6/netfilter/nf_socket_ipv6.c. `depends`: also where
/// it cannot be told.
Truth client_is_here(HookContext& context, const HookRequest& request, const PacketClass& packet);

} // namespace synfate
