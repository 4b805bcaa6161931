#include "core/base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/base/characters.h"
#include "core/base/utf8.h"

namespace synfate {
namespace {

/// The first character of a text that is not empty.
struct Character {
  std::optional<char32_t> code; ///< nothing: the first byte is no part of a character
  std::size_t bytes = 1;
};

Character first_character(std::string_view text) {
  const auto decoded = decode_utf8(text, 0);
  return decoded.length == 0 ? Character() : Character{decoded.code_point, decoded.length};
}

/// Nothing but printable ASCII: as many columns as bytes, and nothing to be escaped.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) { return letter >= ' ' && letter < '\x7f'; });
}

constexpr std::array<std::pair<char32_t, std::string_view>, 14> plain_forms{{{0x00a0, " "},
                                                                             {0x00b7, "-"},
                                                                             {0x2010, "-"},
                                                                             {0x2011, "-"},
                                                                             {0x2013, "-"},
                                                                             {0x2014, "-"},
                                                                             {0x2018, "'"},
                                                                             {0x2019, "'"},
                                                                             {0x201c, "\""},
                                                                             {0x201d, "\""},
                                                                             {0x2026, "..."},
                                                                             {0x2192, "->"},
                                                                             {0x2264, "<="},
                                                                             {0x2265, ">="}}};

void append_escaped_ascii(std::string& into, char letter) {
  switch (letter) {
  case '\n':
    into += "\\n";
    return;
  case '\r':
    into += "\\r";
    return;
  case '\t':
    into += "\\t";
    return;
  default:
    into += fmt::format("\\x{:02x}", static_cast<unsigned char>(letter));
  }
}

std::string code_text(char32_t code) {
  return fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(code));
}

std::string in_ascii(char32_t code) {
  const auto* const plain =
      std::ranges::find(plain_forms, code, &decltype(plain_forms)::value_type::first);
  return plain != plain_forms.end() ? std::string(plain->second) : code_text(code);
}

void append_for_terminal(std::string& into, std::string_view bytes, const Character& character,
                         Charset charset) {
  if (!character.code)
    append_escaped_ascii(into, bytes.front());
  else if (*character.code >= 0x80 && charset == Charset::ascii)
    into += in_ascii(*character.code);
  else if (is_printable(*character.code))
    into += bytes;
  else if (*character.code < 0x80)
    append_escaped_ascii(into, bytes.front());
  else
    into += code_text(*character.code);
}

std::size_t width_of(const Character& character) {
  return character.code ? columns_of(*character.code) : 1;
}

/// The longest head of `text` that takes no more than `width` columns.
std::string_view head_of_width(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const auto character = first_character(text.substr(end));
    used += width_of(character);
    if (used > width)
      break;
    end += character.bytes;
  }
  return text.substr(0, end);
}

/// Wrapping leaves it as it is: single blanks between words, and room for all of it.
bool is_one_line(std::string_view text, std::size_t width) {
  return (width == 0 || text.size() <= width) && is_plain(text) && !text.starts_with(' ') &&
         !text.ends_with(' ') && text.find("  ") == std::string_view::npos;
}

std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    const auto start = text.find_first_not_of(blanks);
    if (start == std::string_view::npos)
      return words;
    const auto end = std::min(text.find_first_of(blanks, start), text.size());
    words.push_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

} // namespace

std::string escape_for_terminal(std::string_view text, Charset charset) {
  if (is_plain(text))
    return std::string(text);
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const auto character = first_character(text);
    append_for_terminal(escaped, text.substr(0, character.bytes), character, charset);
    text.remove_prefix(character.bytes);
  }
  return escaped;
}

std::string escape_json_for_terminal(std::string document) {
  constexpr auto is_plain = [](char letter) {
    return (letter >= ' ' && letter < '\x7f') || letter == '\n';
  };
  if (std::ranges::all_of(document, is_plain))
    return document;
  std::string escaped;
  escaped.reserve(document.size());
  for (std::string_view text = document; !text.empty();) {
    const auto character = first_character(text);
    const auto bytes = text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
    constexpr std::uint32_t first_surrogate_pair = 0x10000;
    constexpr std::uint32_t replacement = 0xfffd;
    const std::uint32_t code = character.code.value_or(replacement);
    if (character.code && (code < 0x7f || is_printable(code)))
      escaped += bytes;
    else if (code < first_surrogate_pair)
      escaped += fmt::format("\\u{:04x}", code);
    else
      escaped += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((code - first_surrogate_pair) >> 10),
                             0xdc00 + ((code - first_surrogate_pair) & 0x3ff));
  }
  return escaped;
}

std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto character = first_character(text);
    valid += character.code ? text.substr(0, character.bytes) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(character.bytes);
  }
  return valid;
}

std::size_t display_width(std::string_view text) {
  if (is_plain(text))
    return text.size();
  std::size_t width = 0;
  while (!text.empty()) {
    const auto character = first_character(text);
    width += width_of(character);
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string truncate_to_width(std::string_view text, std::size_t width, Charset charset) {
  if (display_width(text) <= width)
    return std::string(text);
  const std::string_view ellipsis = charset == Charset::utf8 ? "…" : "...";
  const auto kept = display_width(ellipsis);
  if (width <= kept)
    return std::string(head_of_width(text, width));
  return std::string(head_of_width(text, width - kept)).append(ellipsis);
}

std::vector<std::string> wrap_to_width(std::string_view text, std::size_t width) {
  if (is_one_line(text, width))
    return {std::string(text)};
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  for (auto word : split_words(text)) {
    if (used > 0 && width > 0 && used + 1 + display_width(word) > width) {
      lines.emplace_back();
      used = 0;
    }
    while (width > 0 && used == 0 && display_width(word) > width) {
      const auto head = head_of_width(word, width);
      if (head.empty())
        break; // a character wider than the line
      lines.back() = head;
      lines.emplace_back();
      word.remove_prefix(head.size());
    }
    if (used > 0) {
      lines.back() += ' ';
      ++used;
    }
    lines.back() += word;
    used += display_width(word);
  }
  return lines;
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  // Optimal string alignment: three rows of the table are enough to see swaps of neighbours.
  std::vector<std::size_t> before_last(right.size() + 1);
  std::vector<std::size_t> last(right.size() + 1);
  std::vector<std::size_t> now(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column)
    last[column] = column;
  for (std::size_t row = 1; row <= left.size(); ++row) {
    now[0] = row;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const std::size_t change = left[row - 1] == right[column - 1] ? 0 : 1;
      now[column] = std::min({last[column] + 1, now[column - 1] + 1, last[column - 1] + change});
      if (row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
          left[row - 2] == right[column - 1])
        now[column] = std::min(now[column], before_last[column - 2] + 1);
    }
    before_last.swap(last);
    last.swap(now);
  }
  return last[right.size()];
}

std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates) {
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> nearest;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

} // namespace synfate
