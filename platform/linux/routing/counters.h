// Counters of the network stack: files below /proc/thread-self/net.
//
//   snmp, netstat   Tcp: RtoAlgorithm RtoMin …      two lines for each group: names, values
//                   Tcp: 1 200 …
//   snmp6           Ip6InReceives          17      becomes Ip6.InReceives
//   xfrm_stat       XfrmInPolBlock         2       becomes Xfrm.InPolBlock
//   sockstat        TCP: inuse 5 orphan 0 …        becomes sockstat.TCP.inuse
//   stat/NAME       entries  searched found …      names, then one hexadecimal line for each CPU;
//                   00000001 00000000 …            becomes nf_conntrack.drop, the sum of all CPUs
//
// `entries` of a stat file is the same number in every line and is not summed. Tested by
// tests/unit/platform/linux/routing/counters_test.cpp and tests/fuzz/fuzz_route_messages.cpp.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/facts/tables.h"

namespace synfate::linux_routing {

struct NamedCount {
  std::string name;
  Int value = 0;
  friend bool operator==(const NamedCount&, const NamedCount&) = default;
};

/// snmp and netstat. Damaged if names and values do not go together.
Result<std::vector<NamedCount>> parse_counter_pairs(std::string_view text);
/// snmp6 and xfrm_stat: one name and value a line.
Result<std::vector<NamedCount>> parse_counter_lines(std::string_view text);
/// sockstat and sockstat6; `group` comes first in the names.
Result<std::vector<NamedCount>> parse_sockstat(std::string_view text, std::string_view group);
/// A file of stat/; `group` is its name.
Result<std::vector<NamedCount>> parse_cpu_counters(std::string_view text, std::string_view group);

/// Files below /proc/thread-self/net that hold counters: all there are, or those in which a counter
/// of this name would be.
std::vector<std::string> counter_files(const std::string& root,
                                       std::optional<std::string_view> name);

/// The counters of one file; none if this kernel does not have the file.
Result<std::vector<NamedCount>> read_counters(const std::string& root, const std::string& file);

} // namespace synfate::linux_routing
