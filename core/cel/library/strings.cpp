// The strings extension: charAt(), indexOf(), join(), replace(), split(), substring(), trim(), …
//
// All positions count code points.
#include "core/cel/library/tables.h"
#include "core/cel/unicode.h"

#include <algorithm>
#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value out_of_range(std::int64_t index) {
  return Value::error(Failure::invalid_argument, "index out of range: " + std::to_string(index));
}
std::int64_t length(std::string_view text) {
  return static_cast<std::int64_t>(count_code_points(text));
}
std::size_t byte_at(std::string_view text, std::int64_t index) {
  return byte_of(text, static_cast<std::size_t>(index));
}
/// Code points before byte `at`, or -1 for "not found".
Value index_value(std::string_view text, std::size_t at) {
  return Value::integer(at == std::string_view::npos ? -1 : length(text.substr(0, at)));
}
void charge_text(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight());
}

Value char_at(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  const auto index = arguments[1].as_int();
  if (index < 0 || index > length(text))
    return out_of_range(index);
  const auto start = byte_at(text, index);
  return arguments[0].part(start, byte_of(text.substr(start), 1));
}

Value index_of(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  const std::int64_t from = arguments.size() > 2 ? arguments[2].as_int() : 0;
  if (from < 0 || from > length(text))
    return out_of_range(from);
  return index_value(text, text.find(arguments[1].as_text(), byte_at(text, from)));
}

Value last_index_of(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  const auto wanted = arguments[1].as_text();
  if (arguments.size() < 3)
    return index_value(text, text.rfind(wanted));
  const auto from = arguments[2].as_int();
  if (from < 0 || from > length(text))
    return out_of_range(from);
  return index_value(text, text.rfind(wanted, byte_at(text, from)));
}

Value join(CallContext& context, Arguments arguments) {
  const auto& list = arguments[0].as_list();
  const auto separator = arguments.size() > 1 ? arguments[1].as_text() : std::string_view();
  context.charge(list.weight() + list.size() * (1 + separator.size() / 32));
  std::string joined;
  for (std::size_t index = 0; index < list.size(); ++index) {
    const auto element = list.at(index);
    if (!element.is(Kind::string))
      return Value::error(Failure::no_such_overload,
                          "no such overload: join() of a list with an element of type " +
                              std::string(type_name(element)));
    if (index > 0)
      joined += separator;
    joined += element.as_text();
  }
  return Value::string(std::move(joined));
}

template <char first, char last, int shift>
Value change_case(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  std::string text(arguments[0].as_text());
  for (auto& letter : text)
    if (letter >= first && letter <= last)
      letter = static_cast<char>(letter + shift);
  return Value::string(std::move(text));
}

/// Replaces up to `limit` occurrences (all when negative). An empty `wanted` is before every code
/// point and at the end.
Value replace(CallContext& context, Arguments arguments) {
  const auto text = arguments[0].as_text();
  const auto wanted = arguments[1].as_text();
  const auto by = arguments[2].as_text();
  std::int64_t limit = arguments.size() > 3 ? arguments[3].as_int() : -1;
  context.charge(arguments[0].weight() * (1 + by.size() / 4));
  std::string result;
  std::size_t at = 0;
  while (limit != 0 && at <= text.size()) {
    const auto found = text.find(wanted, at);
    if (found == std::string_view::npos)
      break;
    result += text.substr(at, found - at);
    result += by;
    at = found + wanted.size();
    --limit;
    if (!wanted.empty())
      continue;
    if (at >= text.size())
      return Value::string(std::move(result));
    const auto step = byte_of(text.substr(at), 1);
    result += text.substr(at, step);
    at += step;
  }
  result += text.substr(std::min(at, text.size()));
  return Value::string(std::move(result));
}

