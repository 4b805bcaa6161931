// The plugin linux-processes through its C entry.
#include <unistd.h>

#include "core/facts/tables.h"
#include "tests/unit/catch.h"
#include "tests/unit/platform/linux/sockets/fake_host.h"
#include "tests/unit/platform/linux/sockets/loopback.h"

using namespace synfate;

extern "C" const synfate_plugin_description* synfate_plugin_linux_processes();

namespace {

std::vector<TableSpec> tables() {
  return {spec_of<SocketOwner>(), spec_of<Process>(), spec_of<NetworkNamespace>(),
          spec_of<ServiceName>()};
}

} // namespace

TEST_CASE("the plugin names the owner of a socket and gives the asked keys back") {
  const auto listener = test::listening(IpAddress::loopback(IpFamily::v4));
  test::FakeHost host(tables());
  host.key("inode", test::inode_of(listener.get())).key("complete", 0).key("hint_uid", geteuid());
  CHECK(host.ask(*synfate_plugin_linux_processes(), "socket_owner") == 0);
  REQUIRE(host.rows().size() == 1);
  CHECK(host.rows()[0].at("pid") == std::to_string(getpid()));
  CHECK(host.rows()[0].at("complete") == "0");
  CHECK(host.rows()[0].at("hint_uid") == std::to_string(geteuid()));
  CHECK(host.rows()[0].count("hint_cgroup_id") == 0);
  CHECK_FALSE(host.faulty());
}

TEST_CASE("the plugin reads one process by its pid") {
  test::FakeHost host(tables());
  host.key("pid", getpid());
  CHECK(host.ask(*synfate_plugin_linux_processes(), "process") == 0);
  REQUIRE(host.rows().size() == 1);
  CHECK(host.rows()[0].at("parent_pid") == std::to_string(getppid()));
  CHECK_FALSE(host.faulty());
}

TEST_CASE("the plugin lists namespaces and services with cells of the right types") {
  for (const auto* table : {"netns", "service_name", "process"}) {
    test::FakeHost host(tables());
    CHECK(host.ask(*synfate_plugin_linux_processes(), table) == 0);
    CHECK_FALSE(host.faulty());
    CHECK((!host.rows().empty() || !host.gaps().empty()));
  }
}
