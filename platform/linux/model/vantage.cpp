#include "platform/linux/model/vantage.h"

#include <algorithm>

#include "platform/linux/model/flows.h"

namespace synfate {
namespace {

IntervalSet all_of(IpFamily family) {
  return IntervalSet::all(family == IpFamily::v4 ? 32 : 128);
}

IntervalSet block(const char* prefix) {
  return IntervalSet::prefix(*IpPrefix::parse(prefix));
}

bool is_vrf(const Interface& interface) {
  return interface.kind.is("vrf");
}

class Vantages {
public:
  Vantages(const VantageFacts& facts, const Target& target, const std::optional<Identity>& as)
      : facts_(facts), target_(target), as_(as) {}

  std::vector<Vantage> run() {
    for (const auto& interface : facts_.interfaces)
      if (interface.up.is(true) && !carries_for_master(interface))
        for (const IpFamily family : {IpFamily::v4, IpFamily::v6})
          interface.loopback.is(true) ? add_local(interface, family) : add(interface, family);
    return std::move(vantages_);
  }

private:
  /// Frames that arrive on a port of a bridge, bond or team are its master's.
  bool carries_for_master(const Interface& interface) const {
    const Interface* master = master_of(interface);
    return master != nullptr && !is_vrf(*master);
  }

  const Interface* master_of(const Interface& interface) const {
    if (!interface.master_index.known() || interface.master_index.is(0))
      return nullptr;
    const auto at = std::ranges::find_if(facts_.interfaces, [&](const Interface& other) {
      return other.index == interface.master_index;
    });
    return at == facts_.interfaces.end() ? nullptr : &*at;
  }

  Flow flow_over(const Interface& interface, const IntervalSet& sources, IpFamily family) const {
    Flow flow;
    flow.proto = target_.proto;
    flow.port = target_.port;
    flow.from = to_address(sources.first(), family);
    flow.from_interface = interface.name.value_or("");
    flow.local = interface.loopback.is(true);
    if (flow.local)
      flow.identity = as_;
    return flow;
  }

  void push(const Interface& interface, IntervalSet sources, IpFamily family, Vantage::Kind kind,
            std::optional<IpAddress> to = std::nullopt) {
    if (sources.empty())
      return;
    Vantage vantage{kind, flow_over(interface, sources, family), std::move(sources)};
    if (to)
      vantage.flow.to = *to;
    if (to && to->is_v6() && to->is_link_local())
      vantage.flow.zone = target_.zone;
    vantages_.push_back(std::move(vantage));
  }

  std::vector<IpAddress> asked(IpFamily family) const {
    std::vector<IpAddress> addresses;
    for (const auto& address : target_.addresses)
      if (address.family() == family)
        addresses.push_back(address);
    return addresses;
  }

  void add(const Interface& interface, IpFamily family) {
    const IntervalSet everyone = all_of(family);
    const Interface* master = master_of(interface);
    if (is_vrf(interface) || master != nullptr)
      return push(interface, everyone, family, Vantage::Kind::vrf);
    std::vector<IpAddress> called = asked(family);
    const bool elsewhere = !target_.zone.empty() && !interface.name.is(target_.zone);
    if ((!target_.addresses.empty() && called.empty()) || elsewhere)
      return push(interface, everyone, family, Vantage::Kind::no_target);
    if (target_.addresses.empty())
      if (const auto address =
              address_called(facts_.addresses, interface.index.value_or(0), family))
        called.push_back(*address);
    if (called.empty())
      return push(interface, everyone, family, Vantage::Kind::no_address);
    for (const auto& to : called)
      push(interface, everyone, family, Vantage::Kind::clients, to);
  }

  /// The addresses from which this host's own programs may call.
  IntervalSet own_addresses(IpFamily family) const {
    IntervalSet own = block(family == IpFamily::v4 ? "127.0.0.0/8" : "::1/128");
    for (const auto& row : facts_.addresses)
      if (row.address.known() && row.address.value().family() == family)
        own = own | IntervalSet::address(row.address.value());
    // Of IPv6 a local route alone lets nobody bind there: __inet6_bind(), ipv6_chk_addr().
    for (const auto& route : facts_.local_routes)
      if (family == IpFamily::v4 && route.destination.known() &&
          route.destination.value().family() == family)
        own = own |
              IntervalSet::prefix(IpPrefix(route.destination.value(),
                                           static_cast<unsigned>(route.prefix_length.value_or(0))));
    return own - IntervalSet::address(IpAddress::any(family));
  }

  void add_local(const Interface& interface, IpFamily family) {
    const IntervalSet own = own_addresses(family);
    const auto called = asked(family);
    if (!target_.addresses.empty() && called.empty())
      return push(interface, all_of(family), family, Vantage::Kind::no_target);
    const IntervalSet loopback = block(family == IpFamily::v4 ? "127.0.0.0/8" : "::1/128");
    for (const auto& to : called)
      for (const auto& sources : {loopback, own - loopback})
        push(interface, sources, family, Vantage::Kind::clients, to);
    if (called.empty()) {
      push(interface, loopback, family, Vantage::Kind::clients, IpAddress::loopback(family));
      const IntervalSet rest = own - loopback;
      for (const auto& part : rest.intervals())
        add_own(interface, part, family);
    }
    push(interface, all_of(family) - own, family, Vantage::Kind::elsewhere);
  }

  /// Programs that bind to one of the host's addresses call that address. Of a whole block that is
  /// local, the first stands for all.
  void add_own(const Interface& interface, const Interval& part, IpFamily family) {
    std::vector<Interval> singles;
    IntervalSet rest = IntervalSet::range(part.first, part.last);
    for (const auto& row : facts_.addresses) {
      if (!row.address.known() || row.address.value().family() != family)
        continue;
      const auto one = IntervalSet::address(row.address.value());
      if (!rest.contains(one))
        continue;
      push(interface, one, family, Vantage::Kind::clients, row.address.value());
      rest = rest - one;
    }
    push(interface, rest, family, Vantage::Kind::clients,
         rest.empty() ? IpAddress() : to_address(rest.first(), family));
  }

  const VantageFacts& facts_;
  const Target& target_;
  const std::optional<Identity>& as_;
  std::vector<Vantage> vantages_;
};

} // namespace

std::vector<Vantage> vantages_of(const VantageFacts& facts, const Target& target,
                                 const std::optional<Identity>& as) {
  return Vantages(facts, target, as).run();
}

} // namespace synfate
