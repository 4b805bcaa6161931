// The table behind characters_table.cpp; its content is written by synfate-write-characters.
#pragma once

#include <span>

namespace synfate {

/// Characters of one kind, from `first` up to the next range's.
struct CharacterRange {
  char32_t first;
  bool printable;
  unsigned char columns;
};

/// In order; the first starts at 0.
std::span<const CharacterRange> character_ranges();

} // namespace synfate
