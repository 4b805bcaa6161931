#include "core/facts/json.h"

#include <cmath>

#include <nlohmann/json.hpp>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("a cell of a fact is JSON that says what is known") {
  CHECK(fact_json(Absent{}).dump() == "null");
  CHECK(fact_json(Unknown{"owners"}).dump() == R"({"unknown":"owners"})");
  CHECK(fact_json(Cell(Int{-5})).dump() == "-5");
  CHECK(fact_json(Cell(0.5)).dump() == "0.5");
  CHECK(fact_json(Cell(std::nan(""))).dump() == "null");
  CHECK(fact_json(Cell(false)).dump() == "false");
  CHECK(fact_json(Cell(*IpAddress::parse("::1"))).dump() == "\"::1\"");
  CHECK(fact_json(Bytes{std::string("\x00\x01", 2)}).dump() == "\"AAE=\"");
}

TEST_CASE("JSON is valid whatever bytes a process put into its name") {
  const auto json = fact_json(Cell(std::string("a\xff\xc3(\x00z", 6)));
  CHECK(nlohmann::json::parse(json.dump()).get<std::string>() ==
        std::string("a\xef\xbf\xbd\xef\xbf\xbd(\x00z", 10));
}

TEST_CASE("a row names its columns in their order") {
  Table table(
      {"t",
       "",
       {{"b", ColumnType::integer, "", "", "", true}, {"a", ColumnType::text, "", "", "", false}}});
  table.add({Cell(Int{1}), Unknown{"g"}});
  CHECK(row_json(table, 0).dump() == R"({"b":1,"a":{"unknown":"g"}})");
}

TEST_CASE("the schema is told as JSON, text and Markdown with every column") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  const auto json = schema_json(schema);
  CHECK(json["tables"].size() == schema.tables().size());
  const std::string text = schema_text(schema);
  const std::string markdown = schema_markdown(schema);
  for (const auto& [name, table] : schema.tables()) {
    CHECK(markdown.find("\n## " + name + "\n") != std::string::npos);
    for (const auto& column : table.columns) {
      CHECK(text.find(column.name) != std::string::npos);
      CHECK(markdown.find("`" + column.name + "`") != std::string::npos);
    }
  }
}

TEST_CASE("Markdown cells cannot break their table") {
  Schema schema;
  REQUIRE(schema.add({"t", "a|b", {{"c", ColumnType::text, "", "x | y\nz", "", true}}}));
  const std::string markdown = schema_markdown(schema);
  CHECK(markdown.find("x \\| y z") != std::string::npos);
  CHECK(markdown.find("| **`c`** | string |") != std::string::npos);
}
