#include "tests/unit/catch.h"

#include "tests/unit/core/rules/fixtures.h"

using namespace synfate;
using namespace synfate::rules;

namespace {

std::string rule(const std::string& lines, const std::string& id = "a.b") {
  return "[[rule]]\nid = \"" + id + "\"\ntitle = \"t\"\nseverity = \"error\"\nexplain = \"e\"\n" +
         lines + "\n";
}

Evaluation run(const std::string& rules, Inquiry& inquiry, const std::vector<FlowReport>& flows,
               const Options& options = {}) {
  const Loaded loaded = fixtures::load(rules);
  for (const auto& error : loaded.errors)
    FAIL_CHECK(to_string(error));
  Target target;
  target.text = "80";
  target.port = 80;
  return evaluate(inquiry, loaded.rules, {target, flows}, options);
}

} // namespace

TEST_CASE("a rule with `on` is decided once for each flow it accepts") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  const auto answer =
      run(rule("on = { outcome = [\"refused\"] }\nwhen = \"it.index > 0\""), inquiry,
          {fixtures::flow(Outcome::refused), fixtures::flow(Outcome::open),
           fixtures::flow(Outcome::refused)});
  REQUIRE(answer.findings.size() == 1);
  CHECK(answer.findings[0].flows == std::vector<std::size_t>{2});
  CHECK(answer.findings[0].stage == Stage::socket_lookup);
  CHECK(answer.rules[0].state == RuleState::fires);
}

TEST_CASE("rules about bind() and rules about connections do not see each other's flows") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  const std::string both = rule("on = { bind = true }", "a.bind") +
                           rule("on = { outcome = [\"open\"] }", "a.connect") +
                           rule("for_each = 'flows'", "a.any");
  const auto fired = [&](const FlowReport& flow) {
    std::string ids;
    for (const auto& finding : run(both, inquiry, {flow}).findings)
      ids += finding.rule + " ";
    return ids;
  };
  auto flow = fixtures::flow(Outcome::open);
  CHECK(fired(flow) == "a.connect a.any ");
  flow.flow.bind = BindFlags{};
  CHECK(fired(flow) == "a.bind ");
}

TEST_CASE("rows become culprits by their table") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("::1", 80));
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("for_each = 'socket'\nculprit = 'it'\nevidence = ['socket']"),
                          inquiry, {fixtures::flow(Outcome::refused)});
  REQUIRE(answer.findings.size() == 1);
  CHECK(answer.findings[0].culprit->kind == "socket");
  CHECK(answer.findings[0].culprit->id == "tcp/[::1]:80");
  REQUIRE(answer.findings[0].evidence.size() == 1);
  CHECK(answer.findings[0].evidence[0].table == "socket");
}

TEST_CASE("an unknown cell makes a condition unknown, with its gap") {
  Snapshot snapshot = fixtures::snapshot();
  Socket socket = fixtures::listener("127.0.0.1", 80);
  socket.v6only = Unknown{"sock_diag"};
  snapshot.add(socket);
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("for_each = 'socket'\nwhen = 'it.v6only'"), inquiry, {});
  CHECK(answer.findings.empty());
  CHECK(answer.rules[0].state == RuleState::unknown);
  CHECK(answer.rules[0].gaps == std::vector<std::string>{"sock_diag"});
}

TEST_CASE("what is decided without an unknown is not held up by it") {
  Snapshot snapshot = fixtures::snapshot();
  Socket socket = fixtures::listener("127.0.0.1", 80);
  socket.v6only = Unknown{"sock_diag"};
  snapshot.add(socket);
  Inquiry inquiry(snapshot);
  const auto answer =
      run(rule("for_each = 'socket'\nwhen = 'it.v6only || it.local_port == 80'"), inquiry, {});
  CHECK(answer.findings.size() == 1);
}

TEST_CASE("a table that could not be read is not an empty table") {
  const Snapshot snapshot = fixtures::snapshot({"socket"});
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("needs = ['socket']\nwhen = 'size(socket) == 0'"), inquiry, {});
  CHECK(answer.findings.empty());
  CHECK(answer.rules[0].state == RuleState::unknown);
  CHECK(answer.rules[0].gaps == std::vector<std::string>{"socket"});
}

