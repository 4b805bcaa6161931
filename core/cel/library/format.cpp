// string.format(): %s %d %f %e %b %o %x %X and %%, with .precision for %f and %e.
#include "core/cel/library/tables.h"
#include "core/cel/unicode.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <expected>

#include <fmt/format.h>

namespace synfate::cel::library {
namespace {

using Formatted = std::expected<std::string, std::string>; // the error is its message

constexpr unsigned most_precision = 1000;

std::unexpected<std::string> misuse(std::string_view rule, const Value& value) {
  return std::unexpected("error during formatting: " + std::string(rule) + ", was given " +
                         std::string(type_name(value)));
}

std::optional<std::string> non_finite(const Value& value) {
  if (value.is(Kind::floating) && !std::isfinite(value.as_double()))
    return double_text(value.as_double());
  return std::nullopt;
}

/// Runs of bytes that are no UTF-8 become one replacement character each.
std::string repaired(std::string_view octets) {
  std::string text;
  bool broken = false;
  for (std::size_t at = 0; at < octets.size();) {
    const auto decoded = decode_utf8(octets, at);
    if (decoded.length == 0 && !broken)
      append_utf8(text, 0xfffd);
    broken = decoded.length == 0;
    text += octets.substr(at, decoded.length);
    at += std::max(decoded.length, 1U);
  }
  return text;
}

Formatted as_string(const Value& value);

Formatted list_as_string(const List& list) {
  std::string text = "[";
  for (std::size_t index = 0; index < list.size(); ++index) {
    const auto element = as_string(list.at(index));
    if (!element)
      return element;
    text += (index > 0 ? ", " : "") + *element;
  }
  return text + "]";
}

Formatted map_as_string(const Map& map) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [key, value] : map.entries()) {
    auto key_text = as_string(key);
    auto value_text = as_string(value);
    if (!key_text || !value_text)
      return key_text ? value_text : key_text;
    entries.emplace_back(std::move(*key_text), std::move(*value_text));
  }
  std::ranges::sort(entries);
  std::string text = "{";
  for (const auto& [key, value] : entries)
    text += (text.size() > 1 ? ", " : "") + key + ": " + value;
  return text + "}";
}

Formatted as_string(const Value& value) {
  switch (value.kind()) {
  case Kind::null:
    return "null";
  case Kind::boolean:
    return value.as_bool() ? "true" : "false";
  case Kind::integer:
    return std::to_string(value.as_int());
  case Kind::unsigned_integer:
    return std::to_string(value.as_uint());
  case Kind::floating:
    return double_text(value.as_double());
  case Kind::string:
  case Kind::type:
    return std::string(value.as_text());
  case Kind::bytes:
    return repaired(value.as_text());
  case Kind::timestamp:
    return timestamp_text(value.as_timestamp());
  case Kind::duration:
    return duration_text(value.as_duration());
  case Kind::list:
    return list_as_string(value.as_list());
  case Kind::map:
    return map_as_string(value.as_map());
  case Kind::ip:
  case Kind::cidr:
    return to_text(value);
  case Kind::optional:
  case Kind::record:
  case Kind::opaque:
  case Kind::error:
  case Kind::unknown:
    break;
  }
  return misuse("string clause can only be used on strings, bools, bytes, ints, doubles, maps, "
                "lists, types, durations, and timestamps",
                value);
}

/// An integer in base 2, 8, 10 or 16, with a sign in front.
template <typename Render> std::string signed_text(const Value& value, Render render) {
  if (value.is(Kind::unsigned_integer))
    return render(value.as_uint());
  const auto number = value.as_int();
  const auto bits = static_cast<std::uint64_t>(number);
  return number < 0 ? "-" + render(std::uint64_t{0} - bits) : render(bits);
}

bool is_integer(const Value& value) {
  return value.is(Kind::integer) || value.is(Kind::unsigned_integer);
}

