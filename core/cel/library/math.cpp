// The math extension: greatest(), least(), rounding, signs, tests of doubles, bits.
#include "core/cel/compare.h"
#include "core/cel/library/tables.h"

#include <array>
#include <cmath>
#include <limits>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value no_number(std::string_view function, const Value& value) {
  return Value::error(Failure::no_such_overload, "no such overload: math." + std::string(function) +
                                                     "(" + std::string(type_name(value)) + ")");
}

/// The greatest (or least) of the arguments, or of the elements of the only one, a list. Of equal
/// ones the first.
template <bool greatest> Value extreme(CallContext& context, Arguments arguments) {
  constexpr std::string_view name = greatest ? "greatest" : "least";
  const bool is_list = arguments.size() == 1 && arguments[0].is(Kind::list);
  const auto size = is_list ? arguments[0].as_list().size() : arguments.size();
  if (size == 0)
    return Value::error(Failure::invalid_argument,
                        "math." + std::string(name) + "() of an empty list");
  context.charge(size);
  Value best;
  for (std::size_t index = 0; index < size; ++index) {
    auto value = is_list ? arguments[0].as_list().at(index) : arguments[index];
    if (!value.is_number())
      return no_number(name, value);
    const bool better = index == 0 || (greatest ? compare_numbers(value, best) > 0
                                                : compare_numbers(value, best) < 0);
    if (better)
      best = std::move(value);
  }
  return best;
}

using DoubleFunction = double (*)(double);
double ceiling(double number) {
  return std::ceil(number);
}
double floor_of(double number) {
  return std::floor(number);
}
double round_of(double number) {
  return std::round(number);
}
double truncate(double number) {
  return std::trunc(number);
}
double root(double number) {
  return std::sqrt(number);
}

template <DoubleFunction function> Value of_double(CallContext&, Arguments arguments) {
  return Value::floating(function(arguments[0].as_double()));
}

Value square_root(CallContext&, Arguments arguments) {
  const auto& value = arguments[0];
  return Value::floating(std::sqrt(value.is(Kind::integer) ? static_cast<double>(value.as_int())
                                                           : static_cast<double>(value.as_uint())));
}

Value absolute_int(CallContext&, Arguments arguments) {
  const auto number = arguments[0].as_int();
  if (number == std::numeric_limits<std::int64_t>::min())
    return Value::error(Failure::overflow, "int overflow: math.abs() of the least int");
  return Value::integer(number < 0 ? -number : number);
}
Value same(CallContext&, Arguments arguments) {
  return arguments[0];
}
Value absolute_double(CallContext&, Arguments arguments) {
  return Value::floating(std::fabs(arguments[0].as_double()));
}

Value sign_int(CallContext&, Arguments arguments) {
  const auto number = arguments[0].as_int();
  return Value::integer((number > 0) - (number < 0));
}
Value sign_uint(CallContext&, Arguments arguments) {
  return Value::unsigned_integer(arguments[0].as_uint() > 0 ? 1 : 0);
}
Value sign_double(CallContext&, Arguments arguments) {
  const double number = arguments[0].as_double();
  if (std::isnan(number) || number == 0.0)
    return Value::floating(number);
  return Value::floating(number > 0 ? 1.0 : -1.0);
}

Value is_nan(CallContext&, Arguments arguments) {
  return Value::boolean(std::isnan(arguments[0].as_double()));
}
Value is_infinite(CallContext&, Arguments arguments) {
  return Value::boolean(std::isinf(arguments[0].as_double()));
}
Value is_finite(CallContext&, Arguments arguments) {
  return Value::boolean(std::isfinite(arguments[0].as_double()));
}

using BitFunction = std::uint64_t (*)(std::uint64_t, std::uint64_t);
std::uint64_t bits_and(std::uint64_t left, std::uint64_t right) {
  return left & right;
}
std::uint64_t bits_or(std::uint64_t left, std::uint64_t right) {
  return left | right;
}
std::uint64_t bits_xor(std::uint64_t left, std::uint64_t right) {
  return left ^ right;
}

/// An int's bits are those of its two's complement, which as_uint() gives.
Value from_bits(const Value& like, std::uint64_t bits) {
  return like.is(Kind::integer) ? Value::integer(static_cast<std::int64_t>(bits))
                                : Value::unsigned_integer(bits);
}

template <BitFunction function> Value of_bits(CallContext&, Arguments arguments) {
  return from_bits(arguments[0], function(arguments[0].as_uint(), arguments[1].as_uint()));
}
Value bits_not(CallContext&, Arguments arguments) {
  return from_bits(arguments[0], ~arguments[0].as_uint());
}

