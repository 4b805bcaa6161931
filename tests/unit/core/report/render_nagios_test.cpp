#include "core/report/render_nagios.h"

#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

NagiosResult nagios(const std::vector<Report>& reports) {
  return render_nagios(reports);
}

Report open_report() {
  auto report = sample::loopback_only();
  report.flows.pop_back();
  report.findings.clear();
  return report;
}

} // namespace

TEST_CASE("a flow that certainly fails is critical") {
  const auto result = nagios({sample::loopback_only()});
  CHECK(result.state == NagiosState::critical);
  CHECK(result.line == "SYNFATE CRITICAL - tcp/8080 on web-3: refused from the network, open from "
                       "localhost; nginx listens on 127.0.0.1 only | open=1;;;0;2\n");
}

TEST_CASE("all open is OK, with a warning found it is WARNING") {
  auto report = open_report();
  CHECK(nagios({report}).line ==
        "SYNFATE OK - tcp/8080 on web-3: open from localhost | open=1;;;0;1\n");
  Finding finding;
  finding.severity = Severity::warning;
  finding.title = "the queue is nearly full";
  report.findings = {finding};
  CHECK(nagios({report}).state == NagiosState::warning);
}

TEST_CASE("what cannot be told is UNKNOWN, never OK") {
  auto report = open_report();
  report.flows[0].fate.outcome = Outcome::unknown;
  CHECK(nagios({report}).state == NagiosState::unknown);
  report.flows.clear();
  CHECK(nagios({report}).state == NagiosState::unknown);
  CHECK(nagios({}).state == NagiosState::unknown);
}

TEST_CASE("of several targets the worst decides") {
  auto unsure = open_report();
  unsure.flows[0].fate.outcome = Outcome::unknown;
  CHECK(nagios({open_report(), unsure}).state == NagiosState::unknown);
  CHECK(nagios({unsure, sample::rejected(), open_report()}).state == NagiosState::critical);
}

TEST_CASE("a name cannot break the line or the performance data") {
  auto report = open_report();
  report.host.name = "a|b\nOK";
  const auto result = nagios({report});
  CHECK(std::count(result.line.begin(), result.line.end(), '\n') == 1);
  CHECK(std::count(result.line.begin(), result.line.end(), '|') == 1);
}

TEST_CASE("an audit fails, holds, or cannot tell") {
  AuditReport audit;
  CHECK(render_nagios(audit).state == NagiosState::ok);
  Expectation expectation;
  expectation.name = "web";
  expectation.expected = "open";
  expectation.found = "refused";
  expectation.result = AuditResult::unknown;
  audit.expectations = {expectation};
  CHECK(render_nagios(audit).state == NagiosState::unknown);
  expectation.result = AuditResult::fails;
  audit.expectations.push_back(expectation);
  const auto result = render_nagios(audit);
  CHECK(result.state == NagiosState::critical);
  CHECK(result.line == "SYNFATE CRITICAL - 0 of 2 expectations hold; web: expected open, found "
                       "refused | failed=1;;;0;2 unknown=1;;;0;2\n");
}
