// Where the fields of headers are, and how their values are written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/linux/netfilter/attributes.h"
#include "platform/linux/netfilter/expression.h"

namespace synfate {

enum class ValueKind : std::uint8_t {
  number,      ///< network order
  host_number, ///< the machine's order
  hex,         ///< the machine's order, as 0x…
  ipv4,
  ipv6,
  hardware,
  name,     ///< text in 16 bytes
  protocol, ///< tcp, udp …
  ethertype,
  tcp_flags,
  ct_state,
  ct_status,
  direction,
  packet_type,
  address_type, ///< of fib
  family,
  truth, ///< exists or missing
  raw,
};

struct HeaderField {
  std::string_view header; ///< "tcp"
  std::string_view name;   ///< "dport"
  unsigned bit = 0;        ///< from the header's start
  unsigned bits = 0;
  ValueKind kind = ValueKind::number;
};

/// The fields of a header by its nft name; empty if it is not known.
std::span<const HeaderField> fields_of(std::string_view header);
/// "tcp" for 6; empty if there is no name.
std::string_view protocol_name(unsigned number);

/// A value of a kind from its bytes.
std::string value_of(ValueKind kind, std::string_view bytes, ByteOrder order);
/// The kind of a field's values, by its name as a phrase has it.
ValueKind kind_of(std::string_view field);

struct MetaName {
  std::string_view name;
  ValueKind kind;
};
MetaName meta_name(nft::MetaKey key);
MetaName ct_name(nft::CtKey key);

} // namespace synfate
