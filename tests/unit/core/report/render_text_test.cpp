#include "core/report/render_text.h"

#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

std::string page(const Snapshot& snapshot, const Report& report, const TextOptions& options = {}) {
  return render_text(snapshot, {&report, 1}, options);
}

TextOptions width(std::size_t columns) {
  TextOptions options;
  options.width = columns;
  return options;
}

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    widest = std::max(widest, display_width(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return widest;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Report thirty_flows() {
  auto report = sample::loopback_only();
  report.findings.clear();
  report.flows = {sample::local(Outcome::open)};
  for (int index = 2; index < 31; ++index)
    report.flows.push_back(sample::remote("10.77.0." + std::to_string(index), "",
                                          index % 3 == 0 ? Outcome::open : Outcome::timeout));
  return report;
}

Report all_open() {
  auto report = sample::loopback_only();
  report.findings.clear();
  auto entry = sample::remote("10.77.0.2", "on-link of eth0", Outcome::open);
  for (const auto stage : {Stage::interface, Stage::route, Stage::input, Stage::socket_lookup})
    entry.fate.path.push_back(sample::step(stage));
  for (const auto packet : {Packet::synack, Packet::ack, Packet::data}) {
    entry.fate.path.push_back(sample::step(Stage::output));
    entry.fate.path.back().packet = packet;
  }
  report.flows = {sample::local(Outcome::open), entry};
  return report;
}

} // namespace

TEST_CASE("a listener on localhost only reads as verdict, cause, proof, fix, table, path") {
  CHECK(page(sample::snapshot_with_listener(), sample::loopback_only()) ==
        R"(tcp/8080 on web-3: refused from the network, open from localhost

✗ nginx listens on 127.0.0.1 only [listen.loopback_only]
  Connections that come to another address of this host find no socket, and the
  kernel answers with a reset.
  for    10.77.0.2
  proof  socket tcp 127.0.0.1:8080 listen, nginx (pid 812, user www-data,
         nginx.service) since 2026-11-20 22:58:00 UTC (12 min)
  fix    bind 8080 to 0.0.0.0 or 10.77.0.1 in the configuration of nginx

  from       to              arrives on  outcome  stopped at
  localhost  127.0.0.1:8080  lo          open     -
  10.77.0.2  10.77.0.1:8080  eth0        refused  socket.lookup

  path   10.77.0.2 → 10.77.0.1:8080: SYN interface → prerouting → route → input
         → socket.lookup ✗
)");
}

TEST_CASE("a rejecting rule shows what else is in the way, what nearly matched, and the gaps") {
  CHECK(page(sample::snapshot(), sample::rejected(), width(160)) ==
        R"(tcp/8080 on web-3: refused from 10.77.0.2

✗ a firewall rule rejects tcp/8080 [fw.reject]
  Rule 14 of inet/filter/input answers with a reset.
  fix    nft delete rule inet filter input handle 14

  from                         arrives on  outcome  stopped at
  10.77.0.2 (on-link of eth0)  eth0        refused  input: rule inet/filter/input/14

  path   10.77.0.2 → 10.77.0.1:8080: SYN prerouting → input ✗
  then   also in the way at socket.lookup: socket tcp/127.0.0.1:8080
  near   rule inet/filter/input/9: ip saddr 10.0.0.0/16 accept, but it asks for ip saddr 10.0.0.0/16 and this is 10.77.0.2

? Not seen: owners of other users' sockets (needs CAP_SYS_PTRACE). So: processes are not named. Remedy: run as root.
)");
}

TEST_CASE("when every flow is open the last line says what remains") {
  CHECK(page(sample::snapshot(), all_open()) == R"(tcp/8080 on web-3: open

  from                         to              arrives on  outcome  stopped at
  localhost                    127.0.0.1:8080  lo          open     -
  10.77.0.2 (on-link of eth0)  10.77.0.1:8080  eth0        open     -

  path   10.77.0.2 → 10.77.0.1:8080: SYN interface → route → input →
         socket.lookup ✓, SYN-ACK ✓, ACK ✓, data ✓

This host accepts it. If a client still times out, its packets do not arrive
here.
)");
}

TEST_CASE("who serves an open port is told once, unless a finding has told it") {
  const auto snapshot = sample::snapshot_with_listener();
  auto report = all_open();
  for (auto& entry : report.flows)
    entry.fate.evidence.push_back({"socket", 0});
  CHECK(contains(page(snapshot, report), R"(
  server socket tcp 127.0.0.1:8080 listen, nginx (pid 812, user www-data,
         nginx.service) since 2026-11-20 22:58:00 UTC (12 min)

  path )"));
  report.findings.push_back({});
  report.findings.back().evidence.push_back({"socket", 0});
  CHECK_FALSE(contains(page(snapshot, report), "  server "));
}

TEST_CASE("the closing line is missing as soon as one flow is not open") {
  auto report = all_open();
  report.flows[0].fate.outcome = Outcome::stalled;
  CHECK_FALSE(contains(page(sample::snapshot(), report), "This host accepts it"));
}

TEST_CASE("thirty flows are merged where only the client differs, and -v shows each") {
  const auto text = page(sample::snapshot(), thirty_flows());
  CHECK(contains(text, R"(
  from                   to              arrives on  outcome  stopped at
  localhost              127.0.0.1:8080  lo          open     -
  10.77.0.2 and 18 more  10.77.0.1:8080  eth0        timeout  -
  10.77.0.3 and 9 more   10.77.0.1:8080  eth0        open     -
)"));
  auto options = width(80);
  options.verbose = true;
  const auto everything = page(sample::snapshot(), thirty_flows(), options);
  CHECK(contains(everything, "10.77.0.29"));
  CHECK_FALSE(contains(everything, "more"));
}

TEST_CASE("no line is wider than the terminal, at any usual width") {
  auto report = thirty_flows();
  report.flows.push_back(
      sample::remote("2001:db8:1111:2222:3333:4444:5555:6666", "default route", Outcome::refused));
  report.flows.back().fate.culprit =
      Culprit{"nft_rule", "inet/firewalld/filter_INPUT_POLICIES/1412", "reject"};
  report.flows.back().fate.stopped_at = Stage::input;
  for (const std::size_t columns : {60U, 80U, 100U, 160U}) {
    CHECK(widest_line(page(sample::snapshot(), report, width(columns))) <= columns);
    auto options = width(columns);
    options.verbose = true;
    CHECK(widest_line(page(sample::snapshot(), sample::rejected(), options)) <= columns);
  }
}

TEST_CASE("colour changes nothing but colour") {
  auto options = width(80);
  options.colour = true;
  auto text = page(sample::snapshot_with_listener(), sample::loopback_only(), options);
  CHECK(contains(text, "\x1b[32mopen\x1b[0m"));
  for (auto start = text.find('\x1b'); start != std::string::npos; start = text.find('\x1b'))
    text.erase(start, text.find('m', start) - start + 1);
  CHECK(text == page(sample::snapshot_with_listener(), sample::loopback_only()));
  CHECK_FALSE(contains(text, "\x1b"));
}

TEST_CASE("an ASCII terminal gets ASCII") {
  auto options = width(80);
  options.charset = Charset::ascii;
  const auto text = page(sample::snapshot_with_listener("ngïnx"), sample::loopback_only(), options);
  CHECK(contains(text, "x nginx listens on 127.0.0.1 only"));
  CHECK(contains(text, "socket.lookup x"));
  for (const char letter : text)
    CHECK((letter == '\n' || (letter >= 0x20 && letter < 0x7f)));
}

TEST_CASE("hostile names cannot forge lines or reach the terminal") {
  const auto snapshot = sample::snapshot_with_listener("\x1b]0;owned\a\nOK: all is well\u202e\xff");
  auto report = sample::loopback_only();
  report.findings[0].title = "evil\nopen\x1b[2J listens";
  const auto text = page(snapshot, report, width(0));
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK_FALSE(contains(text, "\u202e"));
  CHECK_FALSE(contains(text, "\nOK"));
  CHECK_FALSE(contains(text, "\nopen"));
  CHECK(contains(text, "\\x1b]0;owned\\x07"));
}

TEST_CASE("a stopped flow that no rule explains shows the model's own facts") {
  auto report = sample::rejected();
  report.findings.clear();
  CHECK(contains(page(sample::snapshot(), report, width(0)),
                 "✗ refused at input by rule inet/filter/input/14: tcp dport 8080 reject with "
                 "tcp reset (no rule explains it)\n"));
}

TEST_CASE("a path ends with a good mark only where the connection is open") {
  auto report = all_open();
  report.flows.erase(report.flows.begin());
  auto& fate = report.flows[0].fate;
  fate.path = {sample::step(Stage::interface), sample::step(Stage::route, Verdict::unknown)};
  CHECK(contains(page(sample::snapshot(), report, width(0)), "SYN interface → route ? ✓\n"));
  fate.outcome = Outcome::unknown;
  CHECK(contains(page(sample::snapshot(), report, width(0)), "SYN interface → route ?\n"));
}

TEST_CASE("what is in the way of two packets is told once") {
  auto report = sample::rejected();
  auto& blockers = report.flows[0].fate.blockers;
  blockers.push_back(blockers.back());
  const auto text = page(sample::snapshot(), report, width(0));
  CHECK(text.find("also in the way") == text.rfind("also in the way"));
}

TEST_CASE("an unknown outcome shows its branches") {
  auto report = all_open();
  auto& fate = report.flows[1].fate;
  fate.outcome = Outcome::unknown;
  Alternative passed;
  passed.outcome = Outcome::open;
  passed.when = "the limit has tokens";
  Alternative dropped;
  dropped.outcome = Outcome::timeout;
  dropped.culprit = Culprit{"nft_rule", "ip/f/in/3", ""};
  dropped.when = "it has none";
  fate.alternatives = {passed, dropped};
  const auto text = page(sample::snapshot(), report, width(0));
  CHECK(contains(text, "  either open, when the limit has tokens\n"
                       "  or     timeout by rule ip/f/in/3, when it has none\n"));
  CHECK(contains(text, "open or timeout from the network, open from localhost"));
  fate.alternatives.back().outcome = Outcome::unknown;
  CHECK(contains(page(sample::snapshot(), report, width(0)),
                 "unknown (it cannot be told) from the network, open from localhost"));
}

TEST_CASE("behind what cannot be told, the socket or its absence is told") {
  auto report = all_open();
  auto& fate = report.flows[1].fate;
  fate.outcome = Outcome::unknown;
  fate.stopped_at = Stage::ingress;
  fate.evidence = {{"socket", 0}};
  const auto listened = page(sample::snapshot_with_listener(), report, width(0));
  CHECK(contains(listened, "  behind socket tcp 127.0.0.1:8080 listen, nginx (pid 812"));
  fate.blockers = {
      {Stage::socket_lookup, {"socket", "tcp/10.77.0.1:8080", "nothing is bound to it"}}};
  const auto silent = page(sample::snapshot_with_listener(), report, width(0));
  CHECK(contains(silent,
                 "  then   in the way at socket.lookup: socket tcp/10.77.0.1:8080: nothing is "
                 "bound to it\n"));
  CHECK_FALSE(contains(silent, "behind"));
}

TEST_CASE("inside a container or another namespace the outer firewall is said to be invisible") {
  auto report = all_open();
  report.host.container = "docker";
  CHECK(contains(page(sample::snapshot(), report, width(0)),
                 "This is a container (docker): the firewall of the host around it is not visible "
                 "from here.\n"));
  report.host.container.clear();
  report.host.initial_netns = false;
  CHECK(contains(page(sample::snapshot(), report, width(0)),
                 "the firewall of the host around it is not visible"));
}

TEST_CASE("a report without flows or findings is still a page") {
  Report report;
  report.target = sample::port(1);
  CHECK(page(sample::snapshot(), report) ==
        "tcp/1: it cannot be told, no connection could be examined\n");
}

TEST_CASE("several targets are separated by one empty line") {
  Report report;
  report.target = sample::port(1);
  const std::vector<Report> two{report, report};
  CHECK(render_text(sample::snapshot(), two, {}) ==
        "tcp/1: it cannot be told, no connection could be examined\n\n"
        "tcp/1: it cannot be told, no connection could be examined\n");
  CHECK(render_text(sample::snapshot(), {}, {}).empty());
}

TEST_CASE("-v shows every decision with chain, priority and the one that made it") {
  auto options = width(0);
  options.verbose = true;
  auto report = sample::rejected();
  report.flows[0].fate.path[0].netns = 4026532000;
  report.unknown_rules = {"fw.limit"};
  const auto text = page(sample::snapshot(), report, options);
  CHECK(contains(text, R"(
10.77.0.2 (on-link of eth0) to 10.77.0.1:8080: refused, ECONNREFUSED
  packet  stage       chain              prio  verdict  by
  SYN     prerouting  ip/nat/PREROUTING  -100  pass     in netns 4026532000
  SYN     input       inet/filter/input  0     stop     rule inet/filter/input/14: tcp dport 8080 reject with tcp reset; reject with tcp reset
)"));
  CHECK(contains(text, "? The rule fw.limit could not tell.\n"));
}

TEST_CASE("a packet led elsewhere shows where to") {
  auto report = sample::rejected();
  auto& first = report.flows[0].fate.path[0];
  first.verdict = Verdict::divert;
  first.note = "to 172.17.0.2:80";
  CHECK(contains(page(sample::snapshot(), report, width(0)),
                 "SYN prerouting (to 172.17.0.2:80) → input ✗\n"));
}

TEST_CASE("findings that read alike are told once, for all their flows") {
  auto report = sample::loopback_only();
  auto again = report.findings.front();
  again.flows = {0};
  report.findings.push_back(again);
  const auto text = page(sample::snapshot_with_listener(), report);
  const auto first = text.find("nginx listens on 127.0.0.1 only");
  REQUIRE(first != std::string::npos);
  CHECK(text.find("nginx listens on 127.0.0.1 only", first + 1) == std::string::npos);
  CHECK_FALSE(contains(text, "  for    10.77.0.2\n")); // about both flows: nothing to single out
  report.findings.back().fix = {"another fix"};
  CHECK(contains(page(sample::snapshot_with_listener(), report), "another fix"));
}

TEST_CASE("a socket at the called address is not named again where the flow stops") {
  auto report = sample::loopback_only();
  report.flows[1].fate.culprit = Culprit{"socket", "tcp/10.77.0.1:8080", ""};
  CHECK_FALSE(contains(page(sample::snapshot_with_listener(), report), "socket tcp/10.77.0.1"));
  report.flows[1].fate.culprit = Culprit{"socket", "tcp/127.0.0.1:8080", ""};
  CHECK(contains(page(sample::snapshot_with_listener(), report, width(160)),
                 "socket.lookup: socket tcp/127.0.0.1:8080"));
}
