// What a glance asks for, and when it gives up.
#include "core/facts/tables.h"
#include "core/model/model.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

Snapshot empty_snapshot() {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  return Snapshot(std::move(schema));
}

const Request all_routes{std::string(table_name<Route>()), {{"netns", Int{7}}}};

} // namespace

TEST_CASE("a glance asks for no more rows than it can use, everything else for all") {
  const Snapshot snapshot = empty_snapshot();
  Inquiry whole(snapshot);
  static_cast<void>(whole.find_within(all_routes, 100));
  REQUIRE(whole.needs().size() == 1);
  CHECK(whole.needs().front() == all_routes);

  Inquiry glance(snapshot, Depth::glance);
  static_cast<void>(glance.find_within(all_routes, 100));
  REQUIRE(glance.needs().size() == 1);
  CHECK(glance.needs().front().keys.back() == Key{std::string(limit_key), Int{100}});
  CHECK_FALSE(glance.too_much());
}

TEST_CASE("a glance gives up where there is more, and uses what was read already") {
  Snapshot snapshot = empty_snapshot();
  Route route;
  route.netns = Int{7};
  snapshot.add(route);
  Request some = all_routes;
  some.keys.push_back({std::string(limit_key), Int{1}});
  snapshot.answered(some, {"routes.many"});
  Inquiry glance(snapshot, Depth::glance);
  static_cast<void>(glance.find_within(all_routes, 1));
  CHECK(glance.too_much());
  CHECK_FALSE(glance.pending());
  // The part is no answer to who asks for all.
  CHECK(snapshot.answer(all_routes) == nullptr);

  snapshot.answered(all_routes);
  Inquiry later(snapshot, Depth::glance);
  CHECK(later.find_within(all_routes, 1).size() == 1);
  CHECK_FALSE(later.too_much());
}

TEST_CASE("what can be read while somebody waits is no need") {
  Snapshot snapshot = empty_snapshot();
  const Request of_address{std::string(table_name<Address>()), {{"netns", Int{7}}}};
  Inquiry inquiry(snapshot);
  inquiry.read_at_once([&](const Request& request, bool) {
    if (request == all_routes)
      snapshot.answered(request, {"routes"});
  });
  static_cast<void>(inquiry.find(all_routes));
  CHECK_FALSE(inquiry.pending());
  CHECK(inquiry.incomplete());
  CHECK(inquiry.gaps() == std::vector<std::string>{"routes"});

  static_cast<void>(inquiry.find(of_address));
  CHECK(inquiry.needs() == std::vector{of_address});
  bool asked = false; // it might hang on what is still missing
  inquiry.read_at_once([&](const Request&, bool) { asked = true; });
  static_cast<void>(inquiry.find({std::string(table_name<Interface>()), {{"netns", Int{7}}}}));
  CHECK_FALSE(asked);
}

TEST_CASE("who reads amid a walk is told what was asked for hastily") {
  Snapshot snapshot = empty_snapshot();
  Inquiry inquiry(snapshot);
  std::vector<bool> hasty;
  inquiry.read_at_once([&](const Request& request, bool hastily) {
    hasty.push_back(hastily);
    if (hastily)
      snapshot.answered(request);
  });
  static_cast<void>(inquiry.find_now(all_routes));
  CHECK_FALSE(inquiry.pending());
  static_cast<void>(inquiry.find({std::string(table_name<Address>()), {{"netns", Int{7}}}}));
  CHECK(inquiry.pending());
  CHECK(hasty == std::vector{true, false});

  Inquiry unattended(snapshot);
  static_cast<void>(
      unattended.find_now({std::string(table_name<Interface>()), {{"netns", Int{7}}}}));
  CHECK(unattended.pending());
}

TEST_CASE("what was found for a question is found anew once there are more rows") {
  Snapshot snapshot = empty_snapshot();
  const auto add = [&](Int metric) {
    Route route;
    route.netns = 7;
    route.metric = metric;
    snapshot.add(route);
  };
  add(1);
  snapshot.answered(all_routes);
  for (int times = 0; times < 2; ++times)
    CHECK(Inquiry(snapshot).find(all_routes).size() == 1);
  add(2);
  CHECK(Inquiry(snapshot).find(all_routes).size() == 2);
  // A narrower question has the same answer, and other rows.
  Request narrow = all_routes;
  narrow.keys.push_back({"metric", Int{2}});
  for (int times = 0; times < 2; ++times) {
    CHECK(Inquiry(snapshot).find(narrow) == std::vector<std::size_t>{1});
    CHECK(Inquiry(snapshot).find(all_routes).size() == 2);
  }
}

TEST_CASE("what a part of an inquiry noted is taken over, as if it had been asked here") {
  Snapshot snapshot = empty_snapshot();
  snapshot.answered(all_routes, {"routes"});
  Inquiry inquiry(snapshot);
  Inquiry part = inquiry.part();
  static_cast<void>(part.find(all_routes));
  static_cast<void>(part.find({std::string(table_name<Address>()), {{"netns", Int{7}}}}));
  part.add_gap({"new", "what", "why", "effect", "remedy"});
  CHECK_FALSE(inquiry.pending());
  for (int times = 0; times < 2; ++times)
    inquiry.take_over(part);
  CHECK(inquiry.needs() == part.needs());
  CHECK(inquiry.gaps() == std::vector<std::string>{"routes", "new"});
  CHECK(inquiry.new_gaps() == part.new_gaps());
  CHECK(inquiry.partly_seen().contains(table_name<Route>()));
}
