#include "core/cel/batch.h"

#include "core/cel/value_json.h"
#include "tests/unit/catch.h"

#include <sstream>

#include <nlohmann/json.hpp>

using namespace synfate::cel;

namespace {

nlohmann::json answer(const std::string& request) {
  return nlohmann::json::parse(answer_request(request, Library::standard()));
}
nlohmann::json value_of(const std::string& expression) {
  return answer(nlohmann::json{{"expr", expression}}.dump()).at("value");
}
std::string phase_of(const std::string& request) {
  return answer(request).at("error").at("phase");
}

} // namespace

TEST_CASE("a request is answered with value and type") {
  CHECK(
      answer(
          R"json({"expr": "x + 1", "bindings": {"x": {"int64Value": "1"}}, "types": {"x": "int"}})json")
          .dump() == R"json({"type":"int","value":{"int64Value":"2"}})json");
  CHECK(answer(R"json({"expr": "1", "check": false})json").dump() ==
        R"json({"value":{"int64Value":"1"}})json");
  CHECK(answer(R"json({"expr": "[]", "check_only": true})json").dump() ==
        R"json({"type":"list(dyn)"})json");
}

TEST_CASE("errors name their phase and place") {
  CHECK(answer(R"json({"expr": "1 +"})json")["error"]["phase"] == "parse");
  CHECK(answer(R"json({"expr": "1 +"})json")["error"]["column"] == 4);
  CHECK(answer(R"json({"expr": "1 +\n x"})json")["error"]["line"] == 2);
  CHECK(phase_of(R"json({"expr": "x"})json") == "check");
  CHECK(phase_of(R"json({"expr": "1 / 0"})json") == "eval");
  CHECK(answer(R"json({"expr": "'é' + 1 / 0", "check": false})json")["error"]["column"] == 9);
  CHECK(phase_of(R"json({"expr": "x", "check": false})json") == "eval");
  CHECK(answer(R"json({"expr": "sise('')"})json")["error"]["message"] ==
        "undeclared function 'sise'; did you mean 'size'?");
}

