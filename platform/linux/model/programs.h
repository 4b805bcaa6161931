// Programs beside netfilter that see the packet: BPF and traffic control. What they decide is not
// modelled: they are assumed to let it pass, the answer is `likely`, and each is named.
//
// net/core/dev.c: sch_handle_ingress(), sch_handle_egress(); net/ipv4/inet_hashtables.c:
// inet_lookup_run_sk_lookup(); net/core/filter.c: sk_filter_trim_cap(); Linux 6.12.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

enum class PacketWay : std::uint8_t { ingress, egress };

/// The XDP program of an interface.
void pass_xdp(Journey& journey, const Interface& interface);
/// Filters of traffic control at an interface.
void pass_traffic_control(Walk& walk, Journey& journey, Int interface, PacketWay way);
/// Programs that choose the socket before the lookup does.
void pass_socket_programs(Walk& walk, Journey& journey);
/// Programs of the listener's cgroup.
void pass_cgroup_programs(Walk& walk, Journey& journey, const Socket& listener);

} // namespace synfate
