#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using synfate::cel::test::eval;
using synfate::cel::test::eval_unchecked;
using synfate::cel::test::is_true;

TEST_CASE("integer arithmetic never wraps around") {
  CHECK(eval("7 / -2") == "-3");
  CHECK(eval("-7 % 3") == "-1");
  CHECK(eval("9223372036854775807 + 1").starts_with("error(int overflow"));
  CHECK(eval("-9223372036854775808 - 1").starts_with("error(int overflow"));
  CHECK(eval("-9223372036854775808 * -1").starts_with("error(int overflow"));
  CHECK(eval("-9223372036854775808 / -1").starts_with("error(int overflow"));
  CHECK(eval("-9223372036854775808 % -1").starts_with("error(int overflow"));
  CHECK(eval("-(-9223372036854775808)").starts_with("error(int overflow"));
  CHECK(eval("0u - 1u").starts_with("error(uint overflow"));
  CHECK(eval("18446744073709551615u + 1u").starts_with("error(uint overflow"));
  CHECK(eval("1 / 0") == "error(divide by zero)");
  CHECK(eval("1u % 0u") == "error(modulus by zero)");
}

TEST_CASE("doubles follow IEEE 754") {
  CHECK(eval("1.0 / 0.0") == "Infinity");
  CHECK(eval("0.0 / 0.0 == 0.0 / 0.0") == "false");
  CHECK(eval("0.1 + 0.2") == "0.30000000000000004");
  CHECK(eval("-0.0 == 0.0") == "true");
}

TEST_CASE("strings, bytes and lists are joined with +") {
  CHECK(eval("'a' + 'b'") == "'ab'");
  CHECK(eval("b'a' + b'\\x00'") == "b'a\\x00'");
  CHECK(eval("[1] + [2, 3]") == "[1, 2, 3]");
}

TEST_CASE("numbers of different types are equal on one line at run time") {
  CHECK(is_true("dyn(1) == 1u && dyn(1u) == 1.0 && dyn(1.5) != 1"));
  CHECK(is_true("dyn(-1) < 1u && dyn(18446744073709551615u) > -1 && dyn(2) >= 1.5"));
  CHECK(is_true("dyn(1) in [1.0] && {1: 'a'}[dyn(1.0)] == 'a'"));
  CHECK(is_true("dyn('1') != 1 && dyn(null) != false"));
}

TEST_CASE("order is defined for the ordered types only") {
  CHECK(is_true("'a' < 'b' && 'B' < 'a' && b'a' <= b'a' && false < true"));
  CHECK(is_true("timestamp(1) < timestamp(2) && duration('1s') > duration('999ms')"));
  CHECK(eval_unchecked("[1] < [2]").starts_with("error(no such overload"));
  CHECK(eval_unchecked("null < null").starts_with("error(no such overload"));
  CHECK(eval("double('NaN') < 1.0 || double('NaN') >= 1.0") == "false");
}

TEST_CASE("lists and maps compare by content") {
  CHECK(is_true("[1, [2.0]] == [1, [2.0]] && [1] != [1, 2]"));
  CHECK(is_true("{'a': 1, 'b': 2} == {'b': 2, 'a': 1} && {'a': 1} != {'a': 2}"));
  CHECK(is_true("{'a': 1} != {'b': 1}"));
}

TEST_CASE("indexing reports what is not there") {
  CHECK(eval("[1, 2][1]") == "2");
  CHECK(eval("[1, 2][2]").starts_with("error(invalid_argument: index out of bounds"));
  CHECK(eval("[1][-1]").starts_with("error(invalid_argument"));
  CHECK(eval("[1][dyn(0.5)]").starts_with("error(invalid_argument"));
  CHECK(eval("[7][dyn(0u)]") == "7");
  CHECK(eval("{'a': 1}['b']") == "error(no such key: 'b')");
  CHECK(eval("{'a': 1}.b") == "error(no such key: 'b')");
  CHECK(eval_unchecked("1[0]").starts_with("error(no such overload"));
  CHECK(eval_unchecked("1.5.a").starts_with("error(a value of type double has no field"));
}

TEST_CASE("map literals refuse bad and repeated keys") {
  CHECK(eval("{1: 'a', 1u: 'b'}") == "error(repeated map key: 1u)");
  CHECK(eval_unchecked("{1.0: 'a'}") == "error(unsupported key type: double)");
  CHECK(eval_unchecked("{null: 'a'}") == "error(unsupported key type: null_type)");
  CHECK(eval("size({1: 1, 2: 2, true: 3, 'x': 4})") == "4");
}

TEST_CASE("a large map finds every key and no other") {
  CHECK(is_true("cel.bind(m, lists.range(1000).transformMap(i, v, v * 2), "
                "lists.range(1000).all(i, m[i] == i * 2) && !(1000 in m) && m[dyn(7u)] == 14 && "
                "m[dyn(8.0)] == 16 && !(dyn(8.5) in m))"));
}

TEST_CASE("the conditional takes one branch") {
  CHECK(eval("true ? 1 : 1 / 0") == "1");
  CHECK(eval("false ? 1 / 0 : 2") == "2");
  CHECK(eval("1 / 0 == 1 ? 1 : 2") == "error(divide by zero)");
  CHECK(eval_unchecked("1 ? 2 : 3").starts_with("error(no such overload"));
}

TEST_CASE("negation and not take their own types") {
  CHECK(eval("!true") == "false");
  CHECK(eval_unchecked("!1").starts_with("error(no such overload"));
  CHECK(eval_unchecked("-(1u)").starts_with("error(no such overload"));
  CHECK(eval_unchecked("-'a'").starts_with("error(no such overload"));
}
