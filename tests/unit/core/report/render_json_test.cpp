#include "core/report/render_json.h"

#include "core/report/json_parts.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/report/sample.h"

using namespace synfate;

namespace {

std::string document(const Snapshot& snapshot, const Report& report) {
  return render_json(snapshot, {&report, 1}, JsonLayout::document);
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items())
    names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a report has the members of synfate.report/1, in that order") {
  const auto json = Json::parse(document(sample::snapshot(), sample::rejected()));
  CHECK(keys(json) == Names{"schema", "host", "taken_at", "target", "outcome", "flows", "findings",
                            "holders", "holders_complete", "gaps"});
  CHECK(keys(json["host"]) == Names{"name", "os", "kernel", "netns"});
  CHECK(keys(json["target"]) == Names{"text", "proto", "port", "address", "path"});
  CHECK(keys(json["flows"][0]) == Names{"from", "to", "outcome", "icmp", "errno", "certainty",
                                        "alternatives", "stopped_at", "culprit", "blockers",
                                        "near_misses", "path"});
  CHECK(keys(json["flows"][0]["path"][0]) ==
        Names{"packet", "stage", "chain", "priority", "verdict", "by", "note"});
  CHECK(keys(json["findings"][0]) == Names{"rule", "severity", "certainty", "stage", "title",
                                           "explain", "fix", "flows", "culprit", "evidence"});
  CHECK(keys(json["gaps"][0]) == Names{"id", "what", "why", "effect", "remedy"});
}

TEST_CASE("a rejected flow's values are the contract's") {
  const auto json = Json::parse(document(sample::snapshot(), sample::rejected()));
  CHECK(json["schema"] == "synfate.report/1");
  CHECK(json["taken_at"] == "2026-11-20T23:10:00.123Z");
  CHECK(json["outcome"] == "refused");
  CHECK(json["target"] == Json::parse(R"({"text": "8080", "proto": "tcp", "port": 8080,
                                          "address": null, "path": null})"));
  const auto& flow = json["flows"][0];
  CHECK(flow["from"] == Json::parse(R"({"address": "10.77.0.2", "interface": "eth0",
                                        "name": "on-link of eth0"})"));
  CHECK(flow["to"] == Json::parse(R"({"address": "10.77.0.1", "port": 8080})"));
  CHECK(flow["culprit"] == Json::parse(R"({"kind": "nft_rule", "id": "inet/filter/input/14",
                        "text": "tcp dport 8080 reject with tcp reset"})"));
  CHECK(flow["blockers"][0] == Json::parse(R"({"stage": "input",
                        "culprit": {"kind": "nft_rule", "id": "inet/filter/input/14"}})"));
  CHECK(flow["near_misses"][0] ==
        Json::parse(R"({"by": {"kind": "nft_rule", "id": "inet/filter/input/9"},
                        "field": "ip saddr", "wanted": "10.0.0.0/16", "had": "10.77.0.2"})"));
  CHECK(flow["path"][1] ==
        Json::parse(R"({"packet": "syn", "stage": "input", "chain": "inet/filter/input",
                        "priority": 0, "verdict": "stop",
                        "by": {"kind": "nft_rule", "id": "inet/filter/input/14"},
                        "note": "reject with tcp reset"})"));
}

TEST_CASE("flows that differ are mixed, and no flow is unknown") {
  const auto snapshot = sample::snapshot();
  CHECK(Json::parse(document(snapshot, sample::loopback_only()))["outcome"] == "mixed");
  CHECK(Json::parse(document(snapshot, Report{}))["outcome"] == "unknown");
}

