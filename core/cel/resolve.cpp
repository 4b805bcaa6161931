#include "core/cel/resolve.h"

#include "core/cel/suggest.h"

#include <algorithm>
#include <optional>

namespace synfate::cel {
namespace {

class Resolver {
public:
  Resolver(Ast& ast, const Environment& environment,
           const std::function<bool(std::string_view)>& is_variable)
      : ast_(ast), environment_(environment), is_variable_(is_variable) {}

  std::vector<Diagnostic> run() {
    visit(ast_.root);
    return std::move(diagnostics_);
  }

private:
  void visit(NodeIndex index) {
    const auto& node = ast_.node(index);
    switch (node.kind) {
    case NodeKind::variable:
      return visit_variable(index);
    case NodeKind::select:
      return visit_select(index);
    case NodeKind::call:
      return visit_call(index);
    case NodeKind::comprehension:
      return visit_comprehension(index);
    case NodeKind::bind:
      return visit_bind(index);
    case NodeKind::block:
      return visit_block(index);
    case NodeKind::message:
      return report(code::undeclared, index,
                    "undeclared message type '" + ast_.text_of(index) + "'", {});
    case NodeKind::literal:
    case NodeKind::has:
    case NodeKind::operation:
    case NodeKind::list:
    case NodeKind::map:
    case NodeKind::optional_entry:
      return visit_children(index);
    }
  }

  void visit_children(NodeIndex index, std::size_t from = 0) {
    for (std::size_t at = from; at < ast_.node(index).count; ++at)
      visit(ast_.child(index, at));
  }

  void report(std::string_view code, NodeIndex index, std::string message, std::string suggestion) {
    diagnostics_.push_back(
        {code, std::move(message), ast_.position_of(index), std::move(suggestion)});
  }

  /// The slot of the innermost macro variable of that name.
  std::optional<std::uint32_t> local(std::string_view name) const {
    const auto found = std::find(locals_.rbegin(), locals_.rend(), name);
    if (found == locals_.rend())
      return std::nullopt;
    return static_cast<std::uint32_t>(locals_.rend() - found - 1);
  }

  /// Turns `index` into the variable or type that `name` means, if it means one.
  bool resolve_global(NodeIndex index, std::string_view name, bool root) {
    for (const auto& candidate : environment_.candidates(name, root)) {
      const bool variable = is_variable_(candidate);
      if (!variable && !is_type_name(candidate) && environment_.record(candidate) == nullptr)
        continue;
      auto& node = ast_.node(index);
      node.count = 0;
      node.flags = flag_none;
      if (variable) {
        node.kind = NodeKind::variable;
        node.text = ast_.intern(candidate);
      } else {
        node.kind = NodeKind::literal;
        node.text = ast_.add_constant(Value::type(candidate));
      }
      return true;
    }
    return false;
  }

  void visit_variable(NodeIndex index) {
    auto& node = ast_.node(index);
    const bool root = node.has_flag(flag_root);
    const std::string name = ast_.text_of(index);
    if (const auto slot = root ? std::nullopt : local(name)) {
      node.flags |= flag_local;
      node.slot = *slot;
      return;
    }
    if (resolve_global(index, name, root))
      return;
    auto names = environment_.variable_names();
    names.insert(names.end(), locals_.begin(), locals_.end());
    report(code::undeclared, index, "undeclared reference to '" + name + "'", suggest(name, names));
  }

  /// `a.b.c` as written, when it is nothing but names and `a` is no macro variable.
  std::optional<std::string> qualified_name(NodeIndex index, bool& root) const {
    const auto& node = ast_.node(index);
    if (node.kind == NodeKind::variable) {
      root = node.has_flag(flag_root);
      if (!root && local(ast_.text_of(index)))
        return std::nullopt;
      return ast_.text_of(index);
    }
    if (node.kind != NodeKind::select || node.has_flag(flag_optional) || node.has_flag(flag_quoted))
      return std::nullopt;
    auto name = qualified_name(ast_.child(index, 0), root);
    if (name)
      *name += "." + ast_.text_of(index);
    return name;
  }

