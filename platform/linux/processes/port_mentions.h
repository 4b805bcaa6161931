// Where a port's number is written: command lines of processes, and unit files of systemd.
//
//   /proc/PID/cmdline        java -Dserver.port=8080 -jar shop.jar
//   shop.service             ExecStart=/usr/bin/shop --listen 0.0.0.0:8080
//   shop.socket              ListenStream=8080
//
// A hint at who should listen on a port that nobody listens on, and no more than that: a client's
// command line has the number as well. The tool's own process and those that started it are left
// out. Of a unit file only Listen…=, Exec…= and Environment= count, drop-ins included, and the unit
// is named once. Tested by
// tests/unit/platform/linux/processes/port_mentions_test.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/delivery.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// True if the number stands in the text by itself, or behind "-p" or "-P".
bool mentions_port(std::string_view text, std::int64_t port);

/// The first line of a unit file that sets up something with this port, and the first that does so
/// for datagrams alone (ListenDatagram=), in the order of the file.
std::vector<std::string_view> unit_lines_with_port(std::string_view file, std::int64_t port);

void read_port_mentions(std::int64_t port, const ProcessSource& source,
                        const Delivery<PortMention>& delivery);

} // namespace synfate
