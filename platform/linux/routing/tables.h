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

} // namespace synfate
