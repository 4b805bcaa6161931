// UTF-8 as CEL needs it: strings are sequences of code points, counted and cut as such.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace synfate::cel {

/// One decoded code point; `length` is 0 where the bytes are no UTF-8 (or at the end).
struct Decoded {
  char32_t code_point = 0;
  unsigned length = 0;
};

/// Decodes the code point that starts at byte `at`. Overlong forms and surrogates are no UTF-8.
Decoded decode_utf8(std::string_view text, std::size_t at);
bool is_valid_utf8(std::string_view text);
/// Whether `code_point` may stand in a string: not a surrogate, not past U+10FFFF.
bool is_scalar(char32_t code_point);
void append_utf8(std::string& text, char32_t code_point);
/// Code points in valid UTF-8.
std::size_t count_code_points(std::string_view text);
/// The byte where code point number `index` starts; the text's size when there are fewer.
std::size_t byte_of(std::string_view text, std::size_t index);
std::vector<char32_t> to_code_points(std::string_view text);
/// White space as Unicode's White_Space property has it.
bool is_space(char32_t code_point);

} // namespace synfate::cel
