#include "core/cel/value_json.h"

#include "core/cel/library/tables.h"
#include "core/cel/record.h"
#include "core/cel/unicode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace synfate::cel {
namespace {

using Json = nlohmann::json;
using Read = std::expected<Value, std::string>;
constexpr unsigned deepest = 100; // of nested lists and maps
constexpr std::string_view type_prefix = "type.googleapis.com/";

std::unexpected<std::string> bad(std::string message) {
  return std::unexpected(std::move(message));
}

Json object(std::string_view type, Json value) {
  return {{"objectValue", {{"@type", type}, {"value", std::move(value)}}}};
}

/// A fraction of a second as protobuf's JSON has it: no digits, or 3, 6 or 9.
std::string json_fraction(std::int64_t nanoseconds) {
  if (nanoseconds == 0)
    return {};
  if (nanoseconds % 1'000'000 == 0)
    return fmt::format(".{:03}", nanoseconds / 1'000'000);
  if (nanoseconds % 1000 == 0)
    return fmt::format(".{:06}", nanoseconds / 1000);
  return fmt::format(".{:09}", nanoseconds);
}

std::string json_timestamp(Timestamp timestamp) {
  auto text = library::timestamp_text({timestamp.seconds, 0});
  text.pop_back();
  return text + json_fraction(timestamp.nanoseconds) + "Z";
}

std::string json_duration(std::int64_t nanoseconds) {
  constexpr std::uint64_t billion = 1'000'000'000;
  const bool negative = nanoseconds < 0;
  const auto bits = static_cast<std::uint64_t>(nanoseconds);
  const auto magnitude = negative ? std::uint64_t{0} - bits : bits;
  return fmt::format("{}{}{}s", negative ? "-" : "", magnitude / billion,
                     json_fraction(static_cast<std::int64_t>(magnitude % billion)));
}

Json json_double(double number) {
  if (!std::isfinite(number))
    return library::double_text(number);
  return number;
}

Json json_list(const List& list) {
  Json values = Json::array();
  for (std::size_t index = 0; index < list.size(); ++index)
    values.push_back(to_json(list.at(index)));
  return {{"listValue", {{"values", std::move(values)}}}};
}

Json json_map(const Map& map) {
  Json entries = Json::array();
  for (const auto& [key, value] : map.entries())
    entries.push_back({{"key", to_json(key)}, {"value", to_json(value)}});
  return {{"mapValue", {{"entries", std::move(entries)}}}};
}

Json json_record(const Value& value) {
  const auto& records = value.as_record_set();
  Json fields = Json::object();
  const auto& declared = records.type().fields();
  for (std::size_t column = 0; column < declared.size(); ++column)
    if (!records.has(value.row(), column).is_false())
      fields[declared[column].name] = to_json(records.field(value.row(), column));
  return object(records.type().name(), std::move(fields));
}

Json json_unknown(std::string reason) {
  return {{"unknown", {{"reason", std::move(reason)}}}};
}

std::string reasons_text(const UnknownDetail& detail) {
  std::string text;
  for (const auto& reason : detail.reasons)
    text += (text.empty() ? "" : "; ") + reason.text;
  return text;
}

template <typename Number> std::optional<Number> read_whole(const Json& json) {
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
      return std::nullopt;
    return number;
  }
  if (json.is_number_unsigned()) {
    const auto number = json.get<std::uint64_t>();
    if (number > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
      return std::nullopt;
    return static_cast<Number>(number);
  }
  if (json.is_number_integer() && std::is_signed_v<Number>)
    return static_cast<Number>(json.get<std::int64_t>());
  return std::nullopt;
}

Read read_double(const Json& json) {
  if (json.is_number())
    return Value::floating(json.get<double>());
  if (json == "NaN")
    return Value::floating(std::numeric_limits<double>::quiet_NaN());
  if (json == "Infinity")
    return Value::floating(std::numeric_limits<double>::infinity());
  if (json == "-Infinity")
    return Value::floating(-std::numeric_limits<double>::infinity());
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size())
      return Value::floating(number);
  }
  return bad("doubleValue is no number");
}

Read read(const Json& json, unsigned depth);

