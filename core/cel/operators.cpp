#include "core/cel/operators.h"

#include "core/cel/compare.h"
#include "core/cel/library/tables.h"

#include <array>
#include <cmath>
#include <limits>

namespace synfate::cel {
namespace {

Value overflow(std::string_view type) {
  return Value::error(Failure::overflow,
                      std::string(type) + " overflow: return error for overflow");
}

template <typename Integer> Value make(Integer number) {
  if constexpr (std::is_signed_v<Integer>)
    return Value::integer(number);
  else
    return Value::unsigned_integer(number);
}

template <typename Integer> Value divide(Operator operation, Integer left, Integer right) {
  const bool remainder = operation == Operator::remainder;
  if (right == 0)
    return Value::error(Failure::divide_by_zero, remainder ? "modulus by zero" : "divide by zero");
  if constexpr (std::is_signed_v<Integer>)
    if (left == std::numeric_limits<Integer>::min() && right == -1)
      return overflow("int");
  return make<Integer>(remainder ? left % right : left / right);
}

template <typename Integer>
Value integer_arithmetic(Operator operation, Integer left, Integer right) {
  constexpr std::string_view type = std::is_signed_v<Integer> ? "int" : "uint";
  Integer result = 0;
  switch (operation) {
  case Operator::add:
    return __builtin_add_overflow(left, right, &result) ? overflow(type) : make(result);
  case Operator::subtract:
    return __builtin_sub_overflow(left, right, &result) ? overflow(type) : make(result);
  case Operator::multiply:
    return __builtin_mul_overflow(left, right, &result) ? overflow(type) : make(result);
  default:
    return divide(operation, left, right);
  }
}

std::optional<Value> double_arithmetic(Operator operation, double left, double right) {
  switch (operation) {
  case Operator::add:
    return Value::floating(left + right);
  case Operator::subtract:
    return Value::floating(left - right);
  case Operator::multiply:
    return Value::floating(left * right);
  case Operator::divide:
    return Value::floating(left / right);
  default:
    return std::nullopt;
  }
}

Value concatenate(const Value& left, const Value& right) {
  if (!left.is(Kind::list)) {
    std::string joined;
    joined.reserve(left.as_text().size() + right.as_text().size());
    joined += left.as_text();
    joined += right.as_text();
    return left.is(Kind::string) ? Value::string(std::move(joined))
                                 : Value::bytes(std::move(joined));
  }
  std::vector<Value> elements;
  elements.reserve(left.as_list().size() + right.as_list().size());
  for (const auto* list : {&left.as_list(), &right.as_list()})
    for (std::size_t index = 0; index < list->size(); ++index)
      elements.push_back(list->at(index));
  return Value::list(std::move(elements));
}

/// Sums and differences of timestamps and durations.
std::optional<Value> time_arithmetic(Operator operation, const Value& left, const Value& right) {
  using library::checked_duration;
  using library::checked_timestamp;
  using library::nanoseconds;
  const bool add = operation == Operator::add;
  if (!add && operation != Operator::subtract)
    return std::nullopt;
  const auto signed_right = [&](library::Wide wide) { return add ? wide : -wide; };
  if (left.is(Kind::timestamp) && right.is(Kind::duration))
    return checked_timestamp(nanoseconds(left.as_timestamp()) + signed_right(right.as_duration()));
  if (left.is(Kind::duration) && right.is(Kind::duration))
    return checked_duration(library::Wide{left.as_duration()} + signed_right(right.as_duration()));
  if (add && left.is(Kind::duration) && right.is(Kind::timestamp))
    return checked_timestamp(nanoseconds(right.as_timestamp()) + left.as_duration());
  if (!add && left.is(Kind::timestamp) && right.is(Kind::timestamp))
    return checked_duration(nanoseconds(left.as_timestamp()) - nanoseconds(right.as_timestamp()));
  return std::nullopt;
}

std::optional<Value> arithmetic(Operator operation, const Value& left, const Value& right) {
  if (left.kind() == right.kind()) {
    switch (left.kind()) {
    case Kind::integer:
      return integer_arithmetic(operation, left.as_int(), right.as_int());
    case Kind::unsigned_integer:
      return integer_arithmetic(operation, left.as_uint(), right.as_uint());
    case Kind::floating:
      return double_arithmetic(operation, left.as_double(), right.as_double());
    case Kind::string:
    case Kind::bytes:
    case Kind::list:
      return operation == Operator::add ? std::optional(concatenate(left, right)) : std::nullopt;
    default:
      break;
    }
  }
  return time_arithmetic(operation, left, right);
}

std::optional<Value> order(Operator operation, const Value& left, const Value& right) {
  const auto ordering = compare(left, right);
  if (!ordering)
    return std::nullopt;
  switch (operation) {
  case Operator::less:
    return Value::boolean(*ordering < 0);
  case Operator::less_equal:
    return Value::boolean(*ordering <= 0);
  case Operator::greater:
    return Value::boolean(*ordering > 0);
  default:
    return Value::boolean(*ordering >= 0);
  }
}

std::optional<Value> membership(const Value& element, const Value& container) {
  if (container.is(Kind::map))
    return Value::boolean(container.as_map().find(element) != nullptr);
  if (!container.is(Kind::list))
    return std::nullopt;
  const auto& list = container.as_list();
  for (std::size_t index = 0; index < list.size(); ++index)
    if (equal(list.at(index), element))
      return Value::boolean(true);
  return Value::boolean(false);
}

std::optional<Value> dispatch(Operator operation, const Value& left, const Value& right) {
  switch (operation) {
  case Operator::equal:
    return Value::boolean(equal(left, right));
  case Operator::not_equal:
    return Value::boolean(!equal(left, right));
  case Operator::less:
  case Operator::less_equal:
  case Operator::greater:
  case Operator::greater_equal:
    return order(operation, left, right);
  case Operator::in:
    return membership(left, right);
  case Operator::add:
  case Operator::subtract:
  case Operator::multiply:
  case Operator::divide:
  case Operator::remainder:
    return arithmetic(operation, left, right);
  case Operator::index:
  case Operator::optional_index:
    return apply_index(left, right, operation == Operator::optional_index);
  case Operator::logical_or:
  case Operator::logical_and:
  case Operator::conditional:
  case Operator::negate:
  case Operator::logical_not:
    break;
  }
  return std::nullopt;
}

/// A list index from any number type, when it is a whole number.
std::optional<std::int64_t> whole_index(const Value& key) {
  constexpr double most_exact = 9007199254740992.0;
  if (key.is(Kind::integer))
    return key.as_int();
  if (key.is(Kind::unsigned_integer) && key.as_uint() <= std::numeric_limits<std::int64_t>::max())
    return static_cast<std::int64_t>(key.as_uint());
  if (key.is(Kind::floating) && std::trunc(key.as_double()) == key.as_double() &&
      std::fabs(key.as_double()) <= most_exact)
    return static_cast<std::int64_t>(key.as_double());
  return std::nullopt;
}

/// The element, nothing when there is none, or an error for a key that can be none.
std::optional<Value> look_up(const Value& container, const Value& key) {
  if (container.is(Kind::map)) {
    const auto* found = container.as_map().find(key);
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  if (!container.is(Kind::list))
    return no_overload("_[_]", std::array{container, key});
  const auto index = whole_index(key);
  if (!index)
    return Value::error(Failure::invalid_argument,
                        "invalid_argument: a list index must be a whole number, not " +
                            to_text(key));
  const auto& list = container.as_list();
  if (*index < 0 || static_cast<std::uint64_t>(*index) >= list.size())
    return std::nullopt;
  return list.at(static_cast<std::size_t>(*index));
}

} // namespace

Value no_overload(std::string_view function, std::span<const Value> arguments) {
  std::string text = "no such overload: " + std::string(function) + "(";
  for (std::size_t index = 0; index < arguments.size(); ++index)
    text += (index > 0 ? ", " : "") + std::string(type_name(arguments[index]));
  return Value::error(Failure::no_such_overload, text + ")");
}

Value apply_unary(Operator operation, const Value& operand) {
  if (operation == Operator::logical_not && operand.is(Kind::boolean))
    return Value::boolean(!operand.as_bool());
  if (operation == Operator::negate && operand.is(Kind::integer))
    return operand.as_int() == std::numeric_limits<std::int64_t>::min()
               ? overflow("int")
               : Value::integer(-operand.as_int());
  if (operation == Operator::negate && operand.is(Kind::floating))
    return Value::floating(-operand.as_double());
  return no_overload(operator_function(operation), std::span(&operand, 1));
}

Value apply_binary(Operator operation, const Value& left, const Value& right) {
  auto result = dispatch(operation, left, right);
  return result ? std::move(*result)
                : no_overload(operator_function(operation), std::array{left, right});
}

Value apply_index(const Value& container, const Value& key, bool optional) {
  const bool chained = container.is(Kind::optional);
  if (chained && container.as_optional() == nullptr)
    return container;
  auto found = look_up(chained ? *container.as_optional() : container, key);
  if (found && found->is_error())
    return std::move(*found);
  if (chained || optional)
    return found ? Value::optional_of(std::move(*found)) : Value::optional_none();
  if (found)
    return std::move(*found);
  if (container.is(Kind::map))
    return Value::error(Failure::no_such_key, "no such key: " + to_text(key));
  return Value::error(Failure::invalid_argument,
                      "invalid_argument: index out of bounds: " + to_text(key));
}

} // namespace synfate::cel
