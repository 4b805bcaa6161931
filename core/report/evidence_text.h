// Rows in short form: the few words of a row that an operator needs as proof.
// Tested by tests/unit/core/report/evidence_text_test.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/model/flow.h"

namespace synfate {

/// One line for each row: "tcp 127.0.0.1:8080 listen, nginx (pid 812, user www-data) since …". A
/// socket's owners are taken from the same snapshot; what is unknown is said to be so. A row that
/// an earlier line already tells (the owner of a socket) is left out.
std::vector<std::string> evidence_lines(const Snapshot& snapshot,
                                        std::span<const Evidence> evidence);

/// "nginx (pid 812, user www-data, nginx.service) since 2026-11-20 22:58:00 UTC (12 min)".
std::string process_words(const Snapshot& snapshot, std::int64_t pid);

} // namespace synfate
