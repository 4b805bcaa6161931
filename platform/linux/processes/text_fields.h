// Numbers and blank-separated words of the kernel's text files.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace synfate {

/// The whole text as a number.
template <typename T> std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end || text.empty())
    return std::nullopt;
  return value;
}

/// Takes the next word, separated by blanks or tabs, off the front; empty at the end.
inline std::string_view take_word(std::string_view& rest) {
  constexpr std::string_view blanks = " \t";
  const auto start = rest.find_first_not_of(blanks);
  rest.remove_prefix(start == std::string_view::npos ? rest.size() : start);
  const auto word = rest.substr(0, rest.find_first_of(blanks));
  rest.remove_prefix(word.size());
  return word;
}

} // namespace synfate
