// Real sockets on loopback, read back through sock_diag and through /proc.
#include <sys/utsname.h>
#include <thread>

#include "platform/linux/sockets/read_sockets.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

namespace {

const IpAddress v4_loopback = IpAddress::loopback(IpFamily::v4);
const IpAddress v6_loopback = IpAddress::loopback(IpFamily::v6);

struct Answer {
  std::vector<Socket> rows;
  std::vector<Gap> gaps;
};

SocketSource live(bool sock_diag = true) {
  utsname names{};
  uname(&names);
  SocketSource source;
  source.netns = 7;
  source.sock_diag = sock_diag;
  source.release = names.release;
  return source;
}

Answer ask(const SocketQuery& query, const SocketSource& source = live()) {
  Answer answer;
  read_sockets(query, source,
               {[&](const Socket& row) {
                  answer.rows.push_back(row);
                  return true;
                },
                [&](const Gap& gap) { answer.gaps.push_back(gap); }});
  return answer;
}

SocketQuery query_of(std::string proto, std::string state, Int port) {
  SocketQuery query;
  query.proto = std::move(proto);
  if (!state.empty())
    query.state = std::move(state);
  query.local_port = port;
  return query;
}

/// A question among others that are asked by the same netlink socket.
SocketLookup lookup(const SocketLookup& asked, KeptNetlink& kept) {
  SocketLookup answer;
  read_socket_lookup(asked, live(), kept,
                     {[&](const SocketLookup& row) {
                        answer = row;
                        return true;
                      },
                      [&](const Gap& gap) { FAIL(gap.why); }});
  return answer;
}

} // namespace

TEST_CASE("a listener is found by its port, with its queue and its inode") {
  const auto listener = test::listening(v4_loopback, 5);
  REQUIRE(listener.valid());
  const auto port = test::port_of(listener.get());
  const auto client = test::connected(SOCK_STREAM, v4_loopback, port);
  const auto answer = ask(query_of("tcp", "listen", port));
  REQUIRE(answer.rows.size() == 1);
  const auto& row = answer.rows[0];
  CHECK(row.netns.is(7));
  CHECK(row.proto.is("tcp"));
  CHECK(row.state.is("listen"));
  CHECK(row.local_address.is(v4_loopback));
  CHECK(row.local_port.is(port));
  CHECK(row.remote_address.absent());
  CHECK(row.interface_index.absent());
  CHECK(row.inode.is(test::inode_of(listener.get())));
  CHECK(row.uid.is(geteuid()));
  CHECK(row.accept_queue.is(1));
  CHECK(row.accept_queue_limit.is(5));
  CHECK(row.receive_queue.absent());
  CHECK(row.drops.is(0));
  CHECK(row.freebind.is(false));
  CHECK(row.transparent.is(false));
  CHECK(row.v6only.absent());
  CHECK(row.read_from.is("sock_diag"));
}

TEST_CASE("a port nobody holds gives no row and no gap") {
  std::uint16_t port = 0;
  {
    const auto once = test::bound(SOCK_STREAM, v4_loopback);
    port = test::port_of(once.get());
  }
  const auto answer = ask(query_of("tcp", "listen", port));
  CHECK(answer.rows.empty());
  CHECK(answer.gaps.empty());
  CHECK(ask(query_of("tcp", "listen", 70000)).rows.empty());
}

TEST_CASE("an IPv6 listener tells whether it serves IPv4") {
  const auto only = test::listening(IpAddress::any(IpFamily::v6), 5, true);
  const auto dual = test::listening(IpAddress::any(IpFamily::v6), 5, false);
  const auto first = ask(query_of("tcp", "listen", test::port_of(only.get())));
  const auto second = ask(query_of("tcp", "listen", test::port_of(dual.get())));
  REQUIRE(first.rows.size() == 1);
  REQUIRE(second.rows.size() == 1);
  CHECK(first.rows[0].v6only.is(true));
  CHECK(second.rows[0].v6only.is(false));
  CHECK(second.rows[0].local_address.is(IpAddress::any(IpFamily::v6)));
}

TEST_CASE("a connection nobody accepted has inode 0 and an age") {
  const auto listener = test::listening(v4_loopback);
  const auto port = test::port_of(listener.get());
  const auto client = test::connected(SOCK_STREAM, v4_loopback, port);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  auto query = query_of("tcp", "established", port);
  query.remote_port = test::port_of(client.get());
  const auto answer = ask(query);
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].inode.is(0));
  CHECK(answer.rows[0].idle_ms.value_or(0) >= 20);
  CHECK(answer.rows[0].remote_port.is(test::port_of(client.get())));
  CHECK(answer.rows[0].remote_address.is(v4_loopback));
}

