// The platform-neutral tables: what Linux and Windows both fill.
//
// Tables that only one system has are described in platform/<os>/tables.h and carry a prefix.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// A TCP, UDP, UDP-Lite or raw socket.
struct Socket {
  Fact<Int> netns;
  Fact<Text> proto;
  Fact<Text> state;
  Fact<IpAddress> local_address;
  Fact<Int> local_port;
  Fact<IpAddress> remote_address;
  Fact<Int> remote_port;
  Fact<Int> interface_index;
  Fact<Text> interface;
  Fact<Int> inode;
  Fact<Int> cookie;
  Fact<Int> uid;
  Fact<bool> v6only;
  Fact<Int> accept_queue;
  Fact<Int> accept_queue_limit;
  Fact<Int> receive_queue;
  Fact<Int> send_queue;
  Fact<Int> receive_memory;
  Fact<Int> receive_buffer;
  Fact<Int> drops;
  Fact<Int> cgroup_id;
  Fact<Int> mark;
  Fact<Text> timer;
  Fact<Int> timer_ms;
  Fact<Int> retransmits;
  Fact<Int> idle_ms;
  Fact<Text> upper_layer;
  Fact<Text> md5_peers;
  Fact<bool> transparent;
  Fact<bool> freebind;
  Fact<Int> bind_order;
  Fact<Text> read_from;
};

template <>
inline constexpr auto description_of<Socket> = describe(
    "socket", "One Internet socket (TCP, UDP, UDP-Lite, raw) of a network namespace.",
    key(column(&Socket::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Socket::proto, "proto", "", "tcp, udp, udplite, raw or mptcp.")),
    key(column(&Socket::state, "state", "",
               "listen, established, syn_sent, syn_recv, fin_wait1, fin_wait2, time_wait, close, "
               "close_wait, last_ack, closing; bound: bound and not listening (TCP); unconnected "
               "(UDP, raw).")),
    key(column(&Socket::local_address, "local_address", "",
               "The address it is bound to; 0.0.0.0 or :: is any.")),
    key(column(&Socket::local_port, "local_port", "", "The port it is bound to.")),
    key(column(&Socket::remote_address, "remote_address", "",
               "The peer; absent unless connected.")),
    key(column(&Socket::remote_port, "remote_port", "", "The peer's port.")),
    key(column(&Socket::interface_index, "interface_index", "",
               "The interface it is bound to by SO_BINDTODEVICE; absent if to none.",
               "interface.index")),
    column(&Socket::interface, "interface", "", "The name of that interface.", "interface.name"),
    key(column(&Socket::inode, "inode", "",
               "Inode of the socket; 0 for a connection that no process has accepted and for "
               "TIME_WAIT.",
               "socket_owner.inode")),
    key(column(&Socket::cookie, "cookie", "", "The kernel's number of this socket.")),
    column(&Socket::uid, "uid", "", "The user that created it."),
    column(&Socket::v6only, "v6only", "", "An IPv6 socket that does not serve IPv4."),
    column(&Socket::accept_queue, "accept_queue", "connections",
           "Connections that wait for accept(); listeners only."),
    column(&Socket::accept_queue_limit, "accept_queue_limit", "connections",
           "The smaller of the backlog and somaxconn when listen() was called; one more fits."),
    column(&Socket::receive_queue, "receive_queue", "bytes", "Bytes the program has not read."),
    column(&Socket::send_queue, "send_queue", "bytes", "Bytes the peer has not acknowledged."),
    column(&Socket::receive_memory, "receive_memory", "bytes",
           "Memory that received data takes (sk_rmem_alloc)."),
    column(&Socket::receive_buffer, "receive_buffer", "bytes", "Its limit (SO_RCVBUF)."),
    column(&Socket::drops, "drops", "packets", "Packets the socket dropped since it was made."),
    column(&Socket::cgroup_id, "cgroup_id", "", "The cgroup (v2) of its creator.", "cgroup.id"),
    column(&Socket::mark, "mark", "", "SO_MARK."),
    column(&Socket::timer, "timer", "", "retransmit, keepalive, time_wait or probe."),
    column(&Socket::timer_ms, "timer_ms", "ms", "When that timer fires."),
    column(&Socket::retransmits, "retransmits", "", "Retransmissions so far."),
    column(&Socket::idle_ms, "idle_ms", "ms",
           "Since data last came in: the waiting time of a connection nobody accepted."),
    column(&Socket::upper_layer, "upper_layer", "", "mptcp, tls or another protocol on top."),
    column(&Socket::md5_peers, "md5_peers", "",
           "Peers that must sign with TCP-MD5, as prefixes separated by spaces."),
    column(&Socket::transparent, "transparent", "", "IP_TRANSPARENT is set."),
    column(&Socket::freebind, "freebind", "", "IP_FREEBIND is set."),
    column(
        &Socket::bind_order, "bind_order", "",
        "Listeners and UDP: the position in the kernel's list of the port and family; 0 is tried "
        "first."),
    column(&Socket::read_from, "read_from", "", "sock_diag, or the /proc file that stood in."));

