#include "tests/unit/core/report/sample.h"

namespace synfate::sample {
namespace {

constexpr Int taken_at = 1795216200123; // 2026-11-20 23:10:00.123 UTC

HostFacts host() {
  HostFacts facts;
  facts.name = "web-3";
  facts.os = "linux";
  facts.kernel = "6.18.44";
  facts.netns = 4026531840;
  facts.taken_at = taken_at;
  return facts;
}

Socket listener() {
  Socket socket;
  socket.netns = Int{4026531840};
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = IpAddress::loopback(IpFamily::v4);
  socket.local_port = Int{8080};
  socket.inode = Int{7};
  socket.cookie = Int{1};
  socket.uid = Int{33};
  return socket;
}

} // namespace

Snapshot snapshot() {
  Schema schema;
  if (!add_core_tables(schema))
    throw std::logic_error("the core tables do not fit together");
  Snapshot made(std::move(schema));
  made.set_host(host());
  return made;
}

Snapshot snapshot_with_listener(const std::string& process_name) {
  auto made = snapshot();
  made.add(listener());
  SocketOwner owner;
  owner.inode = Int{7};
  owner.pid = Int{812};
  owner.fd = Int{6};
  made.add(owner);
  Process process;
  process.pid = Int{812};
  process.name = process_name;
  process.user = Text("www-data");
  process.uid = Int{33};
  process.state = Text("sleeping");
  process.unit = Text("nginx.service");
  process.started_at = taken_at - Int{12 * 60 * 1000};
  made.add(process);
  return made;
}

Target port(std::uint16_t number) {
  Target target;
  target.text = std::to_string(number);
  target.port = number;
  return target;
}

FlowReport remote(const std::string& client, const std::string& name, Outcome outcome) {
  FlowReport entry;
  entry.flow.from = IpAddress::parse(client).value();
  entry.flow.from_interface = "eth0";
  entry.flow.name = name;
  entry.flow.to = *IpAddress::parse(entry.flow.from.is_v4() ? "10.77.0.1" : "fd77::1");
  entry.flow.port = 8080;
  entry.fate.outcome = outcome;
  return entry;
}

FlowReport local(Outcome outcome) {
  auto entry = remote("127.0.0.1", "localhost", outcome);
  entry.flow.local = true;
  entry.flow.from_interface = "lo";
  entry.flow.to = IpAddress::loopback(IpFamily::v4);
  return entry;
}

PathStep step(Stage stage, Verdict verdict) {
  PathStep made;
  made.stage = stage;
  made.verdict = verdict;
  return made;
}

Report loopback_only() {
  Report report;
  report.host = host();
  report.target = port(8080);
  report.flows = {local(Outcome::open), remote("10.77.0.2", "on-link of eth0", Outcome::refused)};
  auto& fate = report.flows[1].fate;
  fate.error = "ECONNREFUSED";
  fate.stopped_at = Stage::socket_lookup;
  fate.culprit = Culprit{"socket", "tcp/127.0.0.1:8080", ""};
  fate.blockers = {{Stage::socket_lookup, *fate.culprit}};
  fate.path = {step(Stage::interface), step(Stage::prerouting), step(Stage::route),
               step(Stage::input), step(Stage::socket_lookup, Verdict::stop)};
  Finding finding;
  finding.rule = "listen.loopback_only";
  finding.stage = Stage::socket_lookup;
  finding.title = "nginx listens on 127.0.0.1 only";
  finding.explain = "Connections that come to another address of this host find no socket, and the "
                    "kernel answers with a reset.";
  finding.fix = {"bind 8080 to 0.0.0.0 or 10.77.0.1 in the configuration of nginx"};
  finding.flows = {1};
  finding.culprit = fate.culprit;
  finding.evidence = {{"socket", 0}};
  report.findings = {finding};
  return report;
}

Report rejected() {
  Report report;
  report.host = host();
  report.target = port(8080);
  report.flows = {remote("10.77.0.2", "on-link of eth0", Outcome::refused)};
  auto& fate = report.flows[0].fate;
  fate.error = "ECONNREFUSED";
  fate.stopped_at = Stage::input;
  fate.culprit =
      Culprit{"nft_rule", "inet/filter/input/14", "tcp dport 8080 reject with tcp reset"};
  fate.blockers = {{Stage::input, *fate.culprit},
                   {Stage::socket_lookup, {"socket", "tcp/127.0.0.1:8080", ""}}};
  fate.near_misses = {{{"nft_rule", "inet/filter/input/9", "ip saddr 10.0.0.0/16 accept"},
                       "ip saddr",
                       "10.0.0.0/16",
                       "10.77.0.2"}};
  auto nat = step(Stage::prerouting);
  nat.chain = "ip/nat/PREROUTING";
  nat.priority = -100;
  auto input = step(Stage::input, Verdict::stop);
  input.chain = "inet/filter/input";
  input.priority = 0;
  input.by = fate.culprit;
  input.note = "reject with tcp reset";
  fate.path = {nat, input};
  Finding finding;
  finding.rule = "fw.reject";
  finding.stage = Stage::input;
  finding.title = "a firewall rule rejects tcp/8080";
  finding.explain = "Rule 14 of inet/filter/input answers with a reset.";
  finding.fix = {"nft delete rule inet filter input handle 14"};
  finding.flows = {0};
  finding.culprit = fate.culprit;
  report.findings = {finding};
  report.gaps = {{"owners", "owners of other users' sockets", "needs CAP_SYS_PTRACE",
                  "processes are not named", "run as root"}};
  return report;
}

} // namespace synfate::sample
