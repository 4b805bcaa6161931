// The optionals extension: optional.of(), orValue(), … (optMap() and optFlatMap() are macros.)
#include "core/cel/library/tables.h"

#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value none(CallContext&, Arguments) {
  return Value::optional_none();
}
Value of(CallContext&, Arguments arguments) {
  return Value::optional_of(arguments[0]);
}

/// Whether a value is its type's zero: false, 0, "", [], {}, null, optional.none(), …
bool is_zero(const Value& value) {
  switch (value.kind()) {
  case Kind::null:
    return true;
  case Kind::boolean:
    return !value.as_bool();
  case Kind::integer:
  case Kind::unsigned_integer:
  case Kind::duration:
    return value.as_int() == 0;
  case Kind::floating:
    return value.as_double() == 0.0;
  case Kind::string:
  case Kind::bytes:
    return value.as_text().empty();
  case Kind::list:
    return value.as_list().size() == 0;
  case Kind::map:
    return value.as_map().size() == 0;
  case Kind::optional:
    return value.as_optional() == nullptr;
  case Kind::timestamp:
    return value.as_timestamp() == Timestamp{};
  case Kind::ip:
  case Kind::cidr:
  case Kind::type:
  case Kind::record:
  case Kind::opaque:
  case Kind::error:
  case Kind::unknown:
    return false;
  }
  return false;
}

Value of_non_zero(CallContext&, Arguments arguments) {
  return is_zero(arguments[0]) ? Value::optional_none() : Value::optional_of(arguments[0]);
}
Value has_value(CallContext&, Arguments arguments) {
  return Value::boolean(arguments[0].as_optional() != nullptr);
}
Value value_of(CallContext&, Arguments arguments) {
  const auto* held = arguments[0].as_optional();
  return held != nullptr ? *held
                         : Value::error(Failure::invalid_argument,
                                        "optional.none() dereference: it has no value");
}
Value otherwise(CallContext&, Arguments arguments) {
  return arguments[0].as_optional() != nullptr ? arguments[0] : arguments[1];
}
Value or_value(CallContext&, Arguments arguments) {
  const auto* held = arguments[0].as_optional();
  return held != nullptr ? *held : arguments[1];
}

Value unwrap(CallContext& context, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  context.charge(list.size());
  std::vector<Value> values;
  for (std::size_t index = 0; index < list.size(); ++index) {
    const auto element = list.at(index);
    if (!element.is(Kind::optional))
      return Value::error(Failure::no_such_overload,
                          "no such overload: unwrapping a list that holds a value of type " +
                              std::string(type_name(element)));
    if (element.as_optional() != nullptr)
      values.push_back(*element.as_optional());
  }
  return Value::list(std::move(values));
}

constexpr std::array table{
    Declaration{"optional.none", "() -> optional_type(T)", none},
    Declaration{"optional.of", "(T) -> optional_type(T)", of},
    Declaration{"optional.ofNonZeroValue", "(T) -> optional_type(T)", of_non_zero},
    Declaration{"hasValue", "optional_type(T).() -> bool", has_value},
    Declaration{"value", "optional_type(T).() -> T", value_of},
    Declaration{"or", "optional_type(T).(optional_type(T)) -> optional_type(T)", otherwise},
    Declaration{"orValue", "optional_type(T).(T) -> T", or_value},
    Declaration{"optional.unwrap", "(list(optional_type(T))) -> list(T)", unwrap},
    Declaration{"unwrapOpt", "list(optional_type(T)).() -> list(T)", unwrap},
};

} // namespace

std::span<const Declaration> optionals() {
  return table;
}

} // namespace synfate::cel::library
