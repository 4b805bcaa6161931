#include "core/cel/value.h"

#include "core/cel/compare.h"
#include "core/cel/unicode.h"
#include "tests/unit/catch.h"

#include <cmath>
#include <limits>

using namespace synfate::cel;

TEST_CASE("a part of a string outlives the string it was cut from") {
  Value part;
  {
    const auto whole = Value::string(std::string(1000, 'a') + "tail");
    part = whole.part(1000, 4);
  }
  CHECK(part.as_text() == "tail");
}

TEST_CASE("values can be assigned to and from themselves and their parts") {
  auto list = Value::list({Value::string("x"), Value::list({Value::integer(1)})});
  list = list.as_list().at(1);
  CHECK(to_text(list) == "[1]");
  auto& alias = list;
  list = alias;
  CHECK(to_text(list) == "[1]");
}

TEST_CASE("what was put into a value comes out of it") {
  CHECK(Value::integer(-5).as_int() == -5);
  CHECK(Value::floating(-0.5).as_double() == -0.5);
  CHECK(Value::timestamp({-1, 999}).as_timestamp() == Timestamp{-1, 999});
  const auto address = *synfate::IpAddress::parse("2001:db8::1");
  CHECK(Value::ip(address).as_ip() == address);
  CHECK(Value::cidr({address, 64}).as_cidr() == Cidr{address, 64});
  CHECK(Value::optional_none().as_optional() == nullptr);
  CHECK(Value::optional_of(Value::integer(1)).as_optional()->as_int() == 1);
}

TEST_CASE("the reasons of unknowns are merged without repetition") {
  const auto left = Value::unknown({{2, "b"}, {1, "a"}, {2, "b"}});
  const auto merged = merge_unknowns(left, Value::unknown(UnknownReason{1, "a"}));
  REQUIRE(merged.as_unknown().reasons.size() == 2);
  CHECK(merged.as_unknown().reasons[0].text == "a");
  CHECK(merged.as_unknown().reasons[1].gap == 2);
}

TEST_CASE("keys that are equal have one hash") {
  CHECK(hash_key(Value::integer(5)) == hash_key(Value::unsigned_integer(5)));
  CHECK(hash_key(Value::string("a")) == hash_key(Value::borrowed_string("a")));
}

TEST_CASE("numbers at the edges of their types compare in order") {
  const auto most = Value::unsigned_integer(~0ULL);
  const auto is_less = [](const Value& left, const Value& right) {
    return compare_numbers(left, right) < 0 && compare_numbers(right, left) > 0;
  };
  CHECK(is_less(Value::integer(-1), most));
  CHECK(is_less(most, Value::floating(1e30)));
  CHECK(is_less(Value::floating(-1e30), Value::integer(std::numeric_limits<std::int64_t>::min())));
  CHECK(is_less(Value::floating(-0.5), Value::unsigned_integer(0)));
  const auto order = compare_numbers(Value::integer(1), Value::floating(std::nan("")));
  CHECK((order == std::partial_ordering::unordered));
}

TEST_CASE("only well-formed UTF-8 is taken for it") {
  CHECK(is_valid_utf8("aé€😀"));
  CHECK_FALSE(is_valid_utf8("\xc0\x80"));
  CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));
  CHECK_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
  CHECK_FALSE(is_valid_utf8("\xe2\x82"));
  CHECK(count_code_points("aé€😀") == 4);
  CHECK(byte_of("aé€", 2) == 3);
  CHECK(byte_of("aé", 9) == 3);
}
