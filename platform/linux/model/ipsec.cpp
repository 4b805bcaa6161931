#include "platform/linux/model/ipsec.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "platform/linux/model/alike.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/model/class_walk.h"
#include "platform/linux/model/packets.h"
#include "platform/linux/model/way_back.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/ip_protocol.h"
#include "platform/linux/routing/sysctl_names.h"

namespace synfate {
namespace {

constexpr Int loopback_index = 1; // LOOPBACK_IFINDEX
constexpr unsigned port_bits = 16;

enum class Match : std::uint8_t { no, yes, open };

/// What policies look at: struct flowi.
struct Selected {
  Endpoint source;
  Endpoint destination;
  Int device = 0;
  bool error = false; ///< ICMP: it has a type and a code instead of ports
};

/// One direction at one place.
struct Check {
  IpsecWay way = IpsecWay::in;
  const char* direction = "in";
  Int out = 0;
};

Selected selected_of(const Journey& journey, const Check& check) {
  const PacketClass& packet = journey.packet;
  const bool leaves = std::string_view(check.direction) == "out";
  Selected selected{source_of(packet), destination_of(packet),
                    check.way == IpsecWay::in ? loopback_index : check.out,
                    journey.kind == Packet::icmp || journey.kind == Packet::neighbour};
  // nf_nat_decode_session(): what arrives is seen as it was before NAT.
  const auto& ct = packet.ct;
  if (leaves || selected.error || !is_tracked(ct) ||
      (ct.status & (ct_status_source_nat | ct_status_destination_nat)) == 0)
    return selected;
  const CtTuple& tuple = ct.reply ? ct.answer : ct.original;
  selected.source = tuple.source;
  selected.destination = tuple.destination;
  return selected;
}

std::string network_text(const Fact<IpAddress>& address, const Fact<Int>& length) {
  return address.known() ? fmt::format("{}/{}", address.value().to_string(), length.value_or(0))
                         : "?";
}

std::string protocol_text(Int number) {
  return number == ip_protocol::tcp   ? "tcp"
         : number == ip_protocol::udp ? "udp"
                                      : fmt::format("{}", number);
}

/// As ip xfrm policy names it.
std::string selector_text(Walk& walk, const IpsecPolicy& policy) {
  std::string text = fmt::format("src {} dst {}", network_text(policy.source, policy.source_length),
                                 network_text(policy.destination, policy.destination_length));
  if (policy.proto.known())
    text += fmt::format(" proto {}", protocol_text(policy.proto.value()));
  if (policy.source_port.known())
    text += fmt::format(" sport {}", policy.source_port.value());
  if (policy.destination_port.known())
    text += fmt::format(" dport {}", policy.destination_port.value());
  if (policy.interface_index.known()) {
    const auto device =
        ask_interface(walk.inquiry, policy.netns.value_or(0), policy.interface_index.value());
    text += fmt::format(" dev {}", device ? device->name.value_or("?") : "?");
  }
  if (policy.mark_mask.known())
    text +=
        fmt::format(" mark {:#x} mask {:#x}", policy.mark.value_or(0), policy.mark_mask.value());
  if (policy.sub.is(true))
    text += " ptype sub";
  return text;
}

Culprit culprit_of(Walk& walk, const IpsecPolicy& policy) {
  const std::string direction = policy.direction.value_or("");
  std::string text =
      fmt::format("{} dir {} priority {} action {}", selector_text(walk, policy), direction,
                  policy.priority.value_or(0), policy.action.value_or("?"));
  if (policy.required.value_or(0) != 0)
    text += ", with IPsec required";
  return {"ipsec_policy", fmt::format("{}/{}", direction, policy.index.value_or(0)),
          std::move(text)};
}

Match match_address(Walk& walk, const Journey& journey, const AddressTerm& term,
                    const Fact<IpAddress>& network, const Fact<Int>& length) {
  if (!network.known() || length.is(0))
    return Match::yes;
  const auto address = address_of(walk, term, journey.packet);
  if (!address)
    return Match::open;
  const IpPrefix prefix(network.value(), static_cast<unsigned>(length.value_or(0)));
  return prefix.contains(*address) ? Match::yes : Match::no;
}

/// __xfrm4_selector_match(): ((port ^ wanted) & mask) == 0.
Match match_port(const Selected& selected, const PortTerm& term, const Fact<Int>& wanted,
                 const Fact<Int>& mask) {
  if (!mask.known() || mask.is(0))
    return Match::yes;
  if (selected.error)
    return Match::open;
  const Int port = wanted.value_or(0);
  if (term.kind == PortTerm::Kind::known)
    return ((Int{term.first} ^ port) & mask.value()) == 0 ? Match::yes : Match::no;
  if (term.kind != PortTerm::Kind::client)
    return Match::open;
  return Match::yes; // see narrow()
}

Match match_mark(const Journey& journey, const IpsecPolicy& policy) {
  if (!policy.mark_mask.known())
    return Match::yes;
  const auto& mark = journey.packet.meta.mark;
  if (!mark.known())
    return Match::open;
  return (Int{mark.value()} & policy.mark_mask.value()) == policy.mark.value_or(0) ? Match::yes
                                                                                   : Match::no;
}

/// Leaves the client's ports that the policy looks for.
void narrow(Journey& journey, const Selected& selected, const IpsecPolicy& policy) {
  const auto keep = [&](const PortTerm& term, const Fact<Int>& wanted, const Fact<Int>& mask) {
    if (selected.error || term.kind != PortTerm::Kind::client || !mask.known())
      return;
    const auto bits = static_cast<Wide>(mask.value());
    const auto set =
        IntervalSet::masked(bits, static_cast<Wide>(wanted.value_or(0)) & bits, port_bits);
    if (set)
      journey.packet.ports = journey.packet.ports & *set;
    else
      assume(journey, "the client's port is one that a policy of IPsec looks for");
  };
  keep(selected.source.port, policy.source_port, policy.source_port_mask);
  keep(selected.destination.port, policy.destination_port, policy.destination_port_mask);
}

std::uint8_t protocol_of(const Walk& walk, const Journey& journey, const Selected& selected) {
  const bool v4 = journey.packet.family == IpFamily::v4;
  if (selected.error)
    return v4 ? ip_protocol::icmp : ip_protocol::icmpv6;
  return walk.flow.proto == Proto::tcp ? ip_protocol::tcp : ip_protocol::udp;
}

/// xfrm_policy_match(), for a policy of the packet's family and direction.
Match match(Walk& walk, const Journey& journey, const Selected& selected,
            const IpsecPolicy& policy) {
  if (policy.proto.known() && !policy.proto.is(Int{protocol_of(walk, journey, selected)}))
    return Match::no;
  if (policy.interface_index.known() && !policy.interface_index.is(selected.device))
    return Match::no;
  Match all = Match::yes;
  for (const Match part :
       {match_address(walk, journey, selected.source.address, policy.source, policy.source_length),
        match_address(walk, journey, selected.destination.address, policy.destination,
                      policy.destination_length),
        match_port(selected, selected.source.port, policy.source_port, policy.source_port_mask),
        match_port(selected, selected.destination.port, policy.destination_port,
                   policy.destination_port_mask),
        match_mark(journey, policy)}) {
    if (part == Match::no)
      return Match::no;
    if (part == Match::open)
      all = Match::open;
  }
  return all;
}

/// xfrm_policy_lookup(): the type sub first, then by priority, then the oldest.
std::vector<IpsecPolicy> policies_for(Walk& walk, const Journey& journey, const char* direction) {
  const char* family = journey.packet.family == IpFamily::v4 ? "ip" : "ip6";
  auto policies = walk.inquiry.rows<IpsecPolicy>({{"netns", journey.netns}});
  std::erase_if(policies, [&](const IpsecPolicy& policy) {
    return !policy.direction.is(direction) || !policy.family.is(family) ||
           policy.if_id.value_or(0) != 0;
  });
  std::ranges::stable_sort(policies, {}, [](const IpsecPolicy& policy) {
    return std::tuple(!policy.sub.is(true), policy.priority.value_or(0),
                      policy.position.value_or(0));
  });
  return policies;
}

/// A setting of the interface, or of all.
bool is_set(Walk& walk, Int netns, const char* folder, const std::optional<Interface>& device,
            const char* setting) {
  const auto on = [&](const std::string& name) {
    return ask_number(walk.inquiry, netns, name).value_or(0) != 0;
  };
  return on(linux_routing::interface_setting(folder, "all", setting)) ||
         (device &&
          on(linux_routing::interface_setting(folder, device->name.value_or("?"), setting)));
}

/// IPv6 asks the interface that has the address: addrconf_f6i_alloc().
std::optional<Interface> device_of_target(Walk& walk, const Journey& journey) {
  const auto to = address_of(walk, destination_of(journey.packet).address, journey.packet);
  if (to)
    for (const auto& row : ask_addresses(walk.inquiry, journey.netns))
      if (row.address.is(*to))
        return ask_interface(walk.inquiry, journey.netns, row.interface_index.value_or(0));
  return std::nullopt;
}

/// __xfrm_check_dev_nopolicy() (IPSKB_NOPOLICY, DST_NOPOLICY), DST_NOXFRM; ip6_forward(). On lo the
/// settings of IPv4 are on from the start, IPv6 has none for what leaves.
bool is_exempt(Walk& walk, const Journey& journey, const Check& check) {
  const bool v4 = journey.packet.family == IpFamily::v4;
  const bool leaves = std::string_view(check.direction) == "out";
  const Int in = journey.packet.meta.in.index;
  if (v4 && leaves)
    return is_set(walk, journey.netns, "net.ipv4.conf",
                  ask_interface(walk.inquiry, journey.netns, check.out), "disable_xfrm");
  if (v4)
    return is_set(walk, journey.netns, "net.ipv4.conf",
                  ask_interface(walk.inquiry, journey.netns, in), "disable_policy");
  if (leaves)
    return false;
  return is_set(walk, journey.netns, "net.ipv6.conf",
                check.way == IpsecWay::in ? device_of_target(walk, journey)
                                          : ask_interface(walk.inquiry, journey.netns, in),
                "disable_policy");
}

/// NF_DROP_ERR(): the sender of a datagram is told, TCP tries again.
Stop stop_after_nat(const Walk& walk, const Journey& journey, Culprit culprit, std::string note) {
  Stop stop = sent_astray(journey, std::move(culprit), std::move(note));
  stop.stage = Stage::postrouting;
  if (journey.kind == Packet::datagram && walk.flow.local && journey.hops.empty() &&
      !journey.reply) {
    stop.outcome = Outcome::denied;
    stop.error = "EPERM";
  }
  return stop;
}

Stop stop_of(const Walk& walk, const Journey& journey, const Check& check, Culprit culprit,
             std::string note) {
  if (check.way == IpsecWay::renamed)
    return stop_after_nat(walk, journey, std::move(culprit), std::move(note));
  const bool client = check.way == IpsecWay::out && !journey.reply;
  if (journey.kind == Packet::neighbour)
    return {
        Outcome::timeout,   Icmp::none,
        "ETIMEDOUT",        check.way == IpsecWay::in ? Stage::socket_policy : Stage::reply_route,
        std::move(culprit), std::move(note)};
  if (journey.reply) {
    Stop stop = sent_astray(journey, std::move(culprit), std::move(note));
    stop.stage = check.way == IpsecWay::out ? Stage::reply_route : Stage::forward;
    return stop;
  }
  return {client ? Outcome::denied : Outcome::timeout,
          Icmp::none,
          client ? "EPERM" : "ETIMEDOUT",
          client                      ? Stage::client
          : check.way == IpsecWay::in ? Stage::socket_policy
                                      : Stage::forward,
          std::move(culprit),
          std::move(note)};
}

/// A policy that lets pass what IPsec carries, and nothing else.
Journeys demand_ipsec(Walk& walk, Journey journey, const Check& check, const IpsecPolicy& policy) {
  const bool leaves = std::string_view(check.direction) == "out";
  const auto states = walk.inquiry.rows<Ipsec>({{"netns", journey.netns}});
  Culprit culprit = culprit_of(walk, policy);
  Journeys journeys;
  const bool keys = states.empty() || !states.front().associations.is(0);
  if (keys) {
    Journey carried = journey;
    carried.conditions.push_back(fmt::format("IPsec carries {}, as {} demands",
                                             journey.reply ? "the answer" : "the client's packets",
                                             culprit.id));
    journeys.push_back(std::move(carried));
    journey.conditions.push_back(fmt::format("IPsec does not carry {}, as {} demands",
                                             journey.reply ? "the answer" : "the client's packets",
                                             culprit.id));
  } else {
    assume(journey, "no program sets up IPsec with the client on demand");
  }
  Stop stop = stop_of(walk, journey, check, std::move(culprit),
                      leaves ? "a policy of IPsec demands protection, which is not set up"
                             : "a policy of IPsec demands protection, and the packet has none");
  if (stop.outcome == Outcome::denied) { // what connect() says depends on the key exchange
    stop.outcome = Outcome::timeout;
    stop.error = "ETIMEDOUT";
  }
  add_stop(journey, std::move(stop));
  journeys.push_back(std::move(journey));
  return journeys;
}

/// Where no policy matches: xfrm_lookup_with_ifid() excepts what leaves by lo.
void apply_default(Walk& walk, Journey& journey, const Check& check) {
  const std::string_view direction = check.direction;
  const auto rows = walk.inquiry.rows<Ipsec>({{"netns", journey.netns}});
  if (rows.empty())
    return;
  const auto& row = rows.front();
  const auto& action = direction == "in"    ? row.default_in
                       : direction == "out" ? row.default_out
                                            : row.default_forward;
  if (!action.is("block") || (direction == "out" && check.out == loopback_index))
    return;
  add_stop(journey, stop_of(walk, journey, check,
                            Culprit{"ipsec_policy", fmt::format("{}/default", direction),
                                    fmt::format("the default for dir {} is block", direction)},
                            "no policy of IPsec matches, and the default is to block"));
}

/// Clients that have another policy than others.
std::vector<IntervalSet> told_apart(Walk& walk, const Journey& journey, const Check& check) {
  const Selected selected = selected_of(journey, check);
  std::vector<IntervalSet> sets;
  const auto add = [&](const Endpoint& end, const Fact<IpAddress>& network,
                       const Fact<Int>& length) {
    if (end.address.kind != AddressTerm::Kind::client || !network.known() || length.is(0))
      return;
    auto set =
        IntervalSet::prefix(IpPrefix(network.value(), static_cast<unsigned>(length.value_or(0))));
    if (std::ranges::find(sets, set) == sets.end())
      sets.push_back(std::move(set));
  };
  for (const auto& policy : policies_for(walk, journey, check.direction)) {
    add(selected.source, policy.source, policy.source_length);
    add(selected.destination, policy.destination, policy.destination_length);
  }
  return sets;
}

Journeys decide(Walk& walk, Journey journey, const Check& check) {
  const Selected selected = selected_of(journey, check);
  const auto policies = policies_for(walk, journey, check.direction);
  if (walk.inquiry.incomplete())
    assume(journey, "no policy of IPsec drops it");
  if (is_exempt(walk, journey, check) || walk.inquiry.pending())
    return alone(std::move(journey));
  Journeys journeys;
  const auto enforce = [&](Journey part, const IpsecPolicy& policy) {
    if (policy.action.is("block"))
      add_stop(part,
               stop_of(walk, part, check, culprit_of(walk, policy), "a policy of IPsec blocks it"));
    else if (policy.required.value_or(0) != 0)
      return demand_ipsec(walk, std::move(part), check, policy);
    return alone(std::move(part));
  };
  for (const auto& policy : policies) {
    Journey part = journey;
    narrow(part, selected, policy);
    const Match matches =
        part.packet.ports.empty() ? Match::no : match(walk, part, selected, policy);
    const bool passes = policy.action.is("allow") && policy.required.is(0);
    if (matches == Match::no || (passes && policy.sub.is(true)))
      continue;
    if (matches == Match::open) {
      const std::string id = culprit_of(walk, policy).id;
      part.conditions.push_back(fmt::format("the policy {} of IPsec matches", id));
      journey.conditions.push_back(fmt::format("the policy {} of IPsec does not match", id));
    } else {
      journey.packet.ports = journey.packet.ports - part.packet.ports;
    }
    std::ranges::move(enforce(std::move(part), policy), std::back_inserter(journeys));
    if (journey.packet.ports.empty())
      return journeys;
  }
  apply_default(walk, journey, check);
  journeys.push_back(std::move(journey));
  return journeys;
}

Journeys pass_check(Walk& walk, Journey journey, const Check& check) {
  if (walk.classes == nullptr)
    return decide(walk, std::move(journey), check);
  const auto sets = told_apart(walk, journey, check);
  if (sets.empty())
    return decide(walk, std::move(journey), check);
  Journeys journeys;
  for (auto& part : cut(std::move(journey), sets))
    std::ranges::move(decide(walk, std::move(part), check), std::back_inserter(journeys));
  return journeys;
}

/// A socket may have policies of its own, which come first.
void weaken(Walk& walk, Journeys& journeys, std::size_t stops_before) {
  for (auto& journey : journeys) {
    const auto policies = walk.inquiry.rows<IpsecPolicy>({{"netns", journey.netns}});
    if (journey.stops.size() > stops_before &&
        std::ranges::any_of(policies, [](const IpsecPolicy& policy) {
          return policy.direction.value_or("").starts_with("socket");
        }))
      journey.certainty = std::max(journey.certainty, Certainty::likely);
  }
}

} // namespace

Journeys pass_ipsec(Walk& walk, Journey journey, IpsecWay way, Int out) {
  foresee_ipsec(walk.inquiry, journey.netns);
  if (walk.inquiry.pending())
    return {};
  if (!has_ipsec_policies(walk.inquiry, journey.netns)) {
    const bool incomplete = walk.inquiry.incomplete();
    if (incomplete)
      assume(journey, "no policy of IPsec drops it");
    return alone(std::move(journey));
  }
  if (walk.notes != nullptr)
    walk.notes->met_rules = true;
  const std::size_t stops = journey.stops.size();
  Journeys journeys;
  switch (way) {
  case IpsecWay::in:
    journeys = pass_check(walk, std::move(journey), {way, "in", 0});
    break;
  case IpsecWay::out:
  case IpsecWay::renamed:
    journeys = pass_check(walk, std::move(journey), {way, "out", out});
    break;
  case IpsecWay::forward:
    for (auto& part : pass_check(walk, std::move(journey), {way, "fwd", out}))
      if (walk.classes != nullptr && part.stopped())
        journeys.push_back(std::move(part));
      else
        std::ranges::move(pass_check(walk, std::move(part), {way, "out", out}),
                          std::back_inserter(journeys));
    break;
  }
  weaken(walk, journeys, stops);
  return journeys;
}

namespace {

bool has_another_source(const ConntrackView& ct) {
  if (!is_tracked(ct))
    return false;
  return ct.reply ? !(ct.answer.source == ct.original.destination)
                  : !(ct.answer.destination == ct.original.source);
}

} // namespace

Journeys pass_ipsec_after_nat(Walk& walk, Journeys journeys) {
  Journeys next;
  for (auto& way : journeys) {
    const bool first = way.kind != Packet::ack && way.kind != Packet::data;
    if (way.stopped() || !first || !has_another_source(way.packet.ct)) {
      next.push_back(std::move(way));
      continue;
    }
    const Int out = way.packet.meta.out.index;
    for (auto& part : pass_ipsec(walk, std::move(way), IpsecWay::renamed, out))
      if (walk.classes != nullptr && part.stopped())
        end_part(*walk.classes, part);
      else
        next.push_back(std::move(part));
    if (walk.inquiry.pending())
      return {};
  }
  return next;
}

bool has_ipsec_policies(Inquiry& inquiry, Int netns) {
  const auto rows = inquiry.rows<Ipsec>({{"netns", netns}});
  return !inquiry.rows<IpsecPolicy>({{"netns", netns}}).empty() ||
         (!rows.empty() &&
          (rows.front().default_in.is("block") || rows.front().default_out.is("block") ||
           rows.front().default_forward.is("block")));
}

void foresee_ipsec(Inquiry& inquiry, Int netns) {
  static_cast<void>(inquiry.rows<IpsecPolicy>({{"netns", netns}}));
  static_cast<void>(inquiry.rows<Ipsec>({{"netns", netns}}));
}

} // namespace synfate
