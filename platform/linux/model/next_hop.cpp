#include "platform/linux/model/next_hop.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/bridging.h"
#include "platform/linux/netfilter/ruleset.h"
#include "platform/linux/routing/namespace_ids.h"
#include "platform/linux/routing/reachability.h"
#include "platform/linux/xtables/tables.h"

namespace synfate {
namespace {

using linux_routing::Answering;

/// The two ends of a veth name each other by their numbers, each within its own namespace.
bool are_peers(const Interface& one, const Interface& other) {
  return other.kind.is("veth") && other.link_index.known() && one.link_index.known() &&
         other.link_index == one.index && one.link_index == other.index;
}

bool is_enslaved(const Interface& interface) {
  return interface.master_index.known() && !interface.master_index.is(0);
}

using LinkKey = std::pair<Int, Int>; ///< namespace and interface

/// Somebody on a link.
struct Peer {
  Int netns = 0;
  Interface interface;
  Interface end;                ///< of this side
  std::vector<LinkKey> bridges; ///< in between
};

/// A macvlan, and the device below it.
struct Stacked {
  Int netns = 0;
  Interface interface;
  Int lower_netns = 0;
};

/// A link as far as it can be seen, whoever is looked for there.
struct Link {
  Int netns = 0;                 ///< of the ends: a macvlan's may be another one's
  std::vector<Interface> ends;   ///< the veths that it consists of on this side
  bool closed = false;           ///< everything on it can be seen
  bool hidden = false;           ///< what it lies on is out of sight
  std::vector<Stacked> siblings; ///< macvlans that hear each other
};

/// What is behind the ends of a link.
struct Behind {
  std::vector<Peer> peers;
  bool partial = false; ///< there may be more
  bool closed = true;   ///< no other devices, or rules of a bridge, are in between
};

} // namespace

namespace {

/// Something that was seen, and what was noted of the questions it took.
template <typename Value> struct Seen {
  Inquiry inquiry;
  Value value;
};

/// The packets of a protocol to a next hop, from a sender.
using HopKey = std::tuple<LinkKey, IpAddress, std::optional<IpAddress>, Proto>;

} // namespace

/// A host may have hundreds of containers on one bridge, and thousands of flows to them.
struct LinkMemory {
  std::map<LinkKey, Seen<Link>> links;
  std::map<LinkKey, Seen<Behind>> behind;
  std::map<bool, Seen<std::vector<Stacked>>> stacked; ///< of all namespaces: one
  std::map<std::pair<LinkKey, IpFamily>, Seen<std::vector<LinkAddress>>> addresses;
  std::map<HopKey, Seen<NextHop>> hops;
  bool unfinished = false; ///< facts were missing for some of it
};

namespace {

LinkMemory& memory_of(Walk& walk) {
  if (!walk.links)
    walk.links = std::make_shared<LinkMemory>();
  return *walk.links;
}

/// What is kept under the key, made when it is asked for the first time; who asks again has asked
/// all its questions as well.
template <typename Map, typename Make>
const auto& kept(Walk& walk, Map LinkMemory::* member, const typename Map::key_type& key,
                 const Make& make) {
  LinkMemory& memory = memory_of(walk);
  Map& map = memory.*member;
  auto known = map.find(key);
  if (known == map.end()) {
    Inquiry inquiry = walk.inquiry.part();
    Walk part{inquiry, walk.flow, walk.ruleset, walk.xt, walk.classes, nullptr, walk.links};
    auto value = make(part);
    memory.unfinished = memory.unfinished || inquiry.pending() || inquiry.too_much();
    known = map.emplace(key, typename Map::mapped_type{std::move(inquiry), std::move(value)}).first;
  }
  walk.inquiry.take_over(known->second.inquiry);
  return known->second.value;
}

LinkKey key_of(Int netns, const Interface& out) {
  return {netns, out.index.value_or(0)};
}

/// The number that a namespace has for another one; nothing where none is known.
std::optional<Int> number_of(Walk& walk, Int netns, const NetworkNamespace& other) {
  if (!other.path.known())
    return std::nullopt;
  const auto rows =
      walk.inquiry.rows<NamespaceId>({{"netns", netns}, {"path", other.path.value()}});
  return rows.empty() || !rows.front().id.known() ? std::nullopt
                                                  : std::optional(rows.front().id.value());
}

/// The namespace of the device that a macvlan is stacked on.
std::optional<Int> netns_below(Walk& walk, Int netns, const Interface& macvlan) {
  if (macvlan.link_netns_id.absent())
    return netns;
  for (const auto& space : walk.inquiry.rows<NetworkNamespace>({}))
    if (!space.inode.is(netns) && macvlan.link_netns_id.known() &&
        number_of(walk, netns, space) == macvlan.link_netns_id.value())
      return space.inode.value_or(0);
  return std::nullopt;
}

/// The macvlans and macvtaps of all namespaces.
const std::vector<Stacked>& all_macvlans(Walk& walk) {
  return kept(walk, &LinkMemory::stacked, true, [](Walk& part) {
    std::vector<Stacked> all;
    for (const auto& space : part.inquiry.rows<NetworkNamespace>({}))
      for (const auto& each : ask_interfaces(part.inquiry, space.inode.value_or(0)))
        if (each.kind.is("macvlan") || each.kind.is("macvtap"))
          if (const auto below = netns_below(part, space.inode.value_or(0), each))
            all.push_back({space.inode.value_or(0), each, *below});
    return all;
  });
}

Link look_at_link(Walk& walk, Int netns, const Interface& out);

/// Those that a macvlan finds on the device below without the wire: macvlan_queue_xmit() sends to
/// siblings where both are in mode bridge. (By the wire they are found where a switch sends back
/// what it got: see pass_bridge().)
void find_siblings(Walk& walk, Int netns, const Interface& out, Int below, Link& link) {
  if (out.macvlan_mode.is("source")) // it hears only whom it knows
    link.closed = false;
  if (out.macvlan_mode.known() && !out.macvlan_mode.is("bridge"))
    return;
  for (const auto& each : all_macvlans(walk)) {
    const auto& mode = each.interface.macvlan_mode;
    if (each.lower_netns != below || !(each.interface.link_index == out.link_index) ||
        (each.netns == netns && each.interface.index == out.index) ||
        (mode.known() && !mode.is("bridge")))
      continue;
    if (out.macvlan_mode.known() && mode.known() && each.interface.kind.is("macvlan"))
      link.siblings.push_back(each);
    else
      link.closed = false;
  }
}

/// What a macvlan sends to none of its siblings leaves by the device below: macvlan_queue_xmit().
Link look_below(Walk& walk, Int netns, const Interface& out) {
  Link link;
  const auto below = netns_below(walk, netns, out);
  const auto lower = below && out.link_index.known()
                         ? ask_interface(walk.inquiry, *below, out.link_index.value())
                         : std::nullopt;
  link.hidden = !lower;
  if (lower && (lower->kind.is("veth") || lower->kind.is("bridge")))
    link = look_at_link(walk, *below, *lower);
  if (lower)
    find_siblings(walk, netns, out, *below, link);
  return link;
}

Link look_at_link(Walk& walk, Int netns, const Interface& out) {
  if (out.kind.is("macvlan"))
    return look_below(walk, netns, out);
  Link link;
  link.netns = netns;
  if (out.kind.is("veth"))
    link.ends.push_back(out);
  link.closed = out.kind.is("veth") || out.kind.is("bridge");
  for (const auto& each : ask_interfaces(walk.inquiry, netns)) {
    if (!is_enslaved(each) || !(each.master_index == out.index) || !each.up.is(true))
      continue;
    link.closed = link.closed && each.kind.is("veth");
    link.ends.push_back(each);
  }
  link.closed = link.closed && !is_enslaved(out);
  return link;
}

const Link& link_of(Walk& walk, Int netns, const Interface& out) {
  return kept(walk, &LinkMemory::links, key_of(netns, out),
              [&](Walk& part) { return look_at_link(part, netns, out); });
}

/// Looks through the namespaces of this machine for the other ends of a link.
class PeerSearch {
public:
  PeerSearch(Walk& walk, Int netns, const std::vector<Interface>& ends)
      : walk_(walk), netns_(netns) {
    for (const auto& end : ends)
      if (end.link_netns_id.absent())
        ends_[std::nullopt].emplace(end.index.value_or(0), &end);
      else if (end.link_netns_id.known())
        ends_[end.link_netns_id.value()].emplace(end.index.value_or(0), &end);
  }

