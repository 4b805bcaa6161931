#include <algorithm>

#include "core/base/character_ranges.h"
#include "core/base/characters.h"

namespace synfate {
namespace {

const CharacterRange& range_of(char32_t code_point) {
  const auto ranges = character_ranges();
  const auto after = std::ranges::upper_bound(ranges, code_point, {}, &CharacterRange::first);
  return *std::prev(after);
}

} // namespace

bool is_printable(char32_t code_point) {
  return range_of(code_point).printable;
}

unsigned columns_of(char32_t code_point) {
  return range_of(code_point).columns;
}

} // namespace synfate
