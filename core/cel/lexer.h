// Text to tokens, by the lexis of the language definition, with names in backticks.
#pragma once

#include "core/cel/diagnostic.h"
#include "core/cel/value.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::cel {

enum class TokenKind : std::uint8_t {
  end,
  identifier,
  reserved,          ///< `for`, `let`, …: usable as selectors only
  quoted_identifier, ///< in backticks: usable as fields only
  keyword_true,
  keyword_false,
  keyword_null,
  keyword_in,
  integer, ///< digits in `text`; their value does not include a sign
  unsigned_integer,
  floating,
  string,
  bytes,
  dot,
  comma,
  colon,
  question,
  left_parenthesis,
  right_parenthesis,
  left_bracket,
  right_bracket,
  left_brace,
  right_brace,
  plus,
  minus,
  star,
  slash,
  percent,
  bang,
  less,
  less_equal,
  greater,
  greater_equal,
  equal_equal,
  bang_equal,
  and_and,
  or_or,
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t position = 0; ///< code points from the start
  std::string text;           ///< name, digits, or the content of a string
};

struct LexResult {
  std::vector<Token> tokens; ///< the last is `end`
  std::vector<std::uint32_t> line_starts;
  std::uint32_t length = 0;   ///< code points
  std::optional<Token> error; ///< where lexing stopped; its text is the message
};

LexResult lex(std::string_view source);
/// A token for people: "'&&'", "identifier 'x'", "end of the expression".
std::string describe(const Token& token);

} // namespace synfate::cel
