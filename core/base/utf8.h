// UTF-8, one character after another. Tested by tests/unit/core/report/text_test.cpp and
// tests/unit/core/cel.
#pragma once

#include <cstddef>
#include <string_view>

namespace synfate {

/// One decoded code point; `length` is 0 where the bytes are no UTF-8 (or at the end).
struct Decoded {
  char32_t code_point = 0;
  unsigned length = 0;
};

/// Decodes the code point that starts at byte `at`. Overlong forms and surrogates are no UTF-8.
Decoded decode_utf8(std::string_view text, std::size_t at);

/// Whether `code_point` may stand in a string: not a surrogate, not past U+10FFFF.
bool is_scalar(char32_t code_point);

} // namespace synfate