  Behind run() {
    if (ends_.empty())
      return std::move(found_);
    for (const auto& space : walk_.inquiry.rows<NetworkNamespace>({}))
      if (const auto* ends = ends_into(space))
        look_into(space.inode.value_or(0), *ends);
    return std::move(found_);
  }

private:
  using Ends = std::map<Int, const Interface*>; ///< by their index

  /// The ends that lead into the namespace: they name it by a number of our own.
  const Ends* ends_into(const NetworkNamespace& space) {
    std::optional<Int> number;
    if (space.inode.value_or(0) == 0)
      return nullptr;
    if (!space.inode.is(netns_)) {
      if (!space.path.known() || (ends_.size() == 1 && ends_.contains(std::nullopt)))
        return nullptr;
      number = number_of(walk_, netns_, space);
      if (!number)
        return nullptr;
    }
    const auto ends = ends_.find(number);
    return ends == ends_.end() ? nullptr : &ends->second;
  }

  void look_into(Int netns, const Ends& ends) {
    for (const auto& interface : ask_interfaces(walk_.inquiry, netns)) {
      const auto end = ends.find(interface.link_index.value_or(0));
      if (end == ends.end() || !are_peers(*end->second, interface))
        continue;
      found_.peers.push_back({netns, interface, *end->second, {}});
    }
  }

