// The operators on values: arithmetic with overflow errors, order, membership, indexing.
//
// Operands are never errors or unknowns; the evaluator has dealt with those.
// Tested by tests/unit/core/cel/operators_test.cpp.
#pragma once

#include "core/cel/ast.h"

namespace synfate::cel {

Value apply_unary(Operator operation, const Value& operand);
Value apply_binary(Operator operation, const Value& left, const Value& right);
/// `container[key]`; with `optional`, `container[?key]`.
Value apply_index(const Value& container, const Value& key, bool optional);
/// The error for arguments that no overload takes: "no such overload: _+_(int, string)".
Value no_overload(std::string_view function, std::span<const Value> arguments);

} // namespace synfate::cel