/// A Unix domain socket.
struct UnixSocket {
  Fact<Int> netns;
  Fact<Int> inode;
  Fact<Int> cookie;
  Fact<Text> type;
  Fact<Text> state;
  Fact<Text> path;
  Fact<bool> abstract;
  Fact<Int> file_inode;
  Fact<Int> file_device;
  Fact<Int> peer_inode;
  Fact<Int> queue;
  Fact<Int> queue_limit;
  Fact<Int> drops;
  Fact<Int> uid;
  Fact<Text> read_from;
};

template <>
inline constexpr auto description_of<UnixSocket> = describe(
    "unix_socket", "One Unix domain socket of a network namespace.",
    key(column(&UnixSocket::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&UnixSocket::inode, "inode", "", "Inode of the socket.", "socket_owner.inode")),
    key(column(&UnixSocket::cookie, "cookie", "", "The kernel's number of this socket.")),
    column(&UnixSocket::type, "type", "", "stream, dgram or seqpacket."),
    column(&UnixSocket::state, "state", "", "listen, connected or unconnected."),
    column(&UnixSocket::path, "path", "",
           "Its name as given to bind(), any byte; without the leading NUL of an abstract one."),
    column(&UnixSocket::abstract, "abstract", "", "The name is abstract: not in the file system."),
    column(&UnixSocket::file_inode, "file_inode", "",
           "Inode of the file it is bound to, its low 32 bits."),
    column(&UnixSocket::file_device, "file_device", "", "Device of that file, as stat gives it."),
    column(&UnixSocket::peer_inode, "peer_inode", "", "Inode of the connected socket."),
    column(&UnixSocket::queue, "queue", "",
           "Listener: waiting connections; otherwise bytes not read."),
    column(&UnixSocket::queue_limit, "queue_limit", "", "Listener: the backlog."),
    column(&UnixSocket::drops, "drops", "packets", "Datagrams dropped."),
    column(&UnixSocket::uid, "uid", "", "The user that created it."),
    column(&UnixSocket::read_from, "read_from", "", "sock_diag, or the /proc file that stood in."));

/// A descriptor of a process that refers to a socket.
struct SocketOwner {
  Fact<Int> inode;
  Fact<Int> pid;
  Fact<Int> fd;
  Fact<Int> gid;
  Fact<bool> complete;
  Fact<Int> hint_cgroup_id;
  Fact<Int> hint_uid;
  Fact<Int> listeners_of;
};

template <>
inline constexpr auto description_of<SocketOwner> = describe(
    "socket_owner", "One process that holds a descriptor of a socket.",
    key(column(&SocketOwner::inode, "inode", "", "Inode of the socket.", "socket.inode")),
    key(column(&SocketOwner::pid, "pid", "", "The process.", "process.pid")),
    column(&SocketOwner::fd, "fd", "", "The lowest descriptor it holds the socket under."),
    column(&SocketOwner::gid, "gid", "",
           "Group of whoever made the socket; read where one socket is asked for."),
    key(column(&SocketOwner::complete, "complete", "",
               "Asked: false, one holder is enough; true or not asked, every holder.")),
    key(column(&SocketOwner::hint_cgroup_id, "hint_cgroup_id", "",
               "Asked: look first among the processes of this cgroup.", "socket.cgroup_id")),
    key(column(&SocketOwner::hint_uid, "hint_uid", "",
               "Asked: look first among the processes of this user.", "socket.uid")),
    key(column(&SocketOwner::listeners_of, "listeners_of", "",
               "Asked: of every listener and unconnected UDP socket of this network namespace.",
               "netns.inode")));

