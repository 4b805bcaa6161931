#include "core/cel/ast.h"

#include <algorithm>
#include <array>

namespace synfate::cel {
namespace {

/// Copies every node of `from`, shifting positions; returns the copy of its root.
NodeIndex append(Ast& to, const Ast& from, std::uint32_t shift) {
  const auto offset = static_cast<std::uint32_t>(to.size());
  std::vector<NodeIndex> children;
  for (const auto& original : from.nodes()) {
    Node node = original;
    node.position += shift;
    if (node.kind == NodeKind::literal)
      node.text = to.add_constant(from.constant(original));
    else if (node.text < from.texts().size())
      node.text = to.intern(from.text(node.text));
    if (node.kind == NodeKind::comprehension && node.extra != no_node)
      node.extra = to.intern(from.text(node.extra));
    children.clear();
    for (const auto child : from.children(original))
      children.push_back(child + offset);
    to.add(node, children);
  }
  return from.root + offset;
}

/// The operands of a top-level `&&`, or the node itself.
void gather_terms(const Ast& ast, NodeIndex root, std::vector<NodeIndex>& terms) {
  const auto& node = ast.node(root);
  if (node.kind == NodeKind::operation && node.operation() == Operator::logical_and) {
    const auto operands = ast.children(node);
    terms.insert(terms.end(), operands.begin(), operands.end());
  } else {
    terms.push_back(root);
  }
}

} // namespace

NodeIndex Ast::add(Node node, std::span<const NodeIndex> children) {
  node.first = static_cast<std::uint32_t>(children_.size());
  node.count = static_cast<std::uint32_t>(children.size());
  std::uint32_t deepest = 0;
  for (const auto child : children)
    deepest = std::max(deepest, depths_[child]);
  children_.insert(children_.end(), children.begin(), children.end());
  depths_.push_back(deepest + 1);
  nodes_.push_back(node);
  return static_cast<NodeIndex>(nodes_.size() - 1);
}

NodeIndex Ast::add_literal(Value constant, std::uint32_t position) {
  Node node;
  node.position = position;
  node.text = add_constant(std::move(constant));
  return add(node);
}

std::uint32_t Ast::intern(std::string_view text) {
  const auto [at, added] =
      text_numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (added)
    texts_.emplace_back(text);
  return at->second;
}

std::uint32_t Ast::add_constant(Value constant) {
  constants_.push_back(std::move(constant));
  return static_cast<std::uint32_t>(constants_.size() - 1);
}

Position Ast::position(std::uint32_t offset) const {
  Position position;
  for (std::size_t index = 0; index < sources.size(); ++index)
    if (sources[index].first_offset <= offset)
      position.source = static_cast<std::uint32_t>(index);
  if (sources.empty())
    return position;
  const auto& source = sources[position.source];
  position.offset = offset - source.first_offset;
  const auto after = std::ranges::upper_bound(source.line_starts, position.offset);
  position.line = static_cast<std::uint32_t>(after - source.line_starts.begin());
  position.column = position.offset - *std::prev(after) + 1;
  return position;
}

std::string_view operator_symbol(Operator operation) {
  constexpr std::array<std::string_view, 19> symbols{
      "||", "&&", "?:", "==", "!=", "<", "<=", ">",  ">=", "in",
      "+",  "-",  "*",  "/",  "%",  "-", "!",  "[]", "[?]"};
  return symbols[static_cast<std::size_t>(operation)];
}

std::string_view operator_function(Operator operation) {
  constexpr std::array<std::string_view, 19> names{
      "_||_", "_&&_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_",  "_>=_", "@in",
      "_+_",  "_-_",  "_*_",   "_/_",  "_%_",  "-_",  "!_",   "_[_]", "_[?_]"};
  return names[static_cast<std::size_t>(operation)];
}

std::string_view macro_name(Macro macro) {
  constexpr std::array<std::string_view, 11> names{
      "all",    "exists",        "exists_one",   "map",
      "filter", "transformList", "transformMap", "transformMapEntry",
      "sortBy", "optMap",        "optFlatMap"};
  return names[static_cast<std::size_t>(macro)];
}

Ast conjoin(const Ast& left, const Ast& right) {
  Ast joined;
  const auto shift = left.length + 1;
  const auto first = append(joined, left, 0);
  const auto second = append(joined, right, shift);
  joined.sources = left.sources;
  for (auto source : right.sources) {
    source.first_offset += shift;
    joined.sources.push_back(std::move(source));
  }
  joined.length = shift + right.length;
  std::vector<NodeIndex> terms;
  gather_terms(joined, first, terms);
  gather_terms(joined, second, terms);
  Node node;
  node.kind = NodeKind::operation;
  node.detail = static_cast<std::uint8_t>(Operator::logical_and);
  node.position = joined.node(second).position;
  joined.root = joined.add(node, terms);
  return joined;
}

} // namespace synfate::cel
