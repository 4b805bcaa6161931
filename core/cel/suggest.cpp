#include "core/cel/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace synfate::cel {
namespace {

/// Edits (insert, delete, replace, swap neighbours) between two words; case counts as no edit.
std::size_t distance(std::string_view left, std::string_view right) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  std::vector<std::size_t> before;
  std::vector<std::size_t> previous(right.size() + 1);
  std::vector<std::size_t> current(right.size() + 1);
  std::iota(previous.begin(), previous.end(), std::size_t{0});
  for (std::size_t row = 1; row <= left.size(); ++row) {
    current[0] = row;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const std::size_t cost = same(left[row - 1], right[column - 1]) ? 0 : 1;
      current[column] =
          std::min({previous[column] + 1, current[column - 1] + 1, previous[column - 1] + cost});
      if (row > 1 && column > 1 && same(left[row - 1], right[column - 2]) &&
          same(left[row - 2], right[column - 1]))
        current[column] = std::min(current[column], before[column - 2] + 1);
    }
    before = previous;
    std::swap(previous, current);
  }
  return previous[right.size()];
}

} // namespace

std::string suggest(std::string_view written, std::span<const std::string> names) {
  constexpr std::size_t longest = 64; // nobody mistypes more
  std::string best;
  if (written.size() > longest)
    return best;
  std::size_t least = std::max<std::size_t>(1, written.size() / 3) + 1;
  for (const auto& name : names) {
    if (name.size() > written.size() + least || written.size() > name.size() + least)
      continue;
    const auto edits = distance(written, name);
    if (edits < least) {
      least = edits;
      best = name;
    }
  }
  return best;
}

} // namespace synfate::cel
