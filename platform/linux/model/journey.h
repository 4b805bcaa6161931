// One way a flow may go: the packet as it is now, where it has been, and what stopped it.
//
// A flow begins as one journey. Where something cannot be told (a limit, a random choice) or
// differs within the class of clients, it splits. After a stop the journey goes on as if what
// stopped it were lifted, to find everything else that stands in the way; the first stop is what
// the client meets.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/flow.h"
#include "platform/linux/netfilter/hooks.h"

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

struct Journey {
  PacketClass packet;
  Packet kind = Packet::syn;
  bool reply = false; ///< the packet is an answer of this host
  Int netns = 0;
  std::vector<PathStep> path; ///< up to the first stop
  std::vector<Stop> stops;
  std::set<CulpritId> lifted;
  std::vector<NearMiss> near_misses;
  std::vector<std::string> assumptions;
  std::vector<std::string> conditions; ///< in words: this way is taken only if
  std::vector<Evidence> evidence;
  Certainty certainty = Certainty::certain;
  std::optional<Socket> listener; ///< who gets the connection
  IpAddress final_address;        ///< where it is delivered, after NAT
  std::uint16_t final_port = 0;

  bool stopped() const { return !stops.empty(); }
};

using Journeys = std::vector<Journey>;

/// Appends a step to the path; nothing once the journey is stopped.
void add_step(Journey& journey, Stage stage, Verdict verdict, std::optional<Culprit> by = {},
              std::string note = {});
/// Records a stop, with its step, and lifts its culprit.
void add_stop(Journey& journey, Stop stop);
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

} // namespace synfate
