#include "platform/linux/routing/sysctls.h"

#include <thread>

#include <sched.h>

#include "private_netns.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

TEST_CASE("a slash in a setting's name stands for a dot in an interface's name") {
  CHECK(sysctl_path("net.ipv4.ip_forward") == "net/ipv4/ip_forward");
  CHECK(sysctl_path("net.ipv4.conf.eth0/100.rp_filter") == "net/ipv4/conf/eth0.100/rp_filter");
  CHECK(interface_setting("net.ipv4.conf", "eth0.100", "rp_filter") ==
        "net.ipv4.conf.eth0/100.rp_filter");
  CHECK(sysctl_name("net/ipv4/conf/eth0.100/rp_filter") == "net.ipv4.conf.eth0/100.rp_filter");
}

TEST_CASE("a name that would climb out of /proc/sys is no name") {
  CHECK_FALSE(sysctl_path(""));
  CHECK_FALSE(sysctl_path("net..x"));
  CHECK_FALSE(sysctl_path("net.//.//.etc.passwd"));
  CHECK_FALSE(sysctl_path(".net"));
  CHECK_FALSE(sysctl_path("net."));
  CHECK_FALSE(sysctl_path(std::string_view("net.a\0b", 7)));
}

TEST_CASE("a setting this kernel does not have is absent, not an error") {
  const auto text = read_sysctl("", "net.ipv4.no_such_setting_in_any_kernel");
  REQUIRE(text);
  CHECK_FALSE(text->has_value());
}

TEST_CASE("settings are those of the thread's network namespace", "[root]") {
  const auto outside = read_sysctl("", "net.ipv4.ip_default_ttl");
  REQUIRE(outside);
  in_private_netns([&] {
    REQUIRE(shell("sysctl -qw net.ipv4.ip_default_ttl=77"));
    const auto inside = read_sysctl("", "net.ipv4.ip_default_ttl");
    REQUIRE(inside);
    CHECK(*inside == "77");
    bool seen = false;
    REQUIRE(read_sysctl_folder("", "net/ipv4", [&](const auto& name, const auto& text) {
      if (name == "net.ipv4.ip_default_ttl") {
        seen = true;
        CHECK((text && *text == "77"));
      }
    }));
    CHECK(seen);
  });
  const auto again = read_sysctl("", "net.ipv4.ip_default_ttl");
  REQUIRE(again);
  CHECK(*again == *outside);
}

TEST_CASE("an interface with a dot in its name has its settings", "[root]") {
  in_private_netns([] {
    REQUIRE(shell("ip link add rt.a type veth peer name rt-b && "
                  "echo 2 > /proc/sys/net/ipv4/conf/rt.a/rp_filter"));
    const auto text = read_sysctl("", interface_setting("net.ipv4.conf", "rt.a", "rp_filter"));
    REQUIRE(text);
    CHECK(*text == "2");
  });
}
