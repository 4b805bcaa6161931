#include "core/cel/program.h"

#include <algorithm>

namespace synfate::cel {
namespace {

/// Finds, in the body of a comprehension over `slot`, the conjuncts that an index can answer.
class PlanFinder {
public:
  PlanFinder(const Ast& ast, std::uint32_t slot) : ast_(ast), slot_(slot) {}

  /// Conjuncts of a body whose rows count only when it is true (or not certainly false).
  void conjuncts(NodeIndex index) {
    const auto& node = ast_.node(index);
    if (node.kind != NodeKind::operation)
      return;
    if (node.operation() == Operator::logical_and)
      for (const auto operand : ast_.children(node))
        conjuncts(operand);
    else if (node.operation() == Operator::equal)
      equality(node);
    else if (node.operation() == Operator::in)
      membership(node);
    else if (node.operation() == Operator::logical_not)
      disjuncts(ast_.child(index, 0));
  }

  /// The mirror image: rows count only when the body is not certainly true.
  void disjuncts(NodeIndex index) {
    const auto& node = ast_.node(index);
    if (node.kind != NodeKind::operation)
      return;
    if (node.operation() == Operator::logical_or)
      for (const auto operand : ast_.children(node))
        disjuncts(operand);
    else if (node.operation() == Operator::not_equal)
      equality(node);
    else if (node.operation() == Operator::logical_not)
      conjuncts(ast_.child(index, 0));
  }

  std::vector<IndexPlan> plans;

private:
  void equality(const Node& node) {
    const auto operands = ast_.children(node);
    if (is_column(operands[0]) && !depends(operands[1]))
      plans.push_back({ast_.node(operands[0]).text, operands[1]});
    else if (is_column(operands[1]) && !depends(operands[0]))
      plans.push_back({ast_.node(operands[1]).text, operands[0]});
  }

  void membership(const Node& node) {
    const auto operands = ast_.children(node);
    if (is_column(operands[0]) && !depends(operands[1]))
      plans.push_back({ast_.node(operands[0]).text, operands[1], true});
  }

  bool is_column(NodeIndex index) const {
    const auto& node = ast_.node(index);
    if (node.kind != NodeKind::select || node.has_flag(flag_optional))
      return false;
    const auto& operand = ast_.node(ast_.child(index, 0));
    return operand.kind == NodeKind::variable && operand.has_flag(flag_local) &&
           operand.slot == slot_;
  }

  /// Whether a value needs the loop variable, or one bound within the body.
  bool depends(NodeIndex index) const {
    const auto& node = ast_.node(index);
    if (node.slot != no_node && node.slot >= slot_)
      return true;
    return std::ranges::any_of(ast_.children(node),
                               [this](NodeIndex child) { return depends(child); });
  }

  const Ast& ast_;
  std::uint32_t slot_;
};

std::vector<IndexPlan> find_plans(const Ast& ast, NodeIndex index) {
  const auto& node = ast.node(index);
  if (node.has_flag(flag_two_variables))
    return {};
  PlanFinder finder(ast, node.slot);
  const auto body = ast.child(index, 1);
  switch (node.macro()) {
  case Macro::exists:
  case Macro::exists_one:
  case Macro::filter:
    finder.conjuncts(body);
    break;
  case Macro::map:
    if (node.count == 3)
      finder.conjuncts(body);
    break;
  case Macro::all:
    finder.disjuncts(body);
    break;
  case Macro::transform_list:
  case Macro::transform_map:
  case Macro::transform_map_entry:
  case Macro::sort_by:
  case Macro::opt_map:
  case Macro::opt_flat_map:
    break;
  }
  return std::move(finder.plans);
}

std::uint32_t slots_of(const Node& node) {
  if (node.slot == no_node)
    return 0;
  const auto bound = node.kind == NodeKind::block        ? node.count
                     : node.has_flag(flag_two_variables) ? 2U
                                                         : 1U;
  return node.slot + bound;
}

} // namespace

const std::vector<IndexPlan>* Program::plans(NodeIndex comprehension) const {
  const auto found = plans_.find(comprehension);
  return found == plans_.end() ? nullptr : &found->second;
}

std::shared_ptr<const Regex> Program::regex(std::string_view pattern) const {
  const auto found = regexes_.find(pattern);
  return found == regexes_.end() ? nullptr : found->second;
}

Program link(Ast ast, const Environment& environment) {
  Program program;
  for (NodeIndex index = 0; index < ast.size(); ++index) {
    auto& node = ast.node(index);
    program.slots_ = std::max(program.slots_, slots_of(node));
    if (node.kind == NodeKind::variable && !node.has_flag(flag_local)) {
      const auto& name = ast.text_of(index);
      const auto at = std::ranges::find(program.variables_, name);
      node.extra = static_cast<std::uint32_t>(at - program.variables_.begin());
      if (at == program.variables_.end())
        program.variables_.push_back(name);
    } else if (node.kind == NodeKind::call) {
      auto overloads = environment.overloads(ast.text_of(index));
      std::erase_if(overloads, [&node](const Overload* overload) {
        return overload->signature.member != node.has_flag(flag_member) ||
               overload->signature.parameters.size() != node.count;
      });
      node.extra = static_cast<std::uint32_t>(program.calls_.size());
      program.calls_.push_back(std::move(overloads));
      if (ast.text_of(index) == "matches" && node.count == 2) {
        const auto& pattern = ast.node(ast.child(index, 1));
        if (pattern.kind == NodeKind::literal && ast.constant(pattern).is(Kind::string)) {
          std::string problem;
          const auto text = ast.constant(pattern).as_text();
          if (auto regex = Regex::compile(text, problem))
            program.regexes_.emplace(text, std::move(regex));
        }
      }
    } else if (node.kind == NodeKind::comprehension) {
      if (auto plans = find_plans(ast, index); !plans.empty())
        program.plans_.emplace(index, std::move(plans));
    }
  }
  program.ast_ = std::move(ast);
  return program;
}

} // namespace synfate::cel
