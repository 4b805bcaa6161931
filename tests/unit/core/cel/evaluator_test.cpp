#include "core/cel/evaluator.h"

#include "core/cel/parser.h"
#include "core/cel/unparse.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;
using test::compile;
using test::eval;
using test::eval_unchecked;
using test::is_true;

namespace {

Value unknown(const char* reason) {
  return Value::unknown(UnknownReason{1, reason});
}

Bindings with_unknowns() {
  Bindings bindings;
  bindings.set("u", unknown("u is not readable"));
  bindings.set("v", unknown("v is not readable"));
  bindings.set("x", Value::integer(1));
  return bindings;
}

} // namespace

TEST_CASE("&& and || absorb errors when the other operand decides") {
  CHECK(eval("1 / 0 == 1 || true") == "true");
  CHECK(eval("true || 1 / 0 == 1") == "true");
  CHECK(eval("1 / 0 == 1 && false") == "false");
  CHECK(eval("1 / 0 == 1 || false") == "error(divide by zero)");
  CHECK(eval("1 / 0 == 1 && true") == "error(divide by zero)");
  CHECK(eval_unchecked("'a' || true") == "true");
  CHECK(eval_unchecked("'a' && false") == "false");
  CHECK(eval_unchecked("'a' && true").starts_with("error(no such overload"));
}

