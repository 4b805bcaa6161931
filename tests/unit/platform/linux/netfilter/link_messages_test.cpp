#include <optional>
#include <string>

#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

const IpAddress here = *IpAddress::parse("2001:db8::a1:b2c3");
const IpAddress asker = *IpAddress::parse("2001:db8::9");

LinkQuestion question(const IpAddress& from, const IpAddress& target) {
  return {AddressTerm::known(from), target, IntervalSet::address(from)};
}

/// The bytes in hexadecimal; ".." where one is not known.
std::string hex(const std::vector<Octet>& bytes, std::size_t from, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t at = from; at < from + count && at < bytes.size(); ++at)
    text += bytes[at].is_known()
                ? std::string{digits[bytes[at].value >> 4], digits[bytes[at].value & 0xf]}
                : "..";
  return text;
}

} // namespace

TEST_CASE("a solicitation goes to the solicited-node address of the target, with hop limit 255") {
  const auto packet = build_link_question(question(asker, here));
  CHECK(hex(packet.network, 0, 8) == "6000000000203aff");
  CHECK(hex(packet.network, 24, 16) == "ff0200000000000000000001ffa1b2c3");
  CHECK(hex(packet.network, 40, 8) == "8700....00000000");
  CHECK(hex(packet.network, 48, 16) == "20010db80000000000000000"
                                       "00a1b2c3");
  CHECK(hex(packet.network, 64, 8) == "0101............");
  CHECK(packet.network.size() == 72);
  CHECK(packet.meta.packet_type.is(2)); // PACKET_MULTICAST
}

TEST_CASE("an advertisement goes to who asked, and tells whether this host is a router") {
  const auto packet = build_link_answer(question(asker, here), true);
  CHECK(hex(packet.network, 8, 16) == "20010db8000000000000000000a1b2c3");
  CHECK(hex(packet.network, 24, 16) == "20010db8000000000000000000000009");
  CHECK(hex(packet.network, 40, 8) == "8800....e0000000");
  CHECK(hex(build_link_answer(question(asker, here), false).network, 44, 1) == "60");
}

TEST_CASE("neighbour discovery is not tracked") {
  auto packet = build_link_question(question(asker, here));
  enter_conntrack(packet, true);
  CHECK(packet.ct.state == CtState::untracked);
  CHECK_FALSE(packet.ct.exists);
}

TEST_CASE("an ARP request is no IPv4 packet") {
  const auto packet =
      build_link_question(question(*IpAddress::parse("10.0.0.9"), *IpAddress::parse("10.0.0.1")));
  CHECK(is_arp(packet));
  CHECK_FALSE(transport_info(packet).valid);
  CHECK(hex(packet.network, 0, 8) == "0001080006040001");
  CHECK(hex(packet.network, 14, 4) == "0a000009");
  CHECK(hex(packet.network, 24, 4) == "0a000001");
  CHECK(hex(packet.link, 0, 14) == "ffffffffffff............0806");
  CHECK(hex(build_link_answer(
                question(*IpAddress::parse("10.0.0.9"), *IpAddress::parse("10.0.0.1")), false)
                .network,
            6, 22) == "0002............0a000001............0a000009");
}