TEST_CASE("a line that is no request is an input error") {
  const auto line = GENERATE(
      as<std::string>{}, "", "{", "[]", "1", "{}", R"json({"expr": 1})json",
      R"json({"expr": "1", "check": "yes"})json",
      R"json({"expr": "1", "types": {"x": "list("}})json", R"json({"expr": "1", "types": []})json",
      R"json({"expr": "1", "bindings": {"x": 1}})json",
      R"json({"expr": "1", "bindings": {"x": {"int64Value": "a"}}})json",
      R"json({"expr": "1", "functions": {"f": ["int"]}})json",
      R"json({"expr": "1", "functions": {"f": "x"}})json",
      R"json({"expr": "1", "container": 1})json",
      R"json({"expr": "1", "bindings": {"x": {"mapValue": {"entries": [{"key": {"doubleValue": 1}, "value": {"nullValue": null}}]}}}})json");
  CAPTURE(line);
  CHECK(phase_of(line) == "input");
}

TEST_CASE("JSON nested without end is an input error") {
  CHECK(phase_of(std::string(1'000'000, '[')) == "input");
  std::string nested = R"json({"nullValue": null})json";
  for (int at = 0; at < 300; ++at)
    nested = R"json({"listValue": {"values": [)json" + nested + "]}}";
  CHECK(phase_of(R"json({"expr": "1", "bindings": {"x": )json" + nested + "}}") == "input");
}

TEST_CASE("bindings need a type when checked, and only then") {
  const std::string bound = R"json("bindings": {"x": {"boolValue": true}})json";
  CHECK(phase_of(R"json({"expr": "x", )json" + bound + "}") == "check");
  CHECK(answer(R"json({"expr": "x", "check": false, )json" + bound + "}")["value"]["boolValue"] ==
        true);
}

TEST_CASE("qualified and reserved names can be bound, and literals stay literals") {
  CHECK(
      answer(
          R"json({"expr": "x.y", "types": {"x.y": "int"}, "bindings": {"x.y": {"int64Value": "3"}}})json")
          ["value"]["int64Value"] == "3");
  CHECK(
      answer(
          R"json({"expr": "false", "types": {"false": "bool"}, "bindings": {"false": {"boolValue": true}}})json")
          ["value"]["boolValue"] == false);
}

TEST_CASE("functions are declared for the checker alone, containers and macros are settings") {
  const std::string functions =
      R"json("functions": {"fn": ["(string, int) -> string", "T.(T) -> list(T)"]})json";
  CHECK(answer(R"json({"expr": "fn('a', 1)", "check_only": true, )json" + functions +
               "}")["type"] == "string");
  CHECK(answer(R"json({"expr": "1.fn(2)", "check_only": true, )json" + functions + "}")["type"] ==
        "list(int)");
  CHECK(phase_of(R"json({"expr": "fn('a', 1)", )json" + functions + "}") == "eval");
  CHECK(
      answer(
          R"json({"expr": "y", "container": "x", "types": {"x.y": "int"}, "check_only": true})json")
          ["type"] == "int");
  CHECK(phase_of(R"json({"expr": "[1].all(x, true)", "disable_macros": true})json") == "check");
}

TEST_CASE("values of every kind have their JSON form") {
  CHECK(value_of("null").dump() == R"json({"nullValue":null})json");
  CHECK(value_of("1u").dump() == R"json({"uint64Value":"1"})json");
  CHECK(value_of("1.5").dump() == R"json({"doubleValue":1.5})json");
  CHECK(value_of("0.0 / 0.0").dump() == R"json({"doubleValue":"NaN"})json");
  CHECK(value_of("-1.0 / 0.0").dump() == R"json({"doubleValue":"-Infinity"})json");
  CHECK(value_of("b'\\xff'").dump() == R"json({"bytesValue":"/w=="})json");
  CHECK(value_of("[1]").dump() == R"json({"listValue":{"values":[{"int64Value":"1"}]}})json");
  CHECK(
      value_of("{'a': true}").dump() ==
      R"json({"mapValue":{"entries":[{"key":{"stringValue":"a"},"value":{"boolValue":true}}]}})json");
  CHECK(value_of("type(null)").dump() == R"json({"typeValue":"null_type"})json");
  CHECK(value_of("duration('1.5s')")["objectValue"]["value"] == "1.500s");
  CHECK(value_of("timestamp(0)")["objectValue"]["value"] == "1970-01-01T00:00:00Z");
  CHECK(value_of("cidr('10.0.0.1/8')")["objectValue"]["value"] == "10.0.0.1/8");
  CHECK(value_of("optional.none()")["objectValue"]["value"].is_null());
  CHECK(value_of("optional.of(1)")["objectValue"]["value"]["int64Value"] == "1");
}

TEST_CASE("every JSON form is read back as the value it was") {
  const auto expression =
      GENERATE(as<std::string>{}, "null", "true", "-5", "18446744073709551615u", "1.5", "1.0 / 0.0",
               "'é'", "b'\\xff'", "[1, [2]]", "{'a': 1, 2: 'b'}", "int",
               "timestamp('2024-01-01T00:00:00.5Z')", "duration('-0.000000001s')", "ip('::1')",
               "cidr('10.0.0.1/8')", "optional.of(optional.none())");
  const auto json = value_of(expression);
  const auto value = from_json(json);
  REQUIRE(value);
  CHECK(to_json(*value) == json);
}

TEST_CASE("unknowns come in and go out") {
  const std::string bound =
      R"json("check": false, "bindings": {"x": {"unknown": {"reason": "why"}}})json";
  CHECK(answer(R"json({"expr": "x", )json" + bound + "}")["value"].dump() ==
        R"json({"unknown":{"reason":"why"}})json");
  CHECK(answer(R"json({"expr": "x || true", )json" + bound + "}")["value"]["boolValue"] == true);
}

TEST_CASE("a batch answers line by line, in order") {
  std::istringstream input("{\"expr\": \"1\"}\nnonsense\n\n{\"expr\": \"2\"}");
  std::ostringstream output;
  run_batch(input, output);
  std::istringstream lines(output.str());
  std::vector<std::string> replies;
  for (std::string line; std::getline(lines, line);)
    replies.push_back(line);
  REQUIRE(replies.size() == 4);
  CHECK(replies[0].find("\"1\"") != std::string::npos);
  CHECK(replies[1].find("input") != std::string::npos);
  CHECK(replies[2].find("input") != std::string::npos);
  CHECK(replies[3].find("\"2\"") != std::string::npos);
}

TEST_CASE("plain JSON bindings have the types of their values") {
  const auto run = [](const char* expression, const char* bindings) {
    return nlohmann::json::parse(evaluate_with_json(expression, bindings));
  };
  CHECK(run("x + 1", R"json({"x": 1})json")["type"] == "int");
  CHECK(run("x.a[0] == 'b'", R"json({"x": {"a": ["b"]}})json")["value"]["boolValue"] == true);
  CHECK(run("x", R"json({"x": 1.5})json")["type"] == "double");
  CHECK(run("x", R"json({"x": {"uint64Value": "7"}})json")["type"] == "uint");
  CHECK(run("x == null", R"json({"x": null})json")["value"]["boolValue"] == true);
  CHECK(run("1", "")["value"]["int64Value"] == "1");
  CHECK(run("1", "[]")["error"]["phase"] == "input");
}

TEST_CASE("a value too large to print is an error") {
  std::string text = "[1]";
  for (int at = 0; at < 40; ++at)
    text = "cel.bind(a" + std::to_string(at) + ", " + text + ", [a" + std::to_string(at) + ", a" +
           std::to_string(at) + "])";
  CHECK(phase_of(nlohmann::json{{"expr", text}}.dump()) == "eval");
}