  void visit_select(NodeIndex index) {
    bool root = false;
    const auto name = qualified_name(index, root);
    if (!name || !resolve_global(index, *name, root))
      visit_children(index);
  }

  bool resolve_function(NodeIndex index, std::string_view name, bool root) {
    for (const auto& candidate : environment_.candidates(name, root))
      if (environment_.has_function(candidate, false)) {
        ast_.node(index).text = ast_.intern(candidate);
        return true;
      }
    return false;
  }

  void visit_call(NodeIndex index) {
    const auto node = ast_.node(index);
    const std::string name = ast_.text_of(index);
    if (!node.has_flag(flag_member)) {
      if (!resolve_function(index, name, node.has_flag(flag_root)))
        report_function(index, name, false);
      return visit_children(index);
    }
    bool root = false;
    const auto scope = qualified_name(ast_.child(index, 0), root);
    if (scope && resolve_function(index, *scope + "." + name, root)) {
      auto& call = ast_.node(index);
      call.flags = flag_none;
      ++call.first;
      --call.count;
      return visit_children(index);
    }
    if (scope && is_namespace(*scope)) {
      report_function(index, *scope + "." + name, false);
      return visit_children(index, 1);
    }
    const auto errors = diagnostics_.size();
    visit(ast_.child(index, 0));
    if (errors == diagnostics_.size() && !environment_.has_function(name, true))
      report_function(index, name, true);
    visit_children(index, 1);
  }

  /// Whether `scope` is no variable but qualifies functions, as `math` does.
  bool is_namespace(const std::string& scope) const {
    if (is_variable_(scope))
      return false;
    const auto names = environment_.function_names(false);
    return std::ranges::any_of(names,
                               [&](const auto& name) { return name.starts_with(scope + "."); });
  }

  void report_function(NodeIndex index, const std::string& name, bool member) {
    auto names = environment_.function_names(member);
    if (member)
      for (auto macro = Macro::all; macro <= Macro::opt_flat_map;
           macro = static_cast<Macro>(static_cast<std::uint8_t>(macro) + 1))
        names.emplace_back(macro_name(macro));
    report(code::undeclared_function, index, "undeclared function '" + name + "'",
           suggest(name, names));
  }

  std::uint32_t bind(NodeIndex index, std::uint32_t text) {
    const auto slot = static_cast<std::uint32_t>(locals_.size());
    if (ast_.node(index).slot == no_node)
      ast_.node(index).slot = slot;
    locals_.push_back(ast_.text(text));
    return slot;
  }

  void visit_comprehension(NodeIndex index) {
    const auto before = locals_.size();
    visit(ast_.child(index, 0));
    const auto node = ast_.node(index);
    bind(index, node.text);
    if (node.has_flag(flag_two_variables))
      bind(index, node.extra);
    visit_children(index, 1);
    locals_.resize(before);
  }

  void visit_bind(NodeIndex index) {
    visit(ast_.child(index, 0));
    bind(index, ast_.node(index).text);
    visit_children(index, 1);
    locals_.pop_back();
  }

  void visit_block(NodeIndex index) {
    const auto before = locals_.size();
    const auto bound = ast_.node(index).count - 1;
    ast_.node(index).slot = static_cast<std::uint32_t>(before);
    for (std::uint32_t at = 0; at < bound; ++at) {
      visit(ast_.child(index, at));
      locals_.push_back("@index:" + std::to_string(at));
    }
    visit(ast_.child(index, bound));
    locals_.resize(before);
  }

  Ast& ast_;
  const Environment& environment_;
  const std::function<bool(std::string_view)>& is_variable_;
  std::vector<std::string> locals_;
  std::vector<Diagnostic> diagnostics_;
};

} // namespace

std::vector<Diagnostic> resolve_names(Ast& ast, const Environment& environment,
                                      const std::function<bool(std::string_view)>& is_variable) {
  return Resolver(ast, environment, is_variable).run();
}

} // namespace synfate::cel
