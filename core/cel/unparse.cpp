#include "core/cel/unparse.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace synfate::cel {
namespace {

enum Precedence : std::uint8_t {
  at_conditional = 1,
  at_or,
  at_and,
  at_relation,
  at_addition,
  at_multiplication,
  at_unary,
  at_member,
};

std::uint8_t precedence(Operator operation) {
  switch (operation) {
  case Operator::conditional:
    return at_conditional;
  case Operator::logical_or:
    return at_or;
  case Operator::logical_and:
    return at_and;
  case Operator::equal:
  case Operator::not_equal:
  case Operator::less:
  case Operator::less_equal:
  case Operator::greater:
  case Operator::greater_equal:
  case Operator::in:
    return at_relation;
  case Operator::add:
  case Operator::subtract:
    return at_addition;
  case Operator::multiply:
  case Operator::divide:
  case Operator::remainder:
    return at_multiplication;
  case Operator::negate:
  case Operator::logical_not:
    return at_unary;
  case Operator::index:
  case Operator::optional_index:
    return at_member;
  }
  return at_member;
}

class Unparser {
public:
  explicit Unparser(const Ast& ast) : ast_(ast) {}

  std::string text(NodeIndex index) const {
    const auto& node = ast_.node(index);
    switch (node.kind) {
    case NodeKind::literal:
      return to_text(ast_.constant(node));
    case NodeKind::variable:
      return (node.has_flag(flag_root) ? "." : "") + variable_name(ast_.text_of(index));
    case NodeKind::select:
      return wrapped(ast_.child(index, 0), at_member) +
             (node.has_flag(flag_optional) ? ".?" : ".") + field_name(index);
    case NodeKind::has:
      return "has(" + wrapped(ast_.child(index, 0), at_member) + "." + field_name(index) + ")";
    case NodeKind::call:
      return call(index);
    case NodeKind::operation:
      return operation(index);
    case NodeKind::list:
      return "[" + join(ast_.children(index)) + "]";
    case NodeKind::map:
      return "{" + entries(index) + "}";
    case NodeKind::optional_entry:
      return "?" + text(ast_.child(index, 0));
    case NodeKind::message:
      return ast_.text_of(index) + "{…}";
    case NodeKind::comprehension:
      return comprehension(index);
    case NodeKind::bind:
      return "cel.bind(" + ast_.text_of(index) + ", " + join(ast_.children(index)) + ")";
    case NodeKind::block:
      return "cel.block([" + join(ast_.children(index).first(node.count - 1)) + "], " +
             text(ast_.child(index, node.count - 1)) + ")";
    }
    return {};
  }

private:
  std::uint8_t level(NodeIndex index) const {
    const auto& node = ast_.node(index);
    if (node.kind == NodeKind::operation)
      return precedence(node.operation());
    // A negative literal followed by a selector would be read as the negation of all of it.
    if (node.kind == NodeKind::literal && text(index).starts_with('-'))
      return at_unary;
    return at_member;
  }

  std::string wrapped(NodeIndex index, std::uint8_t least) const {
    return level(index) >= least ? text(index) : "(" + text(index) + ")";
  }

  /// cel.index(0) and cel.iterVar(0, 1) are kept as "@index:0" and "@it:0:1".
  static std::string variable_name(const std::string& name) {
    if (!name.starts_with('@'))
      return name;
    const auto colon = name.find(':');
    auto numbers = name.substr(colon + 1);
    const bool index = name.starts_with("@index");
    if (const auto second = numbers.find(':'); second != std::string::npos)
      numbers.replace(second, 1, ", ");
    return (index ? "cel.index(" : "cel.iterVar(") + numbers + ")";
  }

  std::string field_name(NodeIndex index) const {
    const auto& name = ast_.text_of(index);
    return ast_.node(index).has_flag(flag_quoted) ? "`" + name + "`" : name;
  }