/// At most `limit` parts (any number when negative); an empty separator splits code points.
Value split(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  const auto separator = arguments[1].as_text();
  const std::int64_t limit = arguments.size() > 2 ? arguments[2].as_int() : -1;
  std::vector<Value> parts;
  std::size_t at = 0;
  if (limit == 0 || (separator.empty() && text.empty()))
    return Value::list(std::move(parts));
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) + 1 < limit) {
    const auto next =
        separator.empty() ? at + byte_of(text.substr(at), 1) : text.find(separator, at);
    if (next == std::string_view::npos || (separator.empty() && next >= text.size()))
      break;
    context.charge(1);
    parts.push_back(arguments[0].part(at, next - at));
    at = next + separator.size();
  }
  parts.push_back(arguments[0].part(at, text.size() - at));
  return Value::list(std::move(parts));
}

Value substring(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  const auto size = length(text);
  const auto start = arguments[1].as_int();
  const auto end = arguments.size() > 2 ? arguments[2].as_int() : size;
  if (start < 0 || start > size)
    return out_of_range(start);
  if (end < 0 || end > size)
    return out_of_range(end);
  if (start > end)
    return Value::error(Failure::invalid_argument,
                        "invalid substring range. start: " + std::to_string(start) +
                            ", end: " + std::to_string(end));
  const auto first = byte_at(text, start);
  return arguments[0].part(first, byte_at(text, end) - first);
}

Value trim(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  const auto text = arguments[0].as_text();
  std::size_t start = text.size();
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode_utf8(text, at);
    const std::size_t next = at + std::max(decoded.length, 1U);
    if (!is_space(decoded.code_point)) {
      start = std::min(start, at);
      end = next;
    }
    at = next;
  }
  return start >= end ? arguments[0].part(0, 0) : arguments[0].part(start, end - start);
}

Value reverse(CallContext& context, Arguments arguments) {
  charge_text(context, arguments);
  auto points = to_code_points(arguments[0].as_text());
  std::string reversed;
  for (auto at = points.rbegin(); at != points.rend(); ++at)
    append_utf8(reversed, *at);
  return Value::string(std::move(reversed));
}

Value quote(CallContext& context, Arguments arguments) {
  constexpr std::string_view controls = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view letters = "abfnrtv\\\"";
  charge_text(context, arguments);
  std::string quoted = "\"";
  for (const char letter : arguments[0].as_text()) {
    const auto at = letter == '\0' ? std::string_view::npos : controls.find(letter);
    if (at != std::string_view::npos)
      quoted += '\\';
    quoted += at == std::string_view::npos ? letter : letters[at];
  }
  return Value::string(quoted + "\"");
}

Value format_string(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight() + 4 * arguments[1].weight());
  constexpr std::uint64_t most = 1'000'000;
  if (arguments[1].weight() > most)
    return Value::error(Failure::budget, "evaluation budget exceeded");
  return format(arguments[0].as_text(), arguments[1].as_list());
}

constexpr std::array table{
    Declaration{"charAt", "string.(int) -> string", char_at},
    Declaration{"indexOf", "string.(string) -> int", index_of},
    Declaration{"indexOf", "string.(string, int) -> int", index_of},
    Declaration{"lastIndexOf", "string.(string) -> int", last_index_of},
    Declaration{"lastIndexOf", "string.(string, int) -> int", last_index_of},
    Declaration{"join", "list(string).() -> string", join},
    Declaration{"join", "list(string).(string) -> string", join},
    Declaration{"lowerAscii", "string.() -> string", change_case<'A', 'Z', 32>},
    Declaration{"upperAscii", "string.() -> string", change_case<'a', 'z', -32>},
    Declaration{"replace", "string.(string, string) -> string", replace},
    Declaration{"replace", "string.(string, string, int) -> string", replace},
    Declaration{"split", "string.(string) -> list(string)", split},
    Declaration{"split", "string.(string, int) -> list(string)", split},
    Declaration{"substring", "string.(int) -> string", substring},
    Declaration{"substring", "string.(int, int) -> string", substring},
    Declaration{"trim", "string.() -> string", trim},
    Declaration{"reverse", "string.() -> string", reverse},
    Declaration{"strings.quote", "(string) -> string", quote},
    Declaration{"format", "string.(list(dyn)) -> string", format_string},
};

} // namespace

std::span<const Declaration> strings() {
  return table;
}

} // namespace synfate::cel::library
