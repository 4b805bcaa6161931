// What becomes of bind() and listen(): the answer behind `synfate bind`.
#pragma once

#include <vector>

#include "core/model/model.h"

namespace synfate {

/// One flow with `bind` per address that would be bound, with its fate: `open` if the calls
/// succeed, `denied` with an errno if not. Where flags of other sockets decide that cannot be read,
/// the alternatives say which; the outcome is then the more likely one. A port alone means
/// [::] for IPv4 and IPv6, or both wildcard addresses where these fare differently.
std::vector<FlowReport> bind_attempts(Inquiry& inquiry, const Target& target,
                                      const BindRequest& request);

/// unix_bind.cpp: the same for a Unix socket.
FlowReport bind_unix_attempt(Inquiry& inquiry, const Target& target, const BindRequest& request);

} // namespace synfate
