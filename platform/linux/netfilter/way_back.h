// The kernel's route to one address, as rules that look back to the source ask for it.
#pragma once

#include <optional>

#include "core/facts/tables.h"
#include "core/model/model.h"

namespace synfate {

/// A packet of this host to `address`, with a mark or 0. Every key of the question is told, so that
/// answers to other questions about the same address are not taken for this one's. Nothing while it
/// is pending, or if it could not be asked.
std::optional<RouteLookup> ask_way_back(Inquiry& inquiry, Int netns, const IpAddress& address,
                                        std::uint32_t mark);

} // namespace synfate
