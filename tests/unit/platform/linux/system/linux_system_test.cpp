#include "platform/linux/system/linux_system.h"

#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <unistd.h>

#include "platform/linux/system/network_namespaces.h"
#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("the host's facts are those of this machine") {
  LinuxSystem system;
  const auto host = system.host_facts();
  REQUIRE(host);
  CHECK(host->os == "linux");
  CHECK_FALSE(host->name.empty());
  CHECK_FALSE(host->kernel.empty());
  const auto netns = current_netns();
  REQUIRE(netns);
  CHECK(host->netns == *netns);
  CHECK(host->uid == geteuid());
  CHECK(host->taken_at > 1'600'000'000'000);
}

TEST_CASE("work for this thread's own namespace runs on this thread") {
  LinuxSystem system;
  const auto netns = current_netns();
  REQUIRE(netns);
  std::thread::id thread;
  REQUIRE(system.run_in_netns(*netns, [&] { thread = std::this_thread::get_id(); }));
  CHECK(thread == std::this_thread::get_id());
}

TEST_CASE("work for a namespace nobody is in does not run") {
  LinuxSystem system;
  bool ran = false;
  const auto done = system.run_in_netns(12345, [&] { ran = true; });
  CHECK_FALSE(done);
  CHECK_FALSE(ran);
}

TEST_CASE("work runs inside another namespace, and what it throws comes back", "[root]") {
  if (geteuid() != 0) {
    WARN("not run: needs root");
    return;
  }
  const std::string name = "rt-system-" + std::to_string(getpid());
  REQUIRE(std::system(("ip netns add " + name).c_str()) == 0);
  std::int64_t inode = 0;
  std::thread([&] {
    REQUIRE(enter_netns(name));
    const auto inside = current_netns();
    REQUIRE(inside);
    inode = *inside;
  }).join();
  LinuxSystem system;
  system.note_netns_file(inode, "/proc/self/ns/net"); // of another: it is looked for after all
  std::int64_t seen = 0;
  REQUIRE(system.run_in_netns(inode, [&] { seen = *current_netns(); }));
  CHECK(seen == inode);
  CHECK_THROWS_AS((void)system.run_in_netns(inode, [] { throw std::runtime_error("bug"); }),
                  std::runtime_error);
  CHECK(std::system(("ip netns del " + name).c_str()) == 0);
  const auto gone = system.run_in_netns(inode, [] {});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::not_found);
}

TEST_CASE("who may change a file is told, a missing file is not found") {
  LinuxSystem system;
  const auto owner = system.file_owner("/tmp");
  REQUIRE(owner);
  CHECK(owner->uid == 0);
  CHECK(owner->others_writable);
  const auto missing = system.file_owner("/no/such/file");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}
