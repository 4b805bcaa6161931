// What is taken, and what is left, against sets that are cut at once.
#include "platform/linux/netfilter/client_cuts.h"

#include <random>

#include "tests/unit/catch.h"

namespace synfate {

TEST_CASE("each part is what the parts before have left, and the rest is what nobody took") {
  std::mt19937 random(3);
  for (unsigned round = 0; round < 200; ++round) {
    const auto pick = [&](unsigned below) { return static_cast<Wide>(random() % below); };
    IntervalSet left = IntervalSet::range(pick(50), 200 + pick(800)) - IntervalSet::range(90, 110);
    ClientCuts cuts(left);
    for (unsigned step = 0; step < 120; ++step) {
      const Wide first = pick(1000);
      IntervalSet asked = IntervalSet::range(first, first + pick(pick(4) == 0 ? 100 : 2));
      if (pick(16) == 0) // of more intervals than are kept beside the class
        asked = *IntervalSet::masked(1, 1, 10);
      INFO("round " << round << " step " << step);
      REQUIRE(cuts.take(asked) == (left & asked));
      left = left - asked;
      if (pick(20) == 0)
        REQUIRE(cuts.rest() == left);
    }
    REQUIRE(cuts.rest() == left);
  }
}

} // namespace synfate
