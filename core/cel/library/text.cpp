// size(), contains(), startsWith(), endsWith(), matches(): the core functions on strings and
// containers.
#include "core/cel/library/tables.h"
#include "core/cel/regex.h"
#include "core/cel/unicode.h"

#include <array>

namespace synfate::cel::library {
namespace {

using Arguments = std::span<const Value>;

Value size_of_string(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight());
  return Value::integer(static_cast<std::int64_t>(count_code_points(arguments[0].as_text())));
}
Value size_of_bytes(CallContext&, Arguments arguments) {
  return Value::integer(static_cast<std::int64_t>(arguments[0].as_text().size()));
}
Value size_of_list(CallContext&, Arguments arguments) {
  return Value::integer(static_cast<std::int64_t>(arguments[0].as_list().size()));
}
Value size_of_map(CallContext&, Arguments arguments) {
  return Value::integer(static_cast<std::int64_t>(arguments[0].as_map().size()));
}

Value contains(CallContext& context, Arguments arguments) {
  context.charge(arguments[0].weight() + arguments[1].weight());
  return Value::boolean(arguments[0].as_text().find(arguments[1].as_text()) !=
                        std::string_view::npos);
}
Value starts_with(CallContext&, Arguments arguments) {
  return Value::boolean(arguments[0].as_text().starts_with(arguments[1].as_text()));
}
Value ends_with(CallContext&, Arguments arguments) {
  return Value::boolean(arguments[0].as_text().ends_with(arguments[1].as_text()));
}
Value matches(CallContext& context, Arguments arguments) {
  context.charge(8 * arguments[0].weight());
  std::string problem;
  const auto regex = context.regex(arguments[1].as_text(), problem);
  if (!regex)
    return Value::error(Failure::invalid_argument, "invalid regular expression: " + problem);
  return Value::boolean(regex->find(arguments[0].as_text()));
}

constexpr std::array table{
    Declaration{"size", "(string) -> int", size_of_string},
    Declaration{"size", "(bytes) -> int", size_of_bytes},
    Declaration{"size", "(list(A)) -> int", size_of_list},
    Declaration{"size", "(map(A, B)) -> int", size_of_map},
    Declaration{"size", "string.() -> int", size_of_string},
    Declaration{"size", "bytes.() -> int", size_of_bytes},
    Declaration{"size", "list(A).() -> int", size_of_list},
    Declaration{"size", "map(A, B).() -> int", size_of_map},
    Declaration{"contains", "string.(string) -> bool", contains},
    Declaration{"startsWith", "string.(string) -> bool", starts_with},
    Declaration{"endsWith", "string.(string) -> bool", ends_with},
    Declaration{"matches", "string.(string) -> bool", matches},
    Declaration{"matches", "(string, string) -> bool", matches},
};

} // namespace

std::span<const Declaration> text() {
  return table;
}

} // namespace synfate::cel::library
