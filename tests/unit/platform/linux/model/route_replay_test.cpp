#include "platform/linux/model/route_replay.h"

#include "platform/linux/model/linux_model.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/routing/fib_world.h"

namespace {

using namespace synfate;

constexpr Int netns = 7;

template <typename Row> void record(Snapshot& snapshot, std::vector<Row> rows) {
  Int position = 0;
  for (auto& row : rows) {
    row.netns = netns;
    if constexpr (std::is_same_v<Row, PolicyRule>)
      row.position = position++;
    snapshot.add(row);
  }
  snapshot.answered({std::string(table_name<Row>()), {{"netns", netns}}});
}

Snapshot full_snapshot() {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  REQUIRE(add_linux_tables(schema));
  Snapshot snapshot(std::move(schema));
  linux_routing::FibWorld world;
  world.own("10.0.0.0/24", "10.0.0.1", 2);
  world.route("0.0.0.0/0", 2, "10.0.0.254");
  world.own("fd01::/64", "fd01::1", 2);
  record(snapshot, world.facts.routes);
  record(snapshot, world.facts.rules);
  record(snapshot, world.facts.interfaces);
  record(snapshot, world.facts.addresses);
  snapshot.answered({"neighbour", {{"netns", netns}}});
  snapshot.answered({"setting", {{"netns", netns}}});
  snapshot.seal();
  return snapshot;
}

RouteQuestion towards(const char* destination) {
  RouteQuestion question;
  question.destination = *IpAddress::parse(destination);
  return question;
}

} // namespace

TEST_CASE("a replay derives a route that the run was never asked for") {
  const Snapshot snapshot = full_snapshot();
  Inquiry inquiry(snapshot);
  const auto answer = ask_route(inquiry, netns, towards("203.0.113.9"));
  REQUIRE(answer);
  CHECK(answer->error.is(0));
  CHECK(answer->type.is("unicast"));
  CHECK(answer->interface_index.is(2));
  REQUIRE(answer->gateway.known());
  CHECK(answer->gateway.value().to_string() == "10.0.0.254");
  CHECK(inquiry.gaps().empty());
}

TEST_CASE("a replay knows this host's own address") {
  const Snapshot snapshot = full_snapshot();
  Inquiry inquiry(snapshot);
  RouteQuestion question = towards("10.0.0.1");
  question.source = *IpAddress::parse("10.0.0.9");
  question.input_interface = 2;
  const auto answer = ask_route(inquiry, netns, question);
  REQUIRE(answer);
  CHECK(answer->type.is("local"));
}

TEST_CASE("a replay says nothing of forwarding where the kernel does not (IPv6)") {
  const Snapshot snapshot = full_snapshot();
  Inquiry inquiry(snapshot);
  RouteQuestion question = towards("fd01::7");
  question.source = *IpAddress::parse("fd01::9");
  question.input_interface = 2;
  const auto answer = ask_route(inquiry, netns, question);
  REQUIRE(answer);
  CHECK(answer->error.is(0));
  CHECK(answer->type.is("unicast"));
}

TEST_CASE("without the routing tables a route that was not asked for is a gap") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  REQUIRE(add_linux_tables(schema));
  Snapshot snapshot(std::move(schema));
  snapshot.seal();
  Inquiry inquiry(snapshot);
  CHECK_FALSE(ask_route(inquiry, netns, towards("203.0.113.9")));
  CHECK(inquiry.gaps() == std::vector<std::string>{"not-recorded.route_lookup"});
}

TEST_CASE("on a live host the kernel is asked, whatever the tables say") {
  Snapshot snapshot = full_snapshot();
  Schema schema = snapshot.schema();
  Snapshot live(std::move(schema));
  Inquiry inquiry(live);
  CHECK_FALSE(ask_route(inquiry, netns, towards("203.0.113.9")));
  CHECK(inquiry.pending());
}
