// Parts of a packet class on their way through a table's chains.
#pragma once

#include <memory>
#include <vector>

#include "core/model/flow.h"
#include "platform/linux/netfilter/packet.h"

namespace synfate::xt {

/// Parts share what they have not changed.
using SharedPacket = std::shared_ptr<const PacketClass>;

struct Traveller {
  SharedPacket packet;
  std::vector<PathStep> details; ///< rules hit and jumps, if a trace is wanted
};
using Travellers = std::vector<Traveller>;

/// Puts parts that have come to the same place together again where they make one class: they
/// differ in addresses only, in ports only, or in opposite answers to one question.
void join_all(Travellers& travellers);

} // namespace synfate::xt
