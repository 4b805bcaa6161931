#include "core/base/ip_range.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

IpRange range(const char* first, const char* last) {
  return {*IpAddress::parse(first), *IpAddress::parse(last)};
}

} // namespace

TEST_CASE("a range that is a prefix is written as one") {
  CHECK(range("10.0.0.0", "10.255.255.255").to_string() == "10.0.0.0/8");
  CHECK(range("0.0.0.0", "255.255.255.255").to_string() == "0.0.0.0/0");
  CHECK(range("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff").to_string() ==
        "2001:db8::/32");
  CHECK(range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").to_string() == "::/0");
}

TEST_CASE("one address is written alone, other ranges by their ends") {
  CHECK(range("10.0.0.1", "10.0.0.1").to_string() == "10.0.0.1");
  CHECK(range("10.0.0.1", "10.0.0.2").to_string() == "10.0.0.1-10.0.0.2");
  CHECK_FALSE(range("10.0.0.1", "10.0.0.2").prefix());
  CHECK_FALSE(range("10.0.0.0", "10.0.0.2").prefix());
}

TEST_CASE("a range holds its ends and nothing of the other family") {
  const auto some = range("10.0.0.1", "10.0.0.3");
  CHECK(some.contains(*IpAddress::parse("10.0.0.1")));
  CHECK(some.contains(*IpAddress::parse("10.0.0.3")));
  CHECK_FALSE(some.contains(*IpAddress::parse("10.0.0.4")));
  CHECK_FALSE(some.contains(*IpAddress::parse("::1")));
}

TEST_CASE("a prefix is the range of its addresses") {
  CHECK(IpRange(*IpPrefix::parse("10.77.0.0/24")) == range("10.77.0.0", "10.77.0.255"));
}