TEST_CASE("&& and || absorb unknowns, and unknown is stronger than an error") {
  const auto bindings = with_unknowns();
  CHECK(eval_unchecked("u || true", bindings) == "true");
  CHECK(eval_unchecked("u && false", bindings) == "false");
  CHECK(eval_unchecked("u || false", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("1 / 0 == 1 || u", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("u && v", bindings) == "unknown(u is not readable; v is not readable)");
  CHECK(eval_unchecked("u && u", bindings) == "unknown(u is not readable)");
}

TEST_CASE("a function of an unknown is unknown for all its reasons") {
  const auto bindings = with_unknowns();
  CHECK(eval_unchecked("u + v", bindings) == "unknown(u is not readable; v is not readable)");
  CHECK(eval_unchecked("size(u)", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("u + 1 / 0", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("[x, u]", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("{'a': u}", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("u.field", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("u ? 1 : 2", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("u.exists(e, true)", bindings) == "unknown(u is not readable)");
  CHECK(eval_unchecked("true ? x : u", bindings) == "1");
}

TEST_CASE("exists and all absorb like || and &&") {
  CHECK(is_true("[0, 1].exists(e, 1 / e == 1)"));
  CHECK(eval("[0, 1].all(e, 1 / e != 1)") == "false");
  CHECK(eval("[0, 1].exists(e, 1 / e == 2)") == "error(divide by zero)");
  CHECK(eval("[0, 1].all(e, 1 / e == 1)") == "error(divide by zero)");
  const auto bindings = with_unknowns();
  CHECK(eval_unchecked("[1, 2].exists(e, e == 1 ? u : true)", bindings) == "true");
  CHECK(eval_unchecked("[1, 2].exists(e, e == 1 ? u : false)", bindings) ==
        "unknown(u is not readable)");
  CHECK(eval_unchecked("[1, 2].all(e, e == 1 ? u : false)", bindings) == "false");
  CHECK(eval("[].exists(e, true)") == "false");
  CHECK(eval("[].all(e, false)") == "true");
}

TEST_CASE("exists_one, filter and map do not absorb") {
  CHECK(is_true("[1, 2, 2].exists_one(e, e == 1) && ![1, 2, 2].exists_one(e, e == 2)"));
  CHECK(eval("[0, 1, 2].exists_one(e, 2 / e == 1)") == "error(divide by zero)");
  CHECK(eval("[0, 1].filter(e, 1 / e == 1)") == "error(divide by zero)");
  CHECK(eval("[0, 1].map(e, 1 / e)") == "error(divide by zero)");
  const auto bindings = with_unknowns();
  CHECK(eval_unchecked("[0, 1].filter(e, e == 0 ? 1 / 0 == 1 : u)", bindings) ==
        "unknown(u is not readable)");
  CHECK(eval_unchecked("[1].filter(e, e)").starts_with("error(no such overload"));
  CHECK(eval_unchecked("1.filter(e, e)").starts_with("error(no such overload"));
}

TEST_CASE("the macros go through lists and the keys of maps") {
  CHECK(eval("[1, 2, 3].filter(e, e > 1)") == "[2, 3]");
  CHECK(eval("[1, 2, 3].map(e, e * e)") == "[1, 4, 9]");
  CHECK(eval("[1, 2, 3].map(e, e > 1, e * e)") == "[4, 9]");
  CHECK(eval("{'a': 1, 'b': 2}.filter(k, k != 'a')") == "['b']");
  CHECK(eval("{'a': 1, 'b': 2}.map(k, k + k)") == "['aa', 'bb']");
  CHECK(is_true("{'a': 1}.all(k, k == 'a') && {'a': 1}.exists_one(k, k == 'a')"));
}

TEST_CASE("macros with two variables see index or key, and value") {
  CHECK(is_true("[5, 6].exists(i, v, i == 1 && v == 6) && [5, 6].all(i, v, v == i + 5)"));
  CHECK(is_true("{'a': 1, 'b': 2}.existsOne(k, v, k == 'b' && v == 2)"));
  CHECK(eval("[5, 6].transformList(i, v, i * v)") == "[0, 6]");
  CHECK(eval("[5, 6].transformList(i, v, i > 0, v)") == "[6]");
  CHECK(eval("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)") == "{'b': 20}");
  CHECK(eval("{'a': 1}.transformMapEntry(k, v, {v: k})") == "{1: 'a'}");
  CHECK(eval("[1, 1].transformMapEntry(i, v, {v: i})") == "error(repeated map key: 1)");
}

TEST_CASE("bindings and blocks hold values, errors included") {
  CHECK(eval("cel.bind(x, 2, cel.bind(y, x * x, x + y))") == "6");
  CHECK(eval("cel.bind(x, 1 / 0, true || x == 1)") == "true");
  CHECK(eval("cel.block([1, cel.index(0) + 1], cel.index(0) + cel.index(1))") == "3");
  CHECK(eval("[1].map(cel.iterVar(0, 0), cel.iterVar(0, 0) + 1)") == "[2]");
}

TEST_CASE("an inner variable hides an outer one, and a leading dot sees past both") {
  Environment environment;
  environment.declare_variable("x", *parse_type("int"));
  Bindings bindings;
  bindings.set("x", Value::integer(9));
  CHECK(eval("[1].map(x, [2].map(x, x))", bindings, environment) == "[[2]]");
  CHECK(eval("[1].map(x, x + .x)", bindings, environment) == "[10]");
  CHECK(eval("[x].map(y, x + y)", bindings, environment) == "[18]");
}

TEST_CASE("an evaluation past its budget is an error that nothing absorbs") {
  const Environment environment;
  EvaluateOptions options;
  options.step_limit = 1000;
  const auto run = [&](std::string_view source) {
    return evaluate(compile(source, environment), Bindings(), options);
  };
  const auto endless = "lists.range(500).exists(a, lists.range(500).exists(b, a + b < 0)) || true";
  REQUIRE(run(endless).is_error());
  CHECK(run(endless).as_error().failure == Failure::budget);
  CHECK(run("[1, 2].exists(a, a == 2)").is_true());
}

TEST_CASE("values that grow exponentially exhaust the budget, not the memory") {
  const Environment environment;
  std::string text = "'xxxxxxxxxxxxxxxx'";
  for (int at = 0; at < 60; ++at)
    text = "cel.bind(s" + std::to_string(at) + ", " + text + ", s" + std::to_string(at) + " + s" +
           std::to_string(at) + ")";
  const auto grown = evaluate(compile(text, environment), Bindings());
  REQUIRE(grown.is_error());
  CHECK(grown.as_error().failure == Failure::budget);

  std::string shared = "[1]";
  for (int at = 0; at < 60; ++at)
    shared = "cel.bind(a" + std::to_string(at) + ", " + shared + ", [a" + std::to_string(at) +
             ", a" + std::to_string(at) + "])";
  const auto compared = evaluate(compile(shared + " == " + shared, environment), Bindings());
  REQUIRE(compared.is_error());
  CHECK(compared.as_error().failure == Failure::budget);
}

TEST_CASE("a deadline that has passed ends the evaluation") {
  const Environment environment;
  EvaluateOptions options;
  options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const auto value =
      evaluate(compile("lists.range(100000).all(x, x >= 0)", environment), Bindings(), options);
  REQUIRE(value.is_error());
  CHECK(value.as_error().failure == Failure::budget);
}

TEST_CASE("an error knows the node that raised it") {
  const Environment environment;
  const auto program = compile("1 == 1 &&\n  2 / 0 == 1", environment);
  const auto value = evaluate(program, Bindings());
  REQUIRE(value.is_error());
  const auto position = program.ast().position_of(value.as_error().node);
  CHECK(position.line == 2);
  CHECK(position.column == 5);
}

TEST_CASE("a trace has the value of every sub-expression that was evaluated") {
  Environment environment;
  environment.declare_variable("x", *parse_type("int"));
  Bindings bindings;
  bindings.set("x", Value::integer(3));
  const auto program = compile("x > 5 || x * 2 == 6", environment);
  Trace trace;
  EvaluateOptions options;
  options.trace = &trace;
  CHECK(evaluate(program, bindings, options).is_true());
  std::string seen;
  for (NodeIndex node = 0; node < program.ast().size(); ++node)
    if (const auto* value = trace.value(node);
        value != nullptr && program.ast().node(node).kind == NodeKind::operation)
      seen += unparse(program.ast(), node) + " = " + to_text(*value) + "; ";
  CHECK(seen == "x > 5 = false; x * 2 = 6; x * 2 == 6 = true; x > 5 || x * 2 == 6 = true; ");
}

TEST_CASE("a trace leaves out the branch that was not taken") {
  const Environment environment;
  const auto program = compile("true ? 1 : 2 + 3", environment);
  Trace trace;
  EvaluateOptions options;
  options.trace = &trace;
  evaluate(program, Bindings(), options);
  for (NodeIndex node = 0; node < program.ast().size(); ++node)
    if (unparse(program.ast(), node) == "2 + 3")
      CHECK(trace.value(node) == nullptr);
}

TEST_CASE("bindings are looked up through their layers") {
  Bindings below;
  below.set("a", Value::integer(1));
  below.set("b", Value::integer(2));
  Bindings above(&below);
  above.set("b", Value::integer(3));
  CHECK(eval_unchecked("[a, b]", above) == "[1, 3]");
  CHECK(eval_unchecked("c", above) == "error(unknown variable 'c')");
}

TEST_CASE("optionals chain through what is missing") {
  CHECK(eval("{'a': {'b': 1}}.?a.?b.orValue(0)") == "1");
  CHECK(eval("{'a': {'b': 1}}.?c.?b.orValue(0)") == "0");
  CHECK(eval("[1, 2][?5].orValue(7)") == "7");
  CHECK(eval("optional.of({'c': 1}).c.value()") == "1");
  CHECK(eval("has({'a': {'c': 1}}.?b.c)") == "false");
  CHECK(eval("[?optional.of(1), ?optional.none(), 2]") == "[1, 2]");
  CHECK(eval("{?'a': optional.none(), ?'b': optional.of(1)}") == "{'b': 1}");
  CHECK(eval("optional.of(2).optMap(x, x * x)") == "optional.of(4)");
  CHECK(eval("optional.of(2).optFlatMap(x, optional.none())") == "optional.none()");
  CHECK(eval("optional.none().value()").starts_with("error(optional.none() dereference"));
  CHECK(eval_unchecked("[?1]").starts_with("error(an element after '?'"));
}
