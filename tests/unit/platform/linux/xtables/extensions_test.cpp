#include "platform/linux/xtables/extensions.h"

#include <array>

#include "platform/linux/xtables/text.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

const std::array<std::byte, 512> zeros{};

} // namespace

TEST_CASE("a match or target is known by its name, revision, family and size together") {
  CHECK(xt::find_match({"tcp", 0, zeros}, IpFamily::v4) != nullptr);
  CHECK(xt::find_match({"tcp", 9, zeros}, IpFamily::v4) == nullptr);
  CHECK(xt::find_match({"tcp", 0, xt::ByteView(zeros).first(4)}, IpFamily::v4) == nullptr);
  CHECK(xt::find_match({"tomorrow", 0, zeros}, IpFamily::v4) == nullptr);
  CHECK(xt::find_target({"TTL", 0, zeros}, IpFamily::v4) != nullptr);
  CHECK(xt::find_target({"TTL", 0, zeros}, IpFamily::v6) == nullptr);
  CHECK(xt::find_target({"DNAT", 9, zeros}, IpFamily::v4) == nullptr);
}

TEST_CASE("a match of a revision that is not known is told by its name") {
  CHECK(xt::match_text({"tcp", 9, zeros}, IpFamily::v4, {}).starts_with("-m tcp"));
  CHECK(xt::match_text({"to\x1bmorrow", 0, zeros}, IpFamily::v4, {}).find('\x1b') ==
        std::string::npos);
  CHECK(xt::target_text({"TOMORROW", 3, zeros}, IpFamily::v6, {}).starts_with("-j TOMORROW"));
}