/// A process.
struct Process {
  Fact<Int> pid;
  Fact<Text> name;
  Fact<Text> command_line;
  Fact<Text> executable;
  Fact<bool> executable_deleted;
  Fact<Int> uid;
  Fact<Int> gid;
  Fact<Text> user;
  Fact<Text> state;
  Fact<Int> parent_pid;
  Fact<Int> tracer_pid;
  Fact<Int> started_at;
  Fact<Int> threads;
  Fact<Text> wait_channel;
  Fact<Text> cgroup;
  Fact<bool> frozen;
  Fact<Text> frozen_by;
  Fact<Text> unit;
  Fact<Text> container;
  Fact<Int> netns;
  Fact<Int> descriptors;
  Fact<Int> descriptor_limit;
  Fact<Text> capabilities;
  Fact<Int> seccomp;
  Fact<Int> children;
};

template <>
inline constexpr auto description_of<Process> = describe(
    "process", "One process.",
    key(column(&Process::pid, "pid", "", "Its id, in the namespace of the tool.")),
    column(&Process::name, "name", "", "The short name the kernel keeps (comm)."),
    column(&Process::command_line, "command_line", "", "Its arguments, joined by spaces."),
    column(&Process::executable, "executable", "", "The file it runs."),
    column(&Process::executable_deleted, "executable_deleted", "",
           "That file was deleted or replaced since it started."),
    column(&Process::uid, "uid", "", "Effective user id."),
    column(&Process::gid, "gid", "", "Effective group id."),
    column(&Process::user, "user", "", "The name of that user."),
    column(&Process::state, "state", "",
           "running, sleeping, disk_sleep, stopped, traced, zombie, dead or idle."),
    column(&Process::parent_pid, "parent_pid", "", "Its parent.", "process.pid"),
    column(&Process::tracer_pid, "tracer_pid", "", "The debugger that traces it.", "process.pid"),
    column(&Process::started_at, "started_at", "ms since 1970", "When it started."),
    column(&Process::threads, "threads", "", "Number of threads."),
    column(&Process::wait_channel, "wait_channel", "", "The kernel function it sleeps in."),
    column(&Process::cgroup, "cgroup", "", "Path of its cgroup.", "cgroup.path"),
    column(&Process::frozen, "frozen", "", "Its cgroup is frozen."),
    column(&Process::frozen_by, "frozen_by", "",
           "The file that holds it so: cgroup.freeze or freezer.state, perhaps of an ancestor."),
    column(&Process::unit, "unit", "", "The systemd unit its cgroup belongs to."),
    column(&Process::container, "container", "", "The container its cgroup belongs to."),
    column(&Process::netns, "netns", "", "Inode of its network namespace.", "netns.inode"),
    column(&Process::descriptors, "descriptors", "", "Number of open descriptors."),
    column(&Process::descriptor_limit, "descriptor_limit", "", "RLIMIT_NOFILE, the soft limit."),
    column(&Process::capabilities, "capabilities", "", "Effective capabilities, hexadecimal."),
    column(&Process::seccomp, "seccomp", "", "0 none, 1 strict, 2 filter."),
    column(&Process::children, "children", "",
           "Number of its child processes; only told of a process that is asked for by its pid."));

/// A network interface.
struct Interface {
  Fact<Int> netns;
  Fact<Int> index;
  Fact<Text> name;
  Fact<Text> kind;
  Fact<bool> up;
  Fact<bool> carrier;
  Fact<Text> operational_state;
  Fact<bool> loopback;
  Fact<Int> mtu;
  Fact<Text> hardware_address;
  Fact<Int> hardware_type;
  Fact<Int> group;
  Fact<Int> master_index;
  Fact<Int> link_index;
  Fact<Int> link_netns_id;
  Fact<Int> xdp_program;
  Fact<Int> promiscuity;
  Fact<bool> no_arp;
  Fact<bool> hairpin;
  Fact<bool> isolated;
  Fact<Text> port_state;
  Fact<Int> udp_port;
  Fact<Text> macvlan_mode;
};