  Walk& walk_;
  Int netns_;
  std::map<std::optional<Int>, Ends> ends_; ///< by the number of the namespace they lead into
  Behind found_;
};

/// Follows a link through the bridges of other namespaces to everybody on it.
class Segment {
public:
  Segment(Walk& walk, Int netns, const Interface& out) : walk_(walk) {
    seen_.insert(key_of(netns, out));
  }

  Behind run(const Link& link) {
    for (const auto& end : link.ends)
      seen_.insert(key_of(link.netns, end));
    send(link.netns, link.ends, nullptr, {});
    for (const auto& each : link.siblings)
      if (seen_.insert(key_of(each.netns, each.interface)).second)
        found_.peers.push_back({each.netns, each.interface, {}, {}});
    return std::move(found_);
  }

private:
  void send(Int netns, const std::vector<Interface>& ends, const Interface* first,
            const std::vector<LinkKey>& bridges) {
    auto there = PeerSearch(walk_, netns, ends).run();
    found_.partial = found_.partial || there.peers.size() < ends.size();
    for (auto& peer : there.peers) {
      if (first != nullptr)
        peer.end = *first;
      peer.bridges = bridges;
      if (!seen_.insert(key_of(peer.netns, peer.interface)).second)
        continue;
      if (!is_enslaved(peer.interface))
        arrive(std::move(peer));
      else if (peer.interface.up.is(true))
        pass_bridge(peer);
    }
  }

  /// A device takes what is for it, and what is for the macvlans on it: macvlan_handle_frame(). It
  /// hears their addresses too (macvlan_open()): a veth is promiscuous then.
  void arrive(Peer peer) {
    const Interface below = peer.interface;
    for (const auto& each : ask_interfaces(walk_.inquiry, peer.netns))
      if (is_stacked_on(each, below) && !each.kind.is("macvlan") && !each.kind.is("vlan"))
        found_.closed = false;
    if (!below.promiscuity.is(0))
      for (const auto& each : all_macvlans(walk_)) {
        if (each.lower_netns != peer.netns || !(each.interface.link_index == below.index))
          continue;
        // In mode passthru it has the address of the device below; mode source hears some alone.
        if (each.interface.hardware_address == below.hardware_address ||
            each.interface.macvlan_mode.is("source") || each.interface.kind.is("macvtap"))
          found_.closed = false;
        else if (seen_.insert(key_of(each.netns, each.interface)).second)
          found_.peers.push_back({each.netns, each.interface, peer.end, peer.bridges});
      }
    found_.peers.push_back(std::move(peer));
  }

  /// br_handle_frame_finish(), br_flood(): to the bridge itself and to all other ports.
  void pass_bridge(const Peer& by) {
    const auto bridge =
        ask_interface(walk_.inquiry, by.netns, by.interface.master_index.value_or(0));
    if (!bridge || !bridge->kind.is("bridge") || is_looked_at(by.netns)) {
      found_.closed = false;
      return;
    }
    if (!by.interface.hairpin.is(false)) // then others behind the same port hear it
      found_.closed = false;
    if (is_shut(by.interface) || !bridge->up.is(true) ||
        !seen_.insert(key_of(by.netns, *bridge)).second)
      return;
    std::vector<Interface> ports;
    for (const auto& each : ask_interfaces(walk_.inquiry, by.netns)) {
      if (!is_enslaved(each) || !(each.master_index == bridge->index) || !each.up.is(true) ||
          each.index == by.interface.index || is_shut(each) ||
          (each.isolated.is(true) && by.interface.isolated.is(true)))
        continue;
      found_.closed = found_.closed && each.kind.is("veth");
      if (each.kind.is("veth") && seen_.insert(key_of(by.netns, each)).second)
        ports.push_back(each);
    }
    arrive({by.netns, *bridge, by.end, by.bridges});
    auto bridges = by.bridges;
    bridges.push_back(key_of(by.netns, *bridge));
    if (!ports.empty())
      send(by.netns, ports, &by.end, bridges);
  }

