#include "platform/linux/model/socket_lookup.h"

#include "tests/unit/catch.h"

using namespace synfate;

namespace {

Socket listener(const char* address, Int device = 0, bool v6only = false) {
  Socket socket;
  socket.proto = Text("tcp");
  socket.state = Text("listen");
  socket.local_address = *IpAddress::parse(address);
  socket.local_port = 80;
  socket.v6only = v6only;
  if (device != 0)
    socket.interface_index = device;
  return socket;
}

LookupQuestion to(const char* address, Int device = 2) {
  const IpAddress destination = *IpAddress::parse(address);
  const char* source = destination.is_v4() ? "10.0.0.9" : "fd00::9";
  return {*IpAddress::parse(source), 40000, destination, 80, device};
}

std::vector<std::size_t> chosen(std::vector<Socket> sockets, const LookupQuestion& question) {
  return look_up_tcp_listener(sockets, question).chosen;
}

using Positions = std::vector<std::size_t>;

} // namespace

TEST_CASE("a listener bound to loopback does not take a LAN address") {
  CHECK(chosen({listener("127.0.0.1")}, to("10.0.0.1")).empty());
  CHECK(tcp_listener_mismatch(listener("127.0.0.1"), to("10.0.0.1")) == Mismatch::address);
}

TEST_CASE("the exact address wins over a wildcard that is bound to the device") {
  CHECK(chosen({listener("0.0.0.0", 2), listener("10.0.0.1")}, to("10.0.0.1")) == Positions{1});
}

TEST_CASE("of two wildcards that match, the first in the kernel's list gets the packet") {
  const auto listed = [](Socket socket, Int order) {
    socket.bind_order = order;
    return socket;
  };
  CHECK(chosen({listed(listener("0.0.0.0"), 1), listed(listener("0.0.0.0", 2), 0)},
               to("10.0.0.1")) == Positions{1});
  CHECK(chosen({listed(listener("0.0.0.0"), 0), listed(listener("0.0.0.0", 2), 1)},
               to("10.0.0.1")) == Positions{0});
  CHECK(chosen({listed(listener("0.0.0.0", 3), 0), listed(listener("0.0.0.0", 2), 1)},
               to("10.0.0.1")) == Positions{1});
}

TEST_CASE("listeners of different users are no group") {
  std::vector<Socket> sockets{listener("0.0.0.0"), listener("0.0.0.0")};
  sockets[0].uid = 1;
  sockets[1].uid = 2;
  CHECK(chosen(sockets, to("10.0.0.1")) == Positions{0});
  CHECK_FALSE(may_share(sockets[0], sockets[1]));
}

TEST_CASE("an IPv6 wildcard serves IPv4 unless it is v6only") {
  CHECK(chosen({listener("::")}, to("10.0.0.1")) == Positions{0});
  CHECK(chosen({listener("::", 0, true)}, to("10.0.0.1")).empty());
  CHECK(tcp_listener_mismatch(listener("::", 0, true), to("10.0.0.1")) == Mismatch::v6only);
}

TEST_CASE("for IPv4 an IPv4 wildcard wins over a dual-stack one") {
  CHECK(chosen({listener("::"), listener("0.0.0.0")}, to("10.0.0.1")) == Positions{1});
}

TEST_CASE("a v4-mapped listener serves IPv4 and not IPv6") {
  CHECK(chosen({listener("::ffff:10.0.0.1")}, to("10.0.0.1")) == Positions{0});
  CHECK(chosen({listener("::ffff:10.0.0.1")}, to("fd00::1")).empty());
}

TEST_CASE("equal listeners share, and an unknown v6only makes the choice uncertain") {
  const std::vector<Socket> group{listener("0.0.0.0"), listener("0.0.0.0")};
  CHECK(look_up_tcp_listener(group, to("10.0.0.1")).shared);
  std::vector<Socket> unclear{listener("::")};
  unclear[0].v6only = Unknown{"sockets"};
  CHECK(look_up_tcp_listener(unclear, to("10.0.0.1")).uncertain);
  CHECK_FALSE(look_up_tcp_listener(unclear, to("fd00::1")).uncertain);
}

TEST_CASE("of equal UDP sockets the newest bind comes first, and whether they share is open") {
  std::vector<Socket> sockets{listener("0.0.0.0"), listener("0.0.0.0"), listener("::")};
  for (auto& socket : sockets)
    socket.state = Text("unconnected");
  sockets[0].bind_order = 1;
  sockets[1].bind_order = 0;
  sockets[2].bind_order = 0;
  const auto answer = look_up_udp_socket(sockets, to("10.0.0.1"));
  CHECK(answer.chosen == Positions{1, 0});
  CHECK(answer.equals);
  CHECK_FALSE(answer.shared);
}

TEST_CASE("a UDP socket connected to a host and no port takes every port of it") {
  std::vector<Socket> sockets{listener("10.0.0.1"), listener("10.0.0.1")};
  sockets[1].remote_address = *IpAddress::parse("10.0.0.9");
  sockets[1].remote_port = 0;
  CHECK(look_up_udp_socket(sockets, to("10.0.0.1")).chosen == Positions{1});
  sockets[1].remote_address = *IpAddress::parse("10.0.0.8");
  CHECK(look_up_udp_socket(sockets, to("10.0.0.1")).chosen == Positions{0});
}

TEST_CASE("a connected UDP socket takes its peer's datagrams only, and those first") {
  std::vector<Socket> sockets{listener("0.0.0.0"), listener("10.0.0.1")};
  for (auto& socket : sockets)
    socket.state = Text("unconnected");
  sockets[1].remote_address = *IpAddress::parse("10.0.0.9");
  sockets[1].remote_port = 40000;
  CHECK(look_up_udp_socket(sockets, to("10.0.0.1")).chosen == Positions{1});
  sockets[1].remote_port = 40001;
  CHECK(look_up_udp_socket(sockets, to("10.0.0.1")).chosen == Positions{0});
  CHECK(udp_socket_mismatch(sockets[1], to("10.0.0.1")) == Mismatch::peer);
}
