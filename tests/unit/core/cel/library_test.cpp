#include "tests/unit/catch.h"
#include "tests/unit/core/cel/expressions.h"

using synfate::cel::test::eval;
using synfate::cel::test::eval_unchecked;
using synfate::cel::test::is_true;

TEST_CASE("conversions check the range of their target") {
  CHECK(eval("int(-7.9)") == "-7");
  CHECK(eval("int('+42')") == "42");
  CHECK(eval("int('4 2')").starts_with("error(Type conversion error"));
  CHECK(eval("int(9223372036854775808u)").starts_with("error(range"));
  CHECK(eval("int(9223372036854775807.0)").starts_with("error(range"));
  CHECK(eval("int(double('NaN'))").starts_with("error(range"));
  CHECK(eval("uint(-1)").starts_with("error(range"));
  CHECK(eval("uint(-0.5)").starts_with("error(range"));
  CHECK(eval("uint('-1')").starts_with("error(Type conversion error"));
  CHECK(eval("double('1e3')") == "1000.0");
  CHECK(eval("double('-Infinity')") == "-Infinity");
  CHECK(eval("double('x')").starts_with("error(Type conversion error"));
  CHECK(eval("bool('True') && !bool('f')") == "true");
  CHECK(eval("bool('yes')").starts_with("error(Type conversion error"));
  CHECK(eval("string(b'\\xff')") == "error(invalid UTF-8 in bytes)");
  CHECK(eval("bytes('é')") == "b'\\xc3\\xa9'");
  CHECK(eval("[string(1), string(2u), string(1.5), string(true)]") == "['1', '2', '1.5', 'true']");
  CHECK(eval("[type(1), type(type(1)), type([]), type(null)]") == "[int, type, list, null_type]");
}

TEST_CASE("sizes count code points, bytes and elements") {
  CHECK(eval("[size('é😀'), b'é'.size(), size([1, 2]), {'a': 1}.size()]") == "[2, 2, 2, 1]");
}

TEST_CASE("text is searched and matched") {
  CHECK(is_true("'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')"));
  CHECK(is_true("'hello'.matches('l+') && matches('hello', '^h.*o$') && !'hello'.matches('^e')"));
  CHECK(eval("'a'.matches('(')").starts_with("error(invalid regular expression"));
  CHECK(is_true("['a', '('].exists(p, 'a'.matches(p))"));
}

TEST_CASE("the strings extension counts code points") {
  CHECK(eval("'añb'.charAt(1)") == "'ñ'");
  CHECK(eval("'abc'.charAt(3)") == "''");
  CHECK(eval("'abc'.charAt(4)") == "error(index out of range: 4)");
  CHECK(eval("['añbñ'.indexOf('ñ'), 'añbñ'.indexOf('ñ', 2), 'añb'.indexOf('x')]") == "[1, 3, -1]");
  CHECK(eval("['añbñ'.lastIndexOf('ñ'), 'añbñ'.lastIndexOf('ñ', 2), 'a'.lastIndexOf('')]") ==
        "[3, 1, 1]");
  CHECK(eval("'a'.indexOf('a', 5)") == "error(index out of range: 5)");
  CHECK(eval("'añbc'.substring(1, 3)") == "'ñb'");
  CHECK(eval("'abc'.substring(2, 1)").starts_with("error(invalid substring range"));
  CHECK(eval("'abc'.substring(-1)") == "error(index out of range: -1)");
  CHECK(eval("['a b  c'.split(' '), 'abc'.split(''), 'a,b,c'.split(',', 2), ''.split('')]") ==
        "[['a', 'b', '', 'c'], ['a', 'b', 'c'], ['a', 'b,c'], []]");
  CHECK(eval("'aaa'.replace('a', 'b', 2)") == "'bba'");
  CHECK(eval("'ab'.replace('', '-')") == "'-a-b-'");
  CHECK(eval("' \\u00a0x\\t'.trim()") == "'x'");
  CHECK(eval("'  '.trim()") == "''");
  CHECK(eval("'aBÉ'.lowerAscii() + 'aBé'.upperAscii()") == "'abÉABé'");
  CHECK(eval("'añb'.reverse()") == "'bña'");
  CHECK(eval("['a', 'b'].join('-') + [].join()") == "'a-b'");
  CHECK(eval("dyn([1]).join()").starts_with("error(no such overload"));
  CHECK(eval("strings.quote('a\"\\n')") == "'\"a\\\\\"\\\\n\"'");
}

