// Static checking: every name, field, function and type of an expression against an environment.
//
// Checking never changes what an expression evaluates to; it refuses expressions that could only
// fail. All errors are reported, in the order of the text.
// Tested by tests/unit/core/cel/checker_test.cpp.
#pragma once

#include "core/cel/ast.h"
#include "core/cel/environment.h"

#include <vector>

namespace synfate::cel {

/// An expression with its names resolved.
struct CheckedExpression {
  Ast ast;
  Type type; ///< of its value
};

struct CheckResult {
  CheckedExpression expression; ///< meaningful without errors only
  std::vector<Diagnostic> errors;
  std::vector<Type> types; ///< of every node by index; dyn for nodes that macros consumed
  bool ok() const { return errors.empty(); }
};

CheckResult check(Ast ast, const Environment& environment);

} // namespace synfate::cel
