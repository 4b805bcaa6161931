// Names to what they mean: macro variables to slots, qualified names to variables and functions,
// type names to types. Rewrites the tree in place; the checker and unchecked evaluation share it.
//
// A name is looked up in the macros around it first (unless it has a leading dot), then as
// container.name from the innermost container out. Of `a.b.c` the longest prefix that is a variable
// wins. Tested by tests/unit/core/cel/resolve_test.cpp.
#pragma once

#include "core/cel/ast.h"
#include "core/cel/environment.h"

#include <functional>
#include <vector>

namespace synfate::cel {

/// Resolves every name of `ast`; returns what could not be resolved, which is left as it is.
/// `is_variable` says which full names are variables; functions and types are `environment`'s.
std::vector<Diagnostic> resolve_names(Ast& ast, const Environment& environment,
                                      const std::function<bool(std::string_view)>& is_variable);

} // namespace synfate::cel
