// The routing decision for all addresses at once: which sources pass validation on an interface,
// which clients an answer reaches and by which way.
//
// Between two neighbouring Fib::boundaries() every address gets the same answers, so one of each
// range is asked. Tested by tests/unit/platform/linux/routing/fib_classes_test.cpp, also against
// single questions for random addresses.
#pragma once

#include <string>
#include <vector>

#include "platform/linux/netfilter/interval_set.h"
#include "platform/linux/routing/fib.h"

namespace synfate::linux_routing {

/// Addresses that all get these answers.
struct AddressClass {
  IntervalSet addresses;
  FibAnswers answers;
};

/// All sources from which a packet may come to `packet.destination` on `packet.input_interface`.
/// Disjoint, and together the whole family. `packet.source` does not count.
std::vector<AddressClass> partition_sources(const Fib& fib, const FibPacket& packet);

/// All destinations to which a packet of this host may go, from `packet.source`. Disjoint, and
/// together the whole family of `packet.destination`, which otherwise does not count.
std::vector<AddressClass> partition_destinations(const Fib& fib, const FibPacket& packet);

/// All addresses that a packet of this host may have as its source, to `packet.destination`.
/// Disjoint, and together the whole family. `packet.source` does not count.
std::vector<AddressClass> partition_own_sources(const Fib& fib, const FibPacket& packet);

/// All destinations to which a packet from `packet.source` that came by `packet.input_interface`
/// may go. Disjoint, and together the whole family.
std::vector<AddressClass> partition_arriving_for(const Fib& fib, const FibPacket& packet);

/// Equal for equal answers, and only for them.
std::string text_of(const FibAnswers& answers);

} // namespace synfate::linux_routing
