// The order of the stages: a client's packets through this host, and the answers back.
//
// Follows a SYN through ip_rcv()/ip6_rcv_core(), routing, netfilter, tcp_v4_rcv() and
// tcp_conn_request(), the SYN-ACK through ip_local_out() or ip6_xmit(), then the client's ACK and
// its first data the same way as the SYN (net/ipv4/ip_input.c, tcp_ipv4.c, tcp_input.c;
// Linux 6.12). Each stage takes journeys and gives journeys; this file only says in which order.
// Tested by tests/lab and tests/twin.
#pragma once

#include <memory>

#include "platform/linux/model/journey.h"

namespace synfate {

struct ClassWalk;
struct LinkMemory;
struct WalkNotes;

/// What every stage looks at.
struct Walk {
  Inquiry& inquiry;
  const Flow& flow;
  Ruleset& ruleset;
  const XtTables* xt;
  /// Set: the flow stands for many clients, see class_walk.h.
  ClassWalk* classes = nullptr;
  /// Set: what is noted on the way, see alike.h.
  WalkNotes* notes = nullptr;
  /// What was seen of links so far; next_hop.cpp keeps it.
  std::shared_ptr<LinkMemory> links = nullptr;
};

/// All ways the flow may go; for many clients nothing, see ClassWalk::ends. Meaningless while
/// walk.inquiry.pending().
Journeys walk_flow(Walk& walk);

// The stages, in the order of the path; each in the file named.

/// client.cpp: what the kernel of a client elsewhere refuses, wherever it is.
void check_remote_client(const Walk& walk, Journey& journey);
/// A local client's own kernel, up to the loopback device.
Journeys leave_client(Walk& walk, Journey journey);
/// arrival.cpp: the interface, what is attached to it, and routing.
Journeys enter_interface(Walk& walk, Journey journey);
Journeys route_input(Walk& walk, Journey journey);
/// The packet has come by a device of another namespace.
Journeys enter_namespace(Walk& walk, Journey journey);
/// passage.cpp: one netfilter hook.
Journeys pass_hook(Walk& walk, Journey journey, Hook hook, HookFamily family = HookFamily::inet);
/// The same without moving the journey, where nothing but conntrack looks at it; false: not done.
bool pass_hook_in_place(Walk& walk, Journey& journey, Hook hook);
/// The same for each; empty while walk.inquiry.pending().
Journeys pass_each(Walk& walk, Journeys journeys, Hook hook, HookFamily family = HookFamily::inet);
/// bridge.cpp: the hooks from the wire to routing, with those of a bridge whose port it comes by.
Journeys pass_to_routing(Walk& walk, Journey journey);
/// The hooks of a bridge that the packet leaves by, where it does.
Journeys leave_by_bridge(Walk& walk, Journeys journeys);
/// delivery.cpp: socket lookup, policies, queues.
Journeys deliver(Walk& walk, Journey journey);
/// The sockets that hold a port: listeners, or all of UDP.
std::vector<Socket> ask_sockets(Walk& walk, Int netns, std::uint16_t port);
/// The socket gets the packet, if its policies and queues let it; `note`: how sure that is.
void enter_socket(Walk& walk, Journey& journey, const Socket& socket, const IpAddress& from,
                  const std::string& note);
/// service.cpp: who owns the listener, and whether it can serve.
void serve(Walk& walk, Journey& journey);
/// Whose file a listener or a UDP socket is: of the process that made it.
SocketFile file_of(Walk& walk, const Socket& socket);
/// reply.cpp: the answer's way out.
Journeys send_reply(Walk& walk, Journey journey, Packet kind);

} // namespace synfate
