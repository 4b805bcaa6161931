// Which own address the kernel takes, over addresses made by hand.
#include "platform/linux/netfilter/own_addresses.h"

#include "core/facts/tables.h"
#include "platform/linux/netfilter/packet_build.h"
#include "tests/unit/catch.h"

using namespace synfate;

namespace {

constexpr Int netns = 7;
constexpr Int lo = 1;
constexpr Int eth0 = 2;
constexpr Int eth1 = 3;

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

class Host {
public:
  Host() : snapshot_(schema()) { snapshot_.answered({"address", {}}); }

  Address& add(Int device, const char* prefix, const char* scope = "global") {
    const auto parsed = *IpPrefix::parse(prefix);
    const std::string text(prefix);
    Address row;
    row.netns = netns;
    row.interface_index = device;
    row.address = ip(text.substr(0, text.find('/')).c_str());
    row.prefix_length = Int(parsed.length());
    row.scope = Text(scope);
    rows_.push_back(row);
    return rows_.back();
  }

  OwnAddresses masquerade(Int device, const char* destination) {
    return ask(masquerade_sources, device, destination);
  }
  OwnAddresses redirect(Int device, const char* destination) {
    return ask(redirect_destinations, device, destination);
  }
  OwnAddresses proxy(Int device, const char* destination) {
    return ask(proxy_destinations, device, destination);
  }

private:
  static Schema schema() {
    Schema schema;
    REQUIRE(add_core_tables(schema));
    return schema;
  }

  template <typename Function>
  OwnAddresses ask(Function function, Int device, const char* destination) {
    for (const auto& row : rows_)
      snapshot_.add(row);
    rows_.clear();
    Inquiry inquiry(snapshot_);
    InterfaceView view;
    view.index = device;
    FlowFacts facts;
    facts.family = ip(destination).family();
    facts.addresses =
        IntervalSet::address(ip(facts.family == IpFamily::v4 ? "192.0.2.7" : "2001:db8::7"));
    facts.ports = client_ports();
    const auto packet =
        build_packet(Packet::syn, facts, {AddressTerm::client(), PortTerm::client()},
                     {AddressTerm::known(ip(destination)), PortTerm::known(80)});
    return function(inquiry, netns, view, packet);
  }

  Snapshot snapshot_;
  std::vector<Address> rows_;
};

std::string told(const OwnAddresses& found) {
  std::string text;
  for (const auto& address : found.choices)
    text += (text.empty() ? "" : " ") + address.to_string();
  return found.read ? text : "not read";
}

} // namespace

TEST_CASE("MASQUERADE takes the first global address of the device") {
  Host host;
  host.add(lo, "127.0.0.1/8", "host");
  host.add(eth0, "10.0.0.1/24");
  host.add(eth0, "10.0.0.2/24").secondary = true;
  CHECK(told(host.masquerade(eth0, "10.0.0.9")) == "10.0.0.1");
  CHECK(told(host.masquerade(eth0, "203.0.113.9")) == "10.0.0.1");
}

TEST_CASE("of several addresses MASQUERADE takes that of the next hop's network") {
  Host host;
  host.add(eth0, "10.0.0.1/24");
  host.add(eth0, "10.1.0.1/24");
  CHECK(told(host.masquerade(eth0, "10.1.0.9")) == "10.1.0.1");
  CHECK(told(host.masquerade(eth0, "203.0.113.9")) == "10.0.0.1 10.1.0.1");
}

TEST_CASE("over lo MASQUERADE takes the address of another device") {
  Host host;
  host.add(lo, "127.0.0.1/8", "host");
  host.add(eth0, "10.0.0.1/24");
  CHECK(told(host.masquerade(lo, "127.0.0.1")) == "10.0.0.1");
  host.add(eth1, "10.1.0.1/24");
  CHECK(told(host.masquerade(lo, "127.0.0.1")) == "10.0.0.1 10.1.0.1");
  host.add(lo, "10.9.9.9/32");
  CHECK(told(host.masquerade(lo, "127.0.0.1")) == "10.9.9.9");
}

TEST_CASE("without a global address MASQUERADE finds none") {
  Host host;
  host.add(lo, "127.0.0.1/8", "host");
  host.add(eth0, "169.254.0.1/16", "link");
  CHECK(told(host.masquerade(lo, "127.0.0.1")).empty());
  CHECK(told(host.masquerade(eth0, "169.254.0.9")).empty());
}

TEST_CASE("over IPv6 MASQUERADE leaves a packet to an own address its address") {
  Host host;
  host.add(lo, "::1/128", "host");
  host.add(eth0, "fd00::1/64");
  host.add(eth0, "fe80::1/64", "link");
  CHECK(told(host.masquerade(lo, "::1")) == "::1");
  CHECK(told(host.masquerade(lo, "fd00::1")) == "fd00::1");
}

TEST_CASE("over IPv6 MASQUERADE chooses by scope, device, label and prefix") {
  Host host;
  host.add(eth0, "fe80::1/64", "link");
  host.add(eth0, "2001:db8:1::1/64").deprecated = true;
  host.add(eth0, "2001:db8:2::1/64");
  host.add(eth0, "fd00::1/64");
  host.add(eth1, "2001:db8:9::1/64");
  CHECK(told(host.masquerade(eth0, "2001:db8:1::9")) == "2001:db8:2::1");
  CHECK(told(host.masquerade(eth0, "2001:db8:9::9")) == "2001:db8:2::1");
  CHECK(told(host.masquerade(eth0, "fd00:1::9")) == "fd00::1");
  CHECK(told(host.masquerade(eth0, "fe80::9")) == "fe80::1");
}

TEST_CASE("REDIRECT takes the first address of the device, over IPv6 of the same scope") {
  Host host;
  host.add(eth0, "10.0.0.1/24");
  host.add(eth0, "10.1.0.1/24");
  host.add(eth0, "fd00::1/64");
  host.add(eth0, "fe80::1/64", "link");
  CHECK(told(host.redirect(eth0, "203.0.113.9")) == "10.0.0.1");
  CHECK(told(host.redirect(eth0, "2001:db8::9")) == "fd00::1");
  CHECK(told(host.redirect(eth0, "fe80::9")) == "fe80::1");
  CHECK(told(host.redirect(eth1, "203.0.113.9")).empty());
  CHECK(told(host.proxy(eth0, "fe80::9")) == "fd00::1");
}

TEST_CASE("addresses that were not read are not taken for none") {
  Schema schema;
  REQUIRE(add_core_tables(schema));
  const Snapshot snapshot(std::move(schema));
  Inquiry inquiry(snapshot);
  InterfaceView view;
  view.index = eth0;
  PacketClass packet;
  CHECK_FALSE(masquerade_sources(inquiry, netns, view, packet).read);
  CHECK(inquiry.pending());
}
