// How the things of a report are called in text: targets, clients, outcomes, times.
// Tested by tests/unit/core/report/words_test.cpp.
#pragma once

#include <string>

#include "core/report/report.h"

namespace synfate {

/// What a flow's outcome means for the question "does it work".
enum class Standing : std::uint8_t {
  open,     ///< it works
  not_open, ///< it certainly does not, or every branch ends in some kind of not open
  unsure,   ///< it cannot be told, or only likely
};

/// open only for a certain or likely `open`; not_open for a certain other outcome.
Standing standing(const Fate& fate);

/// "tcp/8080", "tcp/[::1]:8080", "unix:@name", "tcp/host.example:8080 (10.0.0.5)".
std::string target_words(const Target& target);
/// "10.0.0.5:8080", "[::1]:8080".
std::string endpoint_words(const IpAddress& address, std::int64_t port);
/// "localhost", "this host", "10.77.0.2": who a flow's client is.
std::string client_words(const Flow& flow);
/// The address a client calls, or the path of a Unix socket.
std::string callee_words(const Flow& flow);
/// "refused", "unreachable (host-prohibited)".
std::string outcome_words(Outcome outcome, Icmp icmp);
/// "nft_rule inet/filter/input/14", "file /run/app.sock", "socket unix:/run/app.sock".
std::string culprit_words(const Culprit& culprit);
/// "2026-11-20 23:10:00 UTC"; UTC because a replay must say the same on another machine.
std::string time_words(std::int64_t ms_since_1970);
/// "2026-11-20T23:10:00.123Z".
std::string timestamp(std::int64_t ms_since_1970);
/// "45 s", "12 min", "3 h", "8 days".
std::string duration_words(std::int64_t ms);

/// The verdict in one line: "tcp/8080 on web-3: refused from the network, open from localhost".
std::string verdict_line(const Report& report);

} // namespace synfate
