// Values of nf_tables as nft writes them: a register's or an element's bytes and a kind of value.
// Tested by tests/netfilter/decoding.py against nft itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/linux/netfilter/attributes.h"

namespace synfate {

enum class ValueKind : std::uint8_t {
  number,      ///< network order
  host_number, ///< the machine's order
  mark,        ///< the machine's order, as 0x0000002a
  raw,         ///< network order, as 0x2a
  ipv4,
  ipv6,
  hardware,
  name, ///< of an interface, in 16 bytes; shorter: the beginning of one
  text, ///< in quotes
  interface_index,
  interface_type,
  protocol, ///< tcp, udp …
  ethertype,
  tcp_flags,
  ct_state,
  ct_status,
  ct_event,
  ct_label,
  direction,
  packet_type,
  address_type, ///< of fib
  family,
  truth, ///< exists or missing
  icmp_type,
  icmp_code,
  icmpv6_type,
  icmpv6_code,
  igmp_type,
  arp_operation,
  mobility_type,
  dccp_type,
  dscp,
  ecn,
  device_group,
  realm,
  class_handle, ///< "1:2" of traffic control
  duration,     ///< milliseconds in the machine's order
  date,         ///< nanoseconds since 1970, likewise
  day,
  hour,
};

/// A value of a kind from its bytes.
std::string value_of(ValueKind kind, std::string_view bytes, ByteOrder order);
/// The same as one end of a range, where nft writes numbers for some names.
std::string range_end_of(ValueKind kind, std::string_view bytes, ByteOrder order);

/// Kinds whose bytes lie in the machine's order.
bool in_host_order(ValueKind kind);
/// Kinds that are sets of bits with names: nft writes "==" before a single one.
bool is_bit_set(ValueKind kind);
/// Bytes that a value of the kind takes; 0: as many as are there.
unsigned size_of(ValueKind kind);

/// nft's numbers of types in NFTA_SET_KEY_TYPE and NFTA_SET_DATA_TYPE: one kind, or those of a
/// concatenation, six bits each (include/datatype.h of nftables: enum datatypes).
std::vector<ValueKind> kinds_of_type(std::uint32_t type);

} // namespace synfate
