// Checked expressions as bytes, so that built-in rules need no parsing or checking when they load.
//
// The format (little endian, private to one version of the program):
//
//   "CELx" version  text count {size bytes}  constant count {kind payload}
//   node count {kind detail flags position text extra slot first count}  child count {index}
//   source count {first_offset line count {offset}}  root  length  type as text
//
// Reading checks every index, so damaged bytes are an error and never a crash.
// Tested by tests/unit/core/cel/serialise_test.cpp.
#pragma once

#include "core/base/result.h"
#include "core/cel/checker.h"

#include <cstddef>
#include <span>
#include <vector>

namespace synfate::cel {

std::vector<std::byte> serialise(const CheckedExpression& expression);
/// ErrorCode::damaged for bytes that serialise() did not write.
Result<CheckedExpression> deserialise(std::span<const std::byte> bytes);

} // namespace synfate::cel
