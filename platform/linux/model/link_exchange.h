// An ARP or neighbour discovery message and its answer, through the hooks of this host.
//
// Why a question on the link for one of this host's addresses stays unanswered: settings, addresses
// and routes (see routing/reachability.h), or a rule that drops the question or the answer. Both
// are untracked packets that no ICMP error answers. net/ipv4/arp.c: arp_rcv(), arp_xmit();
// net/ipv6/ndisc.c: ndisc_send_skb(); Linux 6.12. Tested by tests/lab/cases_path.py,
// tests/twin/firewall.py --strangers.
#pragma once

#include "platform/linux/model/next_hop.h"
#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/packet_build.h"

namespace synfate {

/// What keeps an answer from being given, or from getting through.
struct Refusal {
  enum class Kind : std::uint8_t {
    settings, ///< of this host: for everybody
    rules,    ///< for who does not know this host yet
    perhaps,  ///< for some who may ask: only who is seen is told
    unknown,  ///< a rule that is not understood
  };
  Stop stop;
  std::vector<PathStep> path;
  Kind kind = Kind::settings;
};

/// The stop of a client that asks in vain, by what stopped its question or the answer.
Refusal dropped_question(const Journey& journey, const Stop& end, std::vector<PathStep> path);

/// Why this host does not answer, by its settings, addresses and routes.
std::optional<Refusal> unanswered(Walk& walk, const Journey& journey, const LinkQuestion& question,
                                  const IpAddress& sender, const Interface& device);

/// Rules that a message of the family can meet.
bool meets_rules(Walk& walk, Int netns, IpFamily family);

/// Question and answer through the hooks. For many clients those that are stopped have ended.
Journeys exchange(Walk& walk, const Journey& journey, const LinkQuestion& question,
                  const Interface& device);

/// The first rule that stands in the way; nothing where tries get through. `exact`: it is known who
/// asks, so what lets only some tries through is a limit or the like, and there are several.
std::optional<Refusal> refusal_by_rules(Walk& walk, const Journey& journey,
                                        const LinkQuestion& question, const Interface& device,
                                        bool exact);

/// The same of a question that this host asks itself, by `out`; and, if that is seen, of who has
/// the address: its rules.
std::optional<Refusal> lost_question(Walk& walk, const Journey& journey,
                                     const LinkQuestion& question, const Interface& out,
                                     const NextHop* there);

} // namespace synfate