TEST_CASE("the state and the addresses of a query are filters") {
  const auto listener = test::listening(v4_loopback);
  const auto port = test::port_of(listener.get());
  const auto client = test::connected(SOCK_STREAM, v4_loopback, port);
  CHECK(ask(query_of("tcp", "", port)).rows.size() == 2);
  auto query = query_of("tcp", "listen", port);
  query.local_address = v4_loopback;
  CHECK(ask(query).rows.size() == 1);
  query.local_address = IpAddress::v4(0x7f000002);
  CHECK(ask(query).rows.empty());
  auto remote = query_of("tcp", "established", port);
  remote.remote_address = v4_loopback;
  CHECK(ask(remote).rows.size() == 1);
  remote.remote_address = IpAddress::v4(0x7f000002);
  CHECK(ask(remote).rows.empty());
}

TEST_CASE("a bound socket that does not listen is seen, or a gap says that it cannot be") {
  const auto held = test::bound(SOCK_STREAM, v4_loopback);
  const auto port = test::port_of(held.get());
  const auto answer = ask(query_of("tcp", "bound", port));
  if (release_at_least(live().release, 6, 8)) {
    REQUIRE(answer.rows.size() == 1);
    CHECK(answer.rows[0].inode.is(test::inode_of(held.get())));
    CHECK(ask(query_of("tcp", "", port)).rows.size() == 1);
    CHECK(ask(query_of("tcp", "listen", port)).rows.empty());
    auto old = live();
    old.release = "5.10.0";
    for (const auto& gap : ask(query_of("tcp", "bound", port), old).gaps)
      CHECK(gap.id != "sockets.bound"); // it was seen: this kernel can
  } else {
    REQUIRE(answer.gaps.size() == 1);
    CHECK(answer.gaps[0].id == "sockets.bound");
  }
}

TEST_CASE("an old kernel that lists no bound socket leaves a gap") {
  auto old = live();
  old.release = "6.7.12";
  const auto held = test::bound(SOCK_DGRAM, v4_loopback);
  const auto answer = ask(query_of("tcp", "bound", test::port_of(held.get())), old);
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "sockets.bound");
  CHECK(ask(query_of("tcp", "listen", 1), old).gaps.empty());
}

TEST_CASE("of two UDP sockets on one port the newest is first in the order of binding") {
  const auto first = test::bound(SOCK_DGRAM, v4_loopback, 0, true);
  const auto port = test::port_of(first.get());
  const auto second = test::bound(SOCK_DGRAM, v4_loopback, port, true);
  REQUIRE(second.valid());
  const auto answer = ask(query_of("udp", "unconnected", port));
  REQUIRE(answer.rows.size() == 2);
  for (const auto& row : answer.rows) {
    const bool newest = row.inode.is(test::inode_of(second.get()));
    CHECK(row.bind_order.is(newest ? 0 : 1));
    CHECK(row.state.is("unconnected"));
  }
}

TEST_CASE("a state filter does not change the order of binding") {
  const auto first = test::bound(SOCK_DGRAM, v4_loopback, 0, true);
  const auto port = test::port_of(first.get());
  const auto second = test::bound(SOCK_DGRAM, v4_loopback, port, true);
  const auto [peer, size] = test::sockaddr_of(v4_loopback, 9);
  REQUIRE(connect(second.get(), reinterpret_cast<const sockaddr*>(&peer), size) == 0);
  const auto answer = ask(query_of("udp", "unconnected", port));
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].bind_order.is(1));
  const auto other = ask(query_of("udp", "established", port));
  REQUIRE(other.rows.size() == 1);
  CHECK(other.rows[0].remote_port.is(9));
}

TEST_CASE("a question for all states finds both families") {
  const auto v4 = test::listening(v4_loopback);
  const auto port = test::port_of(v4.get());
  const auto v6 = test::bound(SOCK_STREAM, v6_loopback, port, true);
  REQUIRE(v6.valid());
  REQUIRE(listen(v6.get(), 1) == 0);
  const auto client = test::connected(SOCK_STREAM, v6_loopback, port);
  const auto answer = ask(query_of("tcp", "", port));
  std::size_t listeners = 0, connections = 0;
  for (const auto& row : answer.rows) {
    listeners += row.state.is("listen") ? 1 : 0;
    connections += row.state.is("established") && row.local_address.is(v6_loopback) ? 1 : 0;
  }
  CHECK(listeners == 2);
  CHECK(connections == 1);
}

