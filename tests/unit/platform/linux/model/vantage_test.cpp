#include "platform/linux/model/vantage.h"

#include <algorithm>

#include "tests/unit/catch.h"

namespace synfate {
namespace {

Interface interface(Int index, const char* name, const char* kind = "", Int master = 0) {
  Interface row;
  row.index = index;
  row.name = Text(name);
  row.up = true;
  row.loopback = Text(name) == "lo";
  row.kind = Text(kind);
  if (master != 0)
    row.master_index = master;
  return row;
}

Address address(Int index, const char* text, const char* scope = "global") {
  Address row;
  row.interface_index = index;
  row.address = *IpAddress::parse(text);
  row.scope = Text(scope);
  row.tentative = false;
  row.duplicate = false;
  row.deprecated = false;
  return row;
}

VantageFacts host() {
  VantageFacts facts;
  facts.interfaces = {interface(1, "lo"), interface(2, "eth0"), interface(3, "br0", "bridge"),
                      interface(4, "veth0", "veth", 3)};
  facts.addresses = {address(1, "127.0.0.1", "host"), address(1, "::1", "host"),
                     address(2, "10.77.0.1"), address(2, "fe80::1", "link")};
  return facts;
}

Target port(std::uint16_t number) {
  Target target;
  target.port = number;
  return target;
}

/// The union of the sources over an interface, towards one address or, on lo, towards all; counts
/// overlaps.
IntervalSet sources_over(const std::vector<Vantage>& vantages, const std::string& name,
                         IpFamily family, unsigned& overlaps) {
  IntervalSet all;
  for (const auto& vantage : vantages) {
    if (vantage.flow.from_interface != name || vantage.flow.from.family() != family)
      continue;
    overlaps += all.disjoint(vantage.sources) ? 0U : 1U;
    all = all | vantage.sources;
  }
  return all;
}

const Vantage* find(const std::vector<Vantage>& vantages, const std::string& name,
                    const char* source) {
  const auto wanted = *IpAddress::parse(source);
  const auto at = std::ranges::find_if(vantages, [&](const Vantage& vantage) {
    return vantage.flow.from_interface == name && vantage.flow.from.family() == wanted.family() &&
           vantage.sources.contains(to_number(wanted));
  });
  return at == vantages.end() ? nullptr : &*at;
}

} // namespace

TEST_CASE("sources over each interface are all of both families, each once") {
  const auto vantages = vantages_of(host(), port(80), std::nullopt);
  for (const char* name : {"lo", "eth0", "br0"})
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
      unsigned overlaps = 0;
      const auto all = sources_over(vantages, name, family, overlaps);
      CHECK(all == IntervalSet::all(family == IpFamily::v4 ? 32 : 128));
      CHECK(overlaps == 0);
    }
}

TEST_CASE("the port of a bridge is no vantage: its packets arrive on the bridge") {
  CHECK(find(vantages_of(host(), port(80), std::nullopt), "veth0", "10.0.0.1") == nullptr);
}

TEST_CASE("over an interface without an address clients call another one of the host") {
  const auto vantages = vantages_of(host(), port(80), std::nullopt);
  const auto* over = find(vantages, "br0", "10.0.0.9");
  REQUIRE(over != nullptr);
  CHECK(over->kind == Vantage::Kind::clients);
  CHECK(over->flow.to == *IpAddress::parse("10.77.0.1"));
}

TEST_CASE("without any address of a family nobody can call") {
  const auto vantages = vantages_of(host(), port(80), std::nullopt);
  const auto* over = find(vantages, "br0", "2001:db8::1");
  REQUIRE(over != nullptr);
  CHECK(over->kind == Vantage::Kind::no_address);
}

TEST_CASE("a program on this host calls the address it is bound to") {
  const auto vantages = vantages_of(host(), port(80), std::nullopt);
  const auto* own = find(vantages, "lo", "10.77.0.1");
  REQUIRE(own != nullptr);
  CHECK(own->flow.local);
  CHECK(own->flow.to == *IpAddress::parse("10.77.0.1"));
  const auto* loopback = find(vantages, "lo", "127.9.9.9");
  REQUIRE(loopback != nullptr);
  CHECK(loopback->flow.to == IpAddress::loopback(IpFamily::v4));
  const auto* stranger = find(vantages, "lo", "8.8.8.8");
  REQUIRE(stranger != nullptr);
  CHECK(stranger->kind == Vantage::Kind::elsewhere);
}

TEST_CASE("a target of one family leaves the other without one") {
  Target target = port(80);
  target.addresses = {*IpAddress::parse("10.77.0.1")};
  const auto vantages = vantages_of(host(), target, std::nullopt);
  const auto* other = find(vantages, "eth0", "2001:db8::1");
  REQUIRE(other != nullptr);
  CHECK(other->kind == Vantage::Kind::no_target);
}

TEST_CASE("behind a VRF nothing is guessed") {
  auto facts = host();
  facts.interfaces.push_back(interface(5, "blue", "vrf"));
  facts.interfaces.push_back(interface(6, "eth1", "", 5));
  const auto vantages = vantages_of(facts, port(80), std::nullopt);
  const auto* over = find(vantages, "eth1", "10.0.0.1");
  REQUIRE(over != nullptr);
  CHECK(over->kind == Vantage::Kind::vrf);
}

} // namespace synfate
