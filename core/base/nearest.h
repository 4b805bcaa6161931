// "Did you mean …?": the word that is nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace synfate {

/// As nearest_word() of text.h, "" if no word is near enough.
std::string nearest(std::string_view word, std::span<const std::string> words);

} // namespace synfate
