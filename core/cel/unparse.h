// A tree back to text, with no more parentheses than needed; parsing the text gives an equal tree.
#pragma once

#include "core/cel/ast.h"

#include <string>

namespace synfate::cel {

std::string unparse(const Ast& ast, NodeIndex index);
inline std::string unparse(const Ast& ast) {
  return unparse(ast, ast.root);
}
/// A literal as CEL writes it: 'a\nb', b'\xff', 1u, 1.0.
std::string quote_string(std::string_view text);
std::string quote_bytes(std::string_view octets);

} // namespace synfate::cel
