// What a hook, or one chain of it, does with a packet class: a list of branches.
//
// The branches are disjoint and together cover the class: cut by the client's address and port
// where rules tell them apart, or, for what a read cannot pin down (a limit's tokens, a random
// choice, a payload), equal classes that carry opposite conditions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/flow.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// What became of the packet.
enum class HookVerdict : std::uint8_t {
  accept, ///< goes on, perhaps changed (see the branch's packet)
  drop,   ///< silently gone
  reject, ///< gone, and an answer is sent: see Rejection
  queue,  ///< handed to a program in user space
  stolen, ///< taken away: sent elsewhere (fwd), answered by the kernel itself (synproxy)
  unknown ///< cannot be told; Branch::why says what stands in the way
};
std::string_view to_string(HookVerdict verdict);

/// The answer a reject sends.
struct Rejection {
  bool reset = false;     ///< a TCP RST
  Icmp icmp = Icmp::none; ///< otherwise the ICMP error
  friend bool operator==(const Rejection&, const Rejection&) = default;
};

/// Where a queue verdict sends the packet.
struct QueueTarget {
  std::uint16_t first = 0; ///< lowest queue number
  std::uint16_t last = 0;  ///< highest: one of them by hash
  bool bypass = false;     ///< accepted if nobody listens
  friend bool operator==(const QueueTarget&, const QueueTarget&) = default;
};

/// How a stolen packet goes on.
enum class Theft : std::uint8_t {
  none,
  forwarded, ///< nft fwd: leaves by Branch::stolen_interface
  synproxy,  ///< answered with a SYN-ACK by the kernel; the real handshake follows the client's ACK
  unknown,   ///< stolen by something we do not model
};

/// One thing that may become of the class.
struct Branch {
  PacketClass packet; ///< the sub-class, and the packet as it is afterwards
  HookVerdict verdict = HookVerdict::accept;
  Rejection rejection;            ///< verdict reject
  QueueTarget queue;              ///< verdict queue
  Theft theft = Theft::none;      ///< verdict stolen
  Int stolen_interface = 0;       ///< Theft::forwarded
  std::string why;                ///< verdict unknown: what is not known; otherwise a short note
  std::optional<Culprit> culprit; ///< the rule or policy that decided; for accept: that accepted
  std::vector<PathStep> steps;    ///< one per base chain, details (rules hit, jumps) marked so
  std::vector<NearMiss> near_misses;
  Certainty certainty = Certainty::certain;
};

/// What one chain does; what run_hook() joins.
using Branches = std::vector<Branch>;

} // namespace synfate