TEST_CASE("evidence carries whole rows: null is absent, unknown names its gap") {
  auto snapshot = sample::snapshot();
  Socket socket;
  socket.proto = Text("tcp");
  socket.local_address = IpAddress::loopback(IpFamily::v6);
  socket.inode = Unknown{"owners"};
  socket.v6only = true;
  snapshot.add(socket);
  const auto json = Json::parse(document(snapshot, sample::loopback_only()));
  const auto& evidence = json["findings"][0]["evidence"][0];
  CHECK(evidence["table"] == "socket");
  CHECK(evidence["row"]["proto"] == "tcp");
  CHECK(evidence["row"]["local_address"] == "::1");
  CHECK(evidence["row"]["local_port"].is_null());
  CHECK(evidence["row"]["v6only"] == true);
  CHECK(evidence["row"]["inode"] == Json::parse(R"({"unknown": "owners"})"));
}

TEST_CASE("cells are written as in snapshot files") {
  CHECK(json_cell(Bytes{std::string("\x00\xff", 2)}).dump() == R"("AP8=")");
  CHECK(json_cell(std::string("\xff")).dump() == R"({"base64":"/w=="})");
  CHECK(json_document(json_cell(1.5), true) == "1.5\n");
}

TEST_CASE("JSON is valid whatever bytes a process put into its name") {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte)
    every_byte += static_cast<char>(byte);
  auto report = sample::loopback_only();
  report.host.name = every_byte;
  report.findings[0].title = every_byte;
  report.findings[0].fix = {every_byte};
  report.target.text = every_byte;
  report.flows[0].flow.name = every_byte;
  report.flows[1].fate.culprit->id = every_byte;
  report.gaps = {{every_byte, every_byte, every_byte, every_byte, every_byte}};
  const auto text = document(sample::snapshot_with_listener(every_byte), report);
  const auto json = Json::parse(text, nullptr, false);
  CHECK_FALSE(json.is_discarded());
  CHECK(json["host"]["name"].get<std::string>().substr(0, 3) == std::string("\0\1\2", 3));
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("several targets are an array, or one line each") {
  const std::vector<Report> reports{sample::rejected(), sample::loopback_only()};
  const auto snapshot = sample::snapshot();
  const auto array = Json::parse(render_json(snapshot, reports, JsonLayout::document));
  REQUIRE(array.is_array());
  CHECK(array.size() == 2);
  const auto lines = render_json(snapshot, reports, JsonLayout::lines);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  CHECK(Json::parse(lines.substr(0, lines.find('\n'))) == array[0]);
  CHECK(render_json(snapshot, {}, JsonLayout::lines).empty());
}

TEST_CASE("the same facts give the same bytes") {
  CHECK(document(sample::snapshot_with_listener(), sample::loopback_only()) ==
        document(sample::snapshot_with_listener(), sample::loopback_only()));
}

TEST_CASE("a Unix target has a path and no port") {
  Report report;
  report.target.text = "unix:@bus";
  report.target.proto = Proto::unix_socket;
  report.target.path = "bus";
  report.target.abstract = true;
  FlowReport entry;
  entry.flow.proto = Proto::unix_socket;
  entry.flow.local = true;
  entry.flow.path = "bus";
  entry.flow.abstract = true;
  report.flows = {entry};
  const auto json = Json::parse(document(sample::snapshot(), report));
  CHECK(json["target"]["port"].is_null());
  CHECK(json["target"]["path"] == "@bus");
  CHECK(json["flows"][0]["to"] == Json::parse(R"({"path": "@bus"})"));
  CHECK(json["flows"][0]["from"]["address"].is_null());
}

TEST_CASE("branches that differ are listed, steps elsewhere name their namespace") {
  auto report = sample::rejected();
  auto& fate = report.flows[0].fate;
  Alternative passed;
  passed.outcome = Outcome::open;
  passed.when = "tokens are left";
  fate.alternatives = {passed};
  fate.path[0].netns = 7;
  fate.assumptions = {"program 12 lets it pass"};
  const auto flow = Json::parse(document(sample::snapshot(), report))["flows"][0];
  CHECK(flow["alternatives"][0]["outcome"] == "open");
  CHECK(flow["alternatives"][0]["stopped_at"].is_null());
  CHECK(flow["path"][0]["netns"] == 7);
  CHECK_FALSE(flow["path"][1].contains("netns"));
  CHECK(flow["assumptions"][0] == "program 12 lets it pass");
}
