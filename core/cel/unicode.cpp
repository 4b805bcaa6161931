#include "core/cel/unicode.h"

#include <algorithm>
#include <array>

namespace synfate::cel {
namespace {

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0U) == 0x80U;
}

} // namespace

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode_utf8(text, at);
    if (decoded.length == 0)
      return false;
    at += decoded.length;
  }
  return true;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto put = [&text](char32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3f));
    put(0x80 | ((code_point >> 6) & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return !is_continuation(static_cast<unsigned char>(byte)); }));
}

std::size_t byte_of(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index)
    do
      ++at;
    while (at < text.size() && is_continuation(static_cast<unsigned char>(text[at])));
  return at;
}

std::vector<char32_t> to_code_points(std::string_view text) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto decoded = decode_utf8(text, at);
    points.push_back(decoded.length == 0 ? 0xfffd : decoded.code_point);
    at += std::max(decoded.length, 1U);
  }
  return points;
}

bool is_space(char32_t code_point) {
  constexpr std::array<char32_t, 10> others{0x20,   0x85,   0xa0,   0x1680, 0x2028,
                                            0x2029, 0x202f, 0x205f, 0x3000, 0x20};
  return (code_point >= 0x09 && code_point <= 0x0d) ||
         (code_point >= 0x2000 && code_point <= 0x200a) ||
         std::ranges::find(others, code_point) != others.end();
}

} // namespace synfate::cel
