// A condition as a tree of values: why a rule fired, or did not.
//
//   size(near) > 0 && near.all(s, s.local_address.isLoopback())   false
//     size(near) > 0                                              true
//       size(near)                                                2
//     near.all(s, s.local_address.isLoopback())                   false
#pragma once

#include <string>
#include <vector>

#include "core/cel/evaluator.h"

namespace synfate::rules {

struct TraceNode {
  std::string text;
  std::string value; ///< "not evaluated" where it was not needed
  std::vector<TraceNode> children;
};

TraceNode trace_tree(const cel::Ast& ast, const cel::Trace& trace);
/// Indented lines, values aligned behind their expressions.
std::string to_string(const TraceNode& node, std::size_t indent = 0);
/// A value on one line, cut where it is long; rows by what they name.
std::string value_line(const cel::Value& value);
/// Whether `node` is part of a macro's body: it has a value per element there.
std::vector<bool> inside_macros(const cel::Ast& ast);

} // namespace synfate::rules
