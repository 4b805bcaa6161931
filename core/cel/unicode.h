// UTF-8 as CEL needs it: strings are sequences of code points, counted and cut as such.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/utf8.h"

namespace synfate::cel {

bool is_valid_utf8(std::string_view text);
void append_utf8(std::string& text, char32_t code_point);
/// Code points in valid UTF-8.
std::size_t count_code_points(std::string_view text);
/// The byte where code point number `index` starts; the text's size when there are fewer.
std::size_t byte_of(std::string_view text, std::size_t index);
std::vector<char32_t> to_code_points(std::string_view text);
/// White space as Unicode's White_Space property has it.
bool is_space(char32_t code_point);

} // namespace synfate::cel
