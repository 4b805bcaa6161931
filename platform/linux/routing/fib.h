// The kernel's routing decision as pure functions over the dumped tables.
//
// A live host can ask RTM_GETROUTE (route_question.h). This model answers where asking does not
// reach: for whole ranges of addresses (fib_classes.h), in a replay, and for the reason behind an
// EINVAL. It follows Linux 6.12:
//
//   rules    net/core/fib_rules.c: fib_rules_lookup(), fib_rule_match(); fib4_/fib6_rule_action(),
//            fib4_/fib6_rule_match(), fib4_/fib6_rule_suppress()
//   IPv4     net/ipv4/fib_trie.c: fib_table_lookup(): longest prefix, then TOS, then metric; an
//   entry
//            without a living hop is passed over, a rejecting one is final, a throw leaves the
//            table output: net/ipv4/route.c: ip_route_output_key_hash_rcu(), __mkroute_output()
//            input: ip_route_input_slow(), fib_frontend.c: fib_validate_source()
//   IPv6     net/ipv6/route.c: fib6_table_lookup(), rt6_select(), rt6_score_route();
//            ip6_fib.c: fib6_node_lookup(), fib6_backtrack() with source-specific subtrees
//            input: ip6_input.c: ip6_rcv_core(), ip6_route_input()
//
// While nobody has ever touched the IPv4 rules, tables local and main are one trie
// (fib_trie_unmerge() splits them), so that a longer prefix in main beats a shorter one in local.
// A namespace whose rules were changed and changed back looks alike and is taken for untouched.
//
// Where a read cannot tell which way the kernel goes (several next hops, a rule about a port that
// was not given, a selector this program does not know), there are several answers.
//
// Not modelled: route exceptions (redirects, path MTU), encapsulations, l3mdev (VRF), expired IPv6
// routes that are still listed, membership in multicast groups.
//
// Tested by tests/unit/platform/linux/routing/fib_test.cpp, and against RTM_GETROUTE with random
// tables by fib_kernel_test.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "core/model/outcome.h"
#include "platform/linux/routing/tables.h"

namespace synfate::linux_routing {

/// The settings of one interface that routing looks at, already combined with conf.all as the
/// kernel combines them (include/linux/inetdevice.h: IN_DEV_MAXCONF() and so on).
struct InterfaceSettings {
  bool forwarding = false;           ///< net.ipv4.conf.IF.forwarding
  Int rp_filter = 0;                 ///< the greater of all and IF
  std::string rp_filter_name;        ///< which of the two it is
  bool accept_local = false;         ///< all or IF
  bool source_valid_mark = false;    ///< src_valid_mark: all or IF
  bool route_localnet = false;       ///< all or IF
  bool broadcast_forwarding = false; ///< bc_forwarding: all and IF
  bool send_redirects = true;        ///< all or IF
  bool ipv6_disabled = false;        ///< net.ipv6.conf.IF.disable_ipv6
  bool ipv6_forwards = false;        ///< net.ipv6.conf.IF.force_forwarding, from Linux 6.17 on
};

/// What the model decides from: rows of one network namespace, in the kernel's order.
struct FibFacts {
  std::vector<Route> routes;
  std::vector<PolicyRule> rules;
  std::vector<Interface> interfaces;
  std::vector<Address> addresses;
  std::vector<Neighbour> neighbours;         ///< only IPv6 gateways that failed matter
  std::map<Int, InterfaceSettings> settings; ///< by interface index; others have the defaults
  bool ipv6_forwarding = false;              ///< net.ipv6.conf.all.forwarding
};

/// A packet to be routed. Interfaces are indexes, 0 for none.
struct FibPacket {
  IpAddress destination;
  std::optional<IpAddress> source = {};
  Int input_interface = 0;  ///< of an arriving packet
  Int output_interface = 0; ///< a packet of this host: its socket is bound to it
  std::uint32_t mark = 0;
  Int uid = 0;            ///< of the sending socket; arriving packets are routed as 0
  std::uint8_t proto = 0; ///< IP protocol number
  std::optional<std::uint16_t> source_port = {};      ///< nothing: any
  std::optional<std::uint16_t> destination_port = {}; ///< nothing: any
  std::uint8_t tos = 0;
  bool any_source = false; ///< a transparent socket may send from any address
};

/// What decided.
enum class FibReason : std::uint8_t {
  found,               ///< a route that leads somewhere
  no_route,            ///< no rule led to a route
  route,               ///< a blackhole, unreachable or prohibit route
  rule,                ///< a blackhole, unreachable or prohibit rule
  martian_source,      ///< an address that may not arrive as a source
  martian_destination, ///< an address that may not arrive as a destination
  local_source,        ///< the source is not a unicast address beyond this host
  rp_filter,           ///< the way back is not by the interface it came by
  forwarding_off,      ///< not for this host, and it does not forward
  source_not_local,    ///< a sender's address that this host does not have
  no_interface,        ///< there is no such interface
  interface_down,      ///< it is down
  ipv6_disabled,       ///< disable_ipv6 of the interface
};
std::string_view to_string(FibReason reason);

/// One answer. What is decided by nothing (no route) has neither table nor rule.
struct FibAnswer {
  int error = 0; ///< errno as the kernel would answer; rp_filter is EXDEV
  FibReason reason = FibReason::no_route;
  std::string type = {}; ///< unicast, local, broadcast …; of the route that matched
  std::optional<Int> table = {};
  std::optional<IpPrefix> prefix = {};
  std::optional<Int> interface_index = {}; ///< the way out; of local routes: lo
  std::optional<IpAddress> gateway = {};
  std::optional<Int> rule = {}; ///< priority of the rule that led here or decided
  /// The one object that decided against the packet: a route, policy_rule, sysctl or address.
  std::optional<Culprit> culprit = {};

  friend bool operator==(const FibAnswer&, const FibAnswer&) = default;
};
/// At least one; more when the facts do not tell which.
using FibAnswers = std::vector<FibAnswer>;

/// The tables, ready to be asked. Holds copies of what it needs.
class Fib {
public:
  explicit Fib(const FibFacts& facts);
  ~Fib();
  Fib(Fib&&) noexcept;
  Fib& operator=(Fib&&) noexcept;

  /// Routes a packet of this host.
  FibAnswers output(const FibPacket& packet) const;
  /// Routes an arriving packet, validation of its source included.
  FibAnswers input(const FibPacket& packet) const;
  /// All addresses at which an answer for some destination or source may change: starts of ranges
  /// between which every answer is the same. Sorted, the first is the family's zero.
  std::vector<IpAddress> boundaries(IpFamily family) const;

  struct State; ///< for the parts of the implementation

private:
  std::unique_ptr<State> state_;
};

} // namespace synfate::linux_routing
