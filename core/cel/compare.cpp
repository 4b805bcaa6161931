#include "core/cel/compare.h"

#include "core/cel/record.h"

#include <cmath>
#include <functional>
#include <utility>

namespace synfate::cel {
namespace {

constexpr double two_to_63 = 9223372036854775808.0;
constexpr double two_to_64 = 18446744073709551616.0;

/// Beyond the integer's range the order is plain; within it both are compared as doubles.
template <typename Integer>
std::partial_ordering compare_mixed(Integer whole, double number, double least, double past_most) {
  if (number > past_most)
    return std::partial_ordering::less;
  if (number < least)
    return std::partial_ordering::greater;
  return static_cast<double>(whole) <=> number;
}

std::partial_ordering reversed(std::partial_ordering order) {
  return 0 <=> order;
}

std::partial_ordering compare_with_double(const Value& left, double right) {
  switch (left.kind()) {
  case Kind::integer:
    return compare_mixed(left.as_int(), right, -two_to_63, two_to_63);
  case Kind::unsigned_integer:
    return compare_mixed(left.as_uint(), right, 0.0, two_to_64);
  default:
    return left.as_double() <=> right;
  }
}

bool equal_lists(const List& left, const List& right) {
  if (left.size() != right.size())
    return false;
  for (std::size_t index = 0; index < left.size(); ++index)
    if (!equal(left.at(index), right.at(index)))
      return false;
  return true;
}

bool equal_maps(const Map& left, const Map& right) {
  if (left.size() != right.size())
    return false;
  for (const auto& entry : left.entries()) {
    const auto* other = right.find(entry.key);
    if (other == nullptr || !equal(entry.value, *other))
      return false;
  }
  return true;
}

bool equal_optionals(const Value* left, const Value* right) {
  if (left == nullptr || right == nullptr)
    return left == right;
  return equal(*left, *right);
}

bool equal_records(const Value& left, const Value& right) {
  return left.as_record_set().identity(left.row()) == right.as_record_set().identity(right.row());
}

bool equal_opaques(const Opaque& left, const Opaque& right) {
  return left.type_name() == right.type_name() && left.equals(right);
}

} // namespace

std::partial_ordering compare_numbers(const Value& left, const Value& right) {
  if (left.is(Kind::integer) && right.is(Kind::integer))
    return left.as_int() <=> right.as_int();
  if (right.is(Kind::floating))
    return compare_with_double(left, right.as_double());
  if (left.is(Kind::floating))
    return reversed(compare_with_double(right, left.as_double()));
  if (left.is(Kind::unsigned_integer) && right.is(Kind::unsigned_integer))
    return left.as_uint() <=> right.as_uint();
  if (left.is(Kind::integer))
    return left.as_int() < 0 ? std::partial_ordering::less
                             : static_cast<std::uint64_t>(left.as_int()) <=> right.as_uint();
  return right.as_int() < 0 ? std::partial_ordering::greater
                            : left.as_uint() <=> static_cast<std::uint64_t>(right.as_int());
}

bool equal(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number())
    return compare_numbers(left, right) == 0;
  if (left.kind() != right.kind())
    return false;
  switch (left.kind()) {
  case Kind::null:
    return true;
  case Kind::boolean:
    return left.as_bool() == right.as_bool();
  case Kind::string:
  case Kind::bytes:
  case Kind::type:
    return left.as_text() == right.as_text();
  case Kind::timestamp:
    return left.as_timestamp() == right.as_timestamp();
  case Kind::duration:
    return left.as_duration() == right.as_duration();
  case Kind::ip:
    return left.as_ip().unmapped() == right.as_ip().unmapped();
  case Kind::cidr:
    return left.as_cidr() == right.as_cidr();
  case Kind::list:
    return equal_lists(left.as_list(), right.as_list());
  case Kind::map:
    return equal_maps(left.as_map(), right.as_map());
  case Kind::optional:
    return equal_optionals(left.as_optional(), right.as_optional());
  case Kind::record:
    return equal_records(left, right);
  case Kind::opaque:
    return equal_opaques(left.as_opaque(), right.as_opaque());
  case Kind::integer:
  case Kind::unsigned_integer:
  case Kind::floating:
  case Kind::error:
  case Kind::unknown:
    return false;
  }
  return false;
}

std::optional<std::partial_ordering> compare(const Value& left, const Value& right) {
  if (left.is_number() && right.is_number())
    return compare_numbers(left, right);
  if (left.kind() != right.kind())
    return std::nullopt;
  if (left.is(Kind::boolean))
    return left.as_bool() <=> right.as_bool();
  if (left.is(Kind::string) || left.is(Kind::bytes))
    return left.as_text() <=> right.as_text();
  if (left.is(Kind::timestamp))
    return left.as_timestamp() <=> right.as_timestamp();
  if (left.is(Kind::duration))
    return left.as_duration() <=> right.as_duration();
  return std::nullopt;
}

std::optional<Value> whole_key(double key) {
  if (std::trunc(key) != key)
    return std::nullopt;
  if (key >= -two_to_63 && key < two_to_63)
    return Value::integer(static_cast<std::int64_t>(key));
  if (key > 0 && key < two_to_64)
    return Value::unsigned_integer(static_cast<std::uint64_t>(key));
  return std::nullopt;
}

bool is_key(const Value& key) {
  return key.is(Kind::boolean) || key.is(Kind::integer) || key.is(Kind::unsigned_integer) ||
         key.is(Kind::string);
}

std::size_t hash_key(const Value& key) {
  switch (key.kind()) {
  case Kind::string:
    return std::hash<std::string_view>{}(key.as_text());
  case Kind::boolean:
    return key.as_bool() ? 0x9e3779b9U : 0x85ebca6bU;
  case Kind::integer:
  case Kind::unsigned_integer:
    return std::hash<std::uint64_t>{}(key.as_uint());
  default:
    return 0;
  }
}

} // namespace synfate::cel
