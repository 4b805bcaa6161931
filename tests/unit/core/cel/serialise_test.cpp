#include "core/cel/serialise.h"

#include "core/cel/parser.h"
#include "core/cel/unparse.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using namespace synfate::cel;

namespace {

CheckedExpression checked(std::string_view source) {
  auto result = check(parse(source).ast, Environment());
  REQUIRE(result.ok());
  return std::move(result.expression);
}

} // namespace

TEST_CASE("an expression read back evaluates as before") {
  const auto source = GENERATE(
      as<std::string>{}, "1 + 2 * 3", "[1, 2].map(x, x * 2)", "{'a': b'\\xff'}.a",
      "'é'.startsWith('é') ? int : string", "cel.bind(x, 1u, [x, x])", "-1.5 < 2.0 && !false",
      "[1, 2].transformMap(i, v, v > 1, null)", "optional.of(1).optMap(x, x + 1)",
      "cel.block([1], cel.index(0) + 1)", "{?'a': optional.none(), 'b': 2}.?b.orValue(3)",
      "timestamp(5).getHours('UTC') == 0", "1 /\n 0");
  const auto before = checked(source);
  const auto read = deserialise(serialise(before));
  REQUIRE(read.ok());
  CHECK(unparse(read->ast) == unparse(before.ast));
  CHECK(read->type == before.type);
  const Environment environment;
  const auto program = link(read->ast, environment);
  const auto value = evaluate(program, Bindings());
  CHECK(to_text(value) == test::eval(source));
  CHECK(read->ast.position_of(read->ast.root) == before.ast.position_of(before.ast.root));
}

TEST_CASE("bytes that are cut short are damaged") {
  const auto bytes = serialise(checked("[1, 2].exists(x, x == 2) || 'a' in ['b']"));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(deserialise(std::span(bytes).first(size)).ok());
}

TEST_CASE("any single damaged byte is an error or a tree that is safe to run") {
  const auto good =
      serialise(checked("cel.bind(y, 2, [1, 2].exists(x, x == y)) && has({'a': 1}.a)"));
  const Environment environment;
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const auto flip : {std::byte{1}, std::byte{0x80}, std::byte{0xff}}) {
      auto bytes = good;
      bytes[at] ^= flip;
      auto read = deserialise(bytes);
      if (!read.ok())
        continue;
      EvaluateOptions options;
      options.step_limit = 10'000;
      const auto value = evaluate(link(std::move(read->ast), environment), Bindings(), options);
      CHECK(to_text(value) != "");
    }
}
