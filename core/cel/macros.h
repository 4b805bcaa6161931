// Macros: calls that are rewritten while parsing, since their arguments are no ordinary values.
#pragma once

#include "core/cel/ast.h"

#include <expected>
#include <optional>
#include <span>
#include <string_view>

namespace synfate::cel {

/// A call as parsed, before it is known to be one.
struct CallSite {
  std::string_view function;
  NodeIndex receiver = no_node;
  std::span<const NodeIndex> arguments;
  std::uint32_t position = 0;
};

/// The node that replaces the call; nothing when it is no macro; an error when it is one with
/// arguments of the wrong shape.
std::expected<std::optional<NodeIndex>, Diagnostic> expand_macro(Ast& ast, const CallSite& call);

} // namespace synfate::cel
