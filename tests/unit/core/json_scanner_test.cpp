#include "core/base/json_scanner.h"

#include <nlohmann/json.hpp>

#include "tests/unit/catch.h"

using synfate::JsonScanner;

namespace {

bool is_sound(std::string_view text) {
  JsonScanner scanner(text);
  return scanner.skip() && scanner.at_end();
}

} // namespace

TEST_CASE("a document is read piece by piece") {
  JsonScanner scanner(R"( {"a" : [1, -2.5e1, "x\u00e9\ud83d\udc1f\n", true, null, {}], "b":[]} )");
  REQUIRE(scanner.begin_object());
  CHECK(scanner.next_key() == "a");
  REQUIRE(scanner.begin_array());
  CHECK(scanner.next_element());
  CHECK(scanner.integer() == 1);
  CHECK(scanner.next_element());
  CHECK(scanner.real() == -25.0);
  CHECK(scanner.next_element());
  CHECK(scanner.string() == "x\xc3\xa9\xf0\x9f\x90\x9f\n");
  CHECK(scanner.next_element());
  CHECK(scanner.boolean() == true);
  CHECK(scanner.next_element());
  CHECK(scanner.null());
  CHECK(scanner.next_element());
  CHECK(scanner.skip());
  CHECK_FALSE(scanner.next_element());
  CHECK(scanner.next_key() == "b");
  REQUIRE(scanner.begin_array());
  CHECK_FALSE(scanner.next_element());
  CHECK_FALSE(scanner.next_key());
  CHECK(scanner.at_end());
}

TEST_CASE("integers are exact to the last of 64 bits and nothing else") {
  CHECK(JsonScanner("-9223372036854775808").integer() == INT64_MIN);
  CHECK(JsonScanner("9223372036854775807").integer() == INT64_MAX);
  CHECK_FALSE(JsonScanner("9223372036854775808").integer());
  CHECK_FALSE(JsonScanner("1.0").integer());
  CHECK_FALSE(JsonScanner("1e3").integer());
}

TEST_CASE("the scanner and a complete parser agree on what is JSON") {
  const auto text = GENERATE(
      as<std::string>(), "", " ", "nul", "null", "nullx", "true", "tru", "01", "-", "-0", "1.",
      ".5", "1.5", "1e", "1e+", "1e+5", "+1", "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
      "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\xff\"", "\"\n\"", "[", "[]", "[1", "[1,", "[1,]",
      "[,1]", "[1 2]", "[1,2]", "[[1],[2]]", "{", "{}", "{\"a\"}", "{\"a\":}", "{\"a\":1}",
      "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1,\"b\":[2,{}]}", "{1:2}", "[]]", "{}}",
      "[\"a\",\"b\"]", "[\"a\" \"b\"]", "1 2");
  CAPTURE(text);
  CHECK(is_sound(text) == nlohmann::json::accept(text));
}

TEST_CASE("depth has a limit, so that nobody can exhaust the stack") {
  CHECK(is_sound(std::string(50, '[') + std::string(50, ']')));
  CHECK_FALSE(is_sound(std::string(100'000, '[')));
}

TEST_CASE("a scanner that failed stays failed") {
  JsonScanner scanner("[1,x,2]");
  scanner.begin_array();
  scanner.next_element();
  scanner.integer();
  scanner.next_element();
  CHECK_FALSE(scanner.integer());
  CHECK_FALSE(scanner.next_element());
  CHECK_FALSE(scanner.next_key());
  CHECK(scanner.failed());
}
