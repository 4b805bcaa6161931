#include "platform/linux/routing/reachability.h"

#include <cerrno>

#include "fib_world.h"
#include "platform/linux/routing/fib_facts.h"
#include "platform/linux/routing/route_question.h"
#include "platform/linux/routing/sysctl_names.h"
#include "tests/unit/catch.h"

using namespace synfate;
using namespace synfate::linux_routing;

namespace {

constexpr Int netns = 7;

/// A snapshot in which every question has an answer.
class Host {
public:
  Host() : snapshot_(schema()) {
    snapshot_.answered({"interface", {{"netns", netns}}});
    snapshot_.answered({"address", {{"netns", netns}}});
    snapshot_.answered({"neighbour", {{"netns", netns}}});
    snapshot_.answered({"setting", {{"netns", netns}}});
    snapshot_.answered({"route_lookup", {}});
    interface(1, "lo", 772);
    interface(2, "eth0", 1);
    interface(3, "eth1.5", 1);
    interface(4, "tun0", 65534);
  }

  Snapshot& snapshot() { return snapshot_; }

  void interface(Int index, const char* name, Int type, bool no_arp = false) {
    Interface row;
    row.netns = netns;
    row.index = index;
    row.name = Text(name);
    row.loopback = index == 1;
    row.hardware_type = type;
    row.no_arp = no_arp;
    snapshot_.add(row);
  }
  void own(const char* text, Int length, Int interface, bool tentative = false) {
    Address row;
    row.netns = netns;
    row.address = address(text);
    row.prefix_length = length;
    row.interface_index = interface;
    row.scope = Text("global");
    row.tentative = tentative;
    snapshot_.add(row);
  }
  void set(const std::string& name, const char* value) {
    snapshot_.add(Setting{netns, name, Text(value)});
  }
  /// The settings of an interface as they are after boot.
  void defaults(const char* interface) {
    for (const char* place : {"all", interface}) {
      for (const char* setting : {"arp_ignore", "arp_filter", "proxy_arp", "forwarding"})
        set(interface_setting("net.ipv4.conf", place, setting), "0");
      for (const char* setting : {"disable_ipv6", "proxy_ndp", "forwarding"})
        set(interface_setting("net.ipv6.conf", place, setting), "0");
    }
  }
  void route(const RouteQuestion& question, Int error, const char* type, Int interface) {
    auto row = row_for(netns, question);
    row.error = error;
    row.type = Text(type);
    row.interface_index = interface;
    snapshot_.add(row);
  }
  void arriving(const char* target, const char* client, Int interface, const char* type,
                Int error = 0, Int way_out = 1) {
    route({.destination = address(target), .source = address(client), .input_interface = interface},
          error, type, way_out);
  }

  NeighbourAnswer ask(const char* target, const char* client, Int interface = 2) {
    Inquiry inquiry(snapshot_);
    const auto answer =
        neighbour_reachability(inquiry, netns, interface, address(target), address(client));
    CHECK_FALSE(inquiry.pending());
    return answer;
  }

private:
  static Schema schema() {
    Schema schema;
    REQUIRE(add_core_tables(schema));
    return schema;
  }
  Snapshot snapshot_;
};

} // namespace

TEST_CASE("an ordinary host answers for every address it has, on whatever interface") {
  Host host;
  host.defaults("eth0");
  host.own("10.1.0.1", 24, 2);
  host.own("10.2.0.1", 24, 3);
  host.arriving("10.1.0.1", "10.1.0.9", 2, "local");
  host.arriving("10.2.0.1", "10.1.0.9", 2, "local");
  CHECK(host.ask("10.1.0.1", "10.1.0.9").answering == Answering::yes);
  CHECK(host.ask("10.2.0.1", "10.1.0.9").answering == Answering::yes);
}

TEST_CASE("an interface without ARP answers nobody, in either family") {
  Host host;
  host.interface(5, "eth5", 1, true);
  host.defaults("eth5");
  host.own("10.1.0.1", 24, 5);
  host.own("fd01::1", 64, 5);
  host.arriving("10.1.0.1", "10.1.0.9", 5, "local");
  for (const auto& [target, client] :
       {std::pair{"10.1.0.1", "10.1.0.9"}, std::pair{"fd01::1", "fd01::9"}}) {
    const auto answer = host.ask(target, client, 5);
    CHECK(answer.answering == Answering::no);
    REQUIRE(answer.culprit);
    CHECK(answer.culprit->id == "eth5");
  }
}

TEST_CASE("arp_ignore 1 keeps an interface from answering for another one's address") {
  Host host;
  host.set("net.ipv4.conf.all.arp_ignore", "1");
  host.defaults("eth0");
  host.own("10.1.0.1", 24, 2);
  host.own("10.2.0.1", 24, 3);
  host.arriving("10.1.0.1", "10.1.0.9", 2, "local");
  host.arriving("10.2.0.1", "10.1.0.9", 2, "local");
  CHECK(host.ask("10.1.0.1", "10.1.0.9").answering == Answering::yes);
  const auto other = host.ask("10.2.0.1", "10.1.0.9");
  CHECK(other.answering == Answering::no);
  REQUIRE(other.culprit);
  CHECK(other.culprit->id == "net.ipv4.conf.all.arp_ignore");
}