Read read_list(const Json& json, unsigned depth) {
  std::vector<Value> elements;
  if (!json.is_object())
    return bad("listValue is no object");
  const auto values = json.find("values");
  if (values == json.end())
    return Value::list(std::move(elements));
  if (!values->is_array())
    return bad("the values of a listValue are no array");
  for (const auto& element : *values) {
    auto value = read(element, depth);
    if (!value)
      return value;
    elements.push_back(std::move(*value));
  }
  return Value::list(std::move(elements));
}

Read read_map(const Json& json, unsigned depth) {
  MapBuilder builder;
  if (!json.is_object())
    return bad("mapValue is no object");
  const auto entries = json.find("entries");
  if (entries == json.end())
    return builder.build();
  if (!entries->is_array())
    return bad("the entries of a mapValue are no array");
  for (const auto& entry : *entries) {
    if (!entry.is_object() || !entry.contains("key") || !entry.contains("value"))
      return bad("an entry of a mapValue needs a key and a value");
    auto key = read(entry["key"], depth);
    auto value = read(entry["value"], depth);
    if (!key || !value)
      return key ? value : key;
    if (const auto refused = builder.add(std::move(*key), std::move(*value)))
      return bad(refused->as_error().message);
  }
  return builder.build();
}

/// An address from its text; v4-mapped ones, which ip() refuses, are taken here.
Read read_network(const std::string& type, const std::string& text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  const bool cidr = type == "net.CIDR";
  if (!address || cidr != (slash != std::string::npos))
    return bad("not a " + type + ": " + text);
  if (!cidr)
    return Value::ip(*address);
  const auto length = read_whole<std::uint64_t>(Json(text.substr(slash + 1)));
  if (!length || *length > address->width())
    return bad("not a " + type + ": " + text);
  return Value::cidr({*address, static_cast<unsigned>(*length)});
}

Read read_object(const Json& json, unsigned depth) {
  if (!json.is_object() || !json.contains("@type") || !json["@type"].is_string())
    return bad("objectValue needs an @type");
  std::string type = json["@type"];
  if (type.starts_with(type_prefix))
    type.erase(0, type_prefix.size());
  if (!json.contains("value"))
    return bad("objectValue needs a value");
  const auto& value = json["value"];
  if (type == "optional_type") {
    if (value.is_null())
      return Value::optional_none();
    auto held = read(value, depth);
    return held ? Read(Value::optional_of(std::move(*held))) : held;
  }
  if (!value.is_string())
    return bad("the value of " + type + " is no string");
  const std::string text = value;
  Value parsed;
  if (type == "google.protobuf.Timestamp")
    parsed = library::parse_timestamp(text);
  else if (type == "google.protobuf.Duration")
    parsed = library::parse_duration(text);
  else if (type == "net.IP" || type == "net.CIDR")
    return read_network(type, text);
  else
    return bad("no values of type " + type);
  return parsed.is_error() ? Read(bad(parsed.as_error().message)) : Read(std::move(parsed));
}

Read read_unknown(const Json& json) {
  if (!json.is_object() || !json.contains("reason") || !json["reason"].is_string())
    return bad("unknown needs a reason");
  return Value::unknown(UnknownReason{0, json["reason"]});
}

Read read_scalar(const std::string& tag, const Json& json) {
  if (tag == "nullValue")
    return Value();
  if (tag == "boolValue" && json.is_boolean())
    return Value::boolean(json.get<bool>());
  if (tag == "stringValue" && json.is_string())
    return Value::string(json.get<std::string>());
  if (tag == "typeValue" && json.is_string())
    return Value::type(json.get<std::string>());
  if (tag == "doubleValue")
    return read_double(json);
  if (tag == "int64Value")
    if (const auto number = read_whole<std::int64_t>(json))
      return Value::integer(*number);
  if (tag == "uint64Value")
    if (const auto number = read_whole<std::uint64_t>(json))
      return Value::unsigned_integer(*number);
  if (tag == "bytesValue" && json.is_string())
    if (auto octets = library::base64_decode(json.get<std::string>()))
      return Value::bytes(std::move(*octets));
  return bad("not a value: " + tag);
}

