// What is wrong with an expression, and where: one value for parse and check errors alike.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace synfate::cel {

/// A place in the text of an expression. Line and column are 1-based; columns count code points.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  std::uint32_t offset = 0; ///< code points from the start of the text
  std::uint32_t source = 0; ///< which text, when expressions were combined; 0 is the first
  friend bool operator==(const Position&, const Position&) = default;
};

/// The stable codes of parse and check errors.
namespace code {
inline constexpr std::string_view syntax = "cel.syntax";
inline constexpr std::string_view macro =
    "cel.macro"; ///< a macro with arguments of the wrong shape
inline constexpr std::string_view too_deep = "cel.too_deep";
inline constexpr std::string_view too_long = "cel.too_long";
inline constexpr std::string_view undeclared = "cel.undeclared";
inline constexpr std::string_view undeclared_function = "cel.undeclared_function";
inline constexpr std::string_view no_such_overload = "cel.no_such_overload";
inline constexpr std::string_view no_such_field = "cel.no_such_field";
inline constexpr std::string_view not_selectable = "cel.not_selectable"; ///< a field of no record
inline constexpr std::string_view not_a_range = "cel.not_a_range"; ///< a macro over no list or map
inline constexpr std::string_view type_mismatch = "cel.type_mismatch";
inline constexpr std::string_view bad_declaration = "cel.bad_declaration";
} // namespace code

/// One parse or check error.
struct Diagnostic {
  std::string_view code; ///< one of cel::code
  std::string message;
  Position position;
  std::string suggestion; ///< the name that was probably meant; may be empty
};

} // namespace synfate::cel
