#include "core/plugin/manifest.h"

#include "core/facts/tables.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/plugin/plugin_fixture.h"

namespace {

using namespace synfate;
using namespace synfate::test;

constexpr std::string_view head = "[plugin]\nid = \"p\"\nversion = \"1\"\nabi = 1\n";

Error error_of(const std::string& text) {
  auto manifest = parse_manifest(text, "p/manifest.toml");
  REQUIRE_FALSE(manifest);
  return manifest.error();
}

std::string with_head(std::string_view rest) {
  return std::string(head) + std::string(rest);
}

} // namespace

TEST_CASE("a manifest tells everything about a plugin without its code") {
  const auto manifest = parse_manifest(licence_manifest(), "x.toml");
  REQUIRE(manifest);
  CHECK(manifest->id == "acme-licences");
  CHECK(manifest->version == "1.0");
  CHECK(manifest->abi == 1);
  CHECK(manifest->title == "Licences in use");
  CHECK(manifest->platforms == std::vector<std::string>{"linux"});
  REQUIRE(manifest->privileges.size() == 1);
  CHECK(manifest->privileges[0].capability == "CAP_DAC_READ_SEARCH");
  CHECK(manifest->parameters.at("pool") == "blue");
  CHECK(manifest->limit_seconds == 2);
  CHECK(manifest->limit_memory_mib == 256);
  REQUIRE(manifest->tables.size() == 1);
  const auto& table = manifest->tables[0];
  CHECK(table.own);
  CHECK(table.spec.columns.size() == 8);
  CHECK(table.spec.columns[0].key);
  CHECK(table.spec.columns[1].unit == "seats");
  CHECK(table.spec.columns[4].type == ColumnType::ip);
}

TEST_CASE("a plugin runs on the platforms it names, or on all") {
  CHECK_FALSE(parse_manifest(licence_manifest(), "x")->runs_on("windows"));
  CHECK(parse_manifest(with_head("[[table]]\nname = \"socket\"\n"), "x")->runs_on("windows"));
}

TEST_CASE("an unknown key is named with its place and the nearest known key") {
  const auto error = error_of(with_head("titel = \"x\"\n[[table]]\nname = \"socket\"\n"));
  CHECK(error.where == "p/manifest.toml:5:1");
  CHECK(error.detail == "unknown key 'titel' in [plugin]");
  CHECK(error.hint == "Did you mean 'title'?");
}

TEST_CASE("what a manifest may not say") {
  struct Wrong {
    const char* rest;
    const char* where;
    const char* detail;
  };
  const auto wrong = GENERATE(
      Wrong{"", "p/manifest.toml:1:1", "it declares no [[table]]"},
      Wrong{"[table]\nname = \"x\"\n", "p/manifest.toml:5:1", "'table' must be an array of tables"},
      Wrong{"[[table]]\nname = 5\n", "p/manifest.toml:6:8", "'name' must be a string"},
      Wrong{"[[table]]\nmeaning = \"x\"\n", "p/manifest.toml:5:1",
            "'name' is missing in [[table]]"},
      Wrong{"[[table]]\nname = \"Acme\"\n", "p/manifest.toml:6:8",
            "'Acme' cannot be a table's name"},
      Wrong{"[[table]]\nname = \"a\"\n[[table]]\nname = \"a\"\n", "p/manifest.toml:7:1",
            "the table 'a' is declared twice"},
      Wrong{"[[table]]\nname = \"a\"\n[[table.column]]\nname = \"b\"\ntype = \"integer\"\n",
            "p/manifest.toml:9:8", "there is no column type 'integer'"},
      Wrong{"[limits]\nseconds = 0\n[[table]]\nname = \"a\"\n", "p/manifest.toml:6:11",
            "'seconds' must be between 1 and 3600"},
      Wrong{"executable = \"../x\"\n[[table]]\nname = \"a\"\n", "p/manifest.toml:5:14",
            "the executable must lie beside the manifest"});
  const auto error = error_of(with_head(wrong.rest));
  CHECK(error.where == wrong.where);
  CHECK(error.detail == wrong.detail);
}

TEST_CASE("text that is no TOML is refused with its place") {
  CHECK(error_of("[plugin\n").where.find("p/manifest.toml:1:") == 0);
}

TEST_CASE("a table without columns is one that the schema knows") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  auto known = parse_manifest(with_head("[[table]]\nname = \"socket\"\n"), "x").value();
  REQUIRE(resolve_tables(known, schema));
  CHECK(known.tables[0].spec.column("local_port"));
  auto unknown = parse_manifest(with_head("[[table]]\nname = \"sockets\"\n"), "x").value();
  const auto status = resolve_tables(unknown, schema);
  REQUIRE_FALSE(status);
  CHECK(status.error().where == "x:5:1");
  CHECK(status.error().hint == "Did you mean 'socket'?");
}

TEST_CASE("a plugin cannot describe one of synfate's tables differently") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  auto manifest = parse_manifest(with_head("[[table]]\nname = \"socket\"\n[[table.column]]\n"
                                           "name = \"x\"\ntype = \"int\"\n"),
                                 "x")
                      .value();
  REQUIRE_FALSE(resolve_tables(manifest, schema));
  CHECK(schema.find("socket")->column("local_port"));
}
