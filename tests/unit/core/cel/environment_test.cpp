#include "core/cel/environment.h"

#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;

namespace {

class Handle final : public Opaque {
public:
  explicit Handle(int number) : number_(number) {}
  std::string_view type_name() const override { return "handle"; }
  bool equals(const Opaque& other) const override {
    return static_cast<const Handle&>(other).number_ == number_;
  }
  std::string to_text() const override { return "handle #" + std::to_string(number_); }

private:
  int number_;
};

Value make_handle(CallContext&, std::span<const Value> arguments) {
  return Value::opaque(make_shared_object<const Handle>(static_cast<int>(arguments[0].as_int())));
}

} // namespace

TEST_CASE("a program's own functions and types behave as standard ones") {
  Environment environment;
  REQUIRE(environment.declare_function("handle", "(int) -> handle", make_handle).ok());
  REQUIRE(environment
              .declare_function("describe", "handle.(string) -> string",
                                [](CallContext&, std::span<const Value> arguments) {
                                  return Value::string(std::string(arguments[1].as_text()) +
                                                       arguments[0].as_opaque().to_text());
                                })
              .ok());
  CHECK(test::eval("handle(1).describe('> ')", Bindings(), environment) == "'> handle #1'");
  CHECK(test::eval("handle(1) == handle(1) && handle(1) != handle(2)", Bindings(), environment) ==
        "true");
  CHECK(test::type_of("handle(1)", environment) == "handle");
  CHECK(test::type_of("'a'.describe('b')", environment) == "cel.no_such_overload at 1:5");
}

TEST_CASE("an overload may be added to a standard function, but not twice") {
  Environment environment;
  REQUIRE(environment.declare_function("handle", "(int) -> handle", make_handle).ok());
  REQUIRE(
      environment
          .declare_function("size", "(handle) -> int",
                            [](CallContext&, std::span<const Value>) { return Value::integer(42); })
          .ok());
  CHECK(test::eval("size(handle(1)) + size([1])", Bindings(), environment) == "43");
  CHECK_FALSE(environment.declare_function("size", "(handle) -> int").ok());
  CHECK_FALSE(environment.declare_function("size", "(string) -> int").ok());
  CHECK_FALSE(environment.declare_function("bad", "no signature").ok());
}

TEST_CASE("what a function returns can be an error or an unknown") {
  Environment environment;
  REQUIRE(environment
              .declare_function("owner", "(int) -> string",
                                [](CallContext&, std::span<const Value> arguments) {
                                  return arguments[0].as_int() == 0
                                             ? Value::error(Failure::host, "no owner")
                                             : Value::unknown(UnknownReason{9, "not permitted"});
                                })
              .ok());
  CHECK(test::eval("owner(0)", Bindings(), environment) == "error(no owner)");
  CHECK(test::eval("owner(1) == 'x'", Bindings(), environment) == "unknown(not permitted)");
  CHECK(test::eval("owner(1) == 'x' || true", Bindings(), environment) == "true");
}

TEST_CASE("a function that is only declared has no value") {
  Environment environment;
  REQUIRE(environment.declare_function("f", "(int) -> int").ok());
  CHECK(test::type_of("f(1)", environment) == "int");
  CHECK(test::eval("f(1)", Bindings(), environment) == "error(no such overload: f(int))");
}

TEST_CASE("a function can charge the budget for its work") {
  Environment environment;
  REQUIRE(environment
              .declare_function("work", "() -> int",
                                [](CallContext& context, std::span<const Value>) {
                                  context.charge(1'000'000'000);
                                  return Value::integer(1);
                                })
              .ok());
  CHECK(test::eval("work() == 1 || true", Bindings(), environment) ==
        "error(evaluation budget exceeded)");
}
