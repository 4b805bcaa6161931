#include "platform/linux/system/network_namespaces.h"

#include <cstdlib>
#include <thread>

#include <unistd.h>

#include "tests/unit/catch.h"

using namespace synfate;

TEST_CASE("the nearest names are offered first, three at most") {
  CHECK(nearest_names("blue", {"green", "blu", "blue2", "red", "glue"}) ==
        std::vector<std::string>{"blu", "blue2", "glue"});
  CHECK(nearest_names("x", {}).empty());
}

TEST_CASE("the initial namespace is that of process 1 when process 1 is the system's") {
  CHECK(is_initial_netns(4026531840, 4026531840, true));
  CHECK_FALSE(is_initial_netns(4026532500, 4026531840, true));
}

TEST_CASE("in a container the namespace of process 1 proves nothing") {
  CHECK_FALSE(is_initial_netns(4026532500, 4026532500, false));
  CHECK(is_initial_netns(4026531840, 4026532500, false));
  CHECK(is_initial_netns(4026531833, 0, true));
  CHECK_FALSE(is_initial_netns(4026532178, 0, true));
}

TEST_CASE("what names no namespace is refused with a reason") {
  const auto missing = enter_netns("synfate-no-such-name");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  const auto gone = enter_netns("999999999");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::not_found);
  CHECK(gone.error().detail.find("999999999") != std::string::npos);
  CHECK_FALSE(enter_netns(""));
  CHECK_FALSE(enter_netns(".."));
}

TEST_CASE("a file that is no namespace is refused as such") {
  const auto entered = enter_netns_file("/proc/self/status");
  REQUIRE_FALSE(entered);
  CHECK(entered.error().code == ErrorCode::invalid_input);
}

TEST_CASE("the calling thread enters a namespace by name, the others stay", "[root]") {
  if (geteuid() != 0) {
    WARN("not run: needs root");
    return;
  }
  const std::string name = "rt-enter-" + std::to_string(getpid());
  REQUIRE(std::system(("ip netns add " + name).c_str()) == 0);
  const auto before = current_netns();
  REQUIRE(before);
  std::thread([&] {
    REQUIRE(enter_netns(name));
    const auto inside = current_netns();
    REQUIRE(inside);
    CHECK(*inside != *before);
    const auto file = find_netns_file(*inside);
    REQUIRE(file);
    CHECK(*file == "/run/netns/" + name);
  }).join();
  const auto after = current_netns();
  REQUIRE(after);
  CHECK(*after == *before);
  const auto close = enter_netns(name + "x");
  REQUIRE_FALSE(close);
  CHECK(close.error().hint.find(name) != std::string::npos);
  CHECK(std::system(("ip netns del " + name).c_str()) == 0);
}
