// Reports as a real run would make them, for the renderers' tests.
#pragma once

#include "core/facts/tables.h"
#include "core/report/report.h"

namespace synfate::sample {

/// web-3, looked at by root at 2026-11-20 23:10:00.123 UTC.
Snapshot snapshot();

/// A listener on 127.0.0.1:8080 owned by nginx (pid 812); the rows' positions are 0.
Snapshot snapshot_with_listener(const std::string& process_name = "nginx");

Target port(std::uint16_t number);

/// A client of 10.77.0.1:8080 (or [fd77::1]:8080) on eth0.
FlowReport remote(const std::string& client, const std::string& name, Outcome outcome);
FlowReport local(Outcome outcome);

/// One decision of the first packet.
PathStep step(Stage stage, Verdict verdict = Verdict::pass);

/// nginx on 127.0.0.1 only: open from localhost, refused from one neighbour.
Report loopback_only();

/// Refused by an nft rule, with a second blocker and a near miss.
Report rejected();

} // namespace synfate::sample