Formatted decimal(const Value& value) {
  if (auto text = non_finite(value))
    return *text;
  if (value.is(Kind::floating))
    return double_text(value.as_double());
  if (!is_integer(value))
    return misuse("decimal clause can only be used on integers", value);
  return as_string(value);
}

Formatted binary(const Value& value) {
  if (value.is(Kind::boolean))
    return value.as_bool() ? "1" : "0";
  if (!is_integer(value))
    return misuse("only integers and bools can be formatted as binary", value);
  return signed_text(value, [](std::uint64_t number) { return fmt::format("{:b}", number); });
}

Formatted octal(const Value& value) {
  if (!is_integer(value))
    return misuse("octal clause can only be used on integers", value);
  return signed_text(value, [](std::uint64_t number) { return fmt::format("{:o}", number); });
}

Formatted hexadecimal(const Value& value, bool upper) {
  std::string text;
  if (is_integer(value))
    text = signed_text(value, [](std::uint64_t number) { return fmt::format("{:x}", number); });
  else if (value.is(Kind::string) || value.is(Kind::bytes))
    for (const char octet : value.as_text())
      text += fmt::format("{:02x}", static_cast<unsigned char>(octet));
  else
    return misuse("only integers, byte buffers, and strings can be formatted as hex", value);
  if (upper)
    std::ranges::transform(text, text.begin(), [](unsigned char letter) {
      return static_cast<char>(std::toupper(letter));
    });
  return text;
}

Formatted floating(const Value& value, char clause, unsigned precision) {
  if (auto text = non_finite(value))
    return *text;
  if (!value.is_number())
    return misuse(clause == 'f' ? "fixed-point clause can only be used on doubles"
                                : "scientific clause can only be used on doubles",
                  value);
  const double number = value.is(Kind::integer)            ? static_cast<double>(value.as_int())
                        : value.is(Kind::unsigned_integer) ? static_cast<double>(value.as_uint())
                                                           : value.as_double();
  return clause == 'f' ? fmt::format("{:.{}f}", number, precision)
                       : fmt::format("{:.{}e}", number, precision);
}

Formatted clause_text(char clause, unsigned precision, const Value& value) {
  switch (clause) {
  case 's':
    return as_string(value);
  case 'd':
    return decimal(value);
  case 'f':
  case 'e':
    return floating(value, clause, precision);
  case 'b':
    return binary(value);
  case 'o':
    return octal(value);
  default:
    return hexadecimal(value, clause == 'X');
  }
}

/// ".3" at `at`; the default when there is none, nothing when it is malformed.
std::optional<unsigned> take_precision(std::string_view text, std::size_t& at) {
  unsigned precision = 6;
  if (at >= text.size() || text[at] != '.')
    return precision;
  const auto start = ++at;
  for (precision = 0; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    precision =
        std::min(precision * 10 + static_cast<unsigned>(text[at] - '0'), most_precision + 1);
  return at == start || precision > most_precision ? std::nullopt : std::optional(precision);
}

Value failed(std::string message) {
  return Value::error(Failure::invalid_argument, std::move(message));
}

} // namespace

Value format(std::string_view text, const List& arguments) {
  std::string result;
  std::size_t next = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      result += text[at++];
      continue;
    }
    if (++at < text.size() && text[at] == '%') {
      result += text[at++];
      continue;
    }
    const auto precision = take_precision(text, at);
    if (!precision || at >= text.size())
      return failed("could not parse formatting clause: it is cut short or its precision is bad");
    const char clause = text[at++];
    if (std::string_view("sdfebxXo").find(clause) == std::string_view::npos)
      return failed("could not parse formatting clause: unrecognized formatting clause \"" +
                    repaired(std::string_view(&clause, 1)) + "\"");
    if (next >= arguments.size())
      return failed("index " + std::to_string(next) + " out of range");
    auto formatted = clause_text(clause, *precision, arguments.at(next++));
    if (!formatted)
      return failed(std::move(formatted).error());
    result += *formatted;
  }
  return Value::string(std::move(result));
}

} // namespace synfate::cel::library