  std::string join(std::span<const NodeIndex> indices) const {
    std::string joined;
    for (const auto index : indices)
      joined += (joined.empty() ? "" : ", ") + text(index);
    return joined;
  }

  std::string entries(NodeIndex index) const {
    std::string joined;
    const auto children = ast_.children(index);
    for (std::size_t at = 0; at + 1 < children.size(); at += 2)
      joined += (at > 0 ? ", " : "") + text(children[at]) + ": " + text(children[at + 1]);
    return joined;
  }

  std::string call(NodeIndex index) const {
    const auto& node = ast_.node(index);
    const auto children = ast_.children(node);
    const auto& name = ast_.text_of(index);
    if (node.has_flag(flag_member))
      return wrapped(children[0], at_member) + "." + name + "(" + join(children.subspan(1)) + ")";
    return (node.has_flag(flag_root) ? "." : "") + name + "(" + join(children) + ")";
  }

  std::string comprehension(NodeIndex index) const {
    const auto& node = ast_.node(index);
    const auto children = ast_.children(node);
    std::string variables = variable_name(ast_.text(node.text));
    if (node.has_flag(flag_two_variables))
      variables += ", " + variable_name(ast_.text(node.extra));
    return wrapped(children[0], at_member) + "." + std::string(macro_name(node.macro())) + "(" +
           variables + ", " + join(children.subspan(1)) + ")";
  }

  std::string operation(NodeIndex index) const {
    const auto which = ast_.node(index).operation();
    const auto children = ast_.children(index);
    const auto own = precedence(which);
    const std::string symbol(operator_symbol(which));
    const auto above = static_cast<std::uint8_t>(own + 1);
    switch (which) {
    case Operator::conditional:
      return wrapped(children[0], at_or) + " ? " + wrapped(children[1], at_or) + " : " +
             text(children[2]);
    case Operator::negate:
      return symbol + negated(children[0]);
    case Operator::logical_not:
      return symbol + wrapped(children[0], is_not(children[0]) ? at_unary : at_member);
    case Operator::index:
    case Operator::optional_index:
      return wrapped(children[0], at_member) + symbol.substr(0, symbol.size() - 1) +
             text(children[1]) + "]";
    default:
      break;
    }
    std::string joined = wrapped(children[0], chains(which) ? own : above);
    for (const auto child : children.subspan(1))
      joined += " " + symbol + " " + wrapped(child, above);
    return joined;
  }

  /// In parentheses where the minus would join a number or another minus.
  std::string negated(NodeIndex index) const {
    auto operand = wrapped(index, at_member);
    const bool joins =
        operand.starts_with('-') || std::isdigit(static_cast<unsigned char>(operand.front())) != 0;
    return joins ? "(" + operand + ")" : operand;
  }

  bool is_not(NodeIndex index) const {
    const auto& node = ast_.node(index);
    return node.kind == NodeKind::operation && node.operation() == Operator::logical_not;
  }

  /// Whether the left operand may be of the same precedence; && and || are one node per chain.
  static bool chains(Operator operation) {
    return operation != Operator::logical_or && operation != Operator::logical_and;
  }

  const Ast& ast_;
};

std::string quoted(std::string_view text, bool octets) {
  constexpr std::string_view controls = "\a\b\f\n\r\t\v\\'";
  constexpr std::string_view letters = "abfnrtv\\'";
  std::string result = "'";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (const auto at = controls.find(letter); letter != '\0' && at != std::string_view::npos)
      result += std::string("\\") + letters[at];
    else if (code < 0x20 || code == 0x7f || (octets && code >= 0x80))
      result += fmt::format("\\x{:02x}", code);
    else
      result += letter;
  }
  return result + "'";
}

} // namespace

std::string unparse(const Ast& ast, NodeIndex index) {
  return Unparser(ast).text(index);
}
std::string quote_string(std::string_view text) {
  return quoted(text, false);
}
std::string quote_bytes(std::string_view octets) {
  return "b" + quoted(octets, true);
}

} // namespace synfate::cel