Read read(const Json& json, unsigned depth) {
  if (depth > deepest)
    return bad("the value is nested too deeply");
  if (!json.is_object() || json.size() != 1)
    return bad("a value is an object with one member, such as int64Value");
  const auto& tag = json.begin().key();
  const auto& content = json.begin().value();
  if (tag == "listValue")
    return read_list(content, depth + 1);
  if (tag == "mapValue")
    return read_map(content, depth + 1);
  if (tag == "objectValue")
    return read_object(content, depth + 1);
  if (tag == "unknown")
    return read_unknown(content);
  return read_scalar(tag, content);
}

bool is_tagged(const Json& json) {
  constexpr std::array<std::string_view, 11> tags{
      "nullValue",  "boolValue", "int64Value", "uint64Value", "doubleValue", "stringValue",
      "bytesValue", "typeValue", "listValue",  "mapValue",    "objectValue"};
  return json.is_object() && json.size() == 1 &&
         std::ranges::find(tags, json.begin().key()) != tags.end();
}

Read read_plain(const Json& json, unsigned depth) {
  if (depth > deepest)
    return bad("the value is nested too deeply");
  if (is_tagged(json))
    return read(json, depth);
  if (json.is_boolean())
    return Value::boolean(json.get<bool>());
  if (json.is_string())
    return Value::string(json.get<std::string>());
  if (json.is_number_float())
    return Value::floating(json.get<double>());
  if (json.is_number())
    return json.is_number_unsigned() && json.get<std::uint64_t>() >> 63 != 0
               ? Value::unsigned_integer(json.get<std::uint64_t>())
               : Value::integer(json.get<std::int64_t>());
  if (json.is_array()) {
    std::vector<Value> elements;
    for (const auto& element : json) {
      auto value = read_plain(element, depth + 1);
      if (!value)
        return value;
      elements.push_back(std::move(*value));
    }
    return Value::list(std::move(elements));
  }
  if (!json.is_object())
    return Value();
  MapBuilder builder;
  for (const auto& [key, member] : json.items()) {
    auto value = read_plain(member, depth + 1);
    if (!value)
      return value;
    builder.add(Value::string(key), std::move(*value));
  }
  return builder.build();
}

} // namespace

nlohmann::json to_json(const Value& value) {
  switch (value.kind()) {
  case Kind::null:
    return {{"nullValue", nullptr}};
  case Kind::boolean:
    return {{"boolValue", value.as_bool()}};
  case Kind::integer:
    return {{"int64Value", std::to_string(value.as_int())}};
  case Kind::unsigned_integer:
    return {{"uint64Value", std::to_string(value.as_uint())}};
  case Kind::floating:
    return {{"doubleValue", json_double(value.as_double())}};
  case Kind::string:
    return {{"stringValue", value.as_text()}};
  case Kind::bytes:
    return {{"bytesValue", library::base64_encode(value.as_text())}};
  case Kind::type:
    return {{"typeValue", value.as_text()}};
  case Kind::list:
    return json_list(value.as_list());
  case Kind::map:
    return json_map(value.as_map());
  case Kind::timestamp:
    return object(std::string(type_prefix) + "google.protobuf.Timestamp",
                  json_timestamp(value.as_timestamp()));
  case Kind::duration:
    return object(std::string(type_prefix) + "google.protobuf.Duration",
                  json_duration(value.as_duration()));
  case Kind::ip:
  case Kind::cidr:
    return object(type_name(value), to_text(value));
  case Kind::optional:
    return object("optional_type",
                  value.as_optional() == nullptr ? Json() : to_json(*value.as_optional()));
  case Kind::record:
    return json_record(value);
  case Kind::opaque:
    return object(value.as_opaque().type_name(), value.as_opaque().to_text());
  case Kind::unknown:
    return json_unknown(reasons_text(value.as_unknown()));
  case Kind::error:
    return json_unknown(value.as_error().message);
  }
  return {};
}

std::expected<Value, std::string> from_json(const nlohmann::json& json) {
  return read(json, 0);
}

std::expected<Value, std::string> from_plain_json(const nlohmann::json& json) {
  return read_plain(json, 0);
}

Type type_of_value(const Value& value) {
  if (value.is(Kind::list))
    return Type::list({});
  if (value.is(Kind::map))
    return Type::map(Type{TypeKind::string, {}, {}}, {});
  if (!value.is_known() || value.is(Kind::null) || value.is(Kind::optional))
    return {};
  return parse_type(type_name(value)).value_or(Type{});
}

} // namespace synfate::cel
