// The answer of a bare `synfate`: every port that listens here, its owner, and who can reach it
// (synfate.overview/1). Tested by tests/unit/core/report/other_reports_test.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/report/page.h"
#include "core/report/report.h"
#include "core/report/who_report.h"

namespace synfate {

/// The process that holds a listener.
struct ListenerOwner {
  std::int64_t pid = 0;
  std::string name;
  std::string user;

  friend bool operator==(const ListenerOwner&, const ListenerOwner&) = default;
};

/// A port something listens on, or that NAT leads in.
struct Listener {
  Proto proto = Proto::tcp;
  std::optional<IpAddress> address;
  std::uint16_t port = 0;
  std::string interface;                   ///< bound to this one only; mostly empty
  std::string path;                        ///< Unix sockets only
  Fact<ListenerOwner> owner;               ///< absent: the kernel, or NAT leads it elsewhere
  bool kernel = false;                     ///< a link's socket in the kernel; `service` names it
  std::vector<std::int64_t> holders;       ///< processes that hold its sockets
  bool holders_complete = false;           ///< these are all of them
  std::string led_to;                      ///< where NAT leads it; empty: a socket of this host
  std::string service;                     ///< unit or container; may be empty
  std::vector<SourceClass> reachable_from; ///< who was asked for, open or not
  std::vector<Finding> findings;
};

struct Overview {
  HostFacts host;
  bool clients_named = false;      ///< it tells of certain clients, which were asked for
  bool sources_left_out = false;   ///< who gets in is told for one client of each network only
  std::vector<Listener> listeners; ///< in the order they are shown
  std::vector<Gap> gaps;
};

std::string render_overview_text(const Snapshot& snapshot, const Overview& overview,
                                 const TextOptions& options);
std::string render_overview_json(const Snapshot& snapshot, const Overview& overview, bool one_line);

} // namespace synfate