  /// Rules may meet what passes a bridge there.
  bool is_looked_at(Int netns) {
    const auto* chains = walk_.ruleset.base_chains(walk_.inquiry, netns);
    const bool calls = calls_ip(walk_.inquiry, netns, IpFamily::v4) ||
                       calls_ip(walk_.inquiry, netns, IpFamily::v6);
    const auto legacy = [&] {
      return !walk_.inquiry.find({std::string(table_name<XtTable>()), {{"netns", netns}}})
                  .empty() ||
             walk_.inquiry.incomplete();
    };
    return chains == nullptr || (calls && (!chains->empty() || legacy())) ||
           std::ranges::any_of(*chains, [](const NftBaseChain& chain) {
             return chain.scope.family == "bridge" || chain.scope.family == "netdev" ||
                    chain.scope.family == "arp" || chain.hook == "ingress";
           });
  }

  Walk& walk_;
  std::set<LinkKey> seen_;
  Behind found_;
};

const Behind& behind(Walk& walk, Int netns, const Interface& out) {
  return kept(walk, &LinkMemory::behind, key_of(netns, out),
              [&](Walk& part) { return Segment(part, netns, out).run(link_of(part, netns, out)); });
}

class Search {
public:
  Search(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
         const std::optional<IpAddress>& sender)
      : walk_(walk), netns_(netns), out_(out), hop_(hop), sender_(sender) {}

  NextHop run() {
    find_entry();
    if (out_.carrier.is(false))
      return without_carrier();
    if (fixed_ && out_.hardware_address.is(known_)) // what a device sends to itself, nobody takes
      return lost();
    if (known_.empty())
      if (auto why = deaf_to(walk_, netns_, out_, hop_, sender_); !why.empty())
        return nobody(std::move(why));
    const Link& link = link_of(walk_, netns_, out_);
    closed_ = link.closed;
    if (!closed_ && known_.empty() &&
        link.siblings.empty()) // else whoever has that address on the link is meant
      return beyond();
    const Behind& there = behind(walk_, netns_, out_);
    if (walk_.inquiry.pending())
      return {};
    closed_ = closed_ && there.closed;
    for (const auto* peer : likeliest_first(there.peers)) {
      if (!is_shut(peer->end) && takes(peer->netns, peer->interface))
        return {NextHop::Kind::there, peer->netns, peer->interface, {}, false, false,
                peer->bridges};
      if (walk_.inquiry.pending())
        return {};
    }
    hidden_ = there.partial;
    return not_found();
  }

private:
  std::string name() const { return out_.name.value_or("?"); }

  NextHop nobody(std::string why) const {
    return {NextHop::Kind::nobody, 0, {}, std::move(why), false, false, {}};
  }

  /// dev_activate(): without a carrier noop_qdisc drops everything. Who has to be asked for never
  /// answers; where nobody is asked (a tunnel), or the answer is known, the packet itself is lost.
  NextHop without_carrier() const {
    auto why = fmt::format("{} has no carrier", name());
    if (out_.no_arp.is(true) || !known_.empty())
      return {NextHop::Kind::lost, 0, {}, std::move(why), false, false, {}};
    return nobody(std::move(why));
  }

  NextHop beyond() const { return {NextHop::Kind::beyond, 0, {}, {}, failed_, hidden_, {}}; }

  /// What the kernel knows of the next hop already.
  void find_entry() {
    for (const auto& row : walk_.inquiry.rows<Neighbour>({{"netns", netns_}})) {
      if (row.proxy.is(true) || !row.address.is(hop_) || row.interface_index != out_.index)
        continue;
      const std::string state = row.state.value_or("");
      failed_ = state == "failed" || state == "incomplete";
      if (!failed_ && row.hardware_address.known())
        known_ = row.hardware_address.value();
      fixed_ = state == "permanent" || state == "noarp";
    }
    if (!known_.empty() || failed_ || !asks_nobody(out_)) // who was asked for is asked for again
      return;
    known_ = out_.hardware_address.value_or("");
    fixed_ = true;
  }

