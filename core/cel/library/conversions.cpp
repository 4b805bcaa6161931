// int(), uint(), double(), bool(), string(), bytes(), timestamp(), duration(), type(), dyn().
//
// Every conversion checks the range of its target; a double converts to an integer only strictly
// between the least and the greatest one, since neither is exact as a double.
#include "core/cel/library/tables.h"
#include "core/cel/unicode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value range_error(std::string_view type) {
  return Value::error(Failure::range,
                      "range error: the value is out of the range of " + std::string(type));
}
Value text_error(std::string_view type, std::string_view text) {
  return Value::error(Failure::invalid_argument,
                      "Type conversion error: " + to_text(Value::borrowed_string(text)) +
                          " is no " + std::string(type));
}

template <typename Number> std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

Value same(CallContext&, Arguments arguments) {
  return arguments[0];
}
Value type_value(CallContext&, Arguments arguments) {
  return Value::type(type_name(arguments[0]));
}

Value int_from_uint(CallContext&, Arguments arguments) {
  const auto number = arguments[0].as_uint();
  return number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())
             ? range_error("int")
             : Value::integer(static_cast<std::int64_t>(number));
}
Value int_from_double(CallContext&, Arguments arguments) {
  constexpr double limit = 9223372036854775808.0;
  const double number = arguments[0].as_double();
  return number > -limit && number < limit ? Value::integer(static_cast<std::int64_t>(number))
                                           : range_error("int");
}
Value int_from_string(CallContext&, Arguments arguments) {
  auto text = arguments[0].as_text();
  if (text.starts_with('+') && !text.starts_with("+-"))
    text.remove_prefix(1);
  const auto number = parse_whole<std::int64_t>(text);
  return number ? Value::integer(*number) : text_error("int", arguments[0].as_text());
}
Value int_from_timestamp(CallContext&, Arguments arguments) {
  return Value::integer(arguments[0].as_timestamp().seconds);
}

Value uint_from_int(CallContext&, Arguments arguments) {
  return arguments[0].as_int() < 0
             ? range_error("uint")
             : Value::unsigned_integer(static_cast<std::uint64_t>(arguments[0].as_int()));
}
Value uint_from_double(CallContext&, Arguments arguments) {
  constexpr double limit = 18446744073709551616.0;
  const double number = arguments[0].as_double();
  return number > -1.0 && number < limit
             ? (number < 0 ? range_error("uint")
                           : Value::unsigned_integer(static_cast<std::uint64_t>(number)))
             : range_error("uint");
}
Value uint_from_string(CallContext&, Arguments arguments) {
  const auto number = parse_whole<std::uint64_t>(arguments[0].as_text());
  return number ? Value::unsigned_integer(*number) : text_error("uint", arguments[0].as_text());
}

Value double_from_int(CallContext&, Arguments arguments) {
  return Value::floating(static_cast<double>(arguments[0].as_int()));
}
Value double_from_uint(CallContext&, Arguments arguments) {
  return Value::floating(static_cast<double>(arguments[0].as_uint()));
}
/// Decimal numbers, NaN and infinities in any case.
Value double_from_string(CallContext&, Arguments arguments) {
  auto text = arguments[0].as_text();
  if (text.starts_with('+') && !text.starts_with("+-"))
    text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || text.empty() || text.find('(') != std::string_view::npos)
    return text_error("double", text);
  if (error == std::errc::result_out_of_range)
    return text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos
               ? Value::floating(text.starts_with('-') ? -0.0 : 0.0)
               : range_error("double");
  return error == std::errc{} ? Value::floating(number) : text_error("double", text);
}

