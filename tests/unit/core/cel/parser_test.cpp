#include "core/cel/parser.h"

#include "core/cel/unparse.h"
#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

#include <algorithm>
#include <array>

using namespace synfate::cel;
using test::reparsed;

TEST_CASE("text that is written back parses to the same text") {
  const auto source = GENERATE(
      as<std::string>{}, "a + b * c", "(a + b) * c", "a - (b - c)", "a - b - c", "!(a && b) || c",
      "a ? b : c ? d : e", "(a ? b : c) ? d : e", "-x.y", "(-1).abs()", "!!a", "-(1)", "-(-1)",
      "-(1.abs())", "-a.b", "a.b.c(d)[e]", "a.?b[?c]", "[1, ?x, 2.5]", "{'a': 1u, ?k: v}",
      "has(a.b)", "a.exists(s, s.x == 1)", "a.map(x, x > 0, x * 2)", "a.transformMap(k, v, v + 1)",
      "cel.bind(x, 1, x + x)", "a.`content-type`", ".a.b", "b'\\xff'", "'it\\'s\\n'", "a in [b]",
      "a == (b == c)", "a || (b || c)");
  const auto once = reparsed(source);
  CAPTURE(source, once);
  CHECK(reparsed(once) == once);
  CHECK(once == source);
}

TEST_CASE("operators bind as the precedence table says") {
  CHECK(reparsed("((a)+((b*c)))") == "a + b * c");
  CHECK(reparsed("(a+b)*c") == "(a + b) * c");
  CHECK(reparsed("a||b&&c") == "a || b && c");
  CHECK(reparsed("(a||b)&&c") == "(a || b) && c");
  CHECK(reparsed("a==b in c") == "a == b in c");
  CHECK(reparsed("!a.b") == "!a.b");
  CHECK(reparsed("a?b:c?d:e") == "a ? b : c ? d : e");
}

TEST_CASE("literals of every form are read") {
  CHECK(reparsed("0xFF") == "255");
  CHECK(reparsed("-9223372036854775808") == "-9223372036854775808");
  CHECK(reparsed("18446744073709551615u") == "18446744073709551615u");
  CHECK(reparsed(".5e1") == "5.0");
  CHECK(reparsed("r'\\n'") == "'\\\\n'");
  CHECK(reparsed("'''a'b\nc'''") == "'a\\'b\\nc'");
  CHECK(reparsed("'\\u00e9\\x41\\101\\U0001F600'") == "'éAA😀'");
  CHECK(reparsed("b'\\xff\\377é'") == "b'\\xff\\xff\\xc3\\xa9'");
  CHECK(reparsed("// a comment\n1 // another") == "1");
}

TEST_CASE("syntax errors say where they are, counting code points") {
  CHECK(reparsed("1 +") == "cel.syntax at 1:4");
  CHECK(reparsed("1 +\n  * 2") == "cel.syntax at 2:3");
  CHECK(reparsed("'é' + + 1") == "cel.syntax at 1:7");
  CHECK(reparsed("9223372036854775808") == "cel.syntax at 1:1");
  CHECK(reparsed("'open") == "cel.syntax at 1:1");
  CHECK(reparsed("'a\nb'") == "cel.syntax at 1:1");
  CHECK(reparsed("'\\q'") == "cel.syntax at 1:2");
  CHECK(reparsed("'\\ud800'") == "cel.syntax at 1:2");
  CHECK(reparsed("b'\\u0041'") == "cel.syntax at 1:3");
  CHECK(reparsed("for") == "cel.syntax at 1:1");
  CHECK(reparsed("a.in") == "cel.syntax at 1:3");
  CHECK(reparsed("[1, 2") == "cel.syntax at 1:6");
  CHECK(reparsed("{1: 2,, }") == "cel.syntax at 1:7");
  CHECK(reparsed("12abc") == "cel.syntax at 1:3");
  CHECK(reparsed("a # b") == "cel.syntax at 1:3");
  CHECK(reparsed("\xff") == "cel.syntax at 1:1");
  CHECK(reparsed("") == "cel.syntax at 1:1");
}

