#include "core/cel/checker.h"

#include "core/cel/parser.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;
using test::type_of;

namespace {

Environment with_socket() {
  Environment environment;
  std::vector<Field> fields;
  fields.push_back({"local_port", *parse_type("int")});
  fields.push_back({"local_address", *parse_type("net.IP")});
  fields.push_back({"peer", Type::opaque("socket")});
  environment.declare_record(std::make_shared<const RecordType>("socket", std::move(fields)));
  environment.declare_variable("sockets", *parse_type("list(socket)"));
  environment.declare_variable("port", *parse_type("int"));
  return environment;
}

Environment with_tuple() {
  Environment environment;
  REQUIRE(environment.declare_function("pair", "(T, U) -> pair(T, U)").ok());
  REQUIRE(environment.declare_function("same", "(pair(T, T)) -> pair(T, T)").ok());
  return environment;
}

} // namespace

TEST_CASE("every literal has its type") {
  CHECK(type_of("null") == "null_type");
  CHECK(type_of("1u") == "uint");
  CHECK(type_of("b''") == "bytes");
  CHECK(type_of("int") == "type");
  CHECK(type_of("type(1)") == "type");
  CHECK(type_of("[1, 2]") == "list(int)");
  CHECK(type_of("{'a': 1.5}") == "map(string, double)");
}

TEST_CASE("elements of different types join to dyn") {
  CHECK(type_of("[1, 'a']") == "list(dyn)");
  CHECK(type_of("{1: 'a', 'b': 2}") == "map(dyn, dyn)");
  CHECK(type_of("[1, dyn(2)]") == "list(dyn)");
  CHECK(type_of("[[], [1]]") == "list(list(int))");
  CHECK(type_of("[optional.of(1), null]") == "list(optional_type(int))");
}

TEST_CASE("parameters that stay free are dyn") {
  CHECK(type_of("[]") == "list(dyn)");
  CHECK(type_of("optional.none()") == "optional_type(dyn)");
  CHECK(type_of("[].map(x, x)[0].foo") == "dyn");
}

TEST_CASE("type parameters are inferred, and widened by dyn") {
  const auto environment = with_tuple();
  CHECK(type_of("pair(1, 'a')", environment) == "pair(int, string)");
  CHECK(type_of("same(pair(1, 2))", environment) == "pair(int, int)");
  CHECK(type_of("same(pair(1, dyn(2)))", environment) == "pair(dyn, dyn)");
  CHECK(type_of("same(pair(1, 'a'))", environment) == "cel.no_such_overload at 1:1");
  CHECK(type_of("pair(1, 2) == pair(dyn(1), 2)", environment) == "bool");
}

TEST_CASE("numbers of different types need a conversion") {
  CHECK(type_of("1 + 1u") == "cel.no_such_overload at 1:3");
  CHECK(type_of("1 == 1.0") == "cel.no_such_overload at 1:3");
  CHECK(type_of("1 < 1u") == "cel.no_such_overload at 1:3");
  CHECK(type_of("dyn(1) == 1.0") == "bool");
}

TEST_CASE("macros have the types of what they make") {
  CHECK(type_of("[1].map(x, string(x))") == "list(string)");
  CHECK(type_of("{'a': 1}.filter(k, k != '')") == "list(string)");
  CHECK(type_of("{'a': 1}.transformMap(k, v, v == 1)") == "map(string, bool)");
  CHECK(type_of("[1].transformMap(i, v, 'x')") == "map(int, string)");
  CHECK(type_of("[1].transformMapEntry(i, v, {'x': v})") == "map(string, int)");
  CHECK(type_of("optional.of(1).optMap(x, [x])") == "optional_type(list(int))");
  CHECK(type_of("['b', 'a'].sortBy(x, size(x))") == "list(string)");
  CHECK(type_of("[1].exists(x, x)") == "cel.type_mismatch at 1:15");
  CHECK(type_of("1.exists(x, true)") == "cel.not_a_range at 1:1");
  CHECK(type_of("[1].filter(x, 'a')") == "cel.type_mismatch at 1:15");
}

TEST_CASE("fields are checked, and a slip gets a suggestion") {
  const auto environment = with_socket();
  CHECK(type_of("sockets[0].local_port == port", environment) == "bool");
  CHECK(type_of("sockets.map(s, s.peer.local_address)", environment) == "list(net.IP)");
  CHECK(type_of("sockets.exists(s, s.local_prot == 1)", environment) ==
        "cel.no_such_field at 1:21 (local_port?)");
  CHECK(type_of("sockets[0].zzz", environment) == "cel.no_such_field at 1:12");
  CHECK(type_of("port.x", environment) == "cel.not_selectable at 1:6");
  CHECK(type_of("has(sockets[0].peer)", environment) == "bool");
  CHECK(type_of("has(sockets[0].pear)", environment) == "cel.no_such_field at 1:16 (peer?)");
  CHECK(type_of("sockets[?0].?local_port.orValue(1)", environment) == "int");
}

TEST_CASE("names that are not declared get a suggestion") {
  const auto environment = with_socket();
  CHECK(type_of("prot + 1", environment) == "cel.undeclared at 1:1 (port?)");
  CHECK(type_of("socket == 1", environment) == "cel.no_such_overload at 1:8");
  CHECK(type_of("sise([1])") == "cel.undeclared_function at 1:1 (size?)");
  CHECK(type_of("'a'.startWith('b')") == "cel.undeclared_function at 1:5 (startsWith?)");
  CHECK(type_of("[1].exist(x, x)") == "cel.undeclared_function at 1:5 (exists?)");
  CHECK(type_of("math.abz(1)") == "cel.undeclared_function at 1:6 (math.abs?)");
  CHECK(type_of("qqqqqqqqqq") == "cel.undeclared at 1:1");
  CHECK(type_of("Message{a: 1}") == "cel.undeclared at 1:1");
}

TEST_CASE("all errors are reported, in the order of the text") {
  const auto checked = check(parse("1 + 'a' == b &&\n c || f(1)").ast, Environment());
  REQUIRE(checked.errors.size() == 4);
  CHECK(checked.errors[0].code == code::no_such_overload);
  CHECK(checked.errors[1].message == "undeclared reference to 'b'");
  CHECK(checked.errors[2].position.line == 2);
  CHECK(checked.errors[3].code == code::undeclared_function);
}

TEST_CASE("the call style is part of an overload") {
  CHECK(type_of("contains('a', 'b')") == "cel.undeclared_function at 1:1");
  CHECK(type_of("'a'.contains('b')") == "bool");
  CHECK(type_of("'a'.contains(1)") == "cel.no_such_overload at 1:5");
}

TEST_CASE("a type that grows without bounds is refused") {
  std::string text = "[1]";
  for (int at = 0; at < 60; ++at)
    text = "cel.bind(a" + std::to_string(at) + ", " + text + ", {a" + std::to_string(at) + ": a" +
           std::to_string(at) + "})";
  CHECK(type_of(text).starts_with("cel.too_deep"));
}
