// A resolved expression made ready to run: functions found, variables numbered, regular expressions
// compiled, and conditions that a table's index can answer recognised.
#pragma once

#include "core/cel/checker.h"
#include "core/cel/regex.h"

#include <map>
#include <memory>
#include <vector>

namespace synfate::cel {

/// A conjunct `loop_variable.column == value` of a comprehension over records, or
/// `loop_variable.column in values`.
struct IndexPlan {
  std::uint32_t column_text; ///< the field's name in the tree's texts
  NodeIndex value;
  bool one_of = false; ///< the value is a list of them
};

/// Immutable once linked; may be evaluated by several threads at once. The environment it was
/// linked against must outlive it.
class Program {
public:
  const Ast& ast() const { return ast_; }
  /// The overloads of a call node in its call style.
  const std::vector<const Overload*>& overloads(const Node& call) const {
    return calls_[call.extra];
  }
  /// The full names of the variables it reads; a variable node's `extra` is an index here.
  const std::vector<std::string>& variables() const { return variables_; }
  std::uint32_t slots() const { return slots_; } ///< of macro variables
  const std::vector<IndexPlan>* plans(NodeIndex comprehension) const;
  std::shared_ptr<const Regex> regex(std::string_view pattern) const;

  friend Program link(Ast ast, const Environment& environment);

private:
  Ast ast_;
  std::vector<std::vector<const Overload*>> calls_;
  std::vector<std::string> variables_;
  std::uint32_t slots_ = 0;
  std::map<NodeIndex, std::vector<IndexPlan>> plans_;
  std::map<std::string, std::shared_ptr<const Regex>, std::less<>> regexes_;
};

/// Links a tree whose names are resolved (checked, deserialised, or by resolve_names).
Program link(Ast ast, const Environment& environment);

} // namespace synfate::cel