TEST_CASE("format() renders each clause, and refuses what does not fit") {
  CHECK(eval("'%s %d %% %x %X %o %b'.format(['a', 1, 255, 255u, 8, 5])") == "'a 1 % ff FF 10 101'");
  CHECK(eval("'%.2f %e'.format([3.14159, 1500])") == "'3.14 1.500000e+03'");
  CHECK(eval("'%s'.format([{'b': [1, null], 'a': 2.5}])") == "'{a: 2.5, b: [1, null]}'");
  CHECK(eval("'%d %x'.format([-5, -255])") == "'-5 -ff'");
  CHECK(eval("'%x'.format(['AB'])") == "'4142'");
  CHECK(eval("'%s'.format([ip('::1')])") == "'::1'");
  CHECK(eval("'%d'.format(['a'])").starts_with("error(error during formatting: decimal"));
  CHECK(eval("'%d'.format([])") == "error(index 0 out of range)");
  CHECK(eval("'%y'.format([1])").starts_with("error(could not parse formatting clause"));
  CHECK(eval("'%'.format([1])").starts_with("error(could not parse formatting clause"));
  CHECK(eval("'%.999999f'.format([1.0])").starts_with("error(could not parse"));
}

TEST_CASE("the math extension follows its types") {
  CHECK(eval("math.greatest(1, 5, 3)") == "5");
  CHECK(eval("math.least([2.5, 1.5])") == "1.5");
  CHECK(eval("math.greatest(dyn('a'), 1)").starts_with("error(no such overload"));
  CHECK(eval("math.least([])").starts_with("error(math.least() of an empty list"));
  CHECK(eval("[math.ceil(1.2), math.floor(-1.2), math.round(2.5), math.trunc(-1.8)]") ==
        "[2.0, -2.0, 3.0, -1.0]");
  CHECK(eval("[math.abs(-3), math.sign(-3), math.bitAnd(6, 3), math.bitOr(6, 3), math.bitXor(6, "
             "3), math.bitNot(0), math.bitShiftLeft(1, 4), math.bitShiftRight(16, 4)]") ==
        "[3, -1, 2, 7, 5, -1, 16, 1]");
  CHECK(eval("math.abs(-9223372036854775808)").starts_with("error(int overflow"));
  CHECK(eval("math.bitShiftLeft(1, -1)").starts_with("error(a shift by a negative offset"));
  CHECK(eval("[math.bitShiftLeft(1, 64), math.bitShiftRight(-1, 63)]") == "[0, 1]");
  CHECK(is_true("math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0) && math.isFinite(1.0)"));
  CHECK(eval("math.sqrt(16)") == "4.0");
}

TEST_CASE("the lists extension leaves its argument as it is") {
  CHECK(eval("[1, 2, 3].slice(1, 3)") == "[2, 3]");
  CHECK(eval("[1].slice(0, 2)").starts_with("error(cannot slice"));
  CHECK(eval("[[1], [[2]]].flatten(2)") == "[1, 2]");
  CHECK(eval("[[1], [2, 3]].flatten()") == "[1, 2, 3]");
  CHECK(eval("[1, 2, 1, 2u].distinct()") == "[1, 2]");
  CHECK(eval("[3, 1, 2].sort()") == "[1, 2, 3]");
  CHECK(eval("['bb', 'a'].sortBy(x, size(x))") == "['a', 'bb']");
  CHECK(eval("dyn([1, 'a']).sort()").starts_with("error(no such overload"));
  CHECK(eval("[1, 2].reverse()") == "[2, 1]");
  CHECK(eval("[[1, 2].first().value(), [1, 2].last().value()]") == "[1, 2]");
  CHECK(eval("[].first()") == "optional.none()");
  CHECK(eval("lists.range(3)") == "[0, 1, 2]");
  CHECK(eval("lists.range(100000000)").starts_with("error(lists.range() takes no more"));
}

TEST_CASE("sets compare by CEL equality") {
  CHECK(is_true("sets.contains([1, 2], [2, 2]) && !sets.contains([1], [2])"));
  CHECK(is_true("sets.equivalent([1, 1], [dyn(1.0)]) && !sets.equivalent([1], [1, 2])"));
  CHECK(is_true("sets.intersects([1, 2], [2, 3]) && !sets.intersects([1], [])"));
}

TEST_CASE("optional functions tell zero from absent") {
  CHECK(is_true("!optional.ofNonZeroValue('').hasValue() && optional.of('').hasValue()"));
  CHECK(eval("optional.none().or(optional.of(2)).orValue(3)") == "2");
  CHECK(eval("[optional.of(1), optional.none()].unwrapOpt()") == "[1]");
  CHECK(eval("optional.unwrap([optional.of(1)])") == "[1]");
}

TEST_CASE("base64 goes both ways, with and without padding") {
  CHECK(eval("base64.encode(b'ab')") == "'YWI='");
  CHECK(eval("base64.decode('YWI')") == "b'ab'");
  CHECK(eval("base64.decode('YWI=')") == "b'ab'");
  CHECK(eval("base64.decode('Y')").starts_with("error(base64.decode()"));
  CHECK(eval("base64.decode('Y?==')").starts_with("error(base64.decode()"));
}

TEST_CASE("arguments of the wrong type are no overload at run time") {
  CHECK(eval_unchecked("'a'.contains(1)") == "error(no such overload: contains(string, int))");
  CHECK(eval_unchecked("size(1)") == "error(no such overload: size(int))");
  CHECK(eval_unchecked("nothing(1)") == "error(no such overload: nothing(int))");
}
