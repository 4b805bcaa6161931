#include "core/command/fact_filter.h"

#include <algorithm>
#include <vector>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

std::vector<Key> keys(const std::string& condition) {
  const TableSpec spec = spec_of<Socket>();
  const auto filter = FactFilter::parse(spec, condition);
  REQUIRE(filter);
  return filter->keys();
}

} // namespace

TEST_CASE("a table is asked for the one value that a condition leaves to a key column") {
  CHECK(keys("local_port == 80") == std::vector<Key>{{"local_port", Int{80}}});
  CHECK(keys("80 == local_port") == std::vector<Key>{{"local_port", Int{80}}});
  CHECK(keys("local_port == 8000 + 80") == std::vector<Key>{{"local_port", Int{8080}}});
  CHECK(keys("local_address == ip('10.0.0.1')") ==
        std::vector<Key>{{"local_address", *IpAddress::parse("10.0.0.1")}});
  const auto both = keys("(state == 'listen' && uid > 0) && local_port == 80");
  REQUIRE(both.size() == 2);
  CHECK(std::ranges::find(both, Key{"state", std::string("listen")}) != both.end());
  CHECK(std::ranges::find(both, Key{"local_port", Int{80}}) != both.end());
}

TEST_CASE("what leaves a column more than one value is not asked for") {
  CHECK(keys("local_port == 80 || local_port == 81").empty());
  CHECK(keys("!(local_port == 80)").empty());
  CHECK(keys("local_port != 80").empty());
  CHECK(keys("local_port == remote_port").empty());
  CHECK(keys("local_port == 1 / 0").empty());
  CHECK(keys("uid == 0").empty()); // no key column: rows are not told apart by it
  CHECK(keys("local_port == 80 ? true : false").empty());
}

TEST_CASE("a condition that is none is refused with its place") {
  const TableSpec spec = spec_of<Socket>();
  for (const char* condition : {"local_prt == 80", "local_port ==", "local_port == 'x'"}) {
    const auto filter = FactFilter::parse(spec, condition);
    REQUIRE_FALSE(filter);
    CHECK(filter.error().code == ErrorCode::invalid_input);
    CHECK(filter.error().where.starts_with(condition));
  }
}

TEST_CASE("rows for which the condition hangs on an unknown cell are counted") {
  Schema schema;
  REQUIRE(schema.add(spec_of<Socket>()));
  Snapshot snapshot(schema);
  Socket row;
  const std::vector<Fact<Int>> uids = {Int{0}, Unknown{"gap"}, Int{7}};
  for (std::size_t at = 0; at < uids.size(); ++at) {
    row.inode = static_cast<Int>(at);
    row.uid = uids[at];
    snapshot.add(row);
  }
  const auto filter = FactFilter::parse(*snapshot.schema().find("socket"), "uid == 0");
  REQUIRE(filter);
  const auto found = filter->apply(snapshot, {0, 1, 2});
  CHECK(found.rows == std::vector<std::size_t>{0});
  CHECK(found.undecided == 1);
}