template <>
inline constexpr auto description_of<Interface> = describe(
    "interface", "One network interface of a network namespace.",
    key(column(&Interface::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Interface::index, "index", "", "Its index.")),
    column(&Interface::name, "name", "", "Its name."),
    column(&Interface::kind, "kind", "", "veth, bridge, macvlan …; absent for hardware."),
    column(&Interface::up, "up", "", "Administratively up (IFF_UP)."),
    column(&Interface::carrier, "carrier", "", "There is a signal (IFF_LOWER_UP)."),
    column(&Interface::operational_state, "operational_state", "",
           "up, down, dormant, lowerlayerdown, testing, notpresent or unknown."),
    column(&Interface::loopback, "loopback", "", "A loopback interface."),
    column(&Interface::mtu, "mtu", "bytes", "The largest packet it takes."),
    column(&Interface::hardware_address, "hardware_address", "", "Its link-layer address."),
    column(&Interface::hardware_type, "hardware_type", "", "ARPHRD_ number."),
    column(&Interface::group, "group", "", "Its device group."),
    column(&Interface::master_index, "master_index", "", "The bridge, bond or VRF it belongs to.",
           "interface.index"),
    column(&Interface::link_index, "link_index", "",
           "The interface below, or the other end of a veth."),
    column(&Interface::link_netns_id, "link_netns_id", "",
           "Id of the namespace of link_index, when that is another one."),
    column(&Interface::xdp_program, "xdp_program", "", "Id of the attached XDP program."),
    column(&Interface::promiscuity, "promiscuity", "", "Number of promiscuous users."),
    column(&Interface::no_arp, "no_arp", "",
           "Nobody is asked for link-layer addresses (IFF_NOARP)."),
    column(&Interface::hairpin, "hairpin", "",
           "A bridge's port by which frames may leave that came by it (hairpin mode)."),
    column(&Interface::isolated, "isolated", "",
           "A bridge's port from which no frame goes to other such ports."),
    column(&Interface::port_state, "port_state", "",
           "A bridge's port: forwarding, or disabled, listening, learning or blocking."),
    column(&Interface::udp_port, "udp_port", "",
           "The UDP port that the kernel opened for it: vxlan, geneve, bareudp."),
    column(&Interface::macvlan_mode, "macvlan_mode", "",
           "Of a macvlan or macvtap: private, vepa, bridge, passthru or source."));

/// An address of an interface.
struct Address {
  Fact<Int> netns;
  Fact<Int> interface_index;
  Fact<Text> interface;
  Fact<IpAddress> address;
  Fact<Int> prefix_length;
  Fact<IpAddress> peer;
  Fact<Text> scope;
  Fact<bool> tentative;
  Fact<bool> duplicate;
  Fact<bool> deprecated;
  Fact<bool> temporary;
  Fact<bool> secondary;
};

template <>
inline constexpr auto description_of<Address> = describe(
    "address", "One address of an interface.",
    key(column(&Address::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Address::interface_index, "interface_index", "", "The interface.",
               "interface.index")),
    column(&Address::interface, "interface", "", "Its name.", "interface.name"),
    key(column(&Address::address, "address", "", "The address.")),
    key(column(&Address::prefix_length, "prefix_length", "bits", "Length of the network part.")),
    column(&Address::peer, "peer", "", "The other end of a point-to-point link."),
    column(&Address::scope, "scope", "", "global, site, link, host or nowhere."),
    column(&Address::tentative, "tentative", "", "IPv6: duplicate detection is not finished."),
    column(&Address::duplicate, "duplicate", "", "IPv6: another host has it."),
    column(&Address::deprecated, "deprecated", "", "IPv6: not used for new connections."),
    column(&Address::temporary, "temporary", "", "IPv6: a privacy address."),
    column(&Address::secondary, "secondary", "", "Not the first address of its network."));

/// What the kernel itself answers when asked for a route (RTM_GETROUTE).
struct RouteLookup {
  Fact<Int> netns;
  Fact<IpAddress> destination;
  Fact<IpAddress> source;
  Fact<Int> input_interface;
  Fact<Int> output_interface;
  Fact<Int> mark;
  Fact<Text> proto;
  Fact<Int> source_port;
  Fact<Int> destination_port;
  Fact<Int> uid;
  Fact<Int> error;
  Fact<Text> type;
  Fact<Int> interface_index;
  Fact<IpAddress> gateway;
  Fact<IpAddress> preferred_source;
  Fact<Int> table;
  Fact<IpAddress> prefix;
  Fact<Int> prefix_length;
  Fact<Int> mtu;
  Fact<Int> realm;
};