  /// Whoever has the address is likelier to answer for it.
  std::vector<const Peer*> likeliest_first(const std::vector<Peer>& peers) {
    std::set<LinkKey> having;
    for (const auto& each : visible_neighbours(walk_, netns_, out_, hop_.family()))
      if (each.address == hop_)
        having.insert(key_of(each.netns, each.interface));
    std::vector<const Peer*> order;
    for (const auto& peer : peers)
      order.push_back(&peer);
    std::ranges::stable_partition(order, [&](const Peer* peer) {
      return having.contains(key_of(peer->netns, peer->interface));
    });
    return order;
  }

  bool takes(Int inode, const Interface& interface) {
    if (!interface.up.is(true))
      return false;
    if (!known_.empty())
      return interface.hardware_address.is(known_);
    const auto answer =
        linux_routing::neighbour_reachability(walk_.inquiry, inode, interface.index.value_or(0),
                                              hop_, asking(), route_finder(walk_.inquiry, inode));
    if (answer.answering == Answering::unknown)
      closed_ = false;
    return answer.answering == Answering::yes || answer.answering == Answering::not_needed;
  }

  /// arp_solicit(): the sender if it is an address of this host, else inet_select_addr().
  IpAddress asking() {
    std::optional<IpAddress> chosen;
    for (const auto& row : ask_addresses(walk_.inquiry, netns_)) {
      if (!row.address.known() || row.address.value().family() != hop_.family())
        continue;
      if (sender_ && row.address.is(*sender_))
        return *sender_;
      if (row.interface_index != out_.index)
        continue;
      const IpPrefix network(row.address.value(),
                             static_cast<unsigned>(row.prefix_length.value_or(0)));
      if (!chosen || (network.contains(hop_) && !chosen_fits_)) {
        chosen = row.address.value();
        chosen_fits_ = network.contains(hop_);
      }
    }
    return chosen.value_or(address_elsewhere());
  }

  /// inet_select_addr(): of a device without an address, the first of the others, lo before them.
  IpAddress address_elsewhere() const {
    std::optional<std::pair<Int, IpAddress>> first;
    for (const auto& row : ask_addresses(walk_.inquiry, netns_)) {
      if (!row.address.known() || !row.address.value().is_v4() || !hop_.is_v4() ||
          row.scope.is("host") || row.scope.is("link"))
        continue;
      const Int index = row.interface_index.value_or(0);
      if (!first || index < first->first)
        first = {index, row.address.value()};
    }
    return first ? first->second : IpAddress::any(hop_.family());
  }

  NextHop not_found() {
    if (!closed_ || hidden_)
      return beyond();
    if (const auto port = shut_port_of(walk_, netns_, out_, hop_))
      return nobody("behind " + shut_text(*port));
    if (known_.empty())
      return nobody(fmt::format("nobody behind {} has it", name()));
    return lost();
  }

  NextHop lost() const {
    return {NextHop::Kind::lost,
            0,
            {},
            fmt::format("it is sent to {}, which nobody behind {} has", known_, name()),
            !fixed_,
            false,
            {}};
  }

