// What becomes of a connect() to a Unix socket.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

/// The one flow of a Unix target: a client on this host.
Flow unix_flow(const Target& target);

/// The way of one connect(), or of the first datagram. Meaningless while walk.inquiry.pending().
Journeys walk_unix(Walk& walk);

} // namespace synfate
