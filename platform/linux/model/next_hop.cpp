#include "platform/linux/model/next_hop.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/routing/namespace_ids.h"
#include "platform/linux/routing/reachability.h"

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
    find_ends();
    if (!closed_ && known_.empty()) // else whoever has that address on the link is meant
      return beyond();
    // Ends that are not found are counted: the list itself need not be complete.
    const auto spaces = walk_.inquiry.rows<NetworkNamespace>({});
    for (const auto& space : spaces) {
      if (auto found = look_into(space))
        return *found;
      if (walk_.inquiry.pending())
        return {};
    }
    return not_found();
  }

  /// The addresses at the other ends of the link.
  std::vector<LinkAddress> addresses_there(IpFamily family) {
    std::vector<LinkAddress> found;
    find_ends();
    if (ends_.empty())
      return found;
    const auto spaces = walk_.inquiry.rows<NetworkNamespace>({});
    for (const auto& space : spaces) {
      const Int inode = space.inode.value_or(0);
      if (inode == 0 ||
          std::ranges::none_of(ends_, [&](const Interface& end) { return leads_into(end, space); }))
        continue;
      for (const auto& interface : ask_interfaces(walk_.inquiry, inode))
        if (is_other_end(space, interface))
          for (const auto& row : ask_addresses(walk_.inquiry, inode))
            if (row.interface_index == interface.index && row.address.known() &&
                row.address.value().family() == family)
              found.push_back({inode, interface, row.address.value()});
    }
    return found;
  }

private:
  std::string name() const { return out_.name.value_or("?"); }

  void note_completeness() { partial_ = partial_ || walk_.inquiry.incomplete(); }

  NextHop nobody(std::string why) const {
    return {NextHop::Kind::nobody, 0, {}, std::move(why), false, false};
  }

  /// dev_activate(): without a carrier noop_qdisc drops everything. Who has to be asked for never
  /// answers; where nobody is asked (a tunnel), or the answer is known, the packet itself is lost.
  NextHop without_carrier() const {
    auto why = fmt::format("{} has no carrier", name());
    if (out_.no_arp.is(true) || !known_.empty())
      return {NextHop::Kind::lost, 0, {}, std::move(why), false, false};
    return nobody(std::move(why));
  }

  NextHop beyond() const { return {NextHop::Kind::beyond, 0, {}, {}, failed_, hidden_}; }

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

  /// The veths that the link consists of on this side.
  void find_ends() {
    if (out_.kind.is("veth"))
      ends_.push_back(out_);
    closed_ = out_.kind.is("veth") || out_.kind.is("bridge");
    for (const auto& each : ask_interfaces(walk_.inquiry, netns_)) {
      // What a macvlan sends to none of its siblings leaves by the device below:
      // macvlan_queue_xmit()
      if (out_.kind.is("macvlan") && out_.link_netns_id.absent() && is_stacked_on(out_, each) &&
          each.kind.is("veth"))
        ends_.push_back(each);
      if (!is_enslaved(each) || !(each.master_index == out_.index) || !each.up.is(true))
        continue;
      closed_ = closed_ && each.kind.is("veth");
      ends_.push_back(each);
    }
    closed_ = closed_ && !is_enslaved(out_);
  }

  /// True if an end of the link leads into the namespace: it names that by a number of its own.
  bool leads_into(const Interface& end, const NetworkNamespace& space) {
    if (space.inode.is(netns_))
      return end.link_netns_id.absent();
    if (!end.link_netns_id.known() || !space.path.known())
      return false;
    const auto rows =
        walk_.inquiry.rows<NamespaceId>({{"netns", netns_}, {"path", space.path.value()}});
    note_completeness();
    return !rows.empty() && rows.front().id == end.link_netns_id;
  }

  bool is_other_end(const NetworkNamespace& space, const Interface& interface) {
    return std::ranges::any_of(ends_, [&](const Interface& end) {
      return are_peers(end, interface) && leads_into(end, space);
    });
  }

  std::optional<NextHop> look_into(const NetworkNamespace& space) {
    const Int inode = space.inode.value_or(0);
    if (inode == 0 ||
        std::ranges::none_of(ends_, [&](const Interface& end) { return leads_into(end, space); }))
      return std::nullopt;
    const auto interfaces = ask_interfaces(walk_.inquiry, inode);
    note_completeness();
    for (const auto& interface : interfaces) {
      if (!is_other_end(space, interface))
        continue;
      ++seen_;
      if (is_enslaved(interface) || std::ranges::any_of(interfaces, [&](const Interface& each) {
            return is_stacked_on(each, interface);
          }))
        closed_ = false;
      if (takes(inode, interface))
        return NextHop{NextHop::Kind::there, inode, interface, {}, false, false};
    }
    return std::nullopt;
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
    hidden_ = seen_ < ends_.size() || partial_;
    if (!closed_ || hidden_)
      return beyond();
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
            false};
  }

  Walk& walk_;
  Int netns_;
  const Interface& out_;
  const IpAddress& hop_;
  const std::optional<IpAddress>& sender_;
  std::vector<Interface> ends_;
  std::size_t seen_ = 0;
  std::string known_; ///< the next hop's link-layer address
  bool fixed_ = false;
  bool failed_ = false;
  bool closed_ = false; ///< everything on the link can be seen
  bool hidden_ = false;
  bool partial_ = false;
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

std::vector<LinkAddress> visible_neighbours(Walk& walk, Int netns, const Interface& out,
                                            IpFamily family) {
  const std::optional<IpAddress> nobody;
  const IpAddress any = IpAddress::any(family);
  return Search(walk, netns, out, any, nobody).addresses_there(family);
}

NextHop find_next_hop(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
                      const std::optional<IpAddress>& sender) {
  return Search(walk, netns, out, hop, sender).run();
}

} // namespace synfate
