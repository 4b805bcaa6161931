// What fib.cpp, fib_rules.cpp, fib_v4.cpp and fib_v6.cpp share; see fib.h.
#pragma once

#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/linux/netfilter/route_tables.h"
#include "platform/linux/routing/fib.h"

namespace synfate::linux_routing {

constexpr Int loopback_index = 1; ///< LOOPBACK_IFINDEX, in every namespace

struct FibHop {
  Int interface_index = 0;
  std::optional<IpAddress> gateway;
  bool dead = false; ///< or its link is down and such links are ignored
  /// Dead only because of ignore_routes_with_linkdown. Shares of a multipath route are computed
  /// when links or routes change, not when that setting does (fib_rebalance()), so a route may
  /// still lead here.
  bool ignored = false;
};

struct FibRoute {
  Int table = 0;
  IpPrefix prefix;
  std::optional<IpPrefix> from; ///< IPv6, source-specific
  std::uint8_t tos = 0;
  Int metric = 0;
  std::string type;
  int error = 0;      ///< fib_props[type].error as errno
  int preference = 2; ///< IPV6_DECODE_PREF(): 1 low, 2 medium, 3 high
  std::vector<FibHop> hops;
};

/// The routes of one table of one family, by prefix. Within a prefix in the kernel's order.
struct FibTable {
  struct PrefixHash {
    std::size_t operator()(const IpPrefix& prefix) const;
  };
  std::unordered_map<IpPrefix, std::vector<const FibRoute*>, PrefixHash> routes;
  std::vector<unsigned> lengths; ///< of prefixes that exist, longest first

  void add(const FibRoute& route);
  /// Routes of the prefix of this length that has the address; null if there are none.
  const std::vector<const FibRoute*>* at(const IpAddress& address, unsigned length) const;
};

struct FibRule {
  PolicyRule row;
  Int input_index = 0;  ///< 0: any, -1: an interface that does not exist
  Int output_index = 0; ///< the same
  std::optional<IpPrefix> from;
  std::optional<IpPrefix> to;
};

/// What a rule or table sees of a packet: flowi4, flowi6.
struct Flow {
  IpAddress source; ///< the zero address if there is none
  IpAddress destination;
  bool has_source = false; ///< RT6_LOOKUP_F_HAS_SADDR
  Int input_index = 0;
  Int output_index = 0;
  std::uint32_t mark = 0;
  Int uid = 0;
  std::uint8_t proto = 0;
  std::optional<std::uint16_t> source_port;
  std::optional<std::uint16_t> destination_port;
  std::uint8_t tos = 0;
  bool strict_interface = false; ///< RT6_LOOKUP_F_IFACE
};

/// A way that a lookup may end.
struct Found {
  int error = ENETUNREACH; ///< EAGAIN inside a table: go on with the next rule
  const FibRoute* route = nullptr;
  const FibRule* rule = nullptr;
  std::vector<const FibHop*> hops; ///< one of these
};

struct Fib::State {
  std::vector<FibRoute> routes;
  std::map<Int, FibTable> tables_v4;
  std::map<Int, FibTable> tables_v6;
  std::vector<FibRule> rules_v4;
  std::vector<FibRule> rules_v6;
  bool merged = true; ///< nobody touched the IPv4 rules: local and main are one trie
  bool custom_local_routes = false;
  bool realms = false; ///< some IPv4 route or rule has a realm
  std::map<Int, Interface> interfaces;
  std::vector<Address> addresses;
  std::vector<Neighbour> neighbours;
  std::map<Int, InterfaceSettings> settings;
  bool ipv6_forwarding = false;

  const InterfaceSettings& settings_of(Int index) const;
  bool is_up(Int index) const;
  bool is_loopback(Int index) const;
  Int group_of(Int index) const;
  std::string name_of(Int index) const;
  bool has_address(const IpAddress& address) const;
  bool has_ipv4_address(Int index) const;
};

/// fib_lookup() and fib6_rule_lookup().
std::vector<Found> look_up(const Fib::State& state, const Flow& flow);
/// fib_table_lookup(); EAGAIN if the table has nothing.
Found look_up_v4(const Fib::State& state, Int table, const Flow& flow);
/// fib6_table_lookup() and fib6_select_path(); EAGAIN if the table has nothing.
Found look_up_v6(const Fib::State& state, Int table, const Flow& flow);

FibAnswers route_output_v4(const Fib::State& state, const FibPacket& packet);
FibAnswers route_output_v6(const Fib::State& state, const FibPacket& packet);
FibAnswers route_input_v4(const Fib::State& state, const FibPacket& packet);
FibAnswers route_input_v6(const Fib::State& state, const FibPacket& packet);

/// The answers that a way to end stands for: one for each hop it may take.
FibAnswers answers_of(const Found& found);
/// An answer that refuses.
FibAnswer refusal(int error, FibReason reason, std::optional<Culprit> culprit = std::nullopt);
/// Adds answers that are not there yet.
void add_answers(FibAnswers& answers, FibAnswers more);

/// The zero address for a missing source.
IpAddress source_of(const FibPacket& packet);
bool is_limited_broadcast(const IpAddress& address);
/// A martian as a culprit: the block it belongs to, for what is said of it holds for all of that.
Culprit martian_culprit(const IpAddress& address, std::string text);
/// The route that a reverse lookup found.
Culprit route_culprit(const FibRoute& route);

} // namespace synfate::linux_routing
