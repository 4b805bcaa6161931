// A flow: one client trying one target; and its fate: what the model derived.
//
// "Why" is recorded as data while deciding (path, culprit, blockers, near misses) and printed later
// by renderers, which add nothing to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_range.h"
#include "core/facts/snapshot.h"
#include "core/model/outcome.h"
#include "core/model/target.h"

namespace synfate {

/// What a server sets on its socket before bind().
struct BindFlags {
  bool reuse_address = false; ///< SO_REUSEADDR
  bool reuse_port = false;    ///< SO_REUSEPORT
  bool v6only = false;        ///< IPV6_V6ONLY
  std::string interface;      ///< SO_BINDTODEVICE; may be empty
};

/// One client trying one target; or one server trying to bind it.
struct Flow {
  Proto proto = Proto::tcp;
  bool local = false;         ///< the client is in the target's network namespace
  IpAddress from;             ///< the client's address
  std::string from_interface; ///< where its packets arrive ("lo" if local); may be empty: by route
  std::string name;           ///< "localhost", "on-link of eth0", "default route"
  IpAddress to;               ///< the address the client calls
  std::string zone;           ///< of a link-local `to`: its interface here; may be empty
  std::uint16_t port = 0;
  std::uint16_t source_port = 0; ///< 0: any of a Linux client's, 32768-60999
  std::string path;              ///< Unix: the socket's file or abstract name
  bool abstract = false;
  std::string socket_type;          ///< Unix: stream, dgram, seqpacket; empty: the server's own
  std::int64_t root_pid = 0;        ///< Unix: below this process's root directory; 0: our own
  std::optional<Identity> identity; ///< --as
  std::optional<BindFlags> bind;    ///< bind() and listen() instead of connect()
  bool near_misses = true;          ///< false: the rules that nearly let it in are not looked for
};

/// What a packet carried where it was stopped.
struct StoppedPacket {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0; ///< 0: any of the client's
  std::uint16_t destination_port = 0;
  bool answer = false; ///< it came from the server
};

/// One stage's verdict on one packet.
struct PathStep {
  Packet packet = Packet::syn;
  Stage stage = Stage::interface;
  std::string chain;           ///< "inet/filter/input", "conntrack"; empty outside netfilter
  std::optional<int> priority; ///< of the chain
  Verdict verdict = Verdict::pass;
  std::optional<Culprit> by;
  std::string note;
  std::int64_t netns = 0;               ///< inode of the namespace the step happens in
  bool detail = false;                  ///< shown under -v only (rules passed on the way)
  std::optional<StoppedPacket> carried; ///< of a packet that a hook stops
};

struct Blocker {
  Stage stage = Stage::interface;
  Culprit culprit;
};

/// What would have let the flow in, and the one field that did not match.
struct NearMiss {
  Culprit by;
  std::string field;  ///< "ip saddr"
  std::string wanted; ///< "10.0.0.0/8"
  std::string had;    ///< "203.0.113.7"
};

/// One of several things that may happen, where a read cannot pin down which.
struct Alternative {
  Outcome outcome = Outcome::unknown;
  Icmp icmp = Icmp::none;
  Stage stopped_at = Stage::interface;
  std::optional<Culprit> culprit;
  std::string when; ///< "the limit has no tokens left"
};

/// A row that proves a claim.
struct Evidence {
  std::string table;
  std::size_t row = 0; ///< position in the snapshot's table
};

/// What becomes of a flow.
struct Fate {
  Outcome outcome = Outcome::unknown;
  Icmp icmp = Icmp::none;
  std::string error; ///< the client's errno by name; "" if none
  Certainty certainty = Certainty::certain;
  std::vector<Alternative> alternatives;
  std::optional<Stage> stopped_at;
  std::optional<Culprit> culprit;
  std::vector<Blocker> blockers;
  std::vector<NearMiss> near_misses;
  std::vector<PathStep> path;
  std::vector<std::string> assumptions; ///< what was taken for granted, in words
  std::vector<std::string> gaps;        ///< ids of gaps that mattered
  std::vector<Evidence> evidence;
  IpAddress final_address; ///< after NAT
  std::uint16_t final_port = 0;
  std::int64_t final_netns = 0;
};

struct FlowReport {
  Flow flow;
  Fate fate;
};

/// Sources that share one fate for one reason. There may be tens of thousands: it holds what is
/// told of them and no more.
struct SourceClass {
  std::vector<IpRange> sources; ///< disjoint, in order
  std::string interface;        ///< where their packets arrive
  std::string name;             ///< "on-link of eth0", "default route"; mostly empty
  std::optional<IpAddress> to;  ///< the address they call; nothing: there is none
  bool martian = false;         ///< such packets cannot arrive there
  Outcome outcome = Outcome::unknown;
  Icmp icmp = Icmp::none;
  Certainty certainty = Certainty::certain;
  std::optional<Stage> stopped_at;
  std::optional<Culprit> culprit;
  std::vector<std::string> via; ///< ids of the rules that let the first packet pass, in order
};

} // namespace synfate
