// The plugin linux-sockets through its C entry.
#include "core/facts/tables.h"
#include "platform/linux/sockets/tables.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/fake_host.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

extern "C" const synfate_plugin_description* synfate_plugin_linux_sockets();

namespace {

std::vector<TableSpec> tables() {
  return {spec_of<Socket>(), spec_of<UnixSocket>(), spec_of<SocketLookup>()};
}

const std::string loopback_bytes("\x7f\0\0\1", 4);

} // namespace

TEST_CASE("the plugin answers for the listener of a port, with every cell of its column's type") {
  const auto listener = test::listening(IpAddress::loopback(IpFamily::v4));
  test::FakeHost host(tables());
  host.key("netns", 4242).key("proto", "tcp").key("state", "listen");
  host.key("local_port", test::port_of(listener.get()));
  CHECK(host.ask(*synfate_plugin_linux_sockets(), "socket") == 0);
  REQUIRE(host.rows().size() == 1);
  const auto& row = host.rows()[0];
  CHECK(row.at("netns") == "4242");
  CHECK(row.at("local_address") == loopback_bytes);
  CHECK(row.at("inode") == std::to_string(test::inode_of(listener.get())));
  CHECK(row.count("remote_address") == 0);
  CHECK_FALSE(host.faulty());
}

TEST_CASE("the plugin's parameter sock_diag = off makes it read /proc") {
  const auto listener = test::listening(IpAddress::loopback(IpFamily::v4));
  test::FakeHost host(tables());
  host.set_parameter("sock_diag", "off");
  host.key("proto", "tcp").key("local_port", test::port_of(listener.get())).key("state", "listen");
  CHECK(host.ask(*synfate_plugin_linux_sockets(), "socket") == 0);
  REQUIRE(host.rows().size() == 1);
  CHECK(host.rows()[0].at("read_from") == "/proc/net/tcp");
  CHECK(host.rows()[0].at("cookie") == "?sockets.sock_diag");
  CHECK(host.gaps() == std::vector<std::string>{"sockets.sock_diag"});
  CHECK_FALSE(host.faulty());
}

TEST_CASE("the plugin looks a socket up and gives the question back") {
  const auto listener = test::listening(IpAddress::loopback(IpFamily::v4));
  test::FakeHost host(tables());
  host.key("proto", "tcp").key("local_address", loopback_bytes, SYNFATE_IP);
  host.key("local_port", test::port_of(listener.get())).key("remote_port", 40000);
  host.key("remote_address", loopback_bytes, SYNFATE_IP);
  CHECK(host.ask(*synfate_plugin_linux_sockets(), "socket_lookup") == 0);
  REQUIRE(host.rows().size() == 1);
  CHECK(host.rows()[0].at("found") == "1");
  CHECK(host.rows()[0].at("remote_port") == "40000");
  CHECK(host.rows()[0].count("interface_index") == 0);
  CHECK_FALSE(host.faulty());
}

TEST_CASE("a lookup without a whole 4-tuple is a gap") {
  test::FakeHost host(tables());
  host.key("proto", "tcp").key("local_port", 80);
  CHECK(host.ask(*synfate_plugin_linux_sockets(), "socket_lookup") == 0);
  CHECK(host.rows().empty());
  CHECK(host.gaps() == std::vector<std::string>{"socket_lookup"});
}

TEST_CASE("the plugin lists Unix sockets") {
  test::FakeHost host(tables());
  CHECK(host.ask(*synfate_plugin_linux_sockets(), "unix_socket") == 0);
  CHECK_FALSE(host.faulty());
  for (const auto& row : host.rows())
    CHECK(row.count("inode") == 1);
}
