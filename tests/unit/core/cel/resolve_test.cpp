#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;
using test::eval;
using test::type_of;

namespace {

Environment in_container(const char* container) {
  Environment environment;
  environment.set_container(container);
  environment.declare_variable("a.b.x", *parse_type("int"));
  environment.declare_variable("a.x", *parse_type("string"));
  environment.declare_variable("x", *parse_type("bool"));
  environment.declare_variable("m.n", *parse_type("map(string, int)"));
  environment.declare_variable("m.n.o", *parse_type("string"));
  return environment;
}

} // namespace

TEST_CASE("a name means the innermost qualified one") {
  CHECK(type_of("x", in_container("a.b")) == "int");
  CHECK(type_of("x", in_container("a.c")) == "string");
  CHECK(type_of("x", in_container("")) == "bool");
  CHECK(type_of(".x", in_container("a.b")) == "bool");
  CHECK(type_of("b.x", in_container("a")) == "int");
}

TEST_CASE("the longest prefix that is a variable wins over fields") {
  CHECK(type_of("m.n.o", in_container("")) == "string");
  CHECK(type_of("m.n.p", in_container("")) == "int");
  CHECK(type_of("m.o", in_container("")) == "cel.undeclared at 1:1 (x?)");
}

TEST_CASE("macro variables hide qualified names, a leading dot does not see them") {
  const auto environment = in_container("a.b");
  CHECK(type_of("['s'].map(x, x)", environment) == "list(string)");
  CHECK(type_of("['s'].map(x, .x)", environment) == "list(bool)");
  CHECK(type_of("[{'n': 1u}].map(m, m.n)", in_container("")) == "list(uint)");
  CHECK(type_of("[1].map(math, math.abs(1))", environment).starts_with("cel."));
}

TEST_CASE("functions are qualified as variables are") {
  Environment environment;
  environment.set_container("a.b");
  REQUIRE(environment
              .declare_function("a.twice", "(int) -> int",
                                [](CallContext&, std::span<const Value> arguments) {
                                  return Value::integer(arguments[0].as_int() * 2);
                                })
              .ok());
  CHECK(eval("twice(2)", Bindings(), environment) == "4");
  CHECK(eval("a.twice(3)", Bindings(), environment) == "6");
  CHECK(eval(".a.twice(4)", Bindings(), environment) == "8");
  CHECK(type_of(".twice(2)", environment).starts_with("cel.undeclared_function"));
}

TEST_CASE("type names are values, and dyn is none") {
  CHECK(eval("[int, google.protobuf.Duration, net.IP]") ==
        "[int, google.protobuf.Duration, net.IP]");
  CHECK(type_of("dyn") == "cel.undeclared at 1:1");
  CHECK(test::eval_unchecked("dyn") == "error(unknown variable 'dyn')");
}

TEST_CASE("names resolve the same without a check") {
  Bindings bindings;
  bindings.set("a.b.c", Value::integer(1));
  bindings.set("a.b", Value::string("b"));
  CHECK(test::eval_unchecked("a.b.c", bindings) == "1");
  CHECK(test::eval_unchecked("a.b", bindings) == "'b'");
  CHECK(test::eval_unchecked("[{'b': 5}].map(a, a.b)", bindings) == "[5]");
}
