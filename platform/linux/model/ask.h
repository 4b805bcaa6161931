// Questions that several stages ask of the snapshot.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/model.h"
#include "platform/linux/netfilter/interval_set.h"
#include "platform/linux/routing/reachability.h"
#include "platform/linux/routing/tables.h"

namespace synfate {

/// A question for RTM_GETROUTE.
struct RouteQuestion {
  IpAddress destination;
  std::optional<IpAddress> source;
  Int input_interface = 0;  ///< 0: a packet of this host
  Int output_interface = 0; ///< 0: any
  Int mark = 0;
  std::string proto; ///< tcp, udp, icmp; empty: not told
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::optional<Int> uid;
  bool any_source = false; ///< the source need not be this host's (FLOWI_FLAG_ANYSRC)
};

/// The number of the question's protocol; 0: none is told.
std::uint8_t number_of_protocol(const RouteQuestion& question);

/// The kernel's answer, or nothing (pending, or a gap).
std::optional<RouteLookup> ask_route(Inquiry& inquiry, Int netns, const RouteQuestion& question);

/// The same for who asks about neighbours: by addresses and the interface of arrival.
linux_routing::RouteFinder route_finder(Inquiry& inquiry, Int netns);

std::vector<Interface> ask_interfaces(Inquiry& inquiry, Int netns);
std::vector<Address> ask_addresses(Inquiry& inquiry, Int netns);
/// A loopback address, or one that an interface has.
bool is_own_address(Inquiry& inquiry, Int netns, const IpAddress& address);
std::optional<Interface> ask_interface(Inquiry& inquiry, Int netns, Int index);
/// The interface of a name; nothing if there is none.
std::optional<Interface> ask_interface(Inquiry& inquiry, Int netns, const std::string& name);

/// A sysctl's value: nothing when it does not exist or is not known.
std::optional<std::string> ask_setting(Inquiry& inquiry, Int netns, const std::string& name);
std::optional<Int> ask_number(Inquiry& inquiry, Int netns, const std::string& name);

/// True where packets that came by the interface are sent on: IPv4 asks the interface's setting;
/// IPv6 the host's, and from Linux 6.17 on force_forwarding (net/ipv6/ip6_output.c: ip6_forward()).
bool ask_forwarding(Inquiry& inquiry, Int netns, IpFamily family, const std::string& interface);

/// Why the device takes no IPv6 packets; nothing if it does. Of net.ipv6.conf.IF.disable_ipv6, or
/// without any settings of IPv6, as with an MTU below 1280: net/ipv6/ip6_input.c: ip6_rcv_core(),
/// net/ipv6/addrconf.c: addrconf_notify(), Linux 6.12.
std::optional<Culprit> ask_ipv6_off(Inquiry& inquiry, Int netns, const Interface& device);

/// Policy rules of the namespace look at ports or protocols: then each port may have its route.
bool rules_ask_for_ports(Inquiry& inquiry, Int netns);
/// Without a rule about sources every source has the same route.
bool rules_ask_for_sources(Inquiry& inquiry, Int netns);
/// A rule that takes some of these source ports (or, of answers, destination ports) and not others.
bool rules_cut_ports(Inquiry& inquiry, Int netns, const IntervalSet& ports, bool as_source);

/// The device that the kernel looks up a socket with for a packet of this host to one of its own
/// addresses: the one that has the address, though the packet travels over lo (inet_iif(),
/// inet6_iif()).
/// `zone`: the interface that the client of a link-local address names; may be empty.
Int device_of_own_address(Inquiry& inquiry, Int netns, const IpAddress& address,
                          const std::string& zone = {});

/// Processes that hold a descriptor of the socket. `complete`: all of them, else it may be one.
std::vector<SocketOwner> ask_owners(Inquiry& inquiry, const Socket& socket, bool complete);

/// EHOSTUNREACH …: the errors of routing by their names.
std::string errno_name(Int error);

/// "tcp/10.0.0.1:8080", "tcp/[::1]:8080": the id of a socket.
std::string socket_id(const Socket& socket);
/// Points to the rows of a socket.
void add_evidence(const Inquiry& inquiry, std::vector<Evidence>& evidence, const Socket& socket);

/// The socket as a culprit.
Culprit socket_culprit(const Socket& socket, std::string text = {});

/// An address that only a route somebody has set makes a broadcast address: who calls it does not
/// know that. (Whoever calls a link's broadcast address expects answers of others.)
bool is_broadcast_by_route(Inquiry& inquiry, Int netns, const IpAddress& address);

} // namespace synfate
