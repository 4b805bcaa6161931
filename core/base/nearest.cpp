#include "core/base/nearest.h"

#include <algorithm>
#include <vector>

namespace synfate {

std::size_t edit_distance(std::string_view left, std::string_view right) {
  const std::size_t width = right.size() + 1;
  std::vector<std::size_t> cost((left.size() + 1) * width);
  const auto at = [&](std::size_t row, std::size_t column) -> std::size_t& {
    return cost[row * width + column];
  };
  for (std::size_t row = 0; row <= left.size(); ++row)
    at(row, 0) = row;
  for (std::size_t column = 0; column <= right.size(); ++column)
    at(0, column) = column;
  for (std::size_t row = 1; row <= left.size(); ++row)
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const bool same = left[row - 1] == right[column - 1];
      std::size_t best = std::min({at(row - 1, column) + 1, at(row, column - 1) + 1,
                                   at(row - 1, column - 1) + (same ? 0 : 1)});
      if (row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
          left[row - 2] == right[column - 1])
        best = std::min(best, at(row - 2, column - 2) + 1);
      at(row, column) = best;
    }
  return at(left.size(), right.size());
}

std::string nearest(std::string_view word, std::span<const std::string> words) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

} // namespace synfate
