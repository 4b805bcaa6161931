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
