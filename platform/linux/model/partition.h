// Every client there can be, by what becomes of it and what decides: `synfate who`.
//
// For each interface that is up, and lo, one walk for all addresses of a family at once
// (class_walk.h). Who a client over an interface calls is what flows.h says for a single one, so
// that `explain --from ADDR%IFACE` of any member of a class gives the outcome of its class.
// Ports of a bridge or bond are left out: their packets arrive on the master.
// Tested by tests/twin/partition.py against single flows.
#pragma once

#include <optional>
#include <vector>

#include "core/model/model.h"
#include "platform/linux/netfilter/hooks.h"

namespace synfate {

/// Disjoint for one interface and address called, and together both families.
std::vector<SourceClass> partition_clients(Inquiry& inquiry, Ruleset& ruleset, const XtTables* xt,
                                           const Target& target, const std::optional<Identity>& as);

} // namespace synfate