TEST_CASE("a socket is found by its inode alone") {
  const auto listener = test::listening(v6_loopback);
  SocketQuery query;
  query.inode = test::inode_of(listener.get());
  const auto answer = ask(query);
  REQUIRE(answer.rows.size() == 1);
  CHECK(answer.rows[0].local_address.is(v6_loopback));
  const auto datagram = test::bound(SOCK_DGRAM, v4_loopback);
  query.inode = test::inode_of(datagram.get());
  REQUIRE(ask(query).rows.size() == 1);
  CHECK(ask(query).rows[0].proto.is("udp"));
}

TEST_CASE("without sock_diag the files of /proc stand in and say what they cannot tell") {
  const auto listener = test::listening(IpAddress::any(IpFamily::v6), 5, false);
  const auto port = test::port_of(listener.get());
  const auto answer = ask(query_of("tcp", "listen", port), live(false));
  REQUIRE(answer.rows.size() == 1);
  const auto& row = answer.rows[0];
  CHECK(row.inode.is(test::inode_of(listener.get())));
  CHECK(row.v6only.gap() == "sockets.sock_diag");
  CHECK(row.interface_index.unknown());
  CHECK(row.accept_queue_limit.unknown());
  CHECK(row.accept_queue.is(0));
  CHECK(row.read_from.is("/proc/net/tcp6"));
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "sockets.sock_diag");
  const auto bound = ask(query_of("tcp", "bound", port), live(false));
  CHECK(bound.rows.empty());
  REQUIRE(bound.gaps.size() == 1);
  CHECK(bound.gaps[0].id == "sockets.bound");
}

TEST_CASE("without sock_diag a port that nobody listens on is told apart without any gap") {
  const auto listener = test::listening(IpAddress::any(IpFamily::v4));
  const auto port = test::port_of(listener.get());
  const auto closed = static_cast<Int>(port == 65535 ? 1 : 65535);
  const auto answer = ask(query_of("tcp", "listen", closed), live(false));
  CHECK(answer.rows.empty());
  CHECK(answer.gaps.empty());
}

TEST_CASE("without sock_diag and without /proc nothing is known, and a gap says so") {
  auto nowhere = live(false);
  nowhere.root = "/nonexistent";
  const auto answer = ask(query_of("tcp", "listen", 80), nowhere);
  CHECK(answer.rows.empty());
  REQUIRE(answer.gaps.size() == 1);
  CHECK(answer.gaps[0].id == "sockets.tcp");
  CHECK(ask(query_of("udp", "", 80), nowhere).gaps.size() == 1);
}

TEST_CASE("the kernel's lookup names the listener that gets a segment") {
  const auto listener = test::listening(IpAddress::any(IpFamily::v4));
  KeptNetlink kept;
  SocketLookup asked;
  asked.proto = Text("tcp");
  asked.local_address = v4_loopback;
  asked.local_port = test::port_of(listener.get());
  asked.remote_address = v4_loopback;
  asked.remote_port = 40000;
  const auto answer = lookup(asked, kept);
  CHECK(answer.found.is(true));
  CHECK(answer.state.is("listen"));
  CHECK(answer.answered_address.is(IpAddress::any(IpFamily::v4)));
  CHECK(answer.inode.is(test::inode_of(listener.get())));
  CHECK(answer.remote_port.is(40000));
  const auto datagram = test::bound(SOCK_DGRAM, v4_loopback);
  asked.local_port = test::port_of(datagram.get());
  CHECK(lookup(asked, kept).found.is(false));
  asked.proto = Text("udp");
  CHECK(lookup(asked, kept).inode.is(test::inode_of(datagram.get())));
  CHECK(lookup(asked, kept).state.is("unconnected"));
}

TEST_CASE("the kernel's lookup finds the dual-stack listener for an IPv4 segment") {
  const auto listener = test::listening(IpAddress::any(IpFamily::v6), 5, false);
  KeptNetlink kept;
  SocketLookup asked;
  asked.proto = Text("tcp");
  asked.local_address = v4_loopback;
  asked.local_port = test::port_of(listener.get());
  asked.remote_address = v4_loopback;
  asked.remote_port = 40000;
  CHECK(lookup(asked, kept).answered_address.is(IpAddress::any(IpFamily::v6)));
  asked.local_address = v6_loopback;
  asked.remote_address = v6_loopback;
  CHECK(lookup(asked, kept).inode.is(test::inode_of(listener.get())));
}

TEST_CASE("releases are compared by number") {
  CHECK(release_at_least("6.18.44-fc", 6, 8));
  CHECK(release_at_least("6.8.0", 6, 8));
  CHECK(release_at_least("10.0", 6, 8));
  CHECK_FALSE(release_at_least("6.7.9", 6, 8));
  CHECK_FALSE(release_at_least("5.10", 6, 8));
  CHECK_FALSE(release_at_least("", 6, 8));
  CHECK_FALSE(release_at_least("nonsense", 6, 8));
}
