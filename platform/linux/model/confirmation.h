// Which socket gets a packet: the model's choice, held against the kernel's own.
//
// sock_diag answers a request for one four-tuple with the lookup of an arriving packet
// (platform/linux/sockets/tables.h, `socket_lookup`). On a live host each choice is asked for; a
// saved run brings the answers along. The kernel knows what no table shows: SO_REUSEPORT, and BPF
// programs of type sk_lookup. Where it names another socket than the model, its answer counts, and
// the difference is an assumption that makes the flow at most likely.
//
// The client's port is asked as 0, which no connection has: so no established connection answers,
// and connected UDP sockets match only if they are connected to an address alone. Among equal UDP
// sockets several ports are asked: in a reuseport group the answers differ.
// Tested by tests/unit/platform/linux/model/confirmation_test.cpp and, against the kernel, by
// tests/twin.
#pragma once

#include "platform/linux/model/socket_lookup.h"
#include "platform/linux/model/walk.h"

namespace synfate {

/// Who gets the packet.
struct Receivers {
  std::vector<Socket> sockets; ///< more than one: the hash of the four-tuple picks one
  std::string note;            ///< how sure that is, in words
  std::optional<Stop> lost;    ///< set: the kernel finds none where the model does
  bool may_be_v6only = false;  ///< an IPv6 listener that may not serve IPv4: nobody could be asked
};

/// Chooses among `sockets`, which hold the port. Meaningless while walk.inquiry.pending().
Receivers choose_receivers(Walk& walk, Journey& journey, const LookupQuestion& question,
                           const std::vector<Socket>& sockets);

/// delivery.cpp: notes, before the first step, what choose_receivers() will ask if nothing on the
/// way changes where the packet goes: a walk that comes there only to ask has gone in vain.
void foresee_delivery(Walk& walk);

/// The question to the kernel.
Request lookup_request(const Walk& walk, Int netns, const LookupQuestion& question,
                       Int client_port);

/// "inode 4711"; empty if it is not known.
std::string inode_note(const Socket& socket);

/// service.cpp: notes what serve() will ask about a listener, so that it is collected with what is
/// asked before.
void foresee_service(Walk& walk, const Socket& listener);

} // namespace synfate
