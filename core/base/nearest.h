// "Did you mean …?": the word that is nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace synfate {

/// Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The word of `words` nearest to `word`, or "" if none is near enough (a third of its letters).
std::string nearest(std::string_view word, std::span<const std::string> words);

} // namespace synfate