template <>
inline constexpr auto description_of<RouteLookup> = describe_answers(
    "route_lookup", "The kernel's own answer to one question for a route.",
    key(column(&RouteLookup::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&RouteLookup::destination, "destination", "", "Asked: where to.")),
    key(column(&RouteLookup::source, "source", "", "Asked: from which address.")),
    key(column(&RouteLookup::input_interface, "input_interface", "",
               "Asked: arriving on this interface; absent for a packet of this host.",
               "interface.index")),
    key(column(&RouteLookup::output_interface, "output_interface", "",
               "Asked: leaving by this interface.", "interface.index")),
    key(column(&RouteLookup::mark, "mark", "", "Asked: the packet's mark.")),
    key(column(&RouteLookup::proto, "proto", "", "Asked: tcp, udp or icmp.")),
    key(column(&RouteLookup::source_port, "source_port", "", "Asked: the source port.")),
    key(column(&RouteLookup::destination_port, "destination_port", "",
               "Asked: the destination port.")),
    key(column(&RouteLookup::uid, "uid", "", "Asked: the user of the socket.")),
    column(&RouteLookup::error, "error", "errno", "0, or the error the kernel answered with."),
    column(&RouteLookup::type, "type", "",
           "unicast, local, broadcast, multicast, blackhole, unreachable, prohibit …"),
    column(&RouteLookup::interface_index, "interface_index", "", "The way out.", "interface.index"),
    column(&RouteLookup::gateway, "gateway", "", "The next hop; absent if on the link."),
    column(&RouteLookup::preferred_source, "preferred_source", "",
           "The source address the kernel would choose."),
    column(&RouteLookup::table, "table", "", "The routing table that answered."),
    column(&RouteLookup::prefix, "prefix", "", "The destination of the route that matched."),
    column(&RouteLookup::prefix_length, "prefix_length", "bits", "Its length."),
    column(&RouteLookup::mtu, "mtu", "bytes", "The path's MTU if one is known."),
    column(&RouteLookup::realm, "realm", "", "The route's realm."));

/// A route of a routing table.
struct Route {
  Fact<Int> netns;
  Fact<Int> table;
  Fact<IpAddress> destination;
  Fact<Int> prefix_length;
  Fact<IpAddress> from_address;
  Fact<Int> from_prefix_length;
  Fact<Int> tos;
  Fact<Int> metric;
  Fact<Text> type;
  Fact<Text> scope;
  Fact<Int> hop;
  Fact<Int> interface_index;
  Fact<Text> interface;
  Fact<IpAddress> gateway;
  Fact<IpAddress> preferred_source;
  Fact<Int> weight;
  Fact<bool> dead;
  Fact<bool> link_down;
  Fact<Int> origin;
  Fact<Int> mtu;
  Fact<Int> realm;
  Fact<Text> preference;
};

template <>
inline constexpr auto description_of<Route> = describe(
    "route", "One next hop of one route.",
    key(column(&Route::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Route::table, "table", "", "The routing table: 255 local, 254 main …")),
    key(column(&Route::destination, "destination", "", "The network it leads to.")),
    key(column(&Route::prefix_length, "prefix_length", "bits", "Length of that network's prefix.")),
    key(column(&Route::from_address, "from_address", "",
               "IPv6 source routing: from this network.")),
    key(column(&Route::from_prefix_length, "from_prefix_length", "bits", "Its length.")),
    key(column(&Route::tos, "tos", "", "Only for this type of service.")),
    key(column(&Route::metric, "metric", "", "The lower wins.")),
    column(
        &Route::type, "type", "",
        "unicast, local, broadcast, anycast, multicast, blackhole, unreachable, prohibit, throw."),
    column(&Route::scope, "scope", "", "global, site, link, host or nowhere."),
    key(column(&Route::hop, "hop", "", "Position among the route's next hops, from 0.")),
    key(column(&Route::interface_index, "interface_index", "", "The way out.", "interface.index")),
    column(&Route::interface, "interface", "", "Its name.", "interface.name"),
    key(column(&Route::gateway, "gateway", "", "The next hop; absent if on the link.")),
    column(&Route::preferred_source, "preferred_source", "", "The source address it prefers."),
    column(&Route::weight, "weight", "", "Share among the next hops."),
    column(&Route::dead, "dead", "", "The next hop is dead (RTNH_F_DEAD)."),
    column(&Route::link_down, "link_down", "", "The link has no carrier (RTNH_F_LINKDOWN)."),
    column(&Route::origin, "origin", "", "Who made it (RTPROT_ number)."),
    column(&Route::mtu, "mtu", "bytes", "MTU of the route."),
    column(&Route::realm, "realm", "", "The route's realm."),
    column(&Route::preference, "preference", "",
           "IPv6: the router's preference, low, medium or high."));

