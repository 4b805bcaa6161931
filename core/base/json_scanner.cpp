#include "core/base/json_scanner.h"

#include <charconv>
#include <utility>

#include "core/base/text_encoding.h"

namespace synfate {
namespace {

constexpr unsigned deepest = 64;

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | (code >> 6U));
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3fU));
    put(0x80U | ((code >> 6U) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

} // namespace

bool JsonScanner::fail() {
  failed_ = true;
  return false;
}

void JsonScanner::skip_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
}

bool JsonScanner::take(char letter) {
  skip_space();
  if (failed_ || at_ >= text_.size() || text_[at_] != letter)
    return fail();
  ++at_;
  return true;
}

bool JsonScanner::begin_array() {
  return first_ = take('[');
}

bool JsonScanner::begin_object() {
  return first_ = take('{');
}

bool JsonScanner::take_word(std::string_view word) {
  skip_space();
  if (failed_ || text_.substr(at_, word.size()) != word)
    return fail();
  at_ += word.size();
  return true;
}

JsonScanner::Kind JsonScanner::peek() {
  skip_space();
  if (at_ >= text_.size())
    return Kind::end;
  switch (text_[at_]) {
  case 'n':
    return Kind::null;
  case 't':
  case 'f':
    return Kind::boolean;
  case '"':
    return Kind::string;
  case '[':
    return Kind::array;
  case '{':
    return Kind::object;
  default:
    return text_[at_] == '-' || is_digit(text_[at_]) ? Kind::number : Kind::other;
  }
}

bool JsonScanner::null() {
  return take_word("null");
}

std::optional<bool> JsonScanner::boolean() {
  const bool truth = peek() == Kind::boolean && text_[at_] == 't';
  if (!take_word(truth ? "true" : "false"))
    return std::nullopt;
  return truth;
}

std::string_view JsonScanner::number_token() {
  skip_space();
  const std::size_t begin = at_;
  const auto digits = [this] {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_]))
      ++at_;
    return at_ != from;
  };
  const auto one_of = [this](std::string_view letters) {
    const bool found = at_ < text_.size() && letters.find(text_[at_]) != std::string_view::npos;
    at_ += found ? 1 : 0;
    return found;
  };
  one_of("-");
  const bool zero = one_of("0");
  bool sound = !failed_ && (zero || digits());
  if (sound && one_of("."))
    sound = digits();
  if (sound && one_of("eE")) {
    one_of("+-");
    sound = digits();
  }
  if (!sound) {
    fail();
    return {};
  }
  return text_.substr(begin, at_ - begin);
}

std::optional<std::int64_t> JsonScanner::integer() {
  const auto token = number_token();
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (failed_ || code != std::errc{} || end != token.data() + token.size()) {
    fail();
    return std::nullopt;
  }
  return value;
}

std::optional<double> JsonScanner::real() {
  const auto token = number_token();
  double value = 0;
  const auto [end, code] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (failed_ || code != std::errc{} || end != token.data() + token.size()) {
    fail();
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint32_t> JsonScanner::hex4() {
  std::uint32_t code = 0;
  const auto digits = text_.substr(at_, 4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (digits.size() != 4 || error != std::errc{} || end != digits.data() + 4)
    return std::nullopt;
  at_ += 4;
  return code;
}

/// The escape behind a backslash.
bool JsonScanner::append_escape(std::string& out) {
  if (at_ >= text_.size())
    return fail();
  const char letter = text_[at_++];
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  if (const auto at = names.find(letter); at != std::string_view::npos) {
    out += meanings[at];
    return true;
  }
  auto code = letter == 'u' ? hex4() : std::nullopt;
  if (!code || (*code >= 0xdc00 && *code <= 0xdfff))
    return fail();
  if (*code >= 0xd800 && *code <= 0xdbff) {
    if (text_.substr(at_, 2) != "\\u")
      return fail();
    at_ += 2;
    const auto low = hex4();
    if (!low || *low < 0xdc00 || *low > 0xdfff)
      return fail();
    code = 0x10000U + ((*code - 0xd800U) << 10U) + (*low - 0xdc00U);
  }
  append_utf8(out, *code);
  return true;
}

std::optional<std::string> JsonScanner::string() {
  if (!take('"'))
    return std::nullopt;
  std::string out;
  while (at_ < text_.size()) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20)
      ++at_;
    const auto plain = text_.substr(begin, at_ - begin);
    if (at_ >= text_.size() || !is_utf8(plain))
      break;
    out += plain;
    const char letter = text_[at_++];
    if (letter == '"')
      return out;
    if (letter != '\\' || !append_escape(out))
      break;
  }
  fail();
  return std::nullopt;
}

bool JsonScanner::next_element() {
  skip_space();
  const bool first = std::exchange(first_, false);
  if (failed_ || at_ >= text_.size())
    return fail();
  if (text_[at_] == ']') {
    ++at_;
    return false;
  }
  if (first)
    return true;
  return take(',');
}

std::optional<std::string> JsonScanner::next_key() {
  skip_space();
  const bool first = std::exchange(first_, false);
  if (failed_ || at_ >= text_.size()) {
    fail();
    return std::nullopt;
  }
  if (text_[at_] == '}') {
    ++at_;
    return std::nullopt;
  }
  if (!first && !take(','))
    return std::nullopt;
  auto key = string();
  if (!key || !take(':'))
    return std::nullopt;
  return key;
}

bool JsonScanner::skip() {
  if (++depth_ > deepest)
    return fail();
  switch (peek()) {
  case Kind::null:
    null();
    break;
  case Kind::boolean:
    boolean();
    break;
  case Kind::number:
    number_token();
    break;
  case Kind::string:
    string();
    break;
  case Kind::array:
    begin_array();
    while (next_element() && skip())
      continue;
    break;
  case Kind::object:
    begin_object();
    while (next_key() && skip())
      continue;
    break;
  case Kind::end:
  case Kind::other:
    fail();
    break;
  }
  --depth_;
  return !failed_;
}

bool JsonScanner::at_end() {
  skip_space();
  return !failed_ && at_ == text_.size();
}

} // namespace synfate
