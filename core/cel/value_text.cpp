// Values as people read them: literals as CEL writes them, the rest as the call that makes it.
#include "core/cel/library/tables.h"
#include "core/cel/record.h"
#include "core/cel/unparse.h"
#include "core/cel/value.h"

#include <algorithm>

namespace synfate::cel {
namespace {

constexpr std::size_t most_elements = 20; // shown of a list or map
constexpr unsigned deepest = 8;

std::string text_at(const Value& value, unsigned depth);

std::string list_text(const List& list, unsigned depth) {
  std::string text = "[";
  for (std::size_t index = 0; index < std::min(list.size(), most_elements); ++index)
    text += (index > 0 ? ", " : "") + text_at(list.at(index), depth);
  return text + (list.size() > most_elements ? ", …]" : "]");
}

std::string map_text(const Map& map, unsigned depth) {
  std::string text = "{";
  std::size_t shown = 0;
  for (const auto& [key, value] : map.entries()) {
    if (shown == most_elements)
      return text + ", …}";
    text += (shown++ > 0 ? ", " : "") + text_at(key, depth) + ": " + text_at(value, depth);
  }
  return text + "}";
}

/// The fields that have a value.
std::string record_text(const Value& value, unsigned depth) {
  const auto& records = value.as_record_set();
  std::string text;
  for (std::size_t column = 0; column < records.type().fields().size(); ++column)
    if (!records.has(value.row(), column).is_false())
      text += (text.empty() ? "" : ", ") + records.type().fields()[column].name + ": " +
              text_at(records.field(value.row(), column), depth);
  return records.type().name() + "{" + text + "}";
}

std::string unknown_text(const UnknownDetail& detail) {
  std::string text;
  for (const auto& reason : detail.reasons)
    text += (text.empty() ? "" : "; ") + reason.text;
  return "unknown(" + text + ")";
}

std::string double_literal(double number) {
  auto text = library::double_text(number);
  if (text.find_first_of(".eNI") == std::string::npos)
    text += ".0";
  return text;
}

std::string cidr_text(const Cidr& block) {
  return block.address.to_string() + "/" + std::to_string(block.length);
}

std::string text_at(const Value& value, unsigned depth) {
  if (depth > deepest)
    return "…";
  switch (value.kind()) {
  case Kind::null:
    return "null";
  case Kind::boolean:
    return value.as_bool() ? "true" : "false";
  case Kind::integer:
    return std::to_string(value.as_int());
  case Kind::unsigned_integer:
    return std::to_string(value.as_uint()) + "u";
  case Kind::floating:
    return double_literal(value.as_double());
  case Kind::timestamp:
    return "timestamp('" + library::timestamp_text(value.as_timestamp()) + "')";
  case Kind::duration:
    return "duration('" + library::duration_text(value.as_duration()) + "')";
  case Kind::ip:
    return value.as_ip().to_string();
  case Kind::cidr:
    return cidr_text(value.as_cidr());
  case Kind::string:
    return quote_string(value.as_text());
  case Kind::bytes:
    return quote_bytes(value.as_text());
  case Kind::list:
    return list_text(value.as_list(), depth + 1);
  case Kind::map:
    return map_text(value.as_map(), depth + 1);
  case Kind::type:
    return std::string(value.as_text());
  case Kind::optional:
    return value.as_optional() == nullptr
               ? "optional.none()"
               : "optional.of(" + text_at(*value.as_optional(), depth + 1) + ")";
  case Kind::record:
    return record_text(value, depth + 1);
  case Kind::opaque:
    return value.as_opaque().to_text();
  case Kind::error:
    return "error(" + value.as_error().message + ")";
  case Kind::unknown:
    return unknown_text(value.as_unknown());
  }
  return {};
}

} // namespace

std::string to_text(const Value& value) {
  return text_at(value, 0);
}

} // namespace synfate::cel
