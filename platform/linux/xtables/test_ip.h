// The part of a rule before its matches: ip_packet_match() of net/ipv4/netfilter/ip_tables.c and
// ip6_packet_match() of net/ipv6/netfilter/ip6_tables.c, Linux 6.12.
#pragma once

#include "platform/linux/xtables/test_core.h"

namespace synfate::xt {

/// What most rules are rejected by, looked up once for a class: exact where it is set.
struct QuickFacts {
  std::optional<std::uint32_t> source, destination; ///< IPv4 addresses as they lie in the header
  std::string_view in, out;                         ///< interface names; empty: none
  TransportInfo transport;
};
QuickFacts quick_facts(const PacketClass& packet);

/// False only if the rule certainly does not match by its addresses: looked up where they lie in
/// the bytes of an entry, of which there must be a head.
bool addresses_may_match(ByteView entry, IpFamily family, const QuickFacts& facts);

/// False only if the rule certainly does not match: cheap, and without copies.
bool may_match(const IpPart& ip, const QuickFacts& facts);

/// Exactly what of the class matches.
MatchAnswer test_ip(const MatchCall& call, const IpPart& ip, const QuickFacts& facts);

/// Of how many of its fields the rule certainly fails, and the first of them: for near misses.
struct IpFailures {
  unsigned count = 0;
  std::string field;
};
IpFailures ip_failures(const MatchCall& call, const IpPart& ip, const QuickFacts& facts);

} // namespace synfate::xt
