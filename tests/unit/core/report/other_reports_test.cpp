#include "core/report/audit_report.h"
#include "core/report/bind_report.h"
#include "core/report/json_parts.h"
#include "core/report/overview.h"
#include "core/report/who_report.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

SourceClass class_of(std::vector<std::string> sources, Outcome outcome) {
  SourceClass entry;
  for (const auto& source : sources)
    entry.sources.emplace_back(*IpPrefix::parse(source));
  entry.interface = "eth0";
  entry.to = IpAddress::parse("10.77.0.1");
  entry.outcome = outcome;
  return entry;
}

WhoReport who() {
  WhoReport report;
  report.host.name = "web-3";
  report.target = sample::port(8080);
  auto refused = class_of({"0.0.0.0/5", "11.0.0.0/8"}, Outcome::refused);
  refused.stopped_at = Stage::input;
  refused.culprit = Culprit{"nft_rule", "inet/filter/input/14", "reject"};
  auto open = class_of({"10.0.0.0/8"}, Outcome::open);
  open.via = {"inet/filter/input/9"};
  auto martian = class_of({"127.0.0.0/8"}, Outcome::timeout);
  martian.martian = true;
  report.classes = {refused, open, martian};
  return report;
}

Listener listener() {
  Listener entry;
  entry.address = IpAddress::any(IpFamily::v4);
  entry.port = 22;
  entry.owner = ListenerOwner{901, "sshd", "root"};
  entry.service = "ssh.service";
  auto everywhere = class_of({"0.0.0.0/0"}, Outcome::open);
  auto self = class_of({"127.0.0.0/8"}, Outcome::open);
  self.interface = "lo";
  entry.reachable_from = {self, everywhere, class_of({"10.0.0.0/8"}, Outcome::refused)};
  return entry;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a failing bind names the errno and what is in the way") {
  BindReport report;
  report.host.name = "web-3";
  report.target = sample::port(80);
  report.would_bind = false;
  report.error = "EADDRINUSE";
  report.culprit = Culprit{"socket", "tcp/0.0.0.0:80", "nginx listens"};
  CHECK(render_bind_text(sample::snapshot(), report, {}) ==
        "tcp/80 on web-3: bind() would fail with EADDRINUSE\n"
        "  because of socket tcp/0.0.0.0:80: nginx listens\n");
  const auto json = Json::parse(render_bind_json(sample::snapshot(), report, true));
  CHECK(
      json.dump() ==
      R"({"schema":"synfate.bind/1","target":{"text":"80","proto":"tcp","port":80,"address":null,)"
      R"("path":null},"would_bind":false,"errno":"EADDRINUSE","certainty":"certain","culprit":)"
      R"({"kind":"socket","id":"tcp/0.0.0.0:80","text":"nginx listens"},"attempts":[],"holders":[],"findings":[],"gaps":[]})");
}

TEST_CASE("a bind that succeeds, and one that cannot be told, are told apart") {
  BindReport report;
  report.target = sample::port(80);
  CHECK(render_bind_text(sample::snapshot(), report, {}) ==
        "tcp/80: it cannot be told whether bind() would succeed\n");
  CHECK(Json::parse(render_bind_json(sample::snapshot(), report, true))["would_bind"].is_null());
  report.would_bind = true;
  CHECK(render_bind_text(sample::snapshot(), report, {}) ==
        "tcp/80: bind() and listen() would succeed\n"
        "If a service still fails to bind, a sandbox of its own forbids it, which cannot\n"
        "be seen from here: SocketBindDeny=, seccomp, Landlock, SELinux.\n");
}

TEST_CASE("who shows open classes first, each range once, martians counted") {
  CHECK(render_who_text(who(), {}) ==
        R"(who reaches tcp/8080 on web-3

sources     arrive on  to         outcome  decided by
10.0.0.0/8  eth0       10.77.0.1  open     inet/filter/input/9
0.0.0.0/5   eth0       10.77.0.1  refused  input: rule inet/filter/input/14
11.0.0.0/8
Not shown: 1 class of sources that cannot arrive there (-v shows them).
)");
  TextOptions verbose;
  verbose.verbose = true;
  CHECK(contains(render_who_text(who(), verbose), "127.0.0.0/8"));
}

