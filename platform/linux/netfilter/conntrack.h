// What conntrack makes of a packet: which entry it belongs to, and what state that gives it.
//
// net/netfilter/nf_conntrack_core.c: nf_conntrack_in(), resolve_normal_ct(); for TCP the table
// tcp_conntracks of net/netfilter/nf_conntrack_proto_tcp.c; Linux 6.12. An entry is found by its
// addresses and its zone: what comes in another zone is of another connection. A TCP packet that
// does not fit the state of its entry is invalid, and so is one that cannot begin an entry. Windows
// are not followed: the model's packets are in them. Tested by tests/unit/platform/linux/netfilter/
// conntrack_test.cpp and tests/netfilter/trials.py.
#pragma once

#include "platform/linux/netfilter/packet.h"

namespace synfate {

/// The packet has an entry: nf_ct_get() gives one that is no template.
inline bool is_tracked(const ConntrackView& ct) {
  return ct.exists && (ct.state == CtState::fresh || ct.state == CtState::established ||
                       ct.state == CtState::related);
}

/// skb->_nfct is set: to an entry, to a template, or to say that the packet is not tracked.
inline bool is_claimed(const ConntrackView& ct) {
  return is_tracked(ct) || ct.state == CtState::untracked || ct.pattern.has_value();
}

/// The packet travels from this host's program to the client, whoever conntrack saw first.
inline bool is_answer(const ConntrackView& ct) {
  return ct.reply != ct.from_answer;
}

/// A message of neighbour discovery.
bool is_neighbour_discovery(const PacketClass& packet);
/// An ICMP or ICMPv6 packet: of others the model sends errors alone.
bool is_icmp_error(const PacketClass& packet);

/// The packet would begin a connection of which conntrack has not seen the SYN: what becomes of it
/// hangs on net.netfilter.nf_conntrack_tcp_loose.
bool picks_up(const PacketClass& packet);

/// conntrack sees the packet. `loose`: see picks_up().
void enter_conntrack(PacketClass& packet, bool loose);

/// What is known of the connection when its next packet sets out, in this direction.
ConntrackView continued(const ConntrackView& before, bool answer);

/// A rule gives the packet a template: nf_ct_set() with IP_CT_NEW.
void give_template(PacketClass& packet, CtZone zone);

} // namespace synfate
