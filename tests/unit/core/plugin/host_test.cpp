#include "core/plugin/host.h"

#include <thread>

#include "core/plugin/in_process.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/plugin/plugin_fixture.h"

namespace {

using namespace synfate;
using namespace synfate::test;

/// A host with one in-process plugin, and a snapshot it collects into.
struct Stage {
  explicit Stage(const std::string& library, const std::string& id = "acme-licences",
                 std::int64_t deadline_ms = 10'000, bool parallel = false)
      : host(collectors(library, id, parallel), system,
             {.home_netns = 7, .deadline_ms = deadline_ms}),
        snapshot(schema) {}

  std::vector<std::unique_ptr<Collector>> collectors(const std::string& library,
                                                     const std::string& id, bool parallel) {
    Manifest manifest = parse_manifest(licence_manifest(id), "manifest.toml").value();
    manifest.parallel = parallel;
    REQUIRE(resolve_tables(manifest, schema));
    std::vector<std::unique_ptr<Collector>> list;
    list.push_back(library_collector(std::move(manifest),
                                     std::string(SYNFATE_TEST_PLUGINS) + "/" + library + ".so",
                                     Origin::built_in));
    return list;
  }

  const Answered& ask(const std::string& product, std::vector<Key> more = {}) {
    Request request{"acme_licence", {{"product", Cell(product)}}};
    request.keys.insert(request.keys.end(), more.begin(), more.end());
    host.collect(snapshot, request);
    return snapshot.answers().back();
  }
  std::size_t rows() const {
    const Table* table = snapshot.table("acme_licence");
    return table == nullptr ? 0 : table->size();
  }

  Schema schema;
  TestSystem system;
  Host host;
  Snapshot snapshot;
};

std::string why(const Stage& stage, std::string_view gap) {
  const Gap* found = stage.snapshot.gap(gap);
  return found == nullptr ? "no such gap" : found->why;
}

} // namespace

TEST_CASE("every type of cell reaches the snapshot through the C boundary") {
  Stage stage("good");
  const auto& answer = stage.ask("db");
  CHECK(answer.gaps.empty());
  const Table* table = stage.snapshot.table("acme_licence");
  REQUIRE(table != nullptr);
  REQUIRE(table->size() == 1);
  const std::vector<Cell> expected{Cell(std::string("db")),
                                   Cell(Int{1}),
                                   Cell(0.5),
                                   Cell(true),
                                   Cell(*IpAddress::parse("10.0.0.1")),
                                   Cell(Bytes{std::string("\x00\xff", 2)}),
                                   Cell(std::string("blue")),
                                   Cell(Int{7})};
  CHECK(table->row(0) == expected);
}

TEST_CASE("a plugin keeps its state between requests") {
  Stage stage("good");
  stage.ask("a");
  stage.ask("b");
  CHECK(stage.snapshot.table("acme_licence")->cell(1, 1) == Cell(Int{2}));
}

TEST_CASE("a plugin that allows it is asked by several threads at once, in the questions' order") {
  if (std::thread::hardware_concurrency() < 2)
    return;
  Stage stage("meeting", "acme-licences", 10'000, true);
  const std::vector<std::string> products{"a", "b", "c", "d"};
  std::vector<Request> requests;
  for (const auto& product : products)
    requests.push_back({"acme_licence", {{"product", Cell(product)}}});
  stage.host.collect(stage.snapshot, requests);
  const Table* table = stage.snapshot.table("acme_licence");
  REQUIRE(table != nullptr);
  REQUIRE(table->size() == products.size());
  for (std::size_t row = 0; row < products.size(); ++row) {
    CHECK(table->text(row, 0) == products[row]);
    CHECK(table->integer(row, 1) >= 2);
  }
}

TEST_CASE("an answer names the gaps because of which rows may be missing") {
  Stage stage("good");
  CHECK(stage.ask("nowhere").gaps == std::vector<std::string>{"licence.server"});
  CHECK(stage.ask("db").gaps.empty());
}

TEST_CASE("a gap that only cells name leaves the answer complete") {
  Stage stage("good");
  CHECK(stage.ask("secret").gaps.empty());
  CHECK(stage.rows() == 1);
  CHECK(stage.snapshot.gap("licence.locked") != nullptr);
}

TEST_CASE("an exception in a plugin becomes a gap and the plugin is asked again") {
  Stage stage("good");
  CHECK(stage.ask("explode").gaps == std::vector<std::string>{"plugin.acme_licence"});
  CHECK(why(stage, "plugin.acme_licence") == "the licence server answered nonsense");
  CHECK(stage.ask("db").gaps.empty());
  CHECK(stage.rows() == 1);
}

TEST_CASE("an exception that crosses the boundary becomes a gap") {
  Stage stage("leaky");
  CHECK(stage.ask("db").gaps == std::vector<std::string>{"plugin.acme-licences"});
  CHECK(why(stage, "plugin.acme-licences").find("over the wall") != std::string::npos);
}

TEST_CASE("a table that no plugin provides is answered with a gap") {
  Stage stage("good");
  stage.host.collect(stage.snapshot, Request{"socket", {}});
  CHECK(stage.snapshot.answers().back().gaps == std::vector<std::string>{"no-plugin.socket"});
}

TEST_CASE("a plugin that breaks a rule loses its rows from then on, and the gap names the breach") {
  struct Breach {
    const char* how;
    const char* text;
    std::size_t rows;
  };
  const auto breach = GENERATE(
      Breach{"undeclared column",
             "it put a cell into a column that does not exist: 'colour' of the table "
             "'acme_licence'",
             1},
      Breach{"wrong type",
             "it put a string into the column 'seats' of the table 'acme_licence', which holds int",
             0},
      Breach{"undeclared table", "a row of the table 'acme_invoice', which its manifest", 0},
      Breach{"gap not reported", "a gap 'never' that it never reported", 1},
      Breach{"unnamed gap", "left the column 'seats' of the table 'acme_licence' unknown without",
             0},
      Breach{"short address", "an address of 3 bytes", 0},
      Breach{"foreign type", "the unknown type 99", 0},
      Breach{"unfinished row", "did not end its last row", 0});
  Stage stage("faulty", "acme-faulty");
  CHECK(stage.ask(breach.how).gaps.front() == "plugin.acme-faulty");
  CHECK(why(stage, "plugin.acme-faulty").find(breach.text) != std::string::npos);
  CHECK(stage.rows() == breach.rows);
  CHECK(stage.ask("endless").gaps == std::vector<std::string>{"plugin.acme-faulty"});
  CHECK(stage.rows() == breach.rows);
}

TEST_CASE("an unknown cell whose gap was never reported still names a gap of the snapshot") {
  Stage stage("faulty", "acme-faulty");
  stage.ask("gap not reported");
  CHECK(stage.snapshot.gap("never") != nullptr);
}

TEST_CASE("the deadline stops a plugin that delivers rows without end") {
  Stage stage("faulty", "acme-faulty", 1000);
  stage.system.tick_ = 100;
  CHECK(stage.ask("endless").gaps == std::vector<std::string>{"timeout"});
  CHECK(stage.rows() > 0);
  CHECK(why(stage, "timeout") == "the run's deadline of 1 s passed");
}

TEST_CASE("after the deadline no plugin is asked") {
  Stage stage("good", "acme-licences", 1000);
  stage.system.clock_ = 1000;
  CHECK(stage.ask("db").gaps == std::vector<std::string>{"timeout"});
  CHECK(stage.rows() == 0);
}

TEST_CASE("a request for another network namespace runs inside of it") {
  Stage stage("good");
  stage.system.reachable_netns_ = 8;
  CHECK(stage.ask("db", {{"netns", Cell(Int{8})}}).gaps.empty());
  CHECK(stage.system.entered_ == 8);
  CHECK(stage.snapshot.table("acme_licence")->cell(0, 7) == Cell(Int{8}));
}

TEST_CASE("a request for the home namespace stays on this thread") {
  Stage stage("good");
  stage.ask("db", {{"netns", Cell(Int{7})}});
  CHECK(stage.system.entered_ == 0);
  CHECK(stage.rows() == 1);
}

TEST_CASE("a namespace that cannot be entered is a gap") {
  Stage stage("good");
  CHECK(stage.ask("db", {{"netns", Cell(Int{9})}}).gaps == std::vector<std::string>{"netns.9"});
  CHECK(stage.rows() == 0);
}

TEST_CASE("a namespace that has gone meanwhile has nothing in it") {
  Stage stage("good");
  stage.system.netns_error_ = ErrorCode::not_found;
  stage.system.reachable_netns_ = 8;
  CHECK(stage.ask("db", {{"netns", Cell(Int{9})}}).gaps.empty());
  CHECK(stage.rows() == 0);
  // No inode is no namespace that could have gone.
  CHECK(stage.ask("db", {{"netns", Cell(Int{0})}}).gaps == std::vector<std::string>{"netns.0"});
}

TEST_CASE("timings tell request, plugin and rows") {
  Stage stage("good");
  stage.ask("db");
  REQUIRE(stage.host.timings().size() == 1);
  const auto& timing = stage.host.timings().front();
  CHECK(timing.request == "acme_licence where product = db");
  CHECK(timing.plugin == "acme-licences");
  CHECK(timing.rows == 1);
}