TEST_CASE("a table that nobody asked for is not an empty table either") {
  Snapshot snapshot(fixtures::schema());
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("needs = ['socket']\nwhen = 'size(socket) == 0'"), inquiry, {});
  CHECK(answer.rules[0].state == RuleState::unknown);
  CHECK(answer.rules[0].gaps == std::vector<std::string>{"not-recorded.socket"});
}

TEST_CASE("a rule asks for the facts it collects, one question per element of a list") {
  Snapshot snapshot(fixtures::schema());
  HostFacts host;
  host.netns = fixtures::netns;
  snapshot.set_host(host);
  Inquiry inquiry(snapshot);
  run(rule("collect = [{ table = \"socket\", keys = { proto = \"'udp'\", local_port = \"[53, "
           "80]\" } }]\nwhen = 'size(socket) > 0'"),
      inquiry, {});
  REQUIRE(inquiry.pending());
  REQUIRE(inquiry.needs().size() == 2);
  CHECK(inquiry.needs()[1] ==
        Request{"socket",
                {{"netns", fixtures::netns}, {"proto", Text("udp")}, {"local_port", Int{80}}}});
}

TEST_CASE("later questions are asked once earlier ones are answered") {
  Snapshot snapshot(fixtures::schema());
  const std::string text =
      rule("collect = [{ table = \"netns\" }, { table = \"process\", keys = { pid = "
           "\"netns.map(n, n.pid)\" } }]\nwhen = 'process.exists(p, p.pid == 9)'");
  Inquiry first(snapshot);
  run(text, first, {});
  REQUIRE(first.needs().size() == 1);
  CHECK(first.needs()[0] == Request{"netns", {}});
  snapshot.answered(first.needs()[0]);
  NetworkNamespace space;
  space.inode = Int{5};
  space.pid = Int{9};
  snapshot.add(space);
  Inquiry second(snapshot);
  run(text, second, {});
  REQUIRE(second.needs().size() == 1);
  CHECK(second.needs()[0] == Request{"process", {{"pid", Int{9}}}});
  snapshot.answered(second.needs()[0]);
  Process process;
  process.pid = Int{9};
  snapshot.add(process);
  Inquiry third(snapshot);
  CHECK(run(text, third, {}).findings.size() == 1);
  CHECK_FALSE(third.pending());
}

TEST_CASE("an incomplete answer without rows makes a collecting rule unknown") {
  const Snapshot snapshot = fixtures::snapshot({"netns"});
  Inquiry inquiry(snapshot);
  const auto answer =
      run(rule("collect = [{ table = \"netns\" }]\nwhen = 'size(netns) == 0'"), inquiry, {});
  CHECK(answer.rules[0].state == RuleState::unknown);
}

TEST_CASE("what fires on an incomplete answer is at most likely") {
  Snapshot snapshot = fixtures::snapshot({"netns"});
  NetworkNamespace space;
  space.inode = Int{5};
  snapshot.add(space);
  Inquiry inquiry(snapshot);
  const auto answer =
      run(rule("collect = [{ table = \"netns\" }]\nwhen = 'size(netns) == 1'"), inquiry, {});
  REQUIRE(answer.findings.size() == 1);
  CHECK(answer.findings[0].certainty == Certainty::likely);
}

TEST_CASE("an assumption on the path lowers the certainty, an uncertain fate as well") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  auto assumed = fixtures::flow(Outcome::refused);
  assumed.fate.assumptions = {"the program passes"};
  auto possible = fixtures::flow(Outcome::refused);
  possible.fate.certainty = Certainty::possible;
  const std::string text = rule("on = { outcome = [\"refused\"] }");
  CHECK(run(text, inquiry, {fixtures::flow(Outcome::refused)}).findings[0].certainty ==
        Certainty::certain);
  CHECK(run(text, inquiry, {assumed}).findings[0].certainty == Certainty::likely);
  CHECK(run(text, inquiry, {possible}).findings[0].certainty == Certainty::possible);
}