  Walk& walk_;
  Int netns_;
  const Interface& out_;
  const IpAddress& hop_;
  const std::optional<IpAddress>& sender_;
  std::string known_; ///< the next hop's link-layer address
  bool fixed_ = false;
  bool failed_ = false;
  bool closed_ = false; ///< everything on the link can be seen
  bool hidden_ = false;
  bool chosen_fits_ = false;
};

} // namespace

bool asks_nobody(const Interface& device) {
  constexpr Int ethernet = 1; // ARPHRD_ETHER
  return device.no_arp.is(true) && device.hardware_type.is(ethernet) &&
         device.hardware_address.known();
}

bool is_stacked_on(const Interface& interface, const Interface& lower) {
  return (interface.kind.is("macvlan") || interface.kind.is("macvtap") ||
          interface.kind.is("ipvlan") || interface.kind.is("vlan")) &&
         interface.link_index.known() && interface.link_index == lower.index;
}

std::string deaf_to(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
                    const std::optional<IpAddress>& sender) {
  if (hop.is_v4())
    return {};
  const auto addresses = ask_addresses(walk.inquiry, netns);
  const auto has = [&](const IpAddress& address) {
    return std::ranges::any_of(addresses, [&](const Address& row) {
      return row.address.is(address) && row.interface_index == out.index;
    });
  };
  const std::string name = out.name.value_or("?");
  if (has(hop))
    return fmt::format("this host has it on {} as well, and ignores what others say of it", name);
  if (!sender || !has(*sender))
    return {};
  RouteQuestion question;
  question.destination = *sender;
  question.source = hop;
  question.input_interface = out.index.value_or(0);
  // Without a rule about protocols the question is the one that was asked when the call arrived.
  const bool alike = !rules_ask_for_ports(walk.inquiry, netns);
  question.proto = alike ? std::string(to_string(walk.flow.proto)) : "icmp";
  const auto answer = ask_route(walk.inquiry, netns, question);
  if (!answer || (answer->error.is(0) && answer->type.is("local")))
    return {};
  return fmt::format("this host asks from {}, which has no local route, and hears no answer",
                     sender->to_string());
}

bool is_visible(Walk& walk, Int netns, const Interface& out) {
  return out.kind.is("veth") || out.kind.is("bridge") ||
         (out.kind.is("macvlan") && link_of(walk, netns, out).closed);
}

bool is_partly_hidden(Walk& walk, Int netns, const Interface& out) {
  return link_of(walk, netns, out).hidden || behind(walk, netns, out).partial;
}

std::vector<LinkAddress> siblings_apart(Walk& walk, Int netns, const Interface& out,
                                        IpFamily family) {
  std::vector<LinkAddress> apart;
  if (!out.kind.is("macvlan") || !link_of(walk, netns, out).closed)
    return apart;
  const auto& there = behind(walk, netns, out);
  const auto below = netns_below(walk, netns, out);
  if (!there.closed || there.partial || !below)
    return apart;
  for (const auto& each : all_macvlans(walk)) {
    const LinkKey key{each.netns, each.interface.index.value_or(0)};
    if (each.lower_netns != *below || !(each.interface.link_index == out.link_index) ||
        key == key_of(netns, out) || std::ranges::any_of(there.peers, [&](const Peer& peer) {
          return key_of(peer.netns, peer.interface) == key;
        }))
      continue;
    for (const auto& row : ask_addresses(walk.inquiry, each.netns))
      if (row.interface_index == each.interface.index && row.address.known() &&
          row.address.value().family() == family)
        apart.push_back({each.netns, each.interface, row.address.value(), {}});
  }
  return apart;
}

const std::vector<LinkAddress>& visible_neighbours(Walk& walk, Int netns, const Interface& out,
                                                   IpFamily family) {
  return kept(walk, &LinkMemory::addresses, {key_of(netns, out), family}, [&](Walk& part) {
    std::vector<LinkAddress> found;
    for (const auto& peer : behind(part, netns, out).peers)
      for (const auto& row : ask_addresses(part.inquiry, peer.netns))
        if (row.interface_index == peer.interface.index && row.address.known() &&
            row.address.value().family() == family)
          found.push_back({peer.netns, peer.interface, row.address.value(), peer.end});
    return found;
  });
}

std::vector<IpAddress> addresses_behind(Walk& walk, Int netns, const Interface& out,
                                        IpFamily family) {
  std::set<IpAddress> found;
  for (const auto& peer : behind(walk, netns, out).peers)
    for (const auto& row : ask_addresses(walk.inquiry, peer.netns))
      if (row.address.known() && row.address.value().family() == family &&
          !row.address.value().is_loopback() &&
          (family == IpFamily::v4 || row.interface_index == peer.interface.index))
        found.insert(row.address.value());
  return {found.begin(), found.end()};
}

NextHop find_next_hop(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
                      const std::optional<IpAddress>& sender) {
  return kept(walk, &LinkMemory::hops, {key_of(netns, out), hop, sender, walk.flow.proto},
              [&](Walk& part) { return Search(part, netns, out, hop, sender).run(); });
}

std::shared_ptr<LinkMemory> KnownLinks::lend() {
  if (!memory_)
    memory_ = std::make_shared<LinkMemory>();
  return memory_;
}

void KnownLinks::settle() {
  if (memory_ && memory_->unfinished)
    memory_.reset();
}

} // namespace synfate
