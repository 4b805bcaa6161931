// Programs that see packets beside netfilter: what is attached where. Their content is not
// modelled, so an answer that passes one is `likely` and names it.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// A filter of traffic control, or a BPF program of a network namespace.
struct PacketProgram {
  Fact<Int> netns;
  Fact<Text> point;
  Fact<Int> interface_index;
  Fact<Text> kind;
  Fact<Int> program;
  Fact<Text> name;
};

template <>
inline constexpr auto description_of<PacketProgram> = describe(
    "packet_program", "A program that sees packets outside of netfilter.",
    key(column(&PacketProgram::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    column(&PacketProgram::point, "point", "",
           "tc.ingress, tc.egress (of an interface), or sk_lookup (of the namespace)."),
    column(&PacketProgram::interface_index, "interface_index", "", "The interface, for tc.",
           "interface.index"),
    column(&PacketProgram::kind, "kind", "", "bpf, or the kind of the tc filter: flower, u32 …"),
    column(&PacketProgram::program, "program", "", "Id of the BPF program."),
    column(&PacketProgram::name, "name", "", "Its name, or the filter's handle."));

/// A BPF program that is in effect for the sockets of a cgroup.
struct CgroupProgram {
  Fact<Int> cgroup_id;
  Fact<Text> point;
  Fact<Int> program;
};

template <>
inline constexpr auto description_of<CgroupProgram> = describe_answers(
    "cgroup_program",
    "A BPF program that filters the packets of a cgroup's sockets, or their calls.",
    key(column(&CgroupProgram::cgroup_id, "cgroup_id", "",
               "Asked: the cgroup (v2); 0: that of this run.", "socket.cgroup_id")),
    column(&CgroupProgram::point, "point", "",
           "ingress or egress; create, bind4, bind6, post_bind4 or post_bind6."),
    column(&CgroupProgram::program, "program", "", "Id of the BPF program."));

/// Adds every table of this file.
inline Status add_program_tables(Schema& schema) {
  Status added = schema.add(spec_of<PacketProgram>());
  if (added)
    added = schema.add(spec_of<CgroupProgram>());
  return added;
}

} // namespace synfate