/// Shifts by 64 and more give 0; shifting right brings in zeros for ints too.
template <bool left> Value shift(CallContext&, Arguments arguments) {
  const auto by = arguments[1].as_int();
  if (by < 0)
    return Value::error(Failure::invalid_argument, "a shift by a negative offset");
  const auto bits = arguments[0].as_uint();
  return from_bits(arguments[0], by >= 64 ? 0 : left ? bits << by : bits >> by);
}

constexpr std::array table{
    Declaration{"math.greatest", "(int) -> int", extreme<true>},
    Declaration{"math.greatest", "(uint) -> uint", extreme<true>},
    Declaration{"math.greatest", "(double) -> double", extreme<true>},
    Declaration{"math.greatest", "(int, int) -> int", extreme<true>},
    Declaration{"math.greatest", "(uint, uint) -> uint", extreme<true>},
    Declaration{"math.greatest", "(double, double) -> double", extreme<true>},
    Declaration{"math.greatest", "(int, uint) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(int, double) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(uint, int) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(uint, double) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(double, int) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(double, uint) -> dyn", extreme<true>},
    Declaration{"math.greatest", "(list(int)) -> int", extreme<true>},
    Declaration{"math.greatest", "(list(uint)) -> uint", extreme<true>},
    Declaration{"math.greatest", "(list(double)) -> double", extreme<true>},
    Declaration{"math.least", "(int) -> int", extreme<false>},
    Declaration{"math.least", "(uint) -> uint", extreme<false>},
    Declaration{"math.least", "(double) -> double", extreme<false>},
    Declaration{"math.least", "(int, int) -> int", extreme<false>},
    Declaration{"math.least", "(uint, uint) -> uint", extreme<false>},
    Declaration{"math.least", "(double, double) -> double", extreme<false>},
    Declaration{"math.least", "(int, uint) -> dyn", extreme<false>},
    Declaration{"math.least", "(int, double) -> dyn", extreme<false>},
    Declaration{"math.least", "(uint, int) -> dyn", extreme<false>},
    Declaration{"math.least", "(uint, double) -> dyn", extreme<false>},
    Declaration{"math.least", "(double, int) -> dyn", extreme<false>},
    Declaration{"math.least", "(double, uint) -> dyn", extreme<false>},
    Declaration{"math.least", "(list(int)) -> int", extreme<false>},
    Declaration{"math.least", "(list(uint)) -> uint", extreme<false>},
    Declaration{"math.least", "(list(double)) -> double", extreme<false>},
    Declaration{"math.ceil", "(double) -> double", of_double<ceiling>},
    Declaration{"math.floor", "(double) -> double", of_double<floor_of>},
    Declaration{"math.round", "(double) -> double", of_double<round_of>},
    Declaration{"math.trunc", "(double) -> double", of_double<truncate>},
    Declaration{"math.sqrt", "(double) -> double", of_double<root>},
    Declaration{"math.sqrt", "(int) -> double", square_root},
    Declaration{"math.sqrt", "(uint) -> double", square_root},
    Declaration{"math.abs", "(int) -> int", absolute_int},
    Declaration{"math.abs", "(uint) -> uint", same},
    Declaration{"math.abs", "(double) -> double", absolute_double},
    Declaration{"math.sign", "(int) -> int", sign_int},
    Declaration{"math.sign", "(uint) -> uint", sign_uint},
    Declaration{"math.sign", "(double) -> double", sign_double},
    Declaration{"math.isNaN", "(double) -> bool", is_nan},
    Declaration{"math.isInf", "(double) -> bool", is_infinite},
    Declaration{"math.isFinite", "(double) -> bool", is_finite},
    Declaration{"math.bitAnd", "(int, int) -> int", of_bits<bits_and>},
    Declaration{"math.bitAnd", "(uint, uint) -> uint", of_bits<bits_and>},
    Declaration{"math.bitOr", "(int, int) -> int", of_bits<bits_or>},
    Declaration{"math.bitOr", "(uint, uint) -> uint", of_bits<bits_or>},
    Declaration{"math.bitXor", "(int, int) -> int", of_bits<bits_xor>},
    Declaration{"math.bitXor", "(uint, uint) -> uint", of_bits<bits_xor>},
    Declaration{"math.bitNot", "(int) -> int", bits_not},
    Declaration{"math.bitNot", "(uint) -> uint", bits_not},
    Declaration{"math.bitShiftLeft", "(int, int) -> int", shift<true>},
    Declaration{"math.bitShiftLeft", "(uint, int) -> uint", shift<true>},
    Declaration{"math.bitShiftRight", "(int, int) -> int", shift<false>},
    Declaration{"math.bitShiftRight", "(uint, int) -> uint", shift<false>},
};

} // namespace

std::span<const Declaration> math() {
  return table;
}

} // namespace synfate::cel::library
