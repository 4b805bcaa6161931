// Parts of text pages that several commands share. Tested through each command's page.
#pragma once

#include <span>

#include "core/report/page.h"
#include "core/report/report.h"

namespace synfate {

/// How an outcome is painted.
Style outcome_style(Outcome outcome);

/// Title, explanation, proof and fix of one finding. `affected` says for whom it holds, where that
/// is not everybody.
void write_finding(Page& page, const Snapshot& snapshot, const Finding& finding,
                   std::string_view affected = {});

/// What could not be read, why, what follows, and how to help.
void write_gaps(Page& page, std::span<const Gap> gaps);

/// That a firewall outside of this namespace cannot be seen from here; nothing on a plain host.
void write_outer_host(Page& page, const HostFacts& host);

} // namespace synfate
