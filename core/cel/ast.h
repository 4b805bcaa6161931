// The syntax tree: a flat vector of small nodes that refer to each other by index.
//
// Children always precede their parents, so a tree can be written to bytes and read back without
// pointers (serialise.h), and walked without recursion where that helps. A comprehension macro is
// one node, not the fold it stands for: that keeps traces readable and lets a table's index be
// used.
#pragma once

#include "core/cel/diagnostic.h"
#include "core/cel/value.h"

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace synfate::cel {

using NodeIndex = std::uint32_t;

enum class NodeKind : std::uint8_t {
  literal,        ///< text: the constant's number
  variable,       ///< text: its name; slot: its place once resolved
  select,         ///< operand; text: the field
  has,            ///< operand; text: the field
  call,           ///< [receiver,] arguments; text: the function
  operation,      ///< operands; detail: the Operator
  list,           ///< elements
  map,            ///< key, value, key, value, …
  optional_entry, ///< the element or key after a '?'
  message,        ///< field name, value, …; text: the type. Always refused after parsing.
  comprehension,  ///< range, body [, second body]; detail: the Macro; text, extra: loop variables
  bind,           ///< initial value, body; text: the variable
  block,          ///< bound expressions, then the body; see cel.block
};

enum class Operator : std::uint8_t {
  logical_or, ///< two or more operands
  logical_and,
  conditional,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  add,
  subtract,
  multiply,
  divide,
  remainder,
  negate,
  logical_not,
  index,
  optional_index,
};

enum class Macro : std::uint8_t {
  all,
  exists,
  exists_one,
  map, ///< body, or filter and body
  filter,
  transform_list, ///< two loop variables from here on
  transform_map,
  transform_map_entry,
  sort_by,
  opt_map, ///< the range is an optional
  opt_flat_map,
};

/// What a node is besides its kind and children.
enum NodeFlag : std::uint8_t {
  flag_none = 0,
  flag_optional = 1,       ///< select: `a.?b`
  flag_member = 2,         ///< call: receiver style
  flag_root = 4,           ///< variable, call, message: written with a leading dot
  flag_local = 8,          ///< variable: bound by a macro; `slot` is its place
  flag_two_variables = 16, ///< comprehension: over (index or key, value)
  flag_quoted = 32,        ///< select, has: the field was written in backticks
};

struct Node {
  NodeKind kind = NodeKind::literal;
  std::uint8_t detail = 0;
  std::uint8_t flags = flag_none;
  std::uint32_t position = 0; ///< code points from the start of the (combined) text
  std::uint32_t text = 0;
  std::uint32_t extra = no_node;
  std::uint32_t slot = no_node; ///< of a local variable, or of the first one a macro binds
  std::uint32_t first = 0;      ///< of its children
  std::uint32_t count = 0;

  bool has_flag(NodeFlag flag) const { return (flags & flag) != 0; }
  Operator operation() const { return static_cast<Operator>(detail); }
  Macro macro() const { return static_cast<Macro>(detail); }
};

/// Where one of the combined texts starts, and its lines.
struct SourceMap {
  std::uint32_t first_offset = 0;
  std::vector<std::uint32_t> line_starts; ///< offsets within the text; the first is 0
  friend bool operator==(const SourceMap&, const SourceMap&) = default;
};

class Ast {
public:
  const Node& node(NodeIndex index) const { return nodes_[index]; }
  Node& node(NodeIndex index) { return nodes_[index]; }
  std::size_t size() const { return nodes_.size(); }
  std::span<const NodeIndex> children(const Node& node) const {
    return std::span(children_).subspan(node.first, node.count);
  }
  std::span<const NodeIndex> children(NodeIndex index) const { return children(nodes_[index]); }
  NodeIndex child(NodeIndex index, std::size_t at) const {
    return children_[nodes_[index].first + at];
  }
  const std::string& text(std::uint32_t number) const { return texts_[number]; }
  const std::string& text_of(NodeIndex index) const { return texts_[nodes_[index].text]; }
  const Value& constant(const Node& node) const { return constants_[node.text]; }

  NodeIndex add(Node node, std::span<const NodeIndex> children = {});
  NodeIndex add_literal(Value constant, std::uint32_t position);
  std::uint32_t intern(std::string_view text);
  std::uint32_t add_constant(Value constant);
  /// Nodes on the longest way from here down, this one included.
  std::size_t depth(NodeIndex index) const { return depths_[index]; }
  Position position(std::uint32_t offset) const;
  Position position_of(NodeIndex index) const { return position(nodes_[index].position); }

  NodeIndex root = no_node;
  std::vector<SourceMap> sources;
  std::uint32_t length = 0; ///< code points of all texts together

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<NodeIndex>& child_pool() const { return children_; }
  const std::vector<std::string>& texts() const { return texts_; }
  const std::vector<Value>& constants() const { return constants_; }

private:
  std::vector<Node> nodes_;
  std::vector<NodeIndex> children_;
  std::vector<std::uint32_t> depths_;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t> text_numbers_;
  std::vector<Value> constants_;
};

/// How an operator is written: "&&", "==", "[]".
std::string_view operator_symbol(Operator operation);
/// The name its overloads are declared under: "_&&_", "_[_]".
std::string_view operator_function(Operator operation);
/// How a comprehension macro is written: "exists_one".
std::string_view macro_name(Macro macro);

/// `left && right` as one tree. Positions in `right` are of source number `left.sources.size()`.
Ast conjoin(const Ast& left, const Ast& right);

} // namespace synfate::cel
