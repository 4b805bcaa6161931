#include "platform/linux/netfilter/join.h"

#include "tests/unit/catch.h"

namespace synfate {
namespace {

Branch passed(Wide first, Wide last, const char* by = nullptr) {
  Branch branch;
  branch.packet.addresses = IntervalSet::range(first, last);
  branch.packet.ports = IntervalSet::range(32768, 60999);
  if (by != nullptr)
    branch.culprit = Culprit{"nft_rule", by, {}};
  return branch;
}

Condition limit(const char* when) {
  return {when, {"nft_rule", "inet/f/c/1", {}}, {}, false};
}

} // namespace

TEST_CASE("parts that many rules accepted go on as one, and each rule is noted") {
  Branches branches{passed(0, 9, "inet/f/c/1"), passed(20, 29, "inet/f/c/2"), passed(10, 19)};
  std::vector<Passage> passages;
  join_passed(branches, passages);
  REQUIRE(branches.size() == 1);
  CHECK(branches.front().packet.addresses == IntervalSet::range(0, 29));
  CHECK_FALSE(branches.front().culprit);
  REQUIRE(passages.size() == 2);
  CHECK(passages[0].by.id == "inet/f/c/1");
  CHECK(passages[1].addresses == IntervalSet::range(20, 29));
}

TEST_CASE("a rule that some members pass, by their addresses, is noted with what has to hold") {
  Branches branches{passed(0, 9, "inet/f/c/1"), passed(0, 9)};
  Condition odd{"ip saddr & 1 == 1 holds", {"nft_rule", "inet/f/c/1", {}}, {}, true};
  Condition even{"ip saddr & 1 == 1 does not hold", {"nft_rule", "inet/f/c/1", {}}, {}, true};
  branches[0].packet.conditions = {limit("the limit is reached"), odd};
  branches[1].packet.conditions = {limit("the limit is reached"), even};
  std::vector<Passage> passages;
  join_passed(branches, passages);
  REQUIRE(passages.size() == 1);
  CHECK(passages.front().conditions == std::vector{odd});
  CHECK_FALSE(cover_all({{odd}}));
  CHECK(cover_all({{odd}, {even}}));
  CHECK(cover_all({{}}));
}

TEST_CASE("parts with different marks stay apart") {
  Branches branches{passed(0, 9), passed(10, 19)};
  branches.back().packet.meta.mark = 7U;
  std::vector<Passage> passages;
  join_passed(branches, passages);
  CHECK(branches.size() == 2);
}

TEST_CASE("parts of different client ports stay apart") {
  Branches branches{passed(0, 9), passed(10, 19)};
  branches.back().packet.ports = IntervalSet::range(40000, 40001);
  std::vector<Passage> passages;
  join_passed(branches, passages);
  CHECK(branches.size() == 2);
}

TEST_CASE("both answers to one question that lead to the same place are no question") {
  Branches branches{passed(0, 9), passed(0, 9)};
  branches[0].packet.conditions = {limit("the limit is reached")};
  branches[1].packet.conditions = {limit("the limit is not reached")};
  std::vector<Passage> passages;
  join_passed(branches, passages);
  REQUIRE(branches.size() == 1);
  CHECK(branches.front().packet.conditions.empty());
}

TEST_CASE("a chain of questions that all lead to the same place is none") {
  Branches branches{passed(0, 9), passed(0, 9), passed(0, 9)};
  branches[0].packet.conditions = {limit("a")};
  branches[1].packet.conditions = {limit("not a"), limit("b")};
  branches[2].packet.conditions = {limit("not a"), limit("not b")};
  std::vector<Passage> passages;
  join_passed(branches, passages);
  REQUIRE(branches.size() == 1);
  CHECK(branches.front().packet.conditions.empty());
}

} // namespace synfate
