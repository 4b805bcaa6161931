// What a manager of services makes of one of them, as a table.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// The state of one service, as far as it can be read without asking its manager.
struct ServiceState {
  Fact<Text> unit;
  Fact<bool> active;
  Fact<bool> masked;
};

template <>
inline constexpr auto description_of<ServiceState> = describe_answers(
    "service_state", "Whether a service is started.",
    key(column(&ServiceState::unit, "unit", "", "Asked: the service, on Linux a systemd unit.")),
    column(&ServiceState::active, "active", "",
           "It is started, or is starting or stopping; false: inactive or failed; absent if that "
           "cannot be told."),
    column(&ServiceState::masked, "masked", "", "It is forbidden to start it."));

} // namespace synfate
