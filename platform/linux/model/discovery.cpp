#include "platform/linux/model/discovery.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/netfilter/packet_build.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/routing/reachability.h"

namespace synfate {
namespace {

using linux_routing::Answering;
using linux_routing::NeighbourAnswer;

/// What keeps an answer from being given, or from getting through.
struct Refusal {
  Stop stop;
  std::vector<PathStep> path;
  bool by_rule = false;
  bool elsewhere = false; ///< the address may be one that the client reaches by another of ours
};

const char* message(IpFamily family, bool answer) {
  if (family == IpFamily::v4)
    return answer ? "ARP reply" : "ARP request";
  return answer ? "neighbour advertisement" : "neighbour solicitation";
}

/// Devices that ask on a real or virtual Ethernet; those of other kinds (dummy, ipvlan, tunnels)
/// need no addresses, or have nobody behind them.
bool has_neighbours(const Interface& device) {
  static constexpr std::array<std::string_view, 6> kinds{"veth", "vlan", "bridge",
                                                         "bond", "team", "macvlan"};
  constexpr Int ethernet = 1; // ARPHRD_ETHER
  const auto& kind = device.kind;
  return !device.loopback.is(true) && device.hardware_type.is(ethernet) &&
         (kind.absent() || kind.is("") ||
          std::ranges::any_of(kinds, [&](auto name) { return kind.is(std::string(name)); }));
}

/// The networks that a device is in, and link-local addresses: who has such an address asks for
/// itself, all others have a router ask for them.
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

/// Rules that a message of the family can meet.
bool meets_rules(Walk& walk, Int netns, IpFamily family) {
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, netns);
  if (chains == nullptr)
    return false; // then the packet itself is unknown as well
  if (family == IpFamily::v6)
    return !chains->empty() || walk.xt != nullptr;
  return std::ranges::any_of(*chains, [](const NftBaseChain& chain) {
    const auto& of = chain.scope.family;
    return of == "netdev" || of == "arp" || of == "bridge";
  });
}

void part(Journeys journeys, Journeys& going, Journeys& ended) {
  for (auto& way : journeys)
    (way.stopped() ? ended : going).push_back(std::move(way));
}

/// The answer to a message that has come in.
void turn_round(Walk& walk, Journey& way, LinkQuestion question, const Interface& device) {
  const auto before = std::move(way.packet);
  question.addresses = before.addresses;
  const bool router =
      question.target.is_v6() &&
      ask_forwarding(walk.inquiry, way.netns, IpFamily::v6, device.name.value_or(""));
  way.packet = build_link_answer(question, router);
  way.packet.ports = before.ports;
  way.packet.conditions = before.conditions;
  way.packet.recent = before.recent;
  way.packet.meta.time_ms = before.meta.time_ms;
  way.packet.meta.minutes_west = before.meta.minutes_west;
  way.packet.meta.out = view_of(device);
  if (question.target.is_v6()) // net->ipv6.ndisc_sk
    way.packet.meta.socket = kernel_socket();
}

/// Question and answer through the hooks. For many clients those that are stopped have ended.
Journeys exchange(Walk& walk, const Journey& journey, const LinkQuestion& question,
                  const Interface& device) {
  Journey first;
  first.netns = journey.netns;
  first.kind = Packet::neighbour;
  first.reply = true; // nobody is told of it
  first.packet = build_link_question(question);
  first.packet.meta.in = view_of(device);
  first.packet.meta.time_ms = journey.packet.meta.time_ms;
  first.packet.meta.minutes_west = journey.packet.meta.minutes_west;
  Journeys ended;
  Journeys ways;
  part(pass_to_routing(walk, std::move(first)), ways, ended);
  Journeys heard;
  part(pass_each(walk, std::move(ways), Hook::input), heard, ended);
  for (auto& way : heard)
    turn_round(walk, way, question, device);
  for (const Hook hook : {Hook::output, Hook::postrouting, Hook::egress}) {
    if (hook == Hook::postrouting && question.target.is_v4())
      continue; // ARP has none
    Journeys next;
    part(pass_each(walk, std::move(heard), hook), next, ended);
    heard = std::move(next);
  }
  part(leave_by_bridge(walk, std::move(heard)), ended, ended);
  return ended;
}

bool is_answer_stage(Stage stage) {
  return stage == Stage::output || stage == Stage::postrouting || stage == Stage::egress;
}

/// The client's error once it has asked in vain; a UDP socket does not report it (__udp4_lib_err(),
/// __udp6_lib_err()).
Stop unreachable(const Journey& journey, const Stop& why) {
  const bool v4 = journey.packet.family == IpFamily::v4;
  Stop stop = why;
  stop.outcome = Outcome::unreachable;
  stop.icmp = v4 ? Icmp::host : Icmp::addr_unreachable;
  stop.error = "EHOSTUNREACH";
  if (journey.kind == Packet::datagram) {
    stop.outcome = Outcome::timeout;
    stop.icmp = Icmp::none;
    stop.error = "ETIMEDOUT";
  }
  return stop;
}

Refusal dropped(const Journey& journey, const Stop& end, std::vector<PathStep> path) {
  Refusal refusal{unreachable(journey, end), std::move(path), true, false};
  refusal.stop.note = fmt::format("the {} that comes before it is dropped",
                                  message(journey.packet.family, is_answer_stage(end.stage)));
  return refusal;
}

/// An address that no interface has, or what routing refuses the sender for.
std::optional<Culprit> culprit_of_route(Walk& walk, const Journey& journey, const IpAddress& target,
                                        const IpAddress& sender, const Interface& device,
                                        const std::optional<Culprit>& known) {
  const auto addresses = ask_addresses(walk.inquiry, journey.netns);
  if (std::ranges::none_of(addresses, [&](const Address& row) { return row.address.is(target); }))
    return Culprit{"address", target.to_string(), "no address of this host"};
  if (known)
    return known;
  RouteQuestion question;
  question.destination = target;
  question.source = sender;
  question.input_interface = device.index.value_or(0);
  const auto reason = reason_of_refusal(walk, journey.netns, question);
  return reason ? reason->culprit : std::nullopt;
}

/// Why this host does not answer, by its settings, addresses and routes.
std::optional<Refusal> unanswered(Walk& walk, const Journey& journey, const LinkQuestion& question,
                                  const IpAddress& sender, const Interface& device) {
  const auto answer = linux_routing::neighbour_reachability(
      walk.inquiry, journey.netns, device.index.value_or(0), question.target, sender);
  if (walk.inquiry.pending() || answer.answering != Answering::no)
    return std::nullopt;
  auto culprit = answer.culprit;
  if (!culprit || culprit->kind == "address")
    culprit = culprit_of_route(walk, journey, question.target, sender, device, culprit);
  if (walk.inquiry.pending())
    return std::nullopt;
  const bool set =
      answer.culprit && (answer.culprit->kind == "sysctl" || answer.culprit->kind == "interface");
  const Stop why{Outcome::unreachable,
                 Icmp::none,
                 "",
                 set ? Stage::interface : Stage::route,
                 std::move(culprit),
                 fmt::format("the {} before it gets no answer: {}",
                             message(question.target.family(), false), answer.why)};
  return Refusal{unreachable(journey, why), {}, false, !set};
}

/// The first thing that stands in the way of every try; nothing where some get through.
std::optional<Refusal> refusal_of(Walk& walk, const Journey& journey, const LinkQuestion& question,
                                  const IpAddress& sender, const Interface& device) {
  if (auto refusal = unanswered(walk, journey, question, sender, device))
    return refusal;
  if (walk.inquiry.pending() || !meets_rules(walk, journey.netns, question.target.family()))
    return std::nullopt;
  const Journeys ways = exchange(walk, journey, question, device);
  if (walk.inquiry.pending() || ways.empty() || !std::ranges::all_of(ways, &Journey::stopped))
    return std::nullopt;
  const auto known = [](const Journey& way) {
    return way.stops.front().outcome != Outcome::unknown;
  };
  const auto way = std::ranges::find_if(ways, known);
  if (way == ways.end() || !std::ranges::all_of(ways, known))
    return std::nullopt;
  return dropped(journey, way->stops.front(), way->path);
}

/// Routers ask by their link-local address: ndisc_solicit(), ipv6_get_lladdr().
AddressTerm routers_of(IpFamily family) {
  if (family == IpFamily::v4)
    return AddressTerm::unknown("the address of the client's router");
  const auto block = *IpPrefix::parse("fe80::/10");
  return AddressTerm::range(block.first(), block.last());
}

LinkQuestion question_from(const IpAddress& sender, const IpAddress& target) {
  return {AddressTerm::known(sender), target, IntervalSet::address(sender)};
}

/// Who asks on the link, where that can be seen.
struct Asker {
  LinkQuestion question;
  IpAddress sender;
  bool knows = false;    ///< it has the answer already,
  bool doubtful = false; ///< and is about to ask again
};

/// The client's, if the one who asks has it on the link, else its own: see routers_of().
std::optional<IpAddress> address_for_asking(Walk& walk, Int netns, const Interface& device,
                                            const IpAddress& client) {
  std::optional<IpAddress> other;
  for (const auto& row : ask_addresses(walk.inquiry, netns)) {
    if (row.interface_index != device.index || !row.address.known() ||
        row.address.value().family() != client.family())
      continue;
    if (row.address.is(client))
      return client;
    if (!other && (client.is_v4() || row.address.value().is_link_local()))
      other = row.address.value();
  }
  return other;
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
  const auto answer = ask_way(walk, journey.netns, back);
  if (!answer || !answer->error.is(0) || answer->interface_index != device.index ||
      !answer->gateway.known())
    return std::nullopt;
  return answer->gateway.value();
}

/// The neighbour of this host that sends the client's packets; nothing where it is out of sight.
std::optional<Asker> find_asker(Walk& walk, const Journey& journey, const Interface& device,
                                const IpAddress& client) {
  const auto neighbours = visible_neighbours(walk, journey.netns, device, client.family());
  auto found = std::ranges::find(neighbours, client, &LinkAddress::address);
  const bool on_link = found != neighbours.end();
  if (const auto router = on_link ? std::nullopt : router_of(walk, journey, device, client))
    found = std::ranges::find(neighbours, *router, &LinkAddress::address);
  if (walk.inquiry.pending() || found == neighbours.end())
    return std::nullopt;
  RouteQuestion there;
  there.destination = walk.flow.to;
  if (on_link)
    there.source = client;
  const auto answer = ask_route(walk.inquiry, found->netns, there);
  if (!answer || !answer->error.is(0) || answer->interface_index != found->interface.index)
    return std::nullopt;
  const IpAddress target = answer->gateway.known() ? answer->gateway.value() : walk.flow.to;
  const auto sender = address_for_asking(walk, found->netns, found->interface, client);
  if (!sender || target.family() != sender->family())
    return std::nullopt;
  Asker asker{question_from(*sender, target), *sender, false, false};
  look_up_entry(walk, found->netns, found->interface, asker);
  asker.knows = asker.knows || !answer->type.is("unicast"); // a broadcast: ip_eth_mc_map()
  return asker;
}

Journeys stopped_by(Journey journey, Refusal refusal) {
  if (refusal.by_rule && !refusal.path.empty() && !journey.stopped())
    journey.path.insert(journey.path.end(), std::make_move_iterator(refusal.path.begin()),
                        std::make_move_iterator(refusal.path.end()));
  add_stop(journey, std::move(refusal.stop));
  return alone(std::move(journey));
}

/// Nothing can be seen of who asks.
Journeys settle_unseen(Journey journey, Refusal refusal) {
  if (refusal.elsewhere)
    return alone(std::move(journey));
  if (refusal.by_rule)
    assume(journey, "the client's neighbour table does not know this host yet");
  return stopped_by(std::move(journey), std::move(refusal));
}

/// One client, or some whose packets come from the same neighbour, after a first look found that
/// the question would stay unanswered.
Journeys settle(Walk& walk, Journey journey, const Interface& device, const IpAddress& client,
                Refusal refusal) {
  const auto asker = find_asker(walk, journey, device, client);
  if (walk.inquiry.pending())
    return {};
  if (!asker)
    return settle_unseen(std::move(journey), std::move(refusal));
  if (asker->doubtful)
    assume(journey, "the neighbour still knows this host's link-layer address");
  if (asker->knows)
    return alone(std::move(journey));
  Walk single = walk;
  single.classes = nullptr;
  auto exact = refusal_of(single, journey, asker->question, asker->sender, device);
  if (walk.inquiry.pending())
    return {};
  return exact ? stopped_by(std::move(journey), std::move(*exact)) : alone(std::move(journey));
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
  auto refusal = refusal_of(walk, journey, question, *client, device);
  if (walk.inquiry.pending())
    return {};
  if (!refusal)
    return alone(std::move(journey));
  return settle(walk, std::move(journey), device, *client, std::move(*refusal));
}

/// Some of many clients whose question stays unanswered.
struct Unheard {
  IntervalSet addresses;
  Refusal refusal;
};

std::vector<Unheard> unheard_of(Walk& walk, const Journey& journey, LinkQuestion question,
                                const Interface& device) {
  const auto family = question.target.family();
  if (auto refusal =
          unanswered(walk, journey, question, some_client(question.addresses, family), device))
    return {{question.addresses, std::move(*refusal)}};
  if (walk.inquiry.pending() || !meets_rules(walk, journey.netns, family))
    return {};
  ClassWalk asking{.sources = question.addresses,
                   .fibs = walk.classes->fibs,
                   .most_branches = walk.classes->most_branches};
  Walk sub = walk;
  sub.classes = &asking;
  IntervalSet done;
  for (const auto& way : exchange(sub, journey, question, device))
    done = done | way.packet.addresses;
  if (walk.inquiry.pending())
    return {};
  for (const auto& end : asking.ends)
    if (!end.stop || end.stop->outcome == Outcome::unknown)
      done = done | end.addresses;
  std::vector<Unheard> unheard;
  for (const auto& end : asking.ends) {
    IntervalSet left = end.addresses - done;
    if (left.empty())
      continue;
    done = done | left;
    unheard.push_back({std::move(left), dropped(journey, *end.stop, {})});
  }
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
    for (auto& way : settle(walk, of_some(journey, one), device, each.address, unheard.refusal))
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
         settle(walk, of_some(journey, std::move(part)), device, client, unheard.refusal))
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
  Journeys rest = on_link ? settle_unseen(of_some(journey, unheard.addresses), unheard.refusal)
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
    for (auto& unheard : unheard_of(walk, journey, {asker, walk.flow.to, some}, device)) {
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

Journeys get_discovered(Walk& walk, Journey journey, const Interface& device) {
  if (journey.stopped() || walk.flow.local || walk.flow.to.is_multicast() ||
      !has_neighbours(device))
    return alone(std::move(journey));
  return walk.classes != nullptr ? discover_many(walk, journey, device)
                                 : discover_one(walk, std::move(journey), device);
}

} // namespace synfate
