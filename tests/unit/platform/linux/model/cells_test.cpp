#include "platform/linux/model/cells.h"

#include <random>

#include "tests/unit/catch.h"

namespace synfate {
namespace {

using Random = std::mt19937;

IntervalSet random_set(Random& random) {
  std::vector<Interval> intervals;
  std::uniform_int_distribution<unsigned> any(0, 255);
  for (unsigned count = any(random) % 5; count > 0; --count) {
    const unsigned first = any(random);
    intervals.push_back({first, first + any(random) % 16});
  }
  return IntervalSet::from(std::move(intervals));
}

std::vector<std::uint32_t> sets_with(const std::vector<IntervalSet>& sets, Wide value) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t set = 0; set < sets.size(); ++set)
    if (sets[set].contains(value))
      found.push_back(set);
  return found;
}

/// The sets of the one cell that has the value; more than one cell is a failure.
std::vector<std::uint32_t> sets_of_cell(const std::vector<AddressCell>& cells, Wide value) {
  std::vector<std::uint32_t> found;
  for (const auto& cell : cells)
    if (cell.addresses.contains(value)) {
      CHECK(found.empty());
      found = cell.sets;
    }
  return found;
}

} // namespace

TEST_CASE("every value lies in one cell, which names exactly the sets that have it") {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<IntervalSet> sets;
    for (int count = 0; count < 5; ++count)
      sets.push_back(random_set(random));
    const auto cells = overlay(sets);
    bool right = true;
    for (unsigned value = 0; value < 300; ++value)
      right = right && sets_of_cell(cells, value) == sets_with(sets, value);
    CHECK(right);
  }
}

TEST_CASE("sets that do not meet are their own cells") {
  const std::vector sets{IntervalSet::range(0, 9), IntervalSet(), IntervalSet::range(10, 20)};
  const auto cells = overlay(sets);
  REQUIRE(cells.size() == 2);
  CHECK(cells[0].sets == std::vector<std::uint32_t>{0});
  CHECK(cells[1].sets == std::vector<std::uint32_t>{2});
  CHECK(cells[1].addresses == sets[2]);
}

TEST_CASE("the highest IPv6 address is in a cell") {
  const std::vector sets{IntervalSet::all(128), IntervalSet::range(5, all_ones(128))};
  const auto cells = overlay(sets);
  REQUIRE(cells.size() == 2);
  CHECK(sets_of_cell(cells, all_ones(128)) == std::vector<std::uint32_t>{0, 1});
  CHECK(sets_of_cell(cells, 4) == std::vector<std::uint32_t>{0});
}

TEST_CASE("two sets of all IPv6 addresses are one cell of both") {
  const std::vector sets{IntervalSet::all(128), IntervalSet::all(128)};
  const auto cells = overlay(sets);
  REQUIRE(cells.size() == 1);
  CHECK(cells[0].sets == std::vector<std::uint32_t>{0, 1});
}

} // namespace synfate
