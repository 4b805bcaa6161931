// Short ways to evaluate and check an expression in a test.
#pragma once

#include "core/cel/environment.h"
#include "core/cel/evaluator.h"

#include <string>
#include <string_view>

namespace synfate::cel::test {

/// Checks and evaluates; what cannot be parsed or checked reads "CODE at LINE:COLUMN".
std::string eval(std::string_view source, const Bindings& bindings = Bindings(),
                 const Environment& environment = Environment());
/// Evaluates without a check.
std::string eval_unchecked(std::string_view source, const Bindings& bindings = Bindings());
/// The type, or "CODE at LINE:COLUMN", and " (SUGGESTION?)" when there is one.
std::string type_of(std::string_view source, const Environment& environment = Environment());
/// The tree written back, or "CODE at LINE:COLUMN".
std::string reparsed(std::string_view source);
Program compile(std::string_view source, const Environment& environment);
bool is_true(std::string_view source);

} // namespace synfate::cel::test
