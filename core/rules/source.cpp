#include "core/rules/source.h"

#include <algorithm>

#include "core/cel/unicode.h"

namespace synfate::rules {
namespace {

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

/// Reads one literal from `text`, starting after its opening quotes.
class LiteralScanner {
public:
  LiteralScanner(std::string_view text, std::size_t byte) : text_(text), at_(byte) {}

  std::optional<Literal> scan() {
    if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\''))
      return std::nullopt;
    quote_ = text_[at_];
    multi_line_ = starts_with_quotes(3);
    at_ += multi_line_ ? 3 : 1;
    if (multi_line_)
      skip_newline();
    while (at_ < text_.size() && !closes())
      step();
    found_.bytes.push_back(static_cast<std::uint32_t>(std::min(at_, text_.size())));
    return std::move(found_);
  }

private:
  bool starts_with_quotes(std::size_t count) const {
    return at_ + count <= text_.size() &&
           text_.substr(at_, count).find_first_not_of(quote_) == std::string_view::npos;
  }

  // Up to two quotes may stand right before the closing three.
  bool closes() const {
    if (text_[at_] != quote_)
      return false;
    return !multi_line_ || (starts_with_quotes(3) && !starts_with_quotes(4));
  }

  bool skip_newline() {
    if (text_.substr(at_, 2) == "\r\n")
      at_ += 2;
    else if (at_ < text_.size() && text_[at_] == '\n')
      at_ += 1;
    else
      return false;
    return true;
  }

  void step() {
    if (quote_ == '"' && text_[at_] == '\\')
      return escape();
    const std::size_t from = at_;
    if (skip_newline())
      return put(U'\n', from);
    do
      found_.text += text_[at_++];
    while (at_ < text_.size() && is_continuation(text_[at_]));
    found_.bytes.push_back(static_cast<std::uint32_t>(from));
  }

  void put(char32_t letter, std::size_t from) {
    cel::append_utf8(found_.text, letter);
    found_.bytes.push_back(static_cast<std::uint32_t>(from));
  }

  void escape() {
    const std::size_t from = at_++;
    if (at_ >= text_.size())
      return;
    if (multi_line_ && join_lines())
      return;
    const char letter = text_[at_++];
    switch (letter) {
    case 'u':
      return put(hexadecimal(4), from);
    case 'U':
      return put(hexadecimal(8), from);
    case 'x':
      return put(hexadecimal(2), from);
    default:
      return put(simple(letter), from);
    }
  }

  static char32_t simple(char letter) {
    constexpr std::string_view letters = "btnfre";
    constexpr std::string_view meanings = "\b\t\n\f\r\x1b";
    const auto at = letters.find(letter);
    return static_cast<unsigned char>(at == std::string_view::npos ? letter : meanings[at]);
  }

  char32_t hexadecimal(std::size_t digits) {
    char32_t value = 0;
    for (; digits > 0 && at_ < text_.size(); --digits, ++at_) {
      const auto digit = std::string_view("0123456789abcdef").find(text_[at_] | 0x20);
      value = (value << 4U) | static_cast<char32_t>(digit & 0xfU);
    }
    return is_scalar(value) ? value : U'\ufffd';
  }

  // A backslash, white space and a newline: everything up to the next visible character is left
  // out.
  bool join_lines() {
    const auto end = text_.find_first_not_of(" \t", at_);
    if (end == std::string_view::npos || (text_[end] != '\n' && text_.substr(end, 2) != "\r\n"))
      return false;
    at_ = std::min(text_.find_first_not_of(" \t\r\n", end), text_.size());
    return true;
  }

  std::string_view text_;
  std::size_t at_;
  char quote_ = '"';
  bool multi_line_ = false;
  Literal found_;
};

} // namespace

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(text_.starts_with("\xef\xbb\xbf") ? 3 : 0);
  for (std::size_t at = 0; at < text_.size(); ++at)
    if (text_[at] == '\n')
      line_starts_.push_back(at + 1);
}

std::string_view SourceFile::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size())
    return {};
  const std::size_t start = line_starts_[number - 1];
  auto line = std::string_view(text_).substr(start);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

Place SourceFile::place(std::size_t byte) const {
  byte = std::min(byte, text_.size());
  const auto after = std::ranges::upper_bound(line_starts_, byte);
  if (after == line_starts_.begin())
    return {};
  const std::size_t start = *std::prev(after);
  const auto before = std::string_view(text_).substr(start, byte - start);
  const auto letters = std::ranges::count_if(before, [](char c) { return !is_continuation(c); });
  return {static_cast<std::uint32_t>(after - line_starts_.begin()),
          static_cast<std::uint32_t>(letters) + 1};
}

std::size_t SourceFile::byte(Place place) const {
  if (place.line == 0 || place.line > line_starts_.size())
    return text_.size();
  const std::string_view letters = line(place.line);
  std::size_t at = 0;
  for (std::uint32_t column = 1; column < place.column && at < letters.size(); ++column) {
    ++at;
    while (at < letters.size() && is_continuation(letters[at]))
      ++at;
  }
  return line_starts_[place.line - 1] + at;
}

std::optional<Literal> decode_literal(std::string_view text, std::size_t byte) {
  return LiteralScanner(text, byte).scan();
}

Place Words::place(std::size_t offset) const {
  if (file == nullptr)
    return start;
  const auto literal = decode_literal(file->text(), file->byte(start));
  if (!literal || literal->text != text)
    return start;
  return file->place(literal->bytes[std::min(offset, literal->bytes.size() - 1)]);
}

} // namespace synfate::rules
