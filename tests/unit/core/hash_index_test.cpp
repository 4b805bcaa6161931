// Places by hash, also where hashes are the same or look alike.
#include "core/facts/hash_index.h"

#include <algorithm>
#include <random>
#include <unordered_map>
#include <vector>

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

std::vector<HashIndex::Place> places(const HashIndex& index, std::uint64_t hash) {
  std::vector<HashIndex::Place> found;
  for (auto place = index.first(hash); place != HashIndex::none; place = index.next(place))
    found.push_back(place);
  return found;
}

} // namespace

TEST_CASE("an empty index has no place of any hash") {
  const HashIndex index;
  CHECK(index.size() == 0);
  CHECK(index.first(0) == HashIndex::none);
  CHECK(index.count(7) == 0);
}

TEST_CASE("places of one hash come in the order in which they were added") {
  HashIndex index;
  for (const std::uint64_t hash : {5, 9, 5, 0, 5})
    index.add(hash);
  CHECK(index.size() == 5);
  CHECK(places(index, 5) == std::vector<HashIndex::Place>{0, 2, 4});
  CHECK(places(index, 9) == std::vector<HashIndex::Place>{1});
  CHECK(places(index, 0) == std::vector<HashIndex::Place>{3});
  CHECK(index.count(5) == 3);
  CHECK(index.count(8) == 0);
}

TEST_CASE("every place of thousands of hashes is found, and few others") {
  std::mt19937_64 random(1);
  for (const std::uint64_t step :
       {std::uint64_t{1}, std::uint64_t{1} << 32U, std::uint64_t{4096}}) {
    HashIndex index;
    std::unordered_map<std::uint64_t, std::vector<HashIndex::Place>> expected;
    for (HashIndex::Place place = 0; place < 20'000; ++place) {
      const std::uint64_t hash = random() % 5000 * step;
      index.add(hash);
      expected[hash].push_back(place);
    }
    std::size_t others = 0;
    for (const auto& [hash, own] : expected) {
      const auto found = places(index, hash);
      REQUIRE(std::ranges::includes(found, own));
      CHECK(index.count(hash) == found.size());
      others += found.size() - own.size();
    }
    CHECK(others < 200);
  }
}