TEST_CASE("reserved words are fields and methods but no names") {
  CHECK(reparsed("a.for") == "a.for");
  CHECK(reparsed("a.package(1)") == "a.package(1)");
  CHECK(reparsed("package(1)") == "cel.syntax at 1:1");
}

TEST_CASE("macros refuse arguments of the wrong shape") {
  CHECK(reparsed("has(a)") == "cel.macro at 1:5");
  CHECK(reparsed("a.all(b.c, true)") == "cel.macro at 1:9");
  CHECK(reparsed("a.exists(1, true)") == "cel.macro at 1:10");
  CHECK(reparsed("a.all(x, x, true)") == "cel.macro at 1:10");
  CHECK(reparsed("cel.bind(a.b, 1, 2)") == "cel.macro at 1:12");
  CHECK(reparsed("cel.block(1, 2)") == "cel.macro at 1:11");
  CHECK(reparsed("cel.index(x)") == "cel.macro at 1:11");
}

TEST_CASE("without macros their names are functions") {
  ParseOptions options;
  options.macros = false;
  const auto parsed = parse("[1].exists(x, x > 0)", options);
  REQUIRE(parsed.ok());
  CHECK(parsed.ast.node(parsed.ast.root).kind == NodeKind::call);
}

TEST_CASE("what the definition requires at least fits") {
  const auto repeated = [](std::string_view part, int times) {
    std::string text;
    for (int at = 0; at < times; ++at)
      text += part;
    return text;
  };
  CHECK(test::is_true(repeated("(", 32) + "true" + repeated(")", 32)));
  CHECK(test::is_true(repeated("true ? true : ", 100) + "false"));
  CHECK(test::is_true(repeated("false || ", 1000) + "true"));
  CHECK(test::eval(repeated("1 + ", 400) + "1") == "401");
  CHECK(test::eval("size(" + repeated("[", 40) + repeated("]", 40) + ")") == "1");
}

TEST_CASE("hostile depth is an error and never a crash") {
  const auto part = GENERATE(as<std::string>{}, "(", "[", "{1:", "!", "-", "a.", "f(", "a[", "1+",
                             "true?", "true?true:", "a.map(x,", "[?", "a&&(", "cel.bind(x,1,");
  std::string text;
  for (int at = 0; at < 100'000; ++at)
    text += part;
  const auto parsed = parse(text + "1");
  REQUIRE_FALSE(parsed.ok());
  const std::array expected{code::too_deep, code::syntax, code::too_long};
  CHECK(std::ranges::find(expected, parsed.errors.front().code) != expected.end());
}

TEST_CASE("the deepest accepted tree is checked, evaluated and written without trouble") {
  std::string text = "1";
  for (int at = 0; at < 190; ++at)
    text = "[" + text + "].map(x, x)[0]";
  const auto outcome = test::eval(text);
  CHECK((outcome == "1" || outcome.starts_with("cel.too_deep")));
  std::string sum = "1";
  for (int at = 0; at < 498; ++at)
    sum += " + 1";
  CHECK(test::eval(sum) == "499");
  CHECK(reparsed(sum) == sum);
}

TEST_CASE("conditions combine as trees, whatever their text looks like") {
  const auto left = parse("a || b");
  const auto right = parse("c ?\n d : e");
  const auto joined = conjoin(left.ast, right.ast);
  CHECK(unparse(joined) == "(a || b) && (c ? d : e)");
  const auto last = joined.child(joined.root, 1);
  const auto position = joined.position_of(joined.child(last, 1));
  CHECK(position.source == 1);
  CHECK(position.line == 2);
  CHECK(position.column == 2);
  CHECK(unparse(conjoin(parse("a && b").ast, parse("c && d").ast)) == "a && b && c && d");
  const auto twice = conjoin(joined, parse("x.exists(y, y)").ast);
  CHECK(unparse(twice) == "(a || b) && (c ? d : e) && x.exists(y, y)");
  CHECK(twice.position_of(twice.child(twice.root, 2)).source == 2);
}
