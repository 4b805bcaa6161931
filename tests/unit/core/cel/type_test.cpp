#include "core/cel/type.h"

#include "tests/unit/catch.h"

using namespace synfate::cel;

TEST_CASE("types are written back as they are read") {
  const auto text = GENERATE(as<std::string>{}, "int", "list(string)", "map(string, list(dyn))",
                             "optional_type(T)", "google.protobuf.Timestamp", "net.IP",
                             "tuple(int, A)", "null_type", "type");
  const auto type = parse_type(text);
  REQUIRE(type);
  CHECK(to_string(*type) == text);
}

TEST_CASE("what is no type is refused") {
  const auto text = GENERATE(as<std::string>{}, "", "list(", "list()", "list(int, int)", "map(int)",
                             "int(string)", "1a", "a b", "list(int))", "(int)");
  CHECK_FALSE(parse_type(text));
}

TEST_CASE("bare list and map hold anything") {
  CHECK(to_string(*parse_type("list")) == "list(dyn)");
  CHECK(to_string(*parse_type("map")) == "map(dyn, dyn)");
}

TEST_CASE("a type nested without end is refused") {
  std::string text;
  for (int at = 0; at < 100'000; ++at)
    text += "list(";
  CHECK_FALSE(parse_type(text));
}

TEST_CASE("signatures are written back as they are read") {
  const auto text =
      GENERATE(as<std::string>{}, "() -> int", "(string, int) -> bool", "list(T).(T) -> int",
               "google.protobuf.Timestamp.(string) -> int", "map(K, V).() -> list(K)");
  const auto signature = parse_signature(text);
  REQUIRE(signature);
  CHECK(to_string(*signature) == text);
  CHECK(signature->member == (text.front() != '('));
}

TEST_CASE("what is no signature is refused") {
  CHECK_FALSE(parse_signature("int -> int"));
  CHECK_FALSE(parse_signature("(int) int"));
  CHECK_FALSE(parse_signature("(int) -> "));
  CHECK_FALSE(parse_signature("(int,) -> int"));
}
