#include "core/report/words.h"

#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

Report report_of(std::vector<FlowReport> flows) {
  Report report;
  report.host.name = "web-3";
  report.target = sample::port(8080);
  report.flows = std::move(flows);
  return report;
}

std::string verdict_of(std::vector<FlowReport> flows) {
  return verdict_line(report_of(std::move(flows)));
}

Target unix_target(bool abstract) {
  Target target;
  target.proto = Proto::unix_socket;
  target.path = "/run/app.sock";
  target.abstract = abstract;
  return target;
}

} // namespace

TEST_CASE("one outcome is said once") {
  using sample::local, sample::remote;
  CHECK(verdict_of({local(Outcome::open), remote("10.77.0.2", "", Outcome::open)}) ==
        "tcp/8080 on web-3: open");
  CHECK(verdict_of({remote("10.77.0.2", "", Outcome::timeout)}) ==
        "tcp/8080 on web-3: timeout (no answer) from 10.77.0.2");
}

TEST_CASE("mixed outcomes are grouped in words, what is open last") {
  using sample::local, sample::remote;
  CHECK(verdict_of({local(Outcome::open), remote("10.77.0.2", "", Outcome::refused),
                    remote("203.0.113.1", "", Outcome::refused)}) ==
        "tcp/8080 on web-3: refused from the network, open from localhost");
  CHECK(verdict_of({local(Outcome::open), remote("10.77.0.2", "", Outcome::open),
                    remote("fd77::2", "", Outcome::refused)}) ==
        "tcp/8080 on web-3: refused over IPv6, open over IPv4");
  CHECK(verdict_of(
            {remote("10.77.0.2", "", Outcome::open), remote("10.77.0.3", "", Outcome::timeout)}) ==
        "tcp/8080 on web-3: timeout (no answer) from 10.77.0.3, open from 10.77.0.2");
}

TEST_CASE("many sources without a common name are counted") {
  std::vector<FlowReport> flows;
  for (int index = 2; index < 32; ++index)
    flows.push_back(sample::remote("10.77.0." + std::to_string(index), "",
                                   index % 2 == 0 ? Outcome::open : Outcome::refused));
  CHECK(verdict_of(flows) == "tcp/8080 on web-3: refused from 15 of 30, open from 15 of 30");
}

TEST_CASE("a verdict that is not certain says so") {
  auto flow = sample::remote("10.77.0.2", "", Outcome::timeout);
  flow.fate.certainty = Certainty::likely;
  CHECK(verdict_of({flow}) == "tcp/8080 on web-3: likely timeout (no answer) from 10.77.0.2");
}

TEST_CASE("a verdict without any flow is no success") {
  CHECK(verdict_of({}) == "tcp/8080 on web-3: it cannot be told, no connection could be examined");
}

TEST_CASE("an ICMP error is named") {
  auto flow = sample::remote("10.77.0.2", "", Outcome::unreachable);
  flow.fate.icmp = Icmp::host_prohibited;
  CHECK(verdict_of({flow}) ==
        "tcp/8080 on web-3: unreachable (ICMP host-prohibited) from 10.77.0.2");
}

TEST_CASE("targets are written as they can be asked again") {
  auto target = sample::port(53);
  target.proto = Proto::udp;
  CHECK(target_words(target) == "udp/53");
  target.addresses = {IpAddress::loopback(IpFamily::v6)};
  CHECK(target_words(target) == "udp/[::1]:53");
  target.host_name = "dns.example";
  CHECK(target_words(target) == "udp/dns.example:53 (::1)");
  target.addresses.push_back(IpAddress::loopback(IpFamily::v4));
  CHECK(target_words(target) == "udp/dns.example:53 (::1, 127.0.0.1)");
  CHECK(target_words(unix_target(false)) == "unix:/run/app.sock");
  CHECK(target_words(unix_target(true)) == "unix:@/run/app.sock");
}

TEST_CASE("files and Unix sockets are named as people write them") {
  CHECK(culprit_words({"file", "%2Frun%2Fa%25b", ""}) == "file /run/a%b");
  CHECK(culprit_words({"socket", "unix/%2Frun%2Fa\nb", ""}) == "socket unix:/run/a\\nb");
  CHECK(culprit_words({"socket", "tcp/0.0.0.0:80", ""}) == "socket tcp/0.0.0.0:80");
  CHECK(plain_part(id_part("/a%2F/b")) == "/a%2F/b");
  auto target = unix_target(false);
  target.path = "/run/a\nb";
  CHECK(target_words(target) == "unix:/run/a\\nb");
}

TEST_CASE("times are in UTC, since a replay must say the same elsewhere") {
  CHECK(time_words(1795216200123) == "2026-11-20 23:10:00 UTC");
  CHECK(timestamp(1795216200123) == "2026-11-20T23:10:00.123Z");
  CHECK(timestamp(0) == "1970-01-01T00:00:00.000Z");
  CHECK(duration_words(-5) == "0 s");
  CHECK(duration_words(119'000) == "119 s");
  CHECK(duration_words(720'000) == "12 min");
  CHECK(duration_words(3 * 86'400'000LL) == "3 days");
}

TEST_CASE("only a certain failure counts as not open") {
  Fate fate;
  fate.outcome = Outcome::refused;
  CHECK(standing(fate) == Standing::not_open);
  fate.certainty = Certainty::likely;
  CHECK(standing(fate) == Standing::unsure);
  fate.outcome = Outcome::open;
  CHECK(standing(fate) == Standing::open);
  fate.certainty = Certainty::possible;
  CHECK(standing(fate) == Standing::unsure);
}

TEST_CASE("a flow whose every branch fails counts as not open, one good branch makes it unsure") {
  Fate fate;
  fate.outcome = Outcome::unknown;
  CHECK(standing(fate) == Standing::unsure);
  Alternative dropped;
  dropped.outcome = Outcome::timeout;
  Alternative rejected;
  rejected.outcome = Outcome::refused;
  fate.alternatives = {dropped, rejected};
  CHECK(standing(fate) == Standing::not_open);
  Alternative passed;
  passed.outcome = Outcome::open;
  fate.alternatives.push_back(passed);
  CHECK(standing(fate) == Standing::unsure);
}
