#include "core/facts/schema.h"

#include <set>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("the same description twice is one table, a different one is an error") {
  Schema schema;
  TableSpec spec{"t", "", {{"a", ColumnType::integer, "", "", "", false}}};
  CHECK(schema.add(spec));
  CHECK(schema.add(spec));
  spec.columns[0].type = ColumnType::text;
  const auto status = schema.add(spec);
  REQUIRE_FALSE(status);
  CHECK(status.error().where == "t");
  CHECK(schema.find("t")->columns[0].type == ColumnType::integer);
}

TEST_CASE("type names go both ways") {
  for (const auto type : {ColumnType::integer, ColumnType::real, ColumnType::text,
                          ColumnType::boolean, ColumnType::ip, ColumnType::bytes})
    CHECK(column_type_from(to_string(type)) == type);
  CHECK_FALSE(column_type_from("uint"));
}

TEST_CASE("the core tables are described completely and refer to columns that exist") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  for (const auto& [name, table] : schema.tables()) {
    CAPTURE(name);
    CHECK_FALSE(table.meaning.empty());
    std::set<std::string> names;
    for (const auto& column : table.columns) {
      CAPTURE(column.name);
      CHECK_FALSE(column.meaning.empty());
      CHECK(names.insert(column.name).second);
      if (column.refers_to.empty())
        continue;
      const auto dot = column.refers_to.find('.');
      REQUIRE(dot != std::string::npos);
      const auto* other = schema.find(column.refers_to.substr(0, dot));
      if (other != nullptr) // a platform's table may be elsewhere
        CHECK(other->column(column.refers_to.substr(dot + 1)));
    }
  }
}
