#include "platform/linux/model/link_exchange.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/ipsec.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/routing/reachability.h"

namespace synfate {
namespace {

using linux_routing::Answering;

const char* message(IpFamily family, bool answer) {
  if (family == IpFamily::v4)
    return answer ? "ARP reply" : "ARP request";
  return answer ? "neighbour advertisement" : "neighbour solicitation";
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
  way.packet.remembered = before.remembered;
  way.packet.meta.time_ms = before.meta.time_ms;
  way.packet.meta.minutes_west = before.meta.minutes_west;
  way.packet.meta.out = view_of(device);
  if (question.target.is_v6()) // net->ipv6.ndisc_sk
    way.packet.meta.socket = kernel_socket();
}

/// A message of neighbours before it meets anything.
Journey messenger(const Journey& journey, Int netns, PacketClass message) {
  Journey first;
  first.netns = netns;
  first.kind = Packet::neighbour;
  first.reply = true; // nobody is told of it
  first.packet = std::move(message);
  first.packet.meta.time_ms = journey.packet.meta.time_ms;
  first.packet.meta.minutes_west = journey.packet.meta.minutes_west;
  return first;
}

/// icmpv6_rcv(), icmp6_dst_alloc(): neighbour discovery has to pass IPsec's policies as well.
Journeys allowed(Walk& walk, Journeys ways, IpsecWay direction, Int out, Journeys& ended) {
  Journeys going;
  for (auto& way : ways) {
    if (way.packet.family == IpFamily::v4) {
      going.push_back(std::move(way));
      continue;
    }
    for (auto& passed : pass_ipsec(walk, std::move(way), direction, out))
      if (!passed.stopped())
        going.push_back(std::move(passed));
      else if (walk.classes != nullptr)
        end_part(*walk.classes, passed);
      else
        ended.push_back(std::move(passed));
  }
  return going;
}

/// Those that get through; the others go to `ended`.
Journeys come_in(Walk& walk, Journey first, Journeys& ended) {
  Journeys ways;
  part(pass_to_routing(walk, std::move(first)), ways, ended);
  Journeys heard;
  part(pass_each(walk, std::move(ways), Hook::input), heard, ended);
  return allowed(walk, std::move(heard), IpsecWay::in, 0, ended);
}

Journeys go_out(Walk& walk, Journeys ways, IpFamily family, Journeys& ended) {
  const Int out = ways.empty() ? 0 : ways.front().packet.meta.out.index;
  ways = allowed(walk, std::move(ways), IpsecWay::out, out, ended);
  for (const Hook hook : {Hook::output, Hook::postrouting, Hook::egress}) {
    if (hook == Hook::postrouting && family == IpFamily::v4)
      continue; // ARP has none
    Journeys next;
    part(pass_each(walk, std::move(ways), hook), next, ended);
    ways = std::move(next);
  }
  Journeys gone;
  part(leave_by_bridge(walk, std::move(ways)), gone, ended);
  return gone;
}

/// What stopped the first of them, or one of which it is not known.
std::optional<Refusal> first_refusal(const Journey& journey, const Journeys& ways) {
  const auto stopped = std::ranges::find_if(ways, &Journey::stopped);
  if (stopped == ways.end())
    return std::nullopt;
  const auto vague = std::ranges::find_if(ways, [](const Journey& way) {
    return way.stopped() && way.stops.front().outcome == Outcome::unknown;
  });
  const auto& way = vague == ways.end() ? *stopped : *vague;
  auto refusal = dropped_question(journey, way.stops.front(), way.path);
  if (vague != ways.end())
    refusal.kind = Refusal::Kind::unknown;
  return refusal;
}

bool is_answer_stage(Stage stage) {
  return stage == Stage::reply_route || stage == Stage::output || stage == Stage::postrouting ||
         stage == Stage::egress;
}

/// The client's error once it has asked in vain; a UDP socket does not report it (__udp4_lib_err(),
/// __udp6_lib_err()).
Stop unreachable(const Journey& journey, const Stop& why) {
  const bool v4 = journey.packet.family == IpFamily::v4;
  Stop stop = why;
  stop.outcome = Outcome::unreachable;
  stop.icmp = v4 ? Icmp::host : Icmp::addr_unreachable;
  stop.error = "EHOSTUNREACH";
  if (journey.kind == Packet::datagram || misses_own_errors(journey)) {
    stop.outcome = Outcome::timeout;
    stop.icmp = Icmp::none;
    stop.error = "ETIMEDOUT";
  }
  return stop;
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

} // namespace

Refusal dropped_question(const Journey& journey, const Stop& end, std::vector<PathStep> path) {
  Refusal refusal{unreachable(journey, end), std::move(path), Refusal::Kind::rules};
  refusal.stop.note = fmt::format("the {} that comes before it is dropped",
                                  message(journey.packet.family, is_answer_stage(end.stage)));
  return refusal;
}

std::optional<Refusal> unanswered(Walk& walk, const Journey& journey, const LinkQuestion& question,
                                  const IpAddress& sender, const Interface& device) {
  const auto answer = linux_routing::neighbour_reachability(
      walk.inquiry, journey.netns, device.index.value_or(0), question.target, sender,
      route_finder(walk.inquiry, journey.netns));
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
  return Refusal{
      unreachable(journey, why), {}, set ? Refusal::Kind::settings : Refusal::Kind::perhaps};
}

bool meets_rules(Walk& walk, Int netns, IpFamily family) {
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, netns);
  if (chains == nullptr)
    return false; // then the packet itself is unknown as well
  if (family == IpFamily::v6)
    return !chains->empty() || walk.xt != nullptr || has_ipsec_policies(walk.inquiry, netns);
  return std::ranges::any_of(*chains, [](const NftBaseChain& chain) {
    const auto& of = chain.scope.family;
    return of == "netdev" || of == "arp" || of == "bridge";
  });
}

Journeys exchange(Walk& walk, const Journey& journey, const LinkQuestion& question,
                  const Interface& device) {
  Journeys ended;
  Journey first = messenger(journey, journey.netns, build_link_question(question));
  first.packet.meta.in = view_of(device);
  Journeys heard = come_in(walk, std::move(first), ended);
  for (auto& way : heard)
    turn_round(walk, way, question, device);
  for (auto& way : go_out(walk, std::move(heard), question.target.family(), ended))
    ended.push_back(std::move(way));
  return ended;
}

std::optional<Refusal> refusal_by_rules(Walk& walk, const Journey& journey,
                                        const LinkQuestion& question, const Interface& device,
                                        bool exact) {
  if (!meets_rules(walk, journey.netns, question.target.family()))
    return std::nullopt;
  const Journeys ways = exchange(walk, journey, question, device);
  const bool all = std::ranges::all_of(ways, &Journey::stopped);
  if (walk.inquiry.pending() || (!all && exact))
    return std::nullopt;
  auto refusal = first_refusal(journey, ways);
  if (refusal && !all)
    refusal->kind = Refusal::Kind::perhaps;
  return refusal;
}

std::optional<Refusal> lost_question(Walk& walk, const Journey& journey,
                                     const LinkQuestion& question, const Interface& out,
                                     const NextHop* there) {
  const auto family = question.target.family();
  if (!meets_rules(walk, journey.netns, family) &&
      (there == nullptr || !meets_rules(walk, there->netns, family)))
    return std::nullopt;
  Walk single = walk; // it is the same for all clients
  single.classes = nullptr;
  Journeys ended;
  Journey first = messenger(journey, journey.netns, build_link_question(question));
  first.packet.meta.packet_type = std::uint8_t{0};
  first.packet.meta.out = view_of(out);
  if (family == IpFamily::v6)
    first.packet.meta.socket = kernel_socket();
  Journeys going = go_out(single, alone(std::move(first)), family, ended);
  if (there != nullptr && !going.empty()) {
    const Journey other = messenger(journey, there->netns, {});
    going.clear();
    part(exchange(single, other, question, there->interface), going, ended);
  }
  if (walk.inquiry.pending())
    return std::nullopt;
  if (!going.empty()) {
    Journey answer = messenger(journey, journey.netns, build_link_answer(question, false));
    answer.packet.meta.in = view_of(out);
    going = come_in(single, std::move(answer), ended);
  }
  if (walk.inquiry.pending() || !going.empty())
    return std::nullopt;
  return first_refusal(journey, ended);
}

} // namespace synfate