TEST_CASE("past its budget a rule is unknown") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  Options options;
  options.budget.steps = 1000;
  const auto answer =
      run(rule("when = 'lists.range(100000).all(i, i >= 0)'"), inquiry, {}, options);
  CHECK(answer.rules[0].state == RuleState::unknown);
  CHECK(answer.rules[0].reason == "budget");
}

TEST_CASE("a condition that fails is unknown and says why") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("when = '1 / size(socket) == 1'"), inquiry, {});
  CHECK(answer.rules[0].state == RuleState::unknown);
  CHECK_FALSE(answer.rules[0].reason.empty());
}

TEST_CASE("texts of the system pass as data") {
  Snapshot snapshot = fixtures::snapshot();
  Process process;
  process.pid = Int{3};
  process.name = Text("a{1 + 1}\x1b[31m\xff");
  snapshot.add(process);
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("for_each = 'process'\nfix = ['kill {it.name}']"), inquiry, {});
  CHECK(answer.findings[0].fix[0] == "kill a{1 + 1}\x1b[31m\\xff");
}

TEST_CASE("a fix that renders empty is left out") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("fix = ['{1 == 2 ? \"x\" : \"\"}', 'b']"), inquiry, {});
  CHECK(answer.findings[0].fix == std::vector<std::string>{"b"});
}

TEST_CASE("rules of other namespaces' rows see the namespace") {
  Snapshot snapshot = fixtures::snapshot();
  Socket socket = fixtures::listener("0.0.0.0", 80);
  socket.netns = Int{5};
  snapshot.add(socket);
  Inquiry inquiry(snapshot);
  CHECK(run(rule("when = 'socket.exists(s, s.netns == host.netns)'"), inquiry, {}).rules[0].state ==
        RuleState::quiet);
}

TEST_CASE("an index answers what a scan would") {
  Snapshot snapshot = fixtures::snapshot();
  for (Int port = 0; port < 2000; ++port) {
    Socket socket = fixtures::listener("0.0.0.0", port, port + 1);
    if (port == 1500)
      socket.local_port = Unknown{"g"};
    snapshot.add(socket);
  }
  Inquiry inquiry(snapshot);
  Options options;
  options.budget.steps = 1500; // too few to look at every row
  const auto answer =
      run(rule("when = 'socket.filter(s, s.local_port == 77 && s.inode == 78).size() == 1'"),
          inquiry, {}, options);
  INFO(answer.rules[0].reason);
  CHECK(answer.rules[0].state == RuleState::fires);
}

TEST_CASE("a waiver takes a finding aside until it expires") {
  const Snapshot snapshot = fixtures::snapshot();
  Inquiry inquiry(snapshot);
  const std::string waiver = "[[waiver]]\nid = \"a.b\"\nreason = \"r\"\nexpires = ";
  const auto held = run(rule("") + waiver + "2099-01-01\n", inquiry, {});
  CHECK(held.findings.empty());
  REQUIRE(held.waived.size() == 1);
  CHECK(held.waived[0].rule == "a.b");
  CHECK(run(rule("") + waiver + "2020-01-01\n", inquiry, {}).findings.size() == 1);
  // 1'800'000'000'000 ms is 2027-01-15T08:00Z: a waiver holds through its last day.
  CHECK(run(rule("") + waiver + "2027-01-15\n", inquiry, {}).findings.empty());
  CHECK(run(rule("") + waiver + "2027-01-14\n", inquiry, {}).findings.size() == 1);
}

TEST_CASE("a waiver for one culprit leaves the others") {
  Snapshot snapshot = fixtures::snapshot();
  snapshot.add(fixtures::listener("10.0.0.1", 80, 1));
  snapshot.add(fixtures::listener("10.0.0.2", 80, 2));
  Inquiry inquiry(snapshot);
  const auto answer = run(rule("for_each = 'socket'\nculprit = 'it'") +
                              "[[waiver]]\nid = \"a.b\"\nreason = \"r\"\nexpires = 2099-01-01\n"
                              "culprit = \"tcp/10.0.0.1:80\"\n",
                          inquiry, {});
  REQUIRE(answer.findings.size() == 1);
  CHECK(answer.findings[0].culprit->id == "tcp/10.0.0.2:80");
  CHECK(answer.waived.size() == 1);
}
