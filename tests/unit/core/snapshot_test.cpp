#include "core/facts/snapshot.h"

#include "core/facts/tables.h"
#include "core/model/model.h"
#include "tests/unit/catch.h"

namespace {

using namespace synfate;

Snapshot empty() {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  return Snapshot(std::move(schema));
}

Request sockets(std::vector<Key> keys) {
  return {"socket", std::move(keys)};
}
Key port(Int number) {
  return {"local_port", Cell(number)};
}
Key proto(const char* name) {
  return {"proto", Cell(Text(name))};
}

Socket socket(Fact<Text> protocol, Fact<Int> number) {
  static Int inode = 0;
  Socket row;
  row.inode = ++inode;
  row.proto = std::move(protocol);
  row.local_port = std::move(number);
  return row;
}

} // namespace

TEST_CASE("an answer covers every question that asks for the same or less") {
  Snapshot snapshot = empty();
  snapshot.answered(sockets({port(80)}));
  CHECK(snapshot.answer(sockets({port(80)})) != nullptr);
  CHECK(snapshot.answer(sockets({port(80), proto("tcp")})) != nullptr);
  CHECK(snapshot.answer(sockets({proto("tcp"), port(80)})) != nullptr);
  CHECK(snapshot.answer(sockets({port(81)})) == nullptr);
  CHECK(snapshot.answer(sockets({})) == nullptr);
  CHECK(snapshot.answer(sockets({proto("tcp")})) == nullptr);
  CHECK(snapshot.answer({"process", {}}) == nullptr);
}

TEST_CASE("where rows are answers to whole questions a shorter question covers no longer one") {
  Snapshot snapshot = empty();
  const Key destination{"destination", Cell(*IpAddress::parse("10.0.0.9"))};
  const Key source{"source", Cell(*IpAddress::parse("10.0.0.1"))};
  const std::string lookup(table_name<RouteLookup>());
  snapshot.answered({lookup, {destination}});
  CHECK(snapshot.answer({lookup, {destination}}) != nullptr);
  CHECK(snapshot.answer({lookup, {destination, source}}) == nullptr);
  snapshot.answered({lookup, {source, destination}});
  CHECK(snapshot.answer({lookup, {destination, source}}) != nullptr);
}

TEST_CASE("a question finds rows that match or may match in every key") {
  Snapshot snapshot = empty();
  snapshot.add(socket(Text("tcp"), 80));
  snapshot.add(socket(Text("udp"), 80));
  snapshot.add(socket(Unknown{"g"}, 80));
  snapshot.add(socket(Text("tcp"), Unknown{"g"}));
  snapshot.add(socket(Text("tcp"), 81));
  CHECK(snapshot.find(sockets({proto("tcp"), port(80)})) == std::vector<std::size_t>{0, 2, 3});
  CHECK(snapshot.find(sockets({})).size() == 5);
  CHECK(snapshot.find(sockets({{"no_such_column", Cell(Int{1})}})).empty());
}

TEST_CASE("the first gap of an id stays") {
  Snapshot snapshot = empty();
  snapshot.add_gap({"g", "first", "", "", ""});
  snapshot.add_gap({"g", "second", "", "", ""});
  REQUIRE(snapshot.gaps().size() == 1);
  CHECK(snapshot.gap("g")->what == "first");
  CHECK(snapshot.gap("h") == nullptr);
}

TEST_CASE("a row of a table that the schema does not know is not taken") {
  Snapshot snapshot = empty();
  CHECK_FALSE(snapshot.add_row("nowhere", {}));
  CHECK(snapshot.table("nowhere") == nullptr);
}

TEST_CASE("a question that nobody answered is a need on a live host") {
  const Snapshot snapshot = empty();
  Inquiry inquiry(snapshot);
  CHECK(inquiry.find(sockets({port(80)})).empty());
  CHECK(inquiry.find(sockets({port(80)})).empty());
  CHECK(inquiry.pending());
  CHECK(inquiry.needs() == std::vector<Request>{sockets({port(80)})});
  CHECK(inquiry.gaps().empty());
}

TEST_CASE("a question that nobody answered is a gap in a replay, never an empty answer") {
  Snapshot snapshot = empty();
  snapshot.seal();
  Inquiry inquiry(snapshot);
  CHECK(inquiry.find(sockets({port(80)})).empty());
  CHECK_FALSE(inquiry.pending());
  CHECK(inquiry.incomplete());
  CHECK(inquiry.gaps() == std::vector<std::string>{"not-recorded.socket"});
  REQUIRE(inquiry.new_gaps().size() == 1);
  CHECK(inquiry.new_gaps()[0].what == "socket where local_port = 80");
}

TEST_CASE("the gaps of an answer reach whoever asks") {
  Snapshot snapshot = empty();
  snapshot.answered(sockets({port(80)}), {"g"});
  snapshot.answered(sockets({port(81)}));
  Inquiry inquiry(snapshot);
  inquiry.find(sockets({port(80)}));
  CHECK(inquiry.incomplete());
  inquiry.find(sockets({port(81)}));
  CHECK_FALSE(inquiry.incomplete());
  CHECK(inquiry.gaps() == std::vector<std::string>{"g"});
}

TEST_CASE("a request reads as a sentence and hides the namespace") {
  CHECK(to_string(sockets({{"netns", Cell(Int{1})}, port(80), proto("tcp")})) ==
        "socket where local_port = 80 and proto = tcp");
  CHECK(to_string(Request{"x", {{"b", Cell(Bytes{std::string("\x00\xff", 2)})}}}) ==
        "x where b = 0x00ff");
}
