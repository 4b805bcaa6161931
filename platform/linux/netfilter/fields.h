// Where the fields of headers are, as nft names them. Numbers of bits are those of the protocols'
// own documents. Values are written by values.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "platform/linux/netfilter/expression.h"
#include "platform/linux/netfilter/values.h"

namespace synfate {

struct HeaderField {
  std::string_view header; ///< "tcp"
  std::string_view name;   ///< "dport"
  unsigned bit = 0;        ///< from the header's start
  unsigned bits = 0;
  ValueKind kind = ValueKind::number;
};

/// The fields of a header by its nft name; empty if it is not known.
std::span<const HeaderField> fields_of(std::string_view header);
/// The header that a protocol number or an Ethernet type announces; empty if there is no name.
std::string_view header_of_protocol(unsigned number);
std::string_view header_of_ethertype(unsigned number);

/// A field of an extension header, a TCP or IP option or an SCTP chunk: its words in nft's text.
struct OptionField {
  std::string text;
  ValueKind kind = ValueKind::number;
};
/// `bit` and `bits` within the option; asked only whether it is there: `header.present`.
OptionField option_field(const nft::Exthdr& header, unsigned bit, unsigned bits);

/// The kind of a field's values, by its name as a phrase has it.
ValueKind kind_of(std::string_view field);

struct MetaName {
  std::string_view name;
  ValueKind kind;
};
MetaName meta_name(nft::MetaKey key);
MetaName ct_name(nft::CtKey key);

} // namespace synfate
