// What the tests of rules share: the schema of the core tables, packs from text, small snapshots.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/rules/engine.h"
#include "core/rules/loader.h"

namespace synfate::rules::fixtures {

constexpr Int netns = 4026531840;

inline Schema schema() {
  Schema schema;
  (void)add_core_tables(schema);
  return schema;
}

inline std::shared_ptr<const SourceFile> file(std::string text, std::string name = "p.toml") {
  return std::make_shared<SourceFile>(std::move(name), std::move(text));
}

/// A pack with a head in front of `rules`; the head is one line.
inline std::string pack(const std::string& rules) {
  return "pack = { id = \"p\", title = \"t\" }\n" + rules;
}

inline Loaded load(const std::string& rules) {
  return load_packs({file(pack(rules))}, schema());
}

/// Every table was read and is empty, but for those named.
inline Snapshot snapshot(const std::vector<std::string>& not_collected = {}) {
  Snapshot snapshot(schema());
  HostFacts host;
  host.netns = netns;
  host.os = "linux";
  host.taken_at = 1'800'000'000'000;
  snapshot.set_host(host);
  for (const auto& [name, spec] : snapshot.schema().tables()) {
    const bool missing =
        std::find(not_collected.begin(), not_collected.end(), name) != not_collected.end();
    snapshot.answered({name, {}}, missing ? std::vector{name} : std::vector<std::string>());
  }
  return snapshot;
}

inline Socket listener(const char* address, Int port, Int inode = 7) {
  Socket socket;
  socket.netns = netns;
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = *IpAddress::parse(address);
  socket.local_port = port;
  socket.inode = inode;
  return socket;
}

inline FlowReport flow(Outcome outcome, std::optional<Stage> stage = Stage::socket_lookup,
                       std::uint16_t port = 80) {
  FlowReport report;
  report.flow.from = *IpAddress::parse("10.0.0.9");
  report.flow.from_interface = "eth0";
  report.flow.name = "on-link of eth0";
  report.flow.to = *IpAddress::parse("10.0.0.1");
  report.flow.port = port;
  report.fate.outcome = outcome;
  report.fate.stopped_at = stage;
  report.fate.final_address = report.flow.to;
  report.fate.final_port = port;
  report.fate.final_netns = netns;
  return report;
}

} // namespace synfate::rules::fixtures