/// A neighbour (ARP, neighbour discovery).
struct Neighbour {
  Fact<Int> netns;
  Fact<Int> interface_index;
  Fact<IpAddress> address;
  Fact<Text> state;
  Fact<Text> hardware_address;
  Fact<bool> proxy;
};

template <>
inline constexpr auto description_of<Neighbour> = describe(
    "neighbour", "One entry of the neighbour table.",
    key(column(&Neighbour::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Neighbour::interface_index, "interface_index", "", "The interface.",
               "interface.index")),
    key(column(&Neighbour::address, "address", "", "The neighbour's address.")),
    column(&Neighbour::state, "state", "",
           "none, incomplete, reachable, stale, delay, probe, failed, noarp or permanent."),
    column(&Neighbour::hardware_address, "hardware_address", "", "Its link-layer address."),
    key(column(&Neighbour::proxy, "proxy", "", "We answer for it.")));

/// A setting of the system, such as a sysctl.
struct Setting {
  Fact<Int> netns;
  Fact<Text> name;
  Fact<Text> value;
};

template <>
inline constexpr auto description_of<Setting> = describe(
    "setting", "One setting of the system; on Linux a sysctl.",
    key(column(&Setting::netns, "netns", "", "Inode of the network namespace it was read in.",
               "netns.inode")),
    key(column(&Setting::name, "name", "", "Dotted name: net.ipv4.ip_forward.")),
    column(&Setting::value, "value", "", "Its text; absent if this kernel has no such setting."));

/// A counter of the network stack.
struct Counter {
  Fact<Int> netns;
  Fact<Text> name;
  Fact<Int> value;
};

template <>
inline constexpr auto description_of<Counter> = describe(
    "counter", "One counter of the network stack.",
    key(column(&Counter::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    key(column(&Counter::name, "name", "", "Group and name: TcpExt.ListenOverflows.")),
    column(&Counter::value, "value", "", "Its value since the namespace was made."));

/// A network namespace that a process or a name keeps alive.
struct NetworkNamespace {
  Fact<Int> inode;
  Fact<Text> path;
  Fact<Text> name;
  Fact<Int> pid;
  Fact<Text> unit;
  Fact<Text> container;
};

template <>
inline constexpr auto description_of<NetworkNamespace> = describe(
    "netns", "One network namespace of this host.",
    key(column(&NetworkNamespace::inode, "inode", "", "Inode of the namespace.")),
    column(&NetworkNamespace::path, "path", "", "A file that opens it."),
    column(&NetworkNamespace::name, "name", "", "Its name for `ip netns`."),
    column(&NetworkNamespace::pid, "pid", "", "A process in it.", "process.pid"),
    column(&NetworkNamespace::unit, "unit", "", "The systemd unit of that process."),
    column(&NetworkNamespace::container, "container", "", "The container of that process."));

/// A name of the services database.
struct ServiceName {
  Fact<Text> name;
  Fact<Text> proto;
  Fact<Int> port;
};

template <>
inline constexpr auto description_of<ServiceName> =
    describe("service_name", "One entry of the services database (/etc/services).",
             key(column(&ServiceName::name, "name", "", "The service's name.")),
             key(column(&ServiceName::proto, "proto", "", "tcp or udp.")),
             key(column(&ServiceName::port, "port", "", "Its registered port.")));

/// A place where a port's number is written: who might be meant to listen on it.
struct PortMention {
  Fact<Int> port;
  Fact<Int> pid;
  Fact<Text> name;
  Fact<Text> unit;
  Fact<Text> file;
  Fact<Text> text;
};

template <>
inline constexpr auto description_of<PortMention> = describe_answers(
    "port_mention", "A command line or the definition of a service that has a port's number in it.",
    key(column(&PortMention::port, "port", "", "Asked: the port.")),
    key(column(&PortMention::pid, "pid", "",
               "The process whose command line it is; absent for a definition.", "process.pid")),
    column(&PortMention::name, "name", "", "The process's short name."),
    key(column(&PortMention::unit, "unit", "",
               "The service, on Linux a systemd unit; absent for a process.")),
    column(&PortMention::file, "file", "", "The file that defines it."),
    column(&PortMention::text, "text", "", "The command line, or the line of the definition."));

/// Adds every table of this file.
Status add_core_tables(Schema& schema);

} // namespace synfate