TEST_CASE("arp_ignore 2 wants the client in the address's network, 8 answers nobody") {
  Host strict;
  strict.set("net.ipv4.conf.eth0.arp_ignore", "2");
  strict.defaults("eth0");
  strict.own("10.1.0.1", 24, 2);
  strict.arriving("10.1.0.1", "10.1.0.9", 2, "local");
  strict.arriving("10.1.0.1", "10.7.0.9", 2, "local");
  CHECK(strict.ask("10.1.0.1", "10.1.0.9").answering == Answering::yes);
  CHECK(strict.ask("10.1.0.1", "10.7.0.9").answering == Answering::no);

  Host dead;
  dead.set("net.ipv4.conf.eth0.arp_ignore", "8");
  dead.defaults("eth0");
  dead.own("10.1.0.1", 24, 2);
  dead.arriving("10.1.0.1", "10.1.0.9", 2, "local");
  const auto answer = dead.ask("10.1.0.1", "10.1.0.9");
  CHECK(answer.answering == Answering::no);
  REQUIRE(answer.culprit);
  CHECK(answer.culprit->id == "net.ipv4.conf.eth0.arp_ignore");
}

TEST_CASE("arp_filter answers only by the interface of the way back") {
  Host host;
  host.set("net.ipv4.conf.all.arp_filter", "1");
  host.defaults("eth0");
  host.own("10.1.0.1", 24, 2);
  host.arriving("10.1.0.1", "10.2.0.9", 2, "local");
  host.route({.destination = address("10.2.0.9"), .source = address("10.1.0.1")}, 0, "unicast", 3);
  CHECK(host.ask("10.1.0.1", "10.2.0.9").answering == Answering::no);
}

TEST_CASE("an address nobody here has is answered only as a proxy") {
  Host host;
  host.defaults("eth0");
  host.own("10.1.0.1", 24, 2);
  host.arriving("10.1.0.50", "10.1.0.9", 2, "unreachable", EHOSTUNREACH);
  CHECK(host.ask("10.1.0.50", "10.1.0.9").answering == Answering::no);

  Host proxy;
  proxy.set("net.ipv4.conf.eth0.proxy_arp", "1");
  proxy.set("net.ipv4.conf.eth0.forwarding", "1");
  proxy.defaults("eth0");
  proxy.arriving("10.1.0.50", "10.1.0.9", 2, "unicast", 0, 3);
  CHECK(proxy.ask("10.1.0.50", "10.1.0.9").answering == Answering::yes);
}

TEST_CASE("IPv6 is answered for the interface's own addresses only") {
  Host host;
  host.defaults("eth0");
  host.own("fd01::1", 64, 2);
  host.own("fd02::1", 64, 3);
  CHECK(host.ask("fd01::1", "fd01::9").answering == Answering::yes);
  CHECK(host.ask("fd02::1", "fd01::9").answering == Answering::no);
}

TEST_CASE("a tentative address and a disabled IPv6 do not answer") {
  Host tentative;
  tentative.defaults("eth0");
  tentative.own("fd01::1", 64, 2, true);
  const auto waiting = tentative.ask("fd01::1", "fd01::9");
  CHECK(waiting.answering == Answering::no);
  REQUIRE(waiting.culprit);
  CHECK(waiting.culprit->kind == "address");

  Host disabled;
  disabled.set("net.ipv6.conf.eth1/5.disable_ipv6", "1");
  disabled.defaults("eth1.5");
  disabled.own("fd01::1", 64, 3);
  const auto off = disabled.ask("fd01::1", "fd01::9", 3);
  CHECK(off.answering == Answering::no);
  REQUIRE(off.culprit);
  CHECK(off.culprit->id == "net.ipv6.conf.eth1/5.disable_ipv6");
}

TEST_CASE("nobody asks on lo or a tunnel") {
  Host host;
  CHECK(host.ask("10.1.0.1", "10.1.0.9", 1).answering == Answering::not_needed);
  CHECK(host.ask("10.1.0.1", "10.1.0.9", 4).answering == Answering::not_needed);
}

TEST_CASE("an unreadable setting makes the answer unknown, not yes") {
  Host host;
  host.snapshot().add(Setting{netns, Text("net.ipv4.conf.all.arp_ignore"), Unknown{"setting"}});
  host.defaults("eth0");
  host.own("10.1.0.1", 24, 2);
  host.arriving("10.1.0.1", "10.1.0.9", 2, "local");
  CHECK(host.ask("10.1.0.1", "10.1.0.9").answering == Answering::unknown);
}

TEST_CASE("settings of an interface are combined with those of all as the kernel does") {
  std::map<std::string, Int> settings{{"net.ipv4.conf.all.rp_filter", 2},
                                      {"net.ipv4.conf.eth1/5.rp_filter", 1},
                                      {"net.ipv4.conf.all.accept_local", 1},
                                      {"net.ipv4.conf.all.forwarding", 1},
                                      {"net.ipv4.conf.eth1/5.bc_forwarding", 1}};
  const auto combined =
      interface_settings("eth1.5", [&](const std::string& name) -> std::optional<Int> {
        const auto at = settings.find(name);
        return at == settings.end() ? std::nullopt : std::optional(at->second);
      });
  CHECK(combined.rp_filter == 2);
  CHECK(combined.rp_filter_name == "net.ipv4.conf.all.rp_filter");
  CHECK(combined.accept_local);
  CHECK_FALSE(combined.forwarding);
  CHECK_FALSE(combined.broadcast_forwarding);
}
