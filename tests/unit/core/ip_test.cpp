#include "core/base/ip.h"

#include <random>

#include <arpa/inet.h>

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  REQUIRE(address);
  return *address;
}

IpPrefix prefix(std::string_view text) {
  const auto parsed = IpPrefix::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_CASE("addresses are parsed as inet_pton does and printed as inet_ntop does") {
  const std::string text =
      GENERATE(as<std::string>(), "0.0.0.0", "255.255.255.255", "1.2.3.4", "01.2.3.4", "1.2.3",
               "1.2.3.4.5", "256.1.1.1", "1..2.3", "", ":", "::", "::1", "1::", "1:2:3:4:5:6:7:8",
               "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
               "1::2::3", "12345::", "g::", "::ffff:1.2.3.4", "::1.2.3.4",
               "1.2.3.4::", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", ":::", "1:", ":1",
               "fe80::1%eth0", " ::1", "::1 ", "2001:db8:0:0:1:0:0:1", "2001:0:0:1::1",
               "2001:DB8::a", "0:0:0:0:0:0:0:0", "1:0:0:2:0:0:0:3", "0:1:0:1:0:1:0:1");
  CAPTURE(text);
  std::array<std::byte, 16> bytes{};
  const bool v6 = text.find(':') != std::string::npos;
  const bool valid = ::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
  const auto address = IpAddress::parse(text);
  REQUIRE(address.has_value() == valid);
  if (!valid)
    return;
  CHECK(std::ranges::equal(address->bytes(), std::span(bytes).first(v6 ? 16 : 4)));
  std::array<char, INET6_ADDRSTRLEN> printed{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), printed.data(), printed.size());
  if (text != "::1.2.3.4") // glibc prints IPv4-compatible addresses with dots, RFC 5952 does not
    CHECK(address->to_string() == printed.data());
}

TEST_CASE("every address survives its text") {
  std::mt19937 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::array<std::byte, 16> bytes{};
    for (auto& byte : bytes) // many zeros, so that runs of them come up
      byte = random() % 3 == 0 ? static_cast<std::byte>(random()) : std::byte{0};
    const auto address = IpAddress::v6(bytes);
    CHECK(IpAddress::parse(address.to_string()) == address);
  }
}

TEST_CASE("four and sixteen bytes are addresses, nothing else is") {
  const std::array<std::byte, 17> bytes{};
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    CHECK(IpAddress::from_bytes(std::span(bytes).first(size)).has_value() ==
          (size == 4 || size == 16));
}

TEST_CASE("kinds of addresses have their borders where the RFCs put them") {
  CHECK(ip("127.255.255.255").is_loopback());
  CHECK_FALSE(ip("128.0.0.0").is_loopback());
  CHECK_FALSE(ip("::ffff:127.0.0.1").is_loopback());
  CHECK(ip("169.254.0.0").is_link_local());
  CHECK_FALSE(ip("169.255.0.0").is_link_local());
  CHECK(ip("febf::1").is_link_local());
  CHECK_FALSE(ip("fec0::1").is_link_local());
  CHECK(ip("224.0.0.0").is_multicast());
  CHECK_FALSE(ip("240.0.0.0").is_multicast());
  CHECK(ip("ff00::").is_multicast());
  CHECK(ip("172.31.255.255").is_private());
  CHECK_FALSE(ip("172.32.0.0").is_private());
  CHECK_FALSE(ip("192.169.0.0").is_private());
  CHECK(ip("fdff::").is_private());
  CHECK_FALSE(ip("fe00::").is_private());
  CHECK(ip("0.0.0.0").is_unspecified());
  CHECK(ip("::").is_unspecified());
  CHECK_FALSE(ip("::1").is_unspecified());
}

TEST_CASE("mapped addresses are mapped and back") {
  CHECK(ip("10.0.0.1").mapped() == ip("::ffff:10.0.0.1"));
  CHECK(ip("::ffff:10.0.0.1").is_v4_mapped());
  CHECK(ip("::ffff:10.0.0.1").unmapped() == ip("10.0.0.1"));
  CHECK(ip("2001:db8::1").unmapped() == ip("2001:db8::1"));
  CHECK(ip("2001:db8::1").mapped() == ip("2001:db8::1"));
}

TEST_CASE("the next and previous address carry over bytes and stop at the ends") {
  CHECK(ip("10.0.255.255").next() == ip("10.1.0.0"));
  CHECK(ip("10.1.0.0").previous() == ip("10.0.255.255"));
  CHECK_FALSE(ip("255.255.255.255").next());
  CHECK_FALSE(ip("0.0.0.0").previous());
  CHECK(ip("2001:db8::ffff:ffff").next() == ip("2001:db8::1:0:0"));
  CHECK_FALSE(ip("::").previous());
}

TEST_CASE("a prefix clears its host bits and holds its own addresses only") {
  const auto block = prefix("10.77.255.255/12");
  CHECK(block.to_string() == "10.64.0.0/12");
  CHECK(block.contains(ip("10.79.255.255")));
  CHECK_FALSE(block.contains(ip("10.80.0.0")));
  CHECK_FALSE(block.contains(ip("::ffff:10.64.0.1")));
  CHECK(block.last() == ip("10.79.255.255"));
  CHECK(block.contains(prefix("10.64.0.0/13")));
  CHECK_FALSE(block.contains(prefix("10.0.0.0/8")));
  CHECK(prefix("0.0.0.0/0").contains(ip("255.1.2.3")));
  CHECK(prefix("0.0.0.0/0").last() == ip("255.255.255.255"));
  CHECK(prefix("::1").length() == 128);
}

TEST_CASE("a prefix with a length its family does not have is refused") {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0/8", "/8",
                           "10.0.0.0/8 ", "10.0.0.0/+8", "10.0.0.0/8/8"})
    CHECK_FALSE(IpPrefix::parse(text));
}