TEST_CASE(
    "a vantage at which sources fare differently gets a table, the largest class is the rest") {
  WhoReport report = who();
  const auto page_of = [&](TextOptions options) {
    Page page(options);
    write_sources(page, report.classes);
    return page.text();
  };
  CHECK(page_of({}) == R"(  sources     arrive on  to         outcome  decided by
  10.0.0.0/8  eth0       10.77.0.1  open     inet/filter/input/9
  all others  eth0       10.77.0.1  refused  input: rule inet/filter/input/14
)");
  // Other rules let the next network in: one class for whoever reads it.
  auto next = report.classes[1];
  next.sources = {IpRange(*IpPrefix::parse("11.0.0.0/16"))};
  next.via = {"inet/filter/input/11"};
  report.classes.push_back(next);
  CHECK(contains(page_of({}), "10.0.0.0-11.0.255.255  eth0"));
  TextOptions wide;
  wide.width = 0;
  CHECK(contains(page_of(wide), "inet/filter/input/9, inet/filter/input/11"));
  // All fare alike: nothing to tell.
  for (auto& entry : report.classes) {
    entry.outcome = Outcome::open;
    entry.stopped_at = std::nullopt;
    entry.culprit = std::nullopt;
  }
  CHECK(page_of({}).empty());
}

TEST_CASE("who in JSON is synfate.who/1 with every class") {
  const auto json = Json::parse(render_who_json(std::vector{who()}, false));
  CHECK(json["schema"] == "synfate.who/1");
  CHECK(json["classes"].size() == 3);
  CHECK(json["classes"][1].dump() ==
        R"({"sources":["10.0.0.0/8"],"interface":"eth0","to":"10.77.0.1","martian":false,)"
        R"("outcome":"open","icmp":null,"certainty":"certain","stopped_at":null,"culprit":null,)"
        R"("via":["inet/filter/input/9"]})");
  CHECK(json["classes"][2]["martian"] == true);
}

TEST_CASE("who without classes is no success") {
  WhoReport report;
  report.target = sample::port(1);
  CHECK(contains(render_who_text(report, {}), "It cannot be told"));
}

TEST_CASE("the overview names port, owner, service and who can reach it") {
  Overview overview;
  auto hidden = listener();
  hidden.port = 8080;
  hidden.owner = Unknown{"owners"};
  hidden.service.clear();
  hidden.reachable_from.clear();
  overview.listeners = {listener(), hidden};
  TextOptions options;
  options.width = 0;
  CHECK(render_overview_text(sample::snapshot(), overview, options) ==
        "port      address  owner             service      reachable from\n"
        "tcp/22    0.0.0.0  sshd (901, root)  ssh.service  this host; any IPv4 on eth0\n"
        "tcp/8080  0.0.0.0  unknown process   -            nobody\n");
  const auto json = Json::parse(render_overview_json(sample::snapshot(), overview, true));
  CHECK(json["schema"] == "synfate.overview/1");
  CHECK(json["listeners"][0]["owner"].dump() == R"({"pid":901,"name":"sshd","user":"root"})");
  CHECK(json["listeners"][1]["owner"].dump() == R"({"unknown":"owners"})");
  CHECK(json["listeners"][0]["reachable_from"].size() == 3);
}

TEST_CASE("an overview that could not look never says that nothing listens") {
  Overview overview;
  CHECK(contains(render_overview_text(sample::snapshot(), overview, {}), "Nothing listens here"));
  overview.gaps = {{"sockets", "sockets", "denied", "listeners are missing", "run as root"}};
  const auto text = render_overview_text(sample::snapshot(), overview, {});
  CHECK_FALSE(contains(text, "Nothing listens"));
  CHECK(contains(text, "? Not seen: sockets (denied)."));
}

TEST_CASE("a gap that several things of a kind have is told once") {
  Overview overview;
  for (const char* inode : {"7", "8", "9"})
    overview.gaps.push_back({std::string("netns.") + inode, std::string("namespace ") + inode,
                             "denied", "its inside cannot be told", "run as root"});
  overview.gaps.push_back({"nft", "rules", "denied", "its inside cannot be told", "run as root"});
  const auto text = render_overview_text(sample::snapshot(), overview, {});
  CHECK(contains(text, "? Not seen: namespace 7 and 2 more (denied)."));
  CHECK(contains(text, "? Not seen: rules (denied)."));
  CHECK_FALSE(contains(text, "namespace 8"));
}

TEST_CASE("an audit's result is the worst of its expectations") {
  AuditReport audit;
  CHECK(audit.result() == AuditResult::holds);
  Expectation expectation;
  expectation.name = "web";
  expectation.where = "policy.toml:3";
  expectation.expected = "tcp/80 open";
  expectation.found = "refused";
  expectation.result = AuditResult::unknown;
  audit.expectations = {expectation};
  CHECK(audit.result() == AuditResult::unknown);
  expectation.result = AuditResult::fails;
  audit.expectations.push_back(expectation);
  CHECK(audit.result() == AuditResult::fails);
  CHECK(render_audit_text(sample::snapshot(), audit, {}) ==
        "unknown web: tcp/80 open\n"
        "        found refused (policy.toml:3)\n"
        "fails   web: tcp/80 open\n"
        "        found refused (policy.toml:3)\n"
        "\n"
        "0 hold, 1 fail, 1 cannot be told\n");
  CHECK(Json::parse(render_audit_json(sample::snapshot(), audit, true))["result"] == "fails");
}
