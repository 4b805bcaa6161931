#include "platform/linux/model/link_asker.h"

#include <algorithm>
#include <array>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/routing/sysctl_names.h"

namespace synfate {
namespace {

/// net.ipv4.conf.IF.arp_announce, or that of all, is not 0.
bool announces_less(Walk& walk, Int netns, const Interface& device) {
  return std::ranges::any_of(
      std::array<std::string, 2>{"all", device.name.value_or("")}, [&](const std::string& name) {
        return ask_number(walk.inquiry, netns,
                          linux_routing::interface_setting("net.ipv4.conf", name, "arp_announce"))
                   .value_or(0) != 0;
      });
}

void look_up_entry(Walk& walk, Int netns, const Interface& device, Asker& asker) {
  asker.knows = asks_nobody(device);
  for (const auto& row : walk.inquiry.rows<Neighbour>({{"netns", netns}})) {
    if (row.proxy.is(true) || !row.address.is(asker.question.target) ||
        row.interface_index != device.index)
      continue;
    asker.doubtful = row.state.is("delay") || row.state.is("probe");
    asker.knows = asker.doubtful || row.state.is("permanent") || row.state.is("noarp") ||
                  row.state.is("reachable") || row.state.is("stale");
  }
}

/// The next hop on the way back to a client by the device that its packets come by.
std::optional<IpAddress> router_of(Walk& walk, const Journey& journey, const Interface& device,
                                   const IpAddress& client) {
  RouteQuestion back;
  back.destination = client;
  if (rules_ask_for_ports(walk.inquiry, journey.netns))
    back.proto = std::string(to_string(walk.flow.proto));
  const auto answer = ask_way(walk, journey.netns, back);
  if (!answer || !answer->error.is(0) || answer->interface_index != device.index ||
      !answer->gateway.known())
    return std::nullopt;
  return answer->gateway.value();
}

} // namespace

/// IPv6: the sender's if the one who asks has it on the link, else its link-local one: see
/// routers_of(). ARP takes any address that is local there, unless arp_announce says otherwise:
/// arp_solicit(), inet_select_addr().
std::optional<IpAddress> address_for_asking(Walk& walk, Int netns, const Interface& device,
                                            const IpAddress& sender, const IpAddress& target) {
  const auto addresses = ask_addresses(walk.inquiry, netns);
  const auto here = [&](const Address& row) {
    return row.interface_index == device.index && row.address.known() &&
           row.address.value().family() == sender.family() && !row.tentative.is(true);
  };
  const bool anywhere = sender.is_v4() && !announces_less(walk, netns, device);
  if (std::ranges::any_of(addresses, [&](const Address& row) {
        return row.address.is(sender) && (anywhere || (sender.is_v6() && here(row)));
      }))
    return sender;
  std::optional<IpAddress> chosen;
  for (const auto& row : addresses) {
    if (!here(row) || (sender.is_v6() && !row.address.value().is_link_local()))
      continue;
    const IpAddress address = row.address.value();
    const IpPrefix network(address, static_cast<unsigned>(row.prefix_length.value_or(0)));
    if (sender.is_v4() && network.contains(target))
      return address;
    if (!chosen)
      chosen = address;
  }
  return chosen;
}

bool has_neighbours(const Interface& device) {
  static constexpr std::array<std::string_view, 6> kinds{"veth", "vlan", "bridge",
                                                         "bond", "team", "macvlan"};
  constexpr Int ethernet = 1; // ARPHRD_ETHER
  const auto& kind = device.kind;
  return !device.loopback.is(true) && device.hardware_type.is(ethernet) &&
         (kind.absent() || kind.is("") ||
          std::ranges::any_of(kinds, [&](auto name) { return kind.is(std::string(name)); }));
}

bool is_stranger(Walk& walk, Int netns, const Interface& out, const IpAddress& hop) {
  if (!has_neighbours(out) || asks_nobody(out))
    return false;
  const auto rows = walk.inquiry.rows<Neighbour>({{"netns", netns}});
  return !walk.inquiry.incomplete() && std::ranges::none_of(rows, [&](const Neighbour& row) {
    return !row.proxy.is(true) && row.address.is(hop) && row.interface_index == out.index &&
           !row.state.is("failed") && !row.state.is("incomplete") && !row.state.is("none");
  });
}

AddressTerm routers_of(IpFamily family) {
  if (family == IpFamily::v4)
    return AddressTerm::unknown("the address of the client's router");
  const auto block = *IpPrefix::parse("fe80::/10");
  return AddressTerm::range(block.first(), block.last());
}

LinkQuestion question_from(const IpAddress& sender, const IpAddress& target) {
  return {AddressTerm::known(sender), target, IntervalSet::address(sender)};
}

std::optional<Asker> find_asker(Walk& walk, const Journey& journey, const Interface& device,
                                const IpAddress& client, bool behind_router) {
  const auto& neighbours = visible_neighbours(walk, journey.netns, device, client.family());
  auto found = std::ranges::find(neighbours, client, &LinkAddress::address);
  const bool on_link = found != neighbours.end();
  if (const auto router =
          on_link || !behind_router ? std::nullopt : router_of(walk, journey, device, client))
    found = std::ranges::find(neighbours, *router, &LinkAddress::address);
  if (walk.inquiry.pending() || found == neighbours.end())
    return std::nullopt;
  RouteQuestion there;
  there.destination = walk.flow.to;
  if (on_link)
    there.source = client;
  if (rules_ask_for_ports(walk.inquiry, found->netns))
    there.proto = std::string(to_string(walk.flow.proto));
  const auto answer = ask_route(walk.inquiry, found->netns, there);
  if (!answer || !answer->error.is(0) || answer->interface_index != found->interface.index)
    return std::nullopt;
  const IpAddress target = answer->gateway.known() ? answer->gateway.value() : walk.flow.to;
  const auto sender = address_for_asking(walk, found->netns, found->interface, client, target);
  if (!sender || target.family() != sender->family())
    return std::nullopt;
  Asker asker{question_from(*sender, target), *sender, false, false};
  look_up_entry(walk, found->netns, found->interface, asker);
  asker.knows = asker.knows || !answer->type.is("unicast"); // a broadcast: ip_eth_mc_map()
  return asker;
}

std::optional<std::string> sender_of_frames(Walk& walk, const Journey& journey,
                                            const Interface& device, const IpAddress& from) {
  const auto& neighbours = visible_neighbours(walk, journey.netns, device, from.family());
  std::optional<IpAddress> hop = from;
  if (std::ranges::find(neighbours, from, &LinkAddress::address) == neighbours.end())
    hop = router_of(walk, journey, device, from);
  std::optional<std::string> sender;
  for (const auto& each : neighbours) {
    const auto address = each.interface.hardware_address.value_or("");
    if (each.address != hop || address == sender)
      continue;
    if (sender || address.empty())
      return std::nullopt;
    sender = address;
  }
  return sender;
}

} // namespace synfate