Value bool_from_string(CallContext&, Arguments arguments) {
  constexpr std::array<std::string_view, 5> yes{"1", "t", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 5> no{"0", "f", "false", "FALSE", "False"};
  const auto text = arguments[0].as_text();
  if (std::ranges::find(yes, text) != yes.end())
    return Value::boolean(true);
  if (std::ranges::find(no, text) != no.end())
    return Value::boolean(false);
  return text_error("bool", text);
}

Value string_from_bool(CallContext&, Arguments arguments) {
  return Value::string(arguments[0].as_bool() ? "true" : "false");
}
Value string_from_int(CallContext&, Arguments arguments) {
  return Value::string(std::to_string(arguments[0].as_int()));
}
Value string_from_uint(CallContext&, Arguments arguments) {
  return Value::string(std::to_string(arguments[0].as_uint()));
}
Value string_from_double(CallContext&, Arguments arguments) {
  return Value::string(double_text(arguments[0].as_double()));
}
Value string_from_bytes(CallContext&, Arguments arguments) {
  const auto octets = arguments[0].as_text();
  return is_valid_utf8(octets) ? Value::string(std::string(octets))
                               : Value::error(Failure::invalid_argument, "invalid UTF-8 in bytes");
}
Value string_from_timestamp(CallContext&, Arguments arguments) {
  return Value::string(timestamp_text(arguments[0].as_timestamp()));
}
Value string_from_duration(CallContext&, Arguments arguments) {
  return Value::string(duration_text(arguments[0].as_duration()));
}

Value bytes_from_string(CallContext&, Arguments arguments) {
  return Value::bytes(std::string(arguments[0].as_text()));
}
Value timestamp_from_string(CallContext&, Arguments arguments) {
  return parse_timestamp(arguments[0].as_text());
}
Value timestamp_from_int(CallContext&, Arguments arguments) {
  return checked_timestamp(Wide{arguments[0].as_int()} * 1'000'000'000);
}
Value duration_from_string(CallContext&, Arguments arguments) {
  return parse_duration(arguments[0].as_text());
}

constexpr std::array table{
    Declaration{"type", "(A) -> type", type_value},
    Declaration{"dyn", "(A) -> dyn", same},
    Declaration{"int", "(int) -> int", same},
    Declaration{"int", "(uint) -> int", int_from_uint},
    Declaration{"int", "(double) -> int", int_from_double},
    Declaration{"int", "(string) -> int", int_from_string},
    Declaration{"int", "(google.protobuf.Timestamp) -> int", int_from_timestamp},
    Declaration{"uint", "(uint) -> uint", same},
    Declaration{"uint", "(int) -> uint", uint_from_int},
    Declaration{"uint", "(double) -> uint", uint_from_double},
    Declaration{"uint", "(string) -> uint", uint_from_string},
    Declaration{"double", "(double) -> double", same},
    Declaration{"double", "(int) -> double", double_from_int},
    Declaration{"double", "(uint) -> double", double_from_uint},
    Declaration{"double", "(string) -> double", double_from_string},
    Declaration{"bool", "(bool) -> bool", same},
    Declaration{"bool", "(string) -> bool", bool_from_string},
    Declaration{"string", "(string) -> string", same},
    Declaration{"string", "(bool) -> string", string_from_bool},
    Declaration{"string", "(int) -> string", string_from_int},
    Declaration{"string", "(uint) -> string", string_from_uint},
    Declaration{"string", "(double) -> string", string_from_double},
    Declaration{"string", "(bytes) -> string", string_from_bytes},
    Declaration{"string", "(google.protobuf.Timestamp) -> string", string_from_timestamp},
    Declaration{"string", "(google.protobuf.Duration) -> string", string_from_duration},
    Declaration{"bytes", "(bytes) -> bytes", same},
    Declaration{"bytes", "(string) -> bytes", bytes_from_string},
    Declaration{"timestamp", "(google.protobuf.Timestamp) -> google.protobuf.Timestamp", same},
    Declaration{"timestamp", "(string) -> google.protobuf.Timestamp", timestamp_from_string},
    Declaration{"timestamp", "(int) -> google.protobuf.Timestamp", timestamp_from_int},
    Declaration{"duration", "(google.protobuf.Duration) -> google.protobuf.Duration", same},
    Declaration{"duration", "(string) -> google.protobuf.Duration", duration_from_string},
};

} // namespace

std::string double_text(double number) {
  if (std::isnan(number))
    return "NaN";
  if (std::isinf(number))
    return number < 0 ? "-Infinity" : "Infinity";
  // The shortest digits that read back as the same number; an exponent only where it helps.
  std::array<char, 400> text{};
  const double magnitude = std::fabs(number);
  const bool plain = number == 0 || (magnitude >= 1e-4 && magnitude < 1e21);
  const auto [end, error] = plain ? std::to_chars(text.data(), text.data() + text.size(), number,
                                                  std::chars_format::fixed)
                                  : std::to_chars(text.data(), text.data() + text.size(), number,
                                                  std::chars_format::scientific);
  return {text.data(), end};
}

std::span<const Declaration> conversions() {
  return table;
}

} // namespace synfate::cel::library
