#include "core/cel/lexer.h"

#include "core/cel/unicode.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace synfate::cel {
namespace {

struct Symbol {
  std::string_view text;
  TokenKind kind;
};

// Longer ones first.
constexpr std::array symbols{
    Symbol{"<=", TokenKind::less_equal},
    Symbol{">=", TokenKind::greater_equal},
    Symbol{"==", TokenKind::equal_equal},
    Symbol{"!=", TokenKind::bang_equal},
    Symbol{"&&", TokenKind::and_and},
    Symbol{"||", TokenKind::or_or},
    Symbol{".", TokenKind::dot},
    Symbol{",", TokenKind::comma},
    Symbol{":", TokenKind::colon},
    Symbol{"?", TokenKind::question},
    Symbol{"(", TokenKind::left_parenthesis},
    Symbol{")", TokenKind::right_parenthesis},
    Symbol{"[", TokenKind::left_bracket},
    Symbol{"]", TokenKind::right_bracket},
    Symbol{"{", TokenKind::left_brace},
    Symbol{"}", TokenKind::right_brace},
    Symbol{"+", TokenKind::plus},
    Symbol{"-", TokenKind::minus},
    Symbol{"*", TokenKind::star},
    Symbol{"/", TokenKind::slash},
    Symbol{"%", TokenKind::percent},
    Symbol{"!", TokenKind::bang},
    Symbol{"<", TokenKind::less},
    Symbol{">", TokenKind::greater},
    Symbol{"true", TokenKind::keyword_true},
    Symbol{"false", TokenKind::keyword_false},
    Symbol{"null", TokenKind::keyword_null},
    Symbol{"in", TokenKind::keyword_in},
};

constexpr std::array<std::string_view, 17> reserved_words{
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Lexer {
public:
  explicit Lexer(std::string_view source) : source_(source) {}

  LexResult run() {
    result_.line_starts.push_back(0);
    for (skip_blank(); !result_.error && at_ < source_.size(); skip_blank())
      next_token();
    result_.length = position_;
    if (!result_.error)
      result_.tokens.push_back({TokenKind::end, position_, {}});
    return std::move(result_);
  }

private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool starts_with(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  /// Moves over one code point, keeping the count of lines; false where the text is no UTF-8.
  bool advance() {
    const auto decoded = decode_utf8(source_, at_);
    if (decoded.length == 0) {
      fail("the text is not valid UTF-8", position_);
      return false;
    }
    at_ += decoded.length;
    ++position_;
    if (decoded.code_point == '\n')
      result_.line_starts.push_back(position_);
    return true;
  }
  void advance_ascii(std::size_t count) {
    at_ += count;
    position_ += static_cast<std::uint32_t>(count);
  }

  void fail(std::string message, std::uint32_t position) {
    if (!result_.error)
      result_.error = Token{TokenKind::end, position, std::move(message)};
  }

  void skip_blank() {
    while (!result_.error && at_ < source_.size()) {
      const char here = peek();
      if (here == ' ' || here == '\t' || here == '\n' || here == '\r' || here == '\f') {
        advance();
      } else if (starts_with("//")) {
        while (at_ < source_.size() && peek() != '\n')
          if (!advance())
            return;
      } else {
        return;
      }
    }
  }

  void next_token() {
    const char here = peek();
    if (is_digit(here) || (here == '.' && is_digit(peek(1))))
      return number();
    if (const auto prefix = string_prefix())
      return string(*prefix);
    if (is_letter(here))
      return word();
    if (here == '`')
      return quoted_identifier();
    for (const auto& symbol : symbols)
      if (starts_with(symbol.text)) {
        result_.tokens.push_back({symbol.kind, position_, std::string(symbol.text)});
        return advance_ascii(symbol.text.size());
      }
    const auto start = at_;
    const auto position = position_;
    if (advance())
      fail("unexpected character '" + std::string(source_.substr(start, at_ - start)) + "'",
           position);
  }

  void word() {
    auto end = at_;
    while (end < source_.size() && (is_letter(source_[end]) || is_digit(source_[end])))
      ++end;
    const auto text = source_.substr(at_, end - at_);
    auto kind = TokenKind::identifier;
    const auto keyword = std::ranges::find(symbols, text, &Symbol::text);
    if (keyword != symbols.end())
      kind = keyword->kind;
    else if (std::ranges::find(reserved_words, text) != reserved_words.end())
      kind = TokenKind::reserved;
    result_.tokens.push_back({kind, position_, std::string(text)});
    advance_ascii(text.size());
  }

  void quoted_identifier() {
    auto end = at_ + 1;
    const auto allowed = [](char c) {
      return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == ' ';
    };
    while (end < source_.size() && allowed(source_[end]))
      ++end;
    if (end >= source_.size() || source_[end] != '`' || end == at_ + 1)
      return fail("a name in backticks holds letters, digits, '_', '.', '-', '/' and spaces, and "
                  "ends with a backtick",
                  position_);
    result_.tokens.push_back({TokenKind::quoted_identifier, position_,
                              std::string(source_.substr(at_ + 1, end - at_ - 1))});
    advance_ascii(end + 1 - at_);
  }

  void number() {
    auto end = at_;
    auto kind = TokenKind::integer;
    const auto digits = [&] {
      while (end < source_.size() && is_digit(source_[end]))
        ++end;
    };
    const auto at = [&](std::size_t index) {
      return index < source_.size() ? source_[index] : '\0';
    };
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && is_hex(peek(2))) {
      end += 2;
      while (end < source_.size() && is_hex(source_[end]))
        ++end;
    } else {
      digits();
      if (at(end) == '.' && is_digit(at(end + 1))) {
        kind = TokenKind::floating;
        ++end;
        digits();
      }
      const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
      if ((at(end) == 'e' || at(end) == 'E') && is_digit(at(end + 1 + sign))) {
        kind = TokenKind::floating;
        end += 1 + sign;
        digits();
      }
    }
    const auto text = source_.substr(at_, end - at_);
    std::size_t size = text.size();
    if (kind == TokenKind::integer && (at(end) == 'u' || at(end) == 'U')) {
      kind = TokenKind::unsigned_integer;
      ++size;
    }
    if (is_letter(at(at_ + size)) || is_digit(at(at_ + size)))
      return fail("a number may not run into a name", position_ + static_cast<std::uint32_t>(size));
    result_.tokens.push_back({kind, position_, std::string(text)});
    advance_ascii(size);
  }

  struct Prefix {
    std::size_t length = 0;
    bool bytes = false;
    bool raw = false;
  };

  /// Whether a string starts here: a quote, perhaps after b, r or br in either case.
  std::optional<Prefix> string_prefix() const {
    Prefix prefix;
    const auto is = [this, &prefix](char lower) { return (peek(prefix.length) | 0x20) == lower; };
    if (is('b')) {
      prefix.bytes = true;
      ++prefix.length;
    }
    if (is('r')) {
      prefix.raw = true;
      ++prefix.length;
    }
    const char quote = peek(prefix.length);
    return quote == '"' || quote == '\'' ? std::optional(prefix) : std::nullopt;
  }

  void string(Prefix prefix) {
    Token token{prefix.bytes ? TokenKind::bytes : TokenKind::string, position_, {}};
    advance_ascii(prefix.length);
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    const std::string end(triple ? 3 : 1, quote);
    advance_ascii(end.size());
    while (!starts_with(end)) {
      if (at_ >= source_.size() || (!triple && (peek() == '\n' || peek() == '\r')))
        return fail("the string is not closed", token.position);
      if (peek() == '\\' && !prefix.raw) {
        if (!escape(token.text, prefix.bytes))
          return;
        continue;
      }
      const auto start = at_;
      if (!advance())
        return;
      token.text += source_.substr(start, at_ - start);
    }
    advance_ascii(end.size());
    result_.tokens.push_back(std::move(token));
  }

  /// One escape sequence from its backslash on.
  bool escape(std::string& text, bool bytes) {
    constexpr std::string_view plain = "\\?\"'`";
    constexpr std::string_view letters = "abfnrtv";
    constexpr std::string_view controls = "\a\b\f\n\r\t\v";
    const char kind = peek(1);
    if (kind != '\0' && plain.find(kind) != std::string_view::npos) {
      text += kind;
      advance_ascii(2);
      return true;
    }
    if (const auto letter = letters.find(kind); kind != '\0' && letter != std::string_view::npos) {
      text += controls[letter];
      advance_ascii(2);
      return true;
    }
    if (kind == 'x' || kind == 'X')
      return numeric_escape(text, 2, 2, 16, bytes);
    if (kind == 'u' && !bytes)
      return numeric_escape(text, 2, 4, 16, false);
    if (kind == 'U' && !bytes)
      return numeric_escape(text, 2, 8, 16, false);
    if (kind >= '0' && kind <= '3')
      return numeric_escape(text, 1, 3, 8, bytes);
    fail("no such escape sequence", position_);
    return false;
  }

  bool numeric_escape(std::string& text, std::size_t skip, std::size_t count, int base,
                      bool octet) {
    const auto digits = source_.substr(std::min(at_ + skip, source_.size()), count);
    std::uint32_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (digits.size() != count || error != std::errc{} || end != digits.data() + count) {
      fail("an escape sequence is cut short", position_);
      return false;
    }
    if (!octet && !is_scalar(number)) {
      fail("an escape sequence is no Unicode code point", position_);
      return false;
    }
    if (octet)
      text += static_cast<char>(number);
    else
      append_utf8(text, number);
    advance_ascii(skip + count);
    return true;
  }

  std::string_view source_;
  std::size_t at_ = 0;         // bytes
  std::uint32_t position_ = 0; // code points
  LexResult result_;
};

} // namespace

LexResult lex(std::string_view source) {
  return Lexer(source).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
  case TokenKind::end:
    return "the end of the expression";
  case TokenKind::string:
    return "a string";
  case TokenKind::bytes:
    return "a bytes literal";
  case TokenKind::quoted_identifier:
    return "`" + token.text + "`";
  default:
    return "'" + token.text + "'";
  }
}

} // namespace synfate::cel
