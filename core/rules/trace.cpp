#include "core/rules/trace.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/cel/unparse.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

using cel::NodeKind;

constexpr std::size_t longest_value = 160;
constexpr std::size_t value_column = 64;

std::string shortened(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= longest_value)
    return text;
  std::size_t end = longest_value;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
    --end;
  return text.substr(0, end) + "…";
}

bool is_record_list(const cel::Value& value) {
  return value.is(cel::Kind::list) && value.as_list().size() > 0 &&
         value.as_list().at(0).is(cel::Kind::record);
}

std::string record_list_line(const cel::List& list) {
  constexpr std::size_t shown = 4;
  std::string text;
  for (std::size_t at = 0; at < std::min(shown, list.size()); ++at)
    text.append(at == 0 ? "" : ", ").append(value_line(list.at(at)));
  if (list.size() > shown)
    text += fmt::format(", … {} in all", list.size());
  return "[" + text + "]";
}

class TreeBuilder {
public:
  TreeBuilder(const cel::Ast& ast, const cel::Trace& trace) : ast_(ast), trace_(trace) {}

  TraceNode build(cel::NodeIndex index) const {
    const cel::Value* value = trace_.value(index);
    TraceNode node{cel::unparse(ast_, index), value ? value_line(*value) : "not evaluated", {}};
    if (value != nullptr)
      for (const auto child : ast_.children(index))
        if (is_worth_showing(child))
          node.children.push_back(build(child));
    return node;
  }

private:
  // Literals say nothing new, nor does `f` in `f.outcome`.
  bool is_worth_showing(cel::NodeIndex index) const {
    switch (ast_.node(index).kind) {
    case NodeKind::operation:
    case NodeKind::call:
    case NodeKind::select:
    case NodeKind::has:
    case NodeKind::comprehension:
    case NodeKind::bind:
    case NodeKind::block:
      return true;
    case NodeKind::variable:
      return !ast_.node(index).has_flag(cel::flag_local) && trace_.value(index) != nullptr &&
             !trace_.value(index)->is(cel::Kind::record);
    case NodeKind::literal:
    case NodeKind::list:
    case NodeKind::map:
    case NodeKind::optional_entry:
    case NodeKind::message:
      return false;
    }
    return false;
  }

  const cel::Ast& ast_;
  const cel::Trace& trace_;
};

} // namespace

std::string value_line(const cel::Value& value) {
  if (const auto* flow = flow_of(value))
    return fmt::format("flow {} ({})", flow->index, flow->report->flow.name);
  if (const auto culprit = culprit_of(value))
    return escape_for_terminal(fmt::format("{} {}", culprit->kind, culprit->id));
  if (is_record_list(value))
    return record_list_line(value.as_list());
  if (value.is_error())
    return "error: " + value.as_error().message;
  if (value.is_unknown()) {
    std::string gaps;
    for (const auto& reason : value.as_unknown().reasons)
      gaps.append(gaps.empty() ? "" : ", ").append(reason.text);
    return fmt::format("unknown ({})", gaps);
  }
  return shortened(escape_for_terminal(cel::to_text(value)));
}

TraceNode trace_tree(const cel::Ast& ast, const cel::Trace& trace) {
  return TreeBuilder(ast, trace).build(ast.root);
}

std::string to_string(const TraceNode& node, std::size_t indent) {
  std::string line = std::string(indent, ' ') + node.text;
  std::ranges::replace(line, '\n', ' ');
  const std::size_t gap = line.size() < value_column ? value_column - line.size() : 2;
  std::string text = line + std::string(gap, ' ') + node.value + "\n";
  for (const auto& child : node.children)
    text += to_string(child, indent + 2);
  return text;
}

std::vector<bool> inside_macros(const cel::Ast& ast) {
  std::vector<bool> inside(ast.size(), false);
  for (std::size_t up = ast.size(); up-- > 0;) { // parents come after their children
    const auto index = static_cast<cel::NodeIndex>(up);
    const bool macro = ast.node(index).kind == NodeKind::comprehension;
    for (std::size_t at = 0; at < ast.children(index).size(); ++at)
      if (inside[up] || (macro && at > 0))
        inside[ast.child(index, at)] = true;
  }
  return inside;
}

} // namespace synfate::rules
