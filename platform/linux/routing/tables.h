// Tables of the Linux routing decision that other systems do not have.
#pragma once

#include "core/facts/row.h"
#include "core/facts/schema.h"

namespace synfate {

/// A policy routing rule (`ip rule`).
struct PolicyRule {
  Fact<Int> netns;
  Fact<Text> family;
  Fact<Int> position;
  Fact<Int> priority;
  Fact<Text> action;
  Fact<Int> table;
  Fact<Int> go_to;
  Fact<bool> inverted;
  Fact<IpAddress> from;
  Fact<Int> from_length;
  Fact<IpAddress> to;
  Fact<Int> to_length;
  Fact<Text> input_interface;
  Fact<bool> input_detached;
  Fact<Text> output_interface;
  Fact<bool> output_detached;
  Fact<Int> mark;
  Fact<Int> mark_mask;
  Fact<Int> tos;
  Fact<Int> dscp;
  Fact<Int> ip_proto;
  Fact<Int> source_port_first;
  Fact<Int> source_port_last;
  Fact<Int> destination_port_first;
  Fact<Int> destination_port_last;
  Fact<Int> uid_first;
  Fact<Int> uid_last;
  Fact<bool> l3mdev;
  Fact<Int> suppress_prefix_length;
  Fact<Int> suppress_group;
  Fact<Int> realm;
  Fact<Int> origin;
  Fact<Text> more;
};

template <>
inline constexpr auto description_of<PolicyRule> = describe(
    "policy_rule", "One policy routing rule; they are tried in order of position.",
    key(column(&PolicyRule::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&PolicyRule::family, "family", "", "ip or ip6.")),
    key(column(&PolicyRule::position, "position", "", "Its place in the kernel's list, from 0.")),
    column(&PolicyRule::priority, "priority", "", "Its preference; the lower is tried first."),
    column(&PolicyRule::action, "action", "",
           "table, goto, nop, blackhole, unreachable or prohibit."),
    column(&PolicyRule::table, "table", "", "The routing table it asks.", "route.table"),
    column(&PolicyRule::go_to, "go_to", "", "Action goto: the priority to go on with."),
    column(&PolicyRule::inverted, "inverted", "", "It holds when its selectors do not (not)."),
    column(&PolicyRule::from, "from", "", "Selector: source network."),
    column(&PolicyRule::from_length, "from_length", "bits", "Length of its prefix."),
    column(&PolicyRule::to, "to", "", "Selector: destination network."),
    column(&PolicyRule::to_length, "to_length", "bits", "Length of its prefix."),
    column(&PolicyRule::input_interface, "input_interface", "",
           "Selector: arriving on this interface; lo means packets of this host.",
           "interface.name"),
    column(&PolicyRule::input_detached, "input_detached", "",
           "There is no such interface, so it never matches."),
    column(&PolicyRule::output_interface, "output_interface", "",
           "Selector: the socket is bound to this interface.", "interface.name"),
    column(&PolicyRule::output_detached, "output_detached", "",
           "There is no such interface, so it never matches."),
    column(&PolicyRule::mark, "mark", "", "Selector: the packet's mark."),
    column(&PolicyRule::mark_mask, "mark_mask", "", "The bits of the mark it looks at."),
    column(&PolicyRule::tos, "tos", "", "Selector: type of service."),
    column(&PolicyRule::dscp, "dscp", "", "Selector: the whole DSCP field."),
    column(&PolicyRule::ip_proto, "ip_proto", "", "Selector: IP protocol number."),
    column(&PolicyRule::source_port_first, "source_port_first", "", "Selector: first source port."),
    column(&PolicyRule::source_port_last, "source_port_last", "", "Selector: last source port."),
    column(&PolicyRule::destination_port_first, "destination_port_first", "",
           "Selector: first destination port."),
    column(&PolicyRule::destination_port_last, "destination_port_last", "",
           "Selector: last destination port."),
    column(&PolicyRule::uid_first, "uid_first", "", "Selector: first user id."),
    column(&PolicyRule::uid_last, "uid_last", "", "Selector: last user id."),
    column(&PolicyRule::l3mdev, "l3mdev", "", "Selector and action: the table of the VRF."),
    column(&PolicyRule::suppress_prefix_length, "suppress_prefix_length", "bits",
           "An answer with a prefix of at most this length does not count."),
    column(&PolicyRule::suppress_group, "suppress_group", "",
           "An answer that leaves by an interface of this group does not count.",
           "interface.group"),
    column(&PolicyRule::realm, "realm", "", "The realm it gives."),
    column(&PolicyRule::origin, "origin", "", "Who made it (RTPROT_ number)."),
    column(&PolicyRule::more, "more", "",
           "Numbers of selectors this program does not know; it may then match less."));

/// Adds every table of this file.
Status add_routing_tables(Schema& schema);

/// A policy of IPsec (`ip xfrm policy`).
struct IpsecPolicy {
  Fact<Int> netns;
  Fact<Int> position;
  Fact<Text> direction;
  Fact<Int> index;
  Fact<Text> family;
  Fact<bool> sub;
  Fact<Int> priority;
  Fact<Text> action;
  Fact<IpAddress> source;
  Fact<Int> source_length;
  Fact<IpAddress> destination;
  Fact<Int> destination_length;
  Fact<Int> proto;
  Fact<Int> source_port;
  Fact<Int> source_port_mask;
  Fact<Int> destination_port;
  Fact<Int> destination_port_mask;
  Fact<Int> interface_index;
  Fact<Int> mark;
  Fact<Int> mark_mask;
  Fact<Int> if_id;
  Fact<Int> templates;
  Fact<Int> required;
};

template <>
inline constexpr auto description_of<IpsecPolicy> = describe(
    "ipsec_policy",
    "One policy of IPsec; of those that match a packet the one with the lowest priority decides, "
    "then the lowest position.",
    key(column(&IpsecPolicy::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&IpsecPolicy::position, "position", "", "From 0, the oldest first.")),
    column(&IpsecPolicy::direction, "direction", "",
           "Packets it is for: in (to this host), out (from it), fwd (forwarded by it); socket_in "
           "and socket_out belong to a socket that is not told."),
    column(&IpsecPolicy::index, "index", "", "Its number, as ip xfrm policy shows it."),
    column(&IpsecPolicy::family, "family", "", "ip or ip6."),
    column(&IpsecPolicy::sub, "sub", "",
           "Of the type sub, which is asked before all of type main."),
    column(&IpsecPolicy::priority, "priority", "", "The lower is tried first."),
    column(&IpsecPolicy::action, "action", "", "allow or block."),
    column(&IpsecPolicy::source, "source", "", "Selector: source network."),
    column(&IpsecPolicy::source_length, "source_length", "bits", "Length of its prefix."),
    column(&IpsecPolicy::destination, "destination", "", "Selector: destination network."),
    column(&IpsecPolicy::destination_length, "destination_length", "bits", "Length of its prefix."),
    column(&IpsecPolicy::proto, "proto", "", "Selector: IP protocol number; absent: any."),
    column(&IpsecPolicy::source_port, "source_port", "", "Selector: source port."),
    column(&IpsecPolicy::source_port_mask, "source_port_mask", "",
           "The bits of the source port it looks at; absent: none."),
    column(&IpsecPolicy::destination_port, "destination_port", "", "Selector: destination port."),
    column(&IpsecPolicy::destination_port_mask, "destination_port_mask", "",
           "The bits of the destination port it looks at; absent: none."),
    column(&IpsecPolicy::interface_index, "interface_index", "",
           "Selector: the interface of the packet's route; absent: any.", "interface.index"),
    column(&IpsecPolicy::mark, "mark", "", "Selector: the packet's mark."),
    column(&IpsecPolicy::mark_mask, "mark_mask", "",
           "The bits of the mark it looks at; absent: none."),
    column(&IpsecPolicy::if_id, "if_id", "",
           "It is for packets of XFRM interfaces with this number alone; absent: for all others."),
    column(&IpsecPolicy::templates, "templates", "",
           "How many transformations (ESP, AH, IPComp) it names."),
    column(&IpsecPolicy::required, "required", "",
           "How many of them are required (ip xfrm: level required)."));

/// What IPsec does without a policy, and whether it has any keys.
struct Ipsec {
  Fact<Int> netns;
  Fact<Text> default_in;
  Fact<Text> default_out;
  Fact<Text> default_forward;
  Fact<Int> associations;
};

template <>
inline constexpr auto description_of<Ipsec> = describe(
    "ipsec", "IPsec of a network namespace, beside its policies.",
    key(column(&Ipsec::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    column(&Ipsec::default_in, "default_in", "",
           "allow or block: packets to this host that no policy matches."),
    column(&Ipsec::default_out, "default_out", "", "The same for packets from it."),
    column(&Ipsec::default_forward, "default_forward", "",
           "The same for packets that it forwards."),
    column(&Ipsec::associations, "associations", "",
           "How many security associations there are (ip xfrm state); with none nothing can be "
           "encrypted or decrypted."));

} // namespace synfate
