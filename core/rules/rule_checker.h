// Gives the expressions of rules their trees: every name, field, function and type is checked, and
// what the engine will do with the value must be possible. All errors are reported.
#pragma once

#include "core/cel/environment.h"
#include "core/rules/diagnostic.h"
#include "core/rules/pack.h"

namespace synfate::rules {

/// Checks all expressions of one rule.
void check_rule(const Rule& rule, const cel::Environment& environment, Errors& errors);

/// Checks what an override brings along, in the terms of the rule it changes, and applies it.
void apply_override(const Override& change, const std::string& file, Rule& rule,
                    const cel::Environment& environment, Errors& errors);

/// Parses and checks one expression; its tree is set when it is sound. The type of its value.
cel::Type check_expression(const Expression& expression, const cel::Environment& environment,
                           Errors& errors);

} // namespace synfate::rules
