#include "platform/linux/model/discovery.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/link_asker.h"
#include "platform/linux/model/link_exchange.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"

namespace synfate {
namespace {

Journeys stopped_by(Journey journey, Refusal refusal) {
  if (!journey.stopped())
    add_steps(journey, std::move(refusal.path));
  add_stop(journey, std::move(refusal.stop));
  return alone(std::move(journey));
}

Journeys taken_for_granted(Journey journey, const Refusal& refusal) {
  assume(journey,
         fmt::format("{} lets {} through",
                     refusal.stop.culprit ? refusal.stop.culprit->id : "a rule",
                     journey.packet.family == IpFamily::v4 ? "ARP" : "neighbour discovery"));
  return alone(std::move(journey));
}

/// Somebody on the link who can be seen knows this host, if by another of its addresses: then who
/// sends the client's packets there, as the question supposes, need not ask.
bool somebody_knows(Walk& walk, const Journey& journey, const Interface& device) {
  for (const auto& each : visible_neighbours(walk, journey.netns, device, journey.packet.family))
    for (const auto& row : walk.inquiry.rows<Neighbour>({{"netns", each.netns}}))
      if (row.interface_index == each.interface.index && row.hardware_address.known() &&
          row.hardware_address == device.hardware_address)
        return true;
  return false;
}

/// Nothing can be seen of who asks.
Journeys settle_unseen(Walk& walk, Journey journey, const Interface& device, Refusal refusal) {
  if (somebody_knows(walk, journey, device))
    return alone(std::move(journey));
  const bool hidden = is_partly_hidden(walk, journey.netns, device);
  if (walk.inquiry.pending())
    return {};
  if (refusal.kind == Refusal::Kind::perhaps && hidden)
    assume(journey, "who asks on the client's link for this host gets an answer");
  if (refusal.kind == Refusal::Kind::perhaps)
    return alone(std::move(journey));
  if (refusal.kind == Refusal::Kind::unknown)
    return taken_for_granted(std::move(journey), refusal);
  if (refusal.kind == Refusal::Kind::rules || hidden)
    assume(journey, "the client's neighbour table does not know this host yet");
  return stopped_by(std::move(journey), std::move(refusal));
}

/// One client, or some whose packets come from the same neighbour, after a first look found that
/// the question would stay unanswered.
Journeys settle(Walk& walk, Journey journey, const Interface& device, const IpAddress& client,
                bool behind_router, Refusal refusal) {
  const auto asker = find_asker(walk, journey, device, client, behind_router);
  if (walk.inquiry.pending())
    return {};
  if (!asker)
    return settle_unseen(walk, std::move(journey), device, std::move(refusal));
  if (asker->doubtful)
    assume(journey, "the neighbour still knows this host's link-layer address");
  if (asker->knows)
    return alone(std::move(journey));
  Walk single = walk;
  single.classes = nullptr;
  auto exact = unanswered(single, journey, asker->question, asker->sender, device);
  if (!exact && !walk.inquiry.pending())
    exact = refusal_by_rules(single, journey, asker->question, device, true);
  if (walk.inquiry.pending())
    return {};
  if (exact && exact->kind == Refusal::Kind::unknown)
    return taken_for_granted(std::move(journey), *exact);
  return exact ? stopped_by(std::move(journey), std::move(*exact)) : alone(std::move(journey));
}

/// unanswered() as far as it is not seen who asks: for an address of another network the client may
/// call a router, or this host by an address of the link, so ARP settings say nothing of it.
std::optional<Refusal> unanswered_guess(Walk& walk, const Journey& journey,
                                        const LinkQuestion& question, const IpAddress& sender,
                                        const Interface& device) {
  auto refusal = unanswered(walk, journey, question, sender, device);
  if (!refusal || question.target.is_v6() || !refusal->stop.culprit ||
      refusal->stop.culprit->kind != "sysctl")
    return refusal;
  if (!on_link_of(walk, journey.netns, device, IpFamily::v4)
           .contains(IntervalSet::address(question.target)))
    refusal->kind = Refusal::Kind::perhaps;
  return refusal;
}

/// What a neighbour may ask for instead, for a target of another network: its route names this host
/// by an address that it has on the link, and each of them has its own way to the sender
/// (arp_rcv(), fib_validate_source()).
std::optional<Refusal> unanswered_gateway(Walk& walk, const Journey& journey,
                                          const IpAddress& sender, const Interface& device) {
  const auto family = walk.flow.to.family();
  if (on_link_of(walk, journey.netns, device, family).contains(IntervalSet::address(walk.flow.to)))
    return std::nullopt;
  for (const auto& row : ask_addresses(walk.inquiry, journey.netns)) {
    if (row.interface_index != device.index || !row.address.known() ||
        row.address.value().family() != family)
      continue;
    auto refusal =
        unanswered(walk, journey, question_from(sender, row.address.value()), sender, device);
    if (refusal)
      refusal->kind = Refusal::Kind::perhaps;
    if (refusal || walk.inquiry.pending())
      return refusal;
  }
  return std::nullopt;
}

Journeys discover_one(Walk& walk, Journey journey, const Interface& device) {
  const auto client = address_of(walk, source_of(journey.packet).address, journey.packet);
  if (!client)
    return alone(std::move(journey));
  if (own_addresses(walk, journey.netns, client->family()).contains(IntervalSet::address(*client)))
    return alone(std::move(journey)); // it cannot come from there
  const bool on_link = on_link_of(walk, journey.netns, device, client->family())
                           .contains(IntervalSet::address(*client));
  LinkQuestion question = question_from(*client, walk.flow.to);
  if (!on_link)
    question.asker = routers_of(client->family());
  auto refusal = unanswered_guess(walk, journey, question, *client, device);
  if (!refusal && !walk.inquiry.pending())
    refusal = refusal_by_rules(walk, journey, question, device, on_link);
  if (!refusal && !walk.inquiry.pending())
    refusal = unanswered_gateway(walk, journey, *client, device);
  if (walk.inquiry.pending())
    return {};
  if (!refusal)
    return alone(std::move(journey));
  return settle(walk, std::move(journey), device, *client, !on_link, std::move(*refusal));
}

/// Some of many clients whose question stays unanswered.
struct Unheard {
  IntervalSet addresses;
  Refusal refusal;
};

/// The ends of the question's ways, by what refusal_by_rules() would say of single clients.
std::vector<Unheard> sort_out(const Journey& journey, const std::vector<ClassEnd>& ends,
                              const IntervalSet& heard, bool exact) {
  std::vector<Unheard> unheard;
  IntervalSet done = exact ? heard : IntervalSet();
  for (const bool vague : {true, false})
    for (const auto& end : ends) {
      IntervalSet left = end.addresses - done;
      if (!end.stop || (end.stop->outcome == Outcome::unknown) != vague || left.empty())
        continue;
      done = done | left;
      for (const bool some : {true, false}) {
        IntervalSet part = some ? left & heard : left - heard;
        if (part.empty())
          continue;
        auto refusal = dropped_question(journey, *end.stop, {});
        refusal.kind = some    ? Refusal::Kind::perhaps
                       : vague ? Refusal::Kind::unknown
                               : Refusal::Kind::rules;
        unheard.push_back({std::move(part), std::move(refusal)});
      }
    }
  return unheard;
}

/// Those whose question or its answer a rule drops.
std::vector<Unheard> unheard_by_rules(Walk& walk, const Journey& journey,
                                      const LinkQuestion& question, const Interface& device,
                                      bool exact) {
  if (!meets_rules(walk, journey.netns, question.target.family()))
    return {};
  ClassWalk asking{.sources = question.addresses,
                   .fibs = walk.classes->fibs,
                   .most_branches = walk.classes->most_branches};
  Walk sub = walk;
  sub.classes = &asking;
  IntervalSet heard;
  for (const auto& way : exchange(sub, journey, question, device))
    heard = heard | way.packet.addresses;
  if (walk.inquiry.pending())
    return {};
  return sort_out(journey, asking.ends, heard, exact);
}

std::vector<Unheard> unheard_of(Walk& walk, const Journey& journey, const LinkQuestion& question,
                                const Interface& device, bool exact) {
  const auto one = some_client(question.addresses, question.target.family());
  if (auto refusal = unanswered_guess(walk, journey, question, one, device))
    return {{question.addresses, std::move(*refusal)}};
  if (walk.inquiry.pending())
    return {};
  auto unheard = unheard_by_rules(walk, journey, question, device, exact);
  if (!unheard.empty() || walk.inquiry.pending())
    return unheard;
  if (auto refusal = unanswered_gateway(walk, journey, one, device))
    unheard.push_back({question.addresses, std::move(*refusal)});
  return unheard;
}

Journey of_some(const Journey& journey, IntervalSet addresses) {
  Journey way = journey;
  way.packet.addresses = std::move(addresses);
  return way;
}

/// Those that can be seen one by one.
Journeys settle_visible(Walk& walk, const Journey& journey, const Interface& device,
                        Unheard& unheard) {
  Journeys settled;
  for (const auto& each : visible_neighbours(walk, journey.netns, device, journey.packet.family)) {
    const auto one = IntervalSet::address(each.address);
    if (!unheard.addresses.contains(one))
      continue;
    unheard.addresses = unheard.addresses - one;
    for (auto& way :
         settle(walk, of_some(journey, one), device, each.address, false, unheard.refusal))
      settled.push_back(std::move(way));
  }
  return settled;
}

/// Clients behind routers, by the router.
Journeys settle_distant(Walk& walk, const Journey& journey, const Interface& device,
                        const Unheard& unheard) {
  const auto family = journey.packet.family;
  RouteQuestion back;
  back.destination = some_client(unheard.addresses, family);
  Journeys settled;
  for (auto& part :
       routed_alike(walk, journey.netns, back, ClientSide::leaving_target, unheard.addresses)) {
    const IpAddress client = some_client(part, family);
    for (auto& way :
         settle(walk, of_some(journey, std::move(part)), device, client, true, unheard.refusal))
      settled.push_back(std::move(way));
    if (walk.inquiry.pending())
      return {};
  }
  return settled;
}

Journeys settle_all(Walk& walk, const Journey& journey, const Interface& device, Unheard unheard,
                    bool on_link) {
  Journeys settled = settle_visible(walk, journey, device, unheard);
  if (unheard.addresses.empty())
    return settled;
  Journeys rest =
      on_link ? settle_unseen(walk, of_some(journey, unheard.addresses), device, unheard.refusal)
              : settle_distant(walk, journey, device, unheard);
  std::ranges::move(rest, std::back_inserter(settled));
  return settled;
}

Journeys discover_many(Walk& walk, const Journey& journey, const Interface& device) {
  const auto family = journey.packet.family;
  const IntervalSet near = on_link_of(walk, journey.netns, device, family);
  IntervalSet rest = journey.packet.addresses;
  const IntervalSet others = rest - own_addresses(walk, journey.netns, family);
  Journeys journeys;
  for (const bool on_link : {true, false}) {
    const IntervalSet some = on_link ? others & near : others - near;
    if (some.empty())
      continue;
    const auto asker = on_link ? AddressTerm::client() : routers_of(family);
    for (auto& unheard : unheard_of(walk, journey, {asker, walk.flow.to, some}, device, on_link)) {
      rest = rest - unheard.addresses;
      for (auto& way : settle_all(walk, journey, device, std::move(unheard), on_link))
        journeys.push_back(std::move(way));
      if (walk.inquiry.pending())
        return {};
    }
    if (walk.inquiry.pending())
      return {};
  }
  if (!rest.empty())
    journeys.push_back(of_some(journey, std::move(rest)));
  return journeys;
}

} // namespace

IntervalSet on_link_of(Walk& walk, Int netns, const Interface& device, IpFamily family) {
  IntervalSet all;
  if (family == IpFamily::v6)
    all = IntervalSet::prefix(*IpPrefix::parse("fe80::/10"));
  for (const auto& row : ask_addresses(walk.inquiry, netns)) {
    if (row.interface_index != device.index || !row.address.known() ||
        row.address.value().family() != family)
      continue;
    const IpAddress base = row.peer.known() ? row.peer.value() : row.address.value();
    all = all | IntervalSet::prefix(
                    IpPrefix(base, static_cast<unsigned>(row.prefix_length.value_or(128))));
  }
  return all;
}

IntervalSet own_addresses(Walk& walk, Int netns, IpFamily family) {
  IntervalSet own;
  for (const auto& row : ask_addresses(walk.inquiry, netns))
    if (row.address.known() && row.address.value().family() == family)
      own = own | IntervalSet::address(row.address.value());
  return own;
}

namespace {

/// Whoever asks from there is not heard.
Stop unheard_sibling(const Journey& journey, const Interface& device, const LinkAddress& sibling) {
  const bool told = journey.kind != Packet::datagram && !misses_own_errors(journey);
  const bool v4 = journey.packet.family == IpFamily::v4;
  const bool own = !device.macvlan_mode.is("bridge");
  const std::string name = device.name.value_or("?");
  return {told ? Outcome::unreachable : Outcome::timeout,
          !told ? Icmp::none
          : v4  ? Icmp::host
                : Icmp::addr_unreachable,
          told ? "EHOSTUNREACH" : "ETIMEDOUT",
          Stage::interface,
          Culprit{"interface", name,
                  fmt::format("{} macvlan in mode {}", own ? "a" : "beside a",
                              (own ? device : sibling.interface).macvlan_mode.value_or("?"))},
          fmt::format("{} is on a macvlan beside {}, and they do not hear each other",
                      sibling.address.to_string(), name)};
}

/// Macvlans on the device of a macvlan: macvlan_queue_xmit().
Journeys meet_siblings(Walk& walk, Journey journey, const Interface& device) {
  const auto apart = siblings_apart(walk, journey.netns, device, journey.packet.family);
  std::vector<IntervalSet> sets;
  for (const auto& each : apart)
    sets.push_back(IntervalSet::address(each.address));
  Journeys journeys = walk.classes != nullptr && !sets.empty() ? cut(std::move(journey), sets)
                                                               : alone(std::move(journey));
  for (auto& way : journeys)
    for (const auto& each : apart)
      if (IntervalSet::address(each.address).contains(way.packet.addresses) && !way.stopped())
        add_stop(way, unheard_sibling(way, device, each));
  return journeys;
}

/// Behind a port of the bridge that lets nothing through.
Stop unheard_port(Walk& walk, const Journey& journey, const Interface& device,
                  const IpAddress& client, const Interface& port) {
  const auto asker = find_asker(walk, journey, device, client, false);
  const bool told = journey.kind != Packet::datagram && (!asker || !asker->knows);
  return {told ? Outcome::unreachable : Outcome::timeout,
          !told            ? Icmp::none
          : client.is_v4() ? Icmp::host
                           : Icmp::addr_unreachable,
          told ? "EHOSTUNREACH" : "ETIMEDOUT",
          Stage::interface,
          Culprit{"interface", port.name.value_or("?"), shut_text(port)},
          fmt::format("{} is behind {}", client.to_string(), shut_text(port))};
}

Journeys pass_ports(Walk& walk, Journey journey, const Interface& device) {
  std::map<IpAddress, Interface> behind;
  for (const auto& each : visible_neighbours(walk, journey.netns, device, journey.packet.family))
    if (const auto port = is_shut(each.end)
                              ? shut_port_of(walk, journey.netns, device, each.address)
                              : std::nullopt)
      behind.emplace(each.address, *port);
  std::vector<IntervalSet> sets;
  for (const auto& [address, port] : behind)
    sets.push_back(IntervalSet::address(address));
  Journeys journeys = walk.classes != nullptr && !sets.empty() ? cut(std::move(journey), sets)
                                                               : alone(std::move(journey));
  for (auto& way : journeys)
    for (const auto& [address, port] : behind)
      if (IntervalSet::address(address).contains(way.packet.addresses))
        add_stop(way, unheard_port(walk, way, device, address, port));
  return journeys;
}

Journeys get_heard(Walk& walk, Journey journey, const Interface& device) {
  return walk.classes != nullptr ? discover_many(walk, journey, device)
                                 : discover_one(walk, std::move(journey), device);
}

} // namespace

Journeys get_discovered(Walk& walk, Journey journey, const Interface& device) {
  if (journey.stopped() || walk.flow.local || walk.flow.to.is_multicast() ||
      !has_neighbours(device))
    return alone(std::move(journey));
  if (!device.kind.is("macvlan") && !device.kind.is("bridge"))
    return get_heard(walk, std::move(journey), device);
  if (device.macvlan_mode.is("source"))
    assume(journey,
           fmt::format("{} hears the client (macvlan, mode source)", device.name.value_or("?")));
  Journeys journeys;
  for (auto& way : device.kind.is("bridge") ? pass_ports(walk, std::move(journey), device)
                                            : meet_siblings(walk, std::move(journey), device)) {
    auto parts = way.stopped() ? alone(std::move(way)) : get_heard(walk, std::move(way), device);
    std::ranges::move(parts, std::back_inserter(journeys));
  }
  return journeys;
}

} // namespace synfate
