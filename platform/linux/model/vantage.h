// From where clients come: each interface that is up, with all sources that packets there may have.
// Tested by tests/unit/platform/linux/model/vantage_test.cpp.
#pragma once

#include <vector>

#include "core/facts/tables.h"
#include "core/model/flow.h"
#include "platform/linux/netfilter/interval_set.h"

namespace synfate {

/// Clients of one family over one interface who call one address.
struct Vantage {
  enum class Kind : std::uint8_t {
    clients,    ///< a walk tells
    no_address, ///< this host has no address of the family that they could call
    elsewhere,  ///< such a source is not here: lo carries this host's own packets only
    no_target,  ///< the target has no address of the family
    vrf,        ///< routed by a VRF, whose tables are not followed
  };
  Kind kind = Kind::clients;
  Flow flow; ///< of one of them
  IntervalSet sources;
};

/// What the host has.
struct VantageFacts {
  std::vector<Interface> interfaces;
  std::vector<Address> addresses;
  std::vector<Route> local_routes; ///< of type local
};

/// All of them; for one interface and address called they are disjoint and together the family.
std::vector<Vantage> vantages_of(const VantageFacts& facts, const Target& target,
                                 const std::optional<Identity>& as);

} // namespace synfate
