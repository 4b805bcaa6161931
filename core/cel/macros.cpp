#include "core/cel/macros.h"

#include <algorithm>
#include <array>
#include <vector>

namespace synfate::cel {
namespace {

using Expansion = std::expected<std::optional<NodeIndex>, Diagnostic>;

struct ComprehensionForm {
  std::string_view name;
  Macro macro;
  std::size_t variables;
  std::size_t least_bodies;
  std::size_t most_bodies;
};

constexpr std::array forms{
    ComprehensionForm{"all", Macro::all, 1, 1, 1},
    ComprehensionForm{"exists", Macro::exists, 1, 1, 1},
    ComprehensionForm{"exists_one", Macro::exists_one, 1, 1, 1},
    ComprehensionForm{"existsOne", Macro::exists_one, 1, 1, 1},
    ComprehensionForm{"map", Macro::map, 1, 1, 2},
    ComprehensionForm{"filter", Macro::filter, 1, 1, 1},
    ComprehensionForm{"sortBy", Macro::sort_by, 1, 1, 1},
    ComprehensionForm{"optMap", Macro::opt_map, 1, 1, 1},
    ComprehensionForm{"optFlatMap", Macro::opt_flat_map, 1, 1, 1},
    ComprehensionForm{"all", Macro::all, 2, 1, 1},
    ComprehensionForm{"exists", Macro::exists, 2, 1, 1},
    ComprehensionForm{"exists_one", Macro::exists_one, 2, 1, 1},
    ComprehensionForm{"existsOne", Macro::exists_one, 2, 1, 1},
    ComprehensionForm{"transformList", Macro::transform_list, 2, 1, 2},
    ComprehensionForm{"transformMap", Macro::transform_map, 2, 1, 2},
    ComprehensionForm{"transformMapEntry", Macro::transform_map_entry, 2, 1, 2},
};

Expansion refuse(const Ast& ast, std::uint32_t position, std::string message) {
  return std::unexpected(Diagnostic{code::macro, std::move(message), ast.position(position), {}});
}

bool is_plain_name(const Ast& ast, NodeIndex index) {
  const auto& node = ast.node(index);
  return node.kind == NodeKind::variable && !node.has_flag(flag_root);
}

bool is_namespace(const Ast& ast, NodeIndex receiver, std::string_view name) {
  return receiver != no_node && is_plain_name(ast, receiver) && ast.text_of(receiver) == name;
}

Expansion expand_has(Ast& ast, const CallSite& call) {
  const auto& operand = ast.node(call.arguments[0]);
  if (operand.kind != NodeKind::select || operand.has_flag(flag_optional))
    return refuse(ast, operand.position, "has() takes a field selection, as in has(a.b)");
  Node node = operand;
  node.kind = NodeKind::has;
  const NodeIndex inner = ast.child(call.arguments[0], 0);
  return ast.add(node, std::span(&inner, 1));
}

Expansion expand_comprehension(Ast& ast, const CallSite& call, const ComprehensionForm& form) {
  for (std::size_t index = 0; index < form.variables; ++index)
    if (!is_plain_name(ast, call.arguments[index]))
      return refuse(ast, ast.node(call.arguments[index]).position,
                    "the argument of " + std::string(form.name) + "() must be a simple name");
  Node node;
  node.kind = NodeKind::comprehension;
  node.detail = static_cast<std::uint8_t>(form.macro);
  node.position = call.position;
  node.text = ast.node(call.arguments[0]).text;
  if (form.variables == 2) {
    node.flags = flag_two_variables;
    node.extra = ast.node(call.arguments[1]).text;
    if (node.extra == node.text)
      return refuse(ast, ast.node(call.arguments[1]).position,
                    "the two loop variables of " + std::string(form.name) + "() must differ");
  }
  std::vector<NodeIndex> children{call.receiver};
  const auto bodies = call.arguments.subspan(form.variables);
  children.insert(children.end(), bodies.begin(), bodies.end());
  return ast.add(node, children);
}

/// The number in a non-negative int literal.
std::optional<std::int64_t> literal_number(const Ast& ast, NodeIndex index) {
  const auto& node = ast.node(index);
  if (node.kind != NodeKind::literal || !ast.constant(node).is(Kind::integer) ||
      ast.constant(node).as_int() < 0)
    return std::nullopt;
  return ast.constant(node).as_int();
}

NodeIndex add_variable(Ast& ast, const std::string& name, std::uint32_t position) {
  Node node;
  node.kind = NodeKind::variable;
  node.position = position;
  node.text = ast.intern(name);
  return ast.add(node);
}

Expansion expand_bind(Ast& ast, const CallSite& call) {
  if (!is_plain_name(ast, call.arguments[0]))
    return refuse(ast, ast.node(call.arguments[0]).position,
                  "the first argument of cel.bind() must be a simple name");
  Node node;
  node.kind = NodeKind::bind;
  node.position = call.position;
  node.text = ast.node(call.arguments[0]).text;
  return ast.add(node, call.arguments.subspan(1));
}

/// cel.block([a, b], body): `cel.index(0)` in b and body is a, `cel.index(1)` in body is b.
Expansion expand_block(Ast& ast, const CallSite& call) {
  const auto& list = ast.node(call.arguments[0]);
  if (list.kind != NodeKind::list)
    return refuse(ast, list.position, "the first argument of cel.block() must be a list literal");
  const auto bound = ast.children(list);
  std::vector<NodeIndex> children(bound.begin(), bound.end());
  for (const auto child : children)
    if (ast.node(child).kind == NodeKind::optional_entry)
      return refuse(ast, ast.node(child).position, "cel.block() takes no optional elements");
  children.push_back(call.arguments[1]);
  Node node;
  node.kind = NodeKind::block;
  node.position = call.position;
  return ast.add(node, children);
}

Expansion expand_cel(Ast& ast, const CallSite& call) {
  const auto count = call.arguments.size();
  if (call.function == "bind" && count == 3)
    return expand_bind(ast, call);
  if (call.function == "block" && count == 2)
    return expand_block(ast, call);
  std::string name;
  if (call.function == "index" && count == 1)
    name = "@index";
  else if (call.function == "iterVar" && count == 2)
    name = "@it";
  else
    return std::nullopt;
  for (const auto argument : call.arguments) {
    const auto number = literal_number(ast, argument);
    if (!number)
      return refuse(ast, ast.node(argument).position,
                    "cel." + std::string(call.function) + "() takes int literals");
    name += ':';
    name += std::to_string(*number);
  }
  return add_variable(ast, name, call.position);
}

/// math.greatest(a, b, c, …) is math.greatest([a, b, c, …]).
Expansion expand_extreme(Ast& ast, const CallSite& call) {
  if (call.arguments.size() < 3)
    return std::nullopt;
  Node list;
  list.kind = NodeKind::list;
  list.position = call.position;
  const std::array<NodeIndex, 2> children{call.receiver, ast.add(list, call.arguments)};
  Node node;
  node.kind = NodeKind::call;
  node.flags = flag_member;
  node.position = call.position;
  node.text = ast.intern(call.function);
  return ast.add(node, children);
}

} // namespace

Expansion expand_macro(Ast& ast, const CallSite& call) {
  if (call.receiver == no_node)
    return call.function == "has" && call.arguments.size() == 1 ? expand_has(ast, call)
                                                                : std::nullopt;
  if (is_namespace(ast, call.receiver, "cel"))
    return expand_cel(ast, call);
  if (is_namespace(ast, call.receiver, "math") &&
      (call.function == "greatest" || call.function == "least"))
    return expand_extreme(ast, call);
  for (const auto& form : forms) {
    const auto count = call.arguments.size();
    const bool fits =
        count >= form.variables + form.least_bodies && count <= form.variables + form.most_bodies;
    if (form.name != call.function || !fits)
      continue;
    // map(x, p, t) and transformList(i, v, t) have as many arguments as two-variable forms.
    return expand_comprehension(ast, call, form);
  }
  return std::nullopt;
}

} // namespace synfate::cel
