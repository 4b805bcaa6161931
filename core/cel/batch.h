// `rules eval` and `rules eval --batch`: expressions and their bindings as JSON.
//
// One request a line, one reply a line:
//
//   {"expr": "x + 1", "bindings": {"x": {"int64Value": "1"}}, "types": {"x": "int"}}
//   {"type":"int","value":{"int64Value":"2"}}
//   {"expr": "1 +"}
//   {"error":{"column":4,"line":1,"message":"expected an expression, …","phase":"parse"}}
//
// Tested by tests/unit/core/cel/batch_test.cpp.
#pragma once

#include "core/cel/environment.h"

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace synfate::cel {

/// Answers one request line with one reply line (without the line break).
std::string answer_request(std::string_view line, const std::shared_ptr<const Library>& library);

/// Answers every line of `input`, each before the next is read.
void run_batch(std::istream& input, std::ostream& output);

/// Evaluates one expression with the members of a plain JSON object as variables ("" for none);
/// the reply is in the form of a batch's.
std::string evaluate_with_json(std::string_view expression, std::string_view bindings);

} // namespace synfate::cel
