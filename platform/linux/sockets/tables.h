// Tables of sockets that only Linux has.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// What the kernel itself answers when asked which socket gets a packet: a SOCK_DIAG_BY_FAMILY
/// request without NLM_F_DUMP runs the lookup of an arriving segment or datagram
/// (inet_diag_find_one_icsk() in net/ipv4/inet_diag.c, udp_dump_one() in net/ipv4/udp_diag.c),
/// BPF sk_lookup programs included.
struct SocketLookup {
  Fact<Int> netns;
  Fact<Text> proto;
  Fact<IpAddress> local_address;
  Fact<Int> local_port;
  Fact<IpAddress> remote_address;
  Fact<Int> remote_port;
  Fact<Int> interface_index;
  Fact<bool> found;
  Fact<Text> state;
  Fact<IpAddress> answered_address;
  Fact<Int> answered_port;
  Fact<Int> answered_interface_index;
  Fact<Int> inode;
  Fact<Int> cookie;
};

template <>
inline constexpr auto description_of<SocketLookup> = describe_answers(
    "socket_lookup", "The kernel's own answer to which socket gets a packet.",
    key(column(&SocketLookup::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&SocketLookup::proto, "proto", "", "Asked: tcp, udp or udplite.")),
    key(column(&SocketLookup::local_address, "local_address", "",
               "Asked: the packet's destination.")),
    key(column(&SocketLookup::local_port, "local_port", "", "Asked: its destination port.")),
    key(column(&SocketLookup::remote_address, "remote_address", "", "Asked: its source.")),
    key(column(&SocketLookup::remote_port, "remote_port", "", "Asked: its source port.")),
    key(column(&SocketLookup::interface_index, "interface_index", "",
               "Asked: the interface it arrives on; absent for none.", "interface.index")),
    column(&SocketLookup::found, "found", "", "There is a socket for it."),
    column(&SocketLookup::state, "state", "", "Its state, as in the table socket."),
    column(&SocketLookup::answered_address, "answered_address", "", "The address it is bound to."),
    column(&SocketLookup::answered_port, "answered_port", "", "The port it is bound to."),
    column(&SocketLookup::answered_interface_index, "answered_interface_index", "",
           "The interface it is bound to; absent if to none.", "interface.index"),
    column(&SocketLookup::inode, "inode", "", "Its inode.", "socket.inode"),
    column(&SocketLookup::cookie, "cookie", "", "The kernel's number of it.", "socket.cookie"));

/// Adds every table of this file.
inline Status add_linux_socket_tables(Schema& schema) {
  return schema.add(spec_of<SocketLookup>());
}

} // namespace synfate
