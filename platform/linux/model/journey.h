// One way a flow may go: the packet as it is now, where it has been, and what stopped it.
//
// A flow begins as one journey. Where something cannot be told (a limit, a random choice) or
// differs within the class of clients, it splits. After a stop the journey goes on as if what
// stopped it were lifted, to find everything else that stands in the way; the first stop is what
// the client meets.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/flow.h"
#include "platform/linux/netfilter/hooks.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {

/// What ended a packet's way, as the client sees it.
struct Stop {
  Outcome outcome = Outcome::unknown;
  Icmp icmp = Icmp::none;
  std::string error; ///< the client's errno by name
  Stage stage = Stage::interface;
  std::optional<Culprit> culprit;
  std::string note;
  bool martian = false; ///< a source that cannot arrive there
};

/// A namespace that the packet was forwarded through, and the one it came to.
struct Hop {
  Int netns = 0;
  Int in = 0;  ///< the interface it came by; 0: a local client's
  Int out = 0; ///< the interface it left by
  Int next_netns = 0;
  Int next_in = 0;
  bool bridged = false;  ///< from port to port of a bridge: nothing was routed,
  bool below_ip = false; ///< and no hook of IP saw it
};

/// The user and the group of a socket's file (f_cred), which `meta skuid` and `meta skgid` ask for.
struct SocketFile {
  Perhaps<std::uint32_t> uid = Perhaps<std::uint32_t>::unknown("the user of the socket");
  Perhaps<std::uint32_t> gid = Perhaps<std::uint32_t>::unknown("the group of the socket");
  bool present = true; ///< the kernel's own sockets have none
};

/// What a try of TCP leaves behind where it is lost: the next one meets it.
struct Traces {
  Int netns = 0;
  ConntrackView ct;                        ///< of that namespace
  std::map<Int, ConntrackView> conntracks; ///< of the others
  Remembered remembered;
};

struct Journey {
  PacketClass packet;
  Packet kind = Packet::syn;
  bool reply = false;   ///< the packet is an answer of this host
  bool to_many = false; ///< it was sent to a group or to everybody: no answer can come from there
  Int netns = 0;
  std::vector<Hop> hops;                   ///< of the first packet
  std::map<Int, ConntrackView> conntracks; ///< of the namespaces it has left, by inode
  Int forward_by = 0;                      ///< routed to another host, by this interface
  IpAddress next_hop;                      ///< then: to this neighbour
  bool bridged = false;       ///< client and target are behind ports of a bridge of this host
  bool arrived = false;       ///< an answer that has come to the client past the rest of its legs
  bool over = false;          ///< it ends here: nothing further on this machine sees the packet
  std::vector<PathStep> path; ///< up to the first stop
  std::vector<Stop> stops;
  /// An answer whose route leads back to this host: lost, unless output has it routed again.
  std::optional<Stop> kept_here;
  std::set<CulpritId> lifted;
  std::vector<NearMiss> near_misses;
  std::vector<std::string> assumptions;
  std::vector<std::string> conditions; ///< in words: this way is taken only if
  std::vector<Evidence> evidence;
  Certainty certainty = Certainty::certain;
  /// Of the bridges (namespace, index) that it has come by: the port.
  std::map<std::pair<Int, Int>, Int> ports;
  Int client_out = 0;                        ///< a local client's way to another host: the device,
  IpAddress client_next_hop;                 ///< and the neighbour
  std::optional<IpAddress> routed_to;        ///< where a local client's kernel routed the packet
  Perhaps<std::uint32_t> accepted_mark = 0U; ///< of the SYN, if the connection takes it over
  std::optional<Socket> listener;            ///< who gets the connection
  SocketFile accepted;                       ///< of the socket that accept() makes of it
  TcpOffer client_offer;                     ///< as it came to the server
  TcpOffer server_offer;                     ///< as it came to the client
  std::optional<Traces> traces;              ///< of the first stop, if rules could ask for them
  bool tried_before = false;                 ///< it is the client's second try
  IpAddress final_address;                   ///< where it is delivered, after NAT
  std::uint16_t final_port = 0;

  bool stopped() const { return !stops.empty(); }
};

using Journeys = std::vector<Journey>;
/// The one journey there is; a list in braces would copy it.
inline Journeys alone(Journey journey) {
  Journeys journeys;
  journeys.push_back(std::move(journey));
  return journeys;
}

/// Appends a step to the path; nothing once the journey is stopped.
void add_step(Journey& journey, Stage stage, Verdict verdict, std::optional<Culprit> by = {},
              std::string note = {});
/// Puts the steps of a message that came before the packet behind its own.
void add_steps(Journey& journey, std::vector<PathStep> steps);
/// What becomes of the packet there cannot be told.
Stop unknown_at(Stage stage, std::string why, std::optional<Culprit> by = {});
/// Records a stop, with its step, and lifts its culprit.
void add_stop(Journey& journey, Stop stop);
/// Before the first stop: notes what the connection is then like, where it is tried again.
void keep_traces(Journey& journey, const PacketClass& packet);
/// It is lost, and the client's next try may fare otherwise.
bool is_tried_again(const Journey& journey);
/// Something taken for granted: the journey is at most likely.
void assume(Journey& journey, std::string what);

/// ECONNREFUSED, EHOSTUNREACH …: what a Linux client's connect() reports for an ICMP error;
/// icmp_err_convert in net/ipv4/icmp.c, icmpv6_err_convert() in net/ipv6/icmp.c, Linux 6.12.
std::string error_of(Icmp icmp, IpFamily family);
/// `refused` for a port unreachable, else `unreachable`.
Outcome outcome_of(Icmp icmp);

/// Joins the ways a flow may go into its fate. `many`: the flow stands for many clients, of whom
/// each may know what is undecided here.
Fate fate_of(const Journeys& journeys, const Inquiry& inquiry, bool many = false);
/// True if a part of what decides the way of a packet could not be read. (Rules are not meant: what
/// is not known of them is unknown by name.)
bool way_is_partly_seen(const Inquiry& inquiry);

} // namespace synfate
