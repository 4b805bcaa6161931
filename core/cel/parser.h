// Tokens to a syntax tree, by the grammar of the language definition; macros are expanded on the
// way (macros.h). Nesting is bounded, so hostile text ends in an error and never in a crash.
//
// Tested by tests/unit/core/cel/parser_test.cpp.
#pragma once

#include "core/cel/ast.h"

#include <string_view>
#include <vector>

namespace synfate::cel {

struct ParseOptions {
  bool macros = true;
  std::size_t nesting_limit = 200;        ///< of brackets, unary operators and conditionals
  std::size_t depth_limit = 500;          ///< of the tree: `a + b + c …` is a deep one
  std::size_t length_limit = 1024 * 1024; ///< bytes of text
};

struct ParseResult {
  Ast ast; ///< meaningful without errors only
  std::vector<Diagnostic> errors;
  bool ok() const { return errors.empty(); }
};

ParseResult parse(std::string_view source, const ParseOptions& options = {});

} // namespace synfate::cel
