// A report as text for an engineer: the verdict, what decides it, the proof, the fix; then who else
// is affected, the packet's path, and what could not be seen.
//
//   tcp/8080 on web-3: refused from the network, open from localhost
//
//   ✗ nginx listens on 127.0.0.1 only  [listen.loopback_only]
//     …
//     proof  socket tcp 127.0.0.1:8080 listen, nginx (pid 812, user www-data) since …
//     fix    bind 8080 to 0.0.0.0 or 10.77.0.1 in the configuration of nginx
//
// Tested by tests/unit/core/report/render_text_test.cpp, whose expected texts are whole pages.
#pragma once

#include <span>
#include <string>

#include "core/report/page.h"
#include "core/report/report.h"

namespace synfate {

/// One page for each report, with an empty line between them. Ends with a line break.
std::string render_text(const Snapshot& snapshot, std::span<const Report> reports,
                        const TextOptions& options);

} // namespace synfate
