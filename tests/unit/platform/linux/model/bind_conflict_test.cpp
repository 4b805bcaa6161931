#include "platform/linux/model/bind_conflict.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

BindClaim claim(const char* address) {
  BindClaim claim;
  claim.address = ip(address);
  claim.port = 80;
  claim.uid = 1000;
  return claim;
}

Socket socket(const char* address, const char* state = "listen", const char* proto = "tcp") {
  Socket socket;
  socket.proto = Text(proto);
  socket.state = Text(state);
  socket.local_address = ip(address);
  socket.local_port = 80;
  socket.uid = 1000;
  if (ip(address).is_v6())
    socket.v6only = false;
  return socket;
}

Clash clash(const BindClaim& claim, const Socket& holder) {
  return clash_of(claim, holder, std::vector{holder});
}

BindClaim with_reuse_port(BindClaim claim) {
  claim.reuse_port = true;
  return claim;
}
BindClaim with_reuse_address(BindClaim claim) {
  claim.reuse_address = true;
  return claim;
}
BindClaim over_udp(BindClaim claim) {
  claim.proto = Proto::udp;
  return claim;
}

} // namespace

TEST_CASE("a wildcard and a specific address of one family overlap, two specific ones do not") {
  CHECK(overlaps(claim("0.0.0.0"), socket("10.0.0.1")));
  CHECK(overlaps(claim("10.0.0.1"), socket("0.0.0.0")));
  CHECK_FALSE(overlaps(claim("10.0.0.1"), socket("10.0.0.2")));
  CHECK(overlaps(claim("::"), socket("fd00::1")));
  CHECK_FALSE(overlaps(claim("fd00::2"), socket("fd00::1")));
}

TEST_CASE("[::] and IPv4 overlap unless the IPv6 side is v6only") {
  CHECK(overlaps(claim("::"), socket("10.0.0.1")));
  CHECK(overlaps(claim("10.0.0.1"), socket("::")));
  Socket only_v6 = socket("::");
  only_v6.v6only = true;
  CHECK_FALSE(overlaps(claim("10.0.0.1"), only_v6));
  BindClaim also = claim("::");
  also.v6only = true;
  CHECK_FALSE(overlaps(also, socket("10.0.0.1")));
  CHECK_FALSE(overlaps(claim("10.0.0.1"), socket("fd00::1")));
}

TEST_CASE("a v4-mapped address is an IPv4 address") {
  CHECK(overlaps(claim("::ffff:10.0.0.1"), socket("10.0.0.1")));
  CHECK(overlaps(claim("0.0.0.0"), socket("::ffff:10.0.0.1")));
  CHECK_FALSE(overlaps(claim("fd00::1"), socket("::ffff:10.0.0.1")));
}

TEST_CASE("sockets of two interfaces do not meet, one without an interface meets both") {
  Socket holder = socket("0.0.0.0");
  holder.interface_index = Int{2};
  BindClaim mine = claim("0.0.0.0");
  CHECK(overlaps(mine, holder));
  mine.interface_index = 3;
  CHECK_FALSE(overlaps(mine, holder));
  mine.interface_index = 2;
  CHECK(overlaps(mine, holder));
}

TEST_CASE("a half-open connection holds no port") {
  CHECK(clash(claim("0.0.0.0"), socket("10.0.0.1", "syn_recv")) == Clash::none);
  CHECK(clash(claim("0.0.0.0"), socket("10.0.0.1", "time_wait")) == Clash::certain);
}

TEST_CASE("SO_REUSEADDR passes everything but a listener, if the other has it") {
  const auto mine = with_reuse_address(claim("0.0.0.0"));
  CHECK(clash(mine, socket("0.0.0.0", "listen")) == Clash::certain);
  CHECK(clash(mine, socket("10.0.0.1", "time_wait")) == Clash::unless_reuse_address);
  CHECK(clash(mine, socket("10.0.0.1", "bound")) == Clash::unless_reuse_address);
  CHECK(clash(claim("0.0.0.0"), socket("10.0.0.1", "time_wait")) == Clash::certain);
}

TEST_CASE("SO_REUSEPORT passes a listener of the same user only, if that has it") {
  const auto mine = with_reuse_port(claim("0.0.0.0"));
  CHECK(clash(mine, socket("0.0.0.0")) == Clash::unless_reuse_port);
  Socket stranger = socket("0.0.0.0");
  stranger.uid = 33;
  CHECK(clash(mine, stranger) == Clash::certain);
  CHECK(clash(claim("0.0.0.0"), socket("0.0.0.0")) == Clash::certain);
}

TEST_CASE("UDP sockets share a port by SO_REUSEADDR as well") {
  const Socket holder = socket("0.0.0.0", "unconnected", "udp");
  CHECK(clash(over_udp(claim("0.0.0.0")), holder) == Clash::certain);
  CHECK(clash(over_udp(with_reuse_address(claim("0.0.0.0"))), holder) ==
        Clash::unless_reuse_address);
  CHECK(clash(over_udp(with_reuse_port(claim("0.0.0.0"))), holder) == Clash::unless_reuse_port);
}

TEST_CASE("v6only of a connection is not readable, so it is only perhaps in the way") {
  Socket connection = socket("::", "established");
  connection.v6only = Absent{};
  CHECK(clash(claim("10.0.0.1"), connection) == Clash::perhaps);
  CHECK(clash(claim("::"), connection) == Clash::certain);
}

TEST_CASE("the surest holder comes first, and listeners before connections") {
  const std::vector sockets{socket("10.0.0.1", "time_wait"), socket("10.0.0.1", "bound"),
                            socket("10.0.0.2", "listen")};
  const auto mine = with_reuse_address(claim("0.0.0.0"));
  const auto holders = holders_in_the_way(mine, sockets);
  REQUIRE(holders.size() == 3);
  CHECK(holders[0].at == 2);
  CHECK(holders[1].at == 1);
  CHECK(holders[2].at == 0);
  CHECK(holders_in_the_way(claim("10.0.0.9"), sockets).empty());
}
