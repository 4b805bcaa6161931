#include "core/plugin/lanes.h"

#include <atomic>
#include <latch>
#include <stdexcept>

#include "tests/unit/catch.h"

namespace {

using namespace synfate;

} // namespace

TEST_CASE("every lane is done once, whatever their number") {
  Lanes lanes(3);
  for (const std::size_t count : {0U, 1U, 2U, 7U, 40U}) {
    std::vector<std::atomic<int>> done(count);
    lanes.run(count, [&](std::size_t lane) { ++done[lane]; });
    for (const auto& times : done)
      CHECK(times == 1);
  }
}

TEST_CASE("two lanes are under way at the same time") {
  Lanes lanes(2);
  std::latch both(2);
  lanes.run(2, [&](std::size_t) { both.arrive_and_wait(); }); // one after another would never end
  CHECK(both.try_wait());
}

TEST_CASE("without helpers the calling thread does all lanes") {
  Lanes lanes(1);
  std::size_t done = 0;
  const auto self = std::this_thread::get_id();
  lanes.run(5, [&](std::size_t) { done += std::this_thread::get_id() == self ? 1U : 0U; });
  CHECK(done == 5);
}

TEST_CASE("what a lane throws comes out after the others are done, and lanes go on working") {
  Lanes lanes(2);
  std::atomic<int> done = 0;
  const auto work = [&](std::size_t lane) {
    if (lane == 1)
      throw std::runtime_error("lane 1");
    ++done;
  };
  CHECK_THROWS_WITH(lanes.run(6, work), "lane 1");
  CHECK(done == 5);
  lanes.run(2, [&](std::size_t) { ++done; });
  CHECK(done == 7);
}
