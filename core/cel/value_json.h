// Values as JSON: the protobuf JSON form of cel.expr.Value, and plain JSON for bindings files.
//
//   {"int64Value":"1"}  {"listValue":{"values":[…]}}
//   {"objectValue":{"@type":"net.IP","value":"::1"}}
//
// Tested by tests/unit/core/cel/batch_test.cpp.
#pragma once

#include "core/cel/type.h"
#include "core/cel/value.h"

#include <expected>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace synfate::cel {

/// The tagged form. An error value has none; it becomes an unknown with its message.
nlohmann::json to_json(const Value& value);
/// Reads the tagged form; the error says what is wrong with it.
std::expected<Value, std::string> from_json(const nlohmann::json& json);
/// Reads plain JSON: whole numbers are int (or uint past its range), objects are maps with string
/// keys; an object in the tagged form is read as that.
std::expected<Value, std::string> from_plain_json(const nlohmann::json& json);
/// The static type of a value that was read from plain JSON.
Type type_of_value(const Value& value);

} // namespace synfate::cel
