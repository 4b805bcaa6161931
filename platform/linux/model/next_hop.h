// Who gets a packet that leaves by a device: the one that its next hop resolves to.
//
// net/core/neighbour.c: __neigh_event_send(), neigh_timer_handler(): a next hop without a
// link-layer address is asked for three times, then the packet is given up and its sender is told
// (net/ipv4/arp.c: arp_error_report(), net/ipv6/ndisc.c: ndisc_error_report()); one that is known
// is not asked for. A veth, a bridge of them, or a macvlan on one leads to namespaces of this
// machine, through bridges there as well, where it can be seen who answers; all other devices lead
// away. Linux 6.12. Tested by tests/twin/host.py.
#pragma once

#include "platform/linux/model/walk.h"

namespace synfate {

struct NextHop {
  enum class Kind : std::uint8_t {
    there,  ///< a namespace of this machine takes it
    beyond, ///< it leaves this machine, or not all ends of the link can be seen
    nobody, ///< nobody answers for it: given up, and the sender is told
    lost,   ///< it is sent to a link-layer address that nobody there has
  };
  Kind kind = Kind::beyond;
  Int netns = 0;          ///< there: which namespace,
  Interface interface;    ///< and its end of the link
  std::string why;        ///< nobody, lost: in words
  bool suspected = false; ///< beyond: the kernel itself got no answer when it asked last
  bool hidden = false;    ///< beyond, though the link is virtual: some end of it is not visible
  /// there: the bridges on the way (namespace, index).
  std::vector<std::pair<Int, Int>> bridges;
};

/// With IFF_NOARP the kernel gives every neighbour the device's own link-layer address, unless an
/// entry was set: arp_constructor(), ndisc_constructor().
bool asks_nobody(const Interface& device);

/// A device of its own on the link of another one: a macvlan and its like.
bool is_stacked_on(const Interface& interface, const Interface& lower);

/// Why this host cannot learn who `hop` is, whatever a neighbour says; empty: it can. Of an address
/// that it has on the device as well, if only in conflict, it ignores what others advertise
/// (net/ipv6/ndisc.c: ndisc_recv_na()), and it asks from the address of the packet if the device
/// has it (ndisc_solicit()): without a local route for that it does not hear the answer.
/// Linux 6.12.
std::string deaf_to(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
                    const std::optional<IpAddress>& sender);

/// An address of the other end of a link.
struct LinkAddress {
  Int netns = 0;
  Interface interface;
  IpAddress address;
  Interface end; ///< of this side
};

/// Whether who is on the link of a device can be seen at all.
bool is_visible(Walk& walk, Int netns, const Interface& out);

/// Whether an end of a virtual link is in no namespace that was found.
bool is_partly_hidden(Walk& walk, Int netns, const Interface& out);

/// The addresses of macvlans on the same device as a macvlan that do not hear it, nor it them:
/// where not both are in mode bridge, and nothing behind that device sends back what comes from
/// there.
std::vector<LinkAddress> siblings_apart(Walk& walk, Int netns, const Interface& out,
                                        IpFamily family);

/// Who is on a link, as far as that is in namespaces of this machine; valid as long as the walk.
const std::vector<LinkAddress>& visible_neighbours(Walk& walk, Int netns, const Interface& out,
                                                   IpFamily family);

/// The addresses that somebody on a link may answer for when asked: of IPv4 all of its host, on
/// whichever device (arp_process(), Linux 6.12).
std::vector<IpAddress> addresses_behind(Walk& walk, Int netns, const Interface& out,
                                        IpFamily family);

/// The neighbour that `hop` is behind `out` of a namespace, for a packet from `sender`. Means
/// nothing while the inquiry is pending.
NextHop find_next_hop(Walk& walk, Int netns, const Interface& out, const IpAddress& hop,
                      const std::optional<IpAddress>& sender);

/// What walks saw of links stays true for those that come later, for answers of a snapshot are only
/// ever added.
class KnownLinks {
public:
  /// For one walk.
  std::shared_ptr<LinkMemory> lend();
  /// After it: what it lacked facts for is forgotten.
  void settle();

private:
  std::shared_ptr<LinkMemory> memory_;
};

} // namespace synfate
