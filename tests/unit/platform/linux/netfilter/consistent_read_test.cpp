// Reads with a kernel that loses answers, or whose rules change, as told here.
#include "platform/linux/netfilter/consistent_read.h"

#include <cerrno>
#include <vector>

#include "platform/linux/netfilter/tables.h"
#include "tests/unit/catch.h"

namespace synfate {
namespace {

using Rows = std::vector<int>;

Error lost() {
  return {ErrorCode::interrupted, "reading", "netlink", ENOBUFS, {}, {}};
}

/// A kernel: one answer for each time it is asked, the last one for ever.
struct Kernel {
  std::vector<Result<Rows>> answers;
  std::vector<Int> generations;
  std::size_t asked = 0;
  std::size_t counted = 0;

  Result<Rows> read() {
    const auto& answer = answers[std::min(asked++, answers.size() - 1)];
    return answer;
  }
  Result<NftGeneration> generation() {
    NftGeneration now;
    now.generation = generations[std::min(counted++, generations.size() - 1)];
    return now;
  }
};

Result<Rows> look(Kernel& kernel) {
  NftGeneration before;
  before.generation = Int{7};
  return read_consistent(
      "reading", before, [&] { return kernel.read(); }, [&] { return kernel.generation(); });
}

} // namespace

TEST_CASE("an answer that was lost is asked for again") {
  Kernel kernel{{lost(), lost(), Rows{1, 2}}, {7}};
  const auto rows = look(kernel);
  REQUIRE(rows);
  CHECK(*rows == Rows{1, 2});
  CHECK(kernel.asked == 3);
}

TEST_CASE("answers that are lost each time are said to be lost, not that rules changed") {
  Kernel kernel{{lost()}, {7}};
  const auto rows = look(kernel);
  REQUIRE_FALSE(rows);
  CHECK(is_lost(rows.error()));
  CHECK(kernel.asked == 5);
  const Gap gap = gap_of_unread_rules(rows.error());
  CHECK(gap.id == "nft.lost");
  CHECK(gap.why.find("changed") == std::string::npos);
  CHECK(gap.why.find("no memory") != std::string::npos);
  CHECK(gap.effect.find("never read whole") != std::string::npos);
  CHECK(gap.remedy.find("free memory") == 0);
}

TEST_CASE("rules that change each time are said to change, whatever else is lost") {
  Kernel moving{{Rows{1}}, {8, 9, 10, 11, 12}};
  const auto rows = look(moving);
  REQUIRE_FALSE(rows);
  CHECK_FALSE(is_lost(rows.error()));
  CHECK(gap_of_unread_rules(rows.error()).id == "nft.unread");
  CHECK(gap_of_unread_rules(rows.error()).why.find("changed") != std::string::npos);
  Kernel both{{lost()}, {7, 7, 8}};
  CHECK_FALSE(is_lost(look(both).error()));
}

TEST_CASE("a rule that came between a read and its number is read again") {
  Kernel kernel{{Rows{1}, Rows{1, 2}}, {8}};
  const auto rows = look(kernel);
  REQUIRE(rows);
  CHECK(*rows == Rows{1, 2});
}

TEST_CASE("what is refused is not asked for again, and the gap names the way out") {
  Kernel kernel{{Error{ErrorCode::denied, "reading", "netlink", EPERM, {}, {}}}, {7}};
  const auto rows = look(kernel);
  REQUIRE_FALSE(rows);
  CHECK(kernel.asked == 1);
  CHECK(gap_of_unread_rules(rows.error()).remedy == "run it as root or with CAP_NET_ADMIN");
  const Error late{ErrorCode::timed_out, "reading", "netlink", 0, {}, {}};
  CHECK(gap_of_unread_rules(late).remedy.find("--timeout") != std::string::npos);
}

} // namespace synfate
