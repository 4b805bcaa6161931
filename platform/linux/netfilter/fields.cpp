#include "platform/linux/netfilter/fields.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace synfate {
namespace {

using enum ValueKind;

constexpr HeaderField tcp_fields[] = {
    {"tcp", "sport", 0, 16, number},      {"tcp", "dport", 16, 16, number},
    {"tcp", "sequence", 32, 32, number},  {"tcp", "ackseq", 64, 32, number},
    {"tcp", "doff", 96, 4, number},       {"tcp", "reserved", 100, 4, number},
    {"tcp", "flags", 104, 8, tcp_flags},  {"tcp", "window", 112, 16, number},
    {"tcp", "checksum", 128, 16, number}, {"tcp", "urgptr", 144, 16, number}};
constexpr HeaderField udp_fields[] = {{"udp", "sport", 0, 16, number},
                                      {"udp", "dport", 16, 16, number},
                                      {"udp", "length", 32, 16, number},
                                      {"udp", "checksum", 48, 16, number}};
constexpr HeaderField udplite_fields[] = {{"udplite", "sport", 0, 16, number},
                                          {"udplite", "dport", 16, 16, number},
                                          {"udplite", "csumcov", 32, 16, number},
                                          {"udplite", "checksum", 48, 16, number}};
constexpr HeaderField sctp_fields[] = {{"sctp", "sport", 0, 16, number},
                                       {"sctp", "dport", 16, 16, number},
                                       {"sctp", "vtag", 32, 32, number},
                                       {"sctp", "checksum", 64, 32, number}};
constexpr HeaderField dccp_fields[] = {{"dccp", "sport", 0, 16, number},
                                       {"dccp", "dport", 16, 16, number},
                                       {"dccp", "type", 67, 4, dccp_type}};
constexpr HeaderField esp_fields[] = {{"esp", "spi", 0, 32, number},
                                      {"esp", "sequence", 32, 32, number}};
constexpr HeaderField ah_fields[] = {{"ah", "nexthdr", 0, 8, protocol},
                                     {"ah", "hdrlength", 8, 8, number},
                                     {"ah", "reserved", 16, 16, number},
                                     {"ah", "spi", 32, 32, number},
                                     {"ah", "sequence", 64, 32, number}};
constexpr HeaderField comp_fields[] = {{"comp", "nexthdr", 0, 8, protocol},
                                       {"comp", "flags", 8, 8, raw},
                                       {"comp", "cpi", 16, 16, number}};
constexpr HeaderField th_fields[] = {{"th", "sport", 0, 16, number},
                                     {"th", "dport", 16, 16, number}};
constexpr HeaderField icmp_fields[] = {
    {"icmp", "type", 0, 8, icmp_type},    {"icmp", "code", 8, 8, icmp_code},
    {"icmp", "checksum", 16, 16, number}, {"icmp", "id", 32, 16, number},
    {"icmp", "sequence", 48, 16, number}, {"icmp", "gateway", 32, 32, number},
    {"icmp", "mtu", 48, 16, number}};
constexpr HeaderField icmpv6_fields[] = {
    {"icmpv6", "type", 0, 8, icmpv6_type},  {"icmpv6", "code", 8, 8, icmpv6_code},
    {"icmpv6", "checksum", 16, 16, number}, {"icmpv6", "parameter-problem", 32, 32, number},
    {"icmpv6", "mtu", 32, 32, number},      {"icmpv6", "id", 32, 16, number},
    {"icmpv6", "sequence", 48, 16, number}, {"icmpv6", "max-delay", 32, 16, number}};
constexpr HeaderField igmp_fields[] = {{"igmp", "type", 0, 8, igmp_type},
                                       {"igmp", "mrt", 8, 8, number},
                                       {"igmp", "checksum", 16, 16, number},
                                       {"igmp", "group", 32, 32, ipv4}};
constexpr HeaderField ip_fields[] = {
    {"ip", "version", 0, 4, number},     {"ip", "hdrlength", 4, 4, number},
    {"ip", "dscp", 8, 6, dscp},          {"ip", "ecn", 14, 2, ecn},
    {"ip", "length", 16, 16, number},    {"ip", "id", 32, 16, number},
    {"ip", "frag-off", 48, 16, number},  {"ip", "ttl", 64, 8, number},
    {"ip", "protocol", 72, 8, protocol}, {"ip", "checksum", 80, 16, number},
    {"ip", "saddr", 96, 32, ipv4},       {"ip", "daddr", 128, 32, ipv4}};
constexpr HeaderField ip6_fields[] = {
    {"ip6", "version", 0, 4, number},   {"ip6", "dscp", 4, 6, dscp},
    {"ip6", "ecn", 10, 2, ecn},         {"ip6", "flowlabel", 12, 20, number},
    {"ip6", "length", 32, 16, number},  {"ip6", "nexthdr", 48, 8, protocol},
    {"ip6", "hoplimit", 56, 8, number}, {"ip6", "saddr", 64, 128, ipv6},
    {"ip6", "daddr", 192, 128, ipv6}};
constexpr HeaderField arp_fields[] = {{"arp", "htype", 0, 16, number},
                                      {"arp", "ptype", 16, 16, ethertype},
                                      {"arp", "hlen", 32, 8, number},
                                      {"arp", "plen", 40, 8, number},
                                      {"arp", "operation", 48, 16, arp_operation},
                                      {"arp", "saddr ether", 64, 48, hardware},
                                      {"arp", "saddr ip", 112, 32, ipv4},
                                      {"arp", "daddr ether", 144, 48, hardware},
                                      {"arp", "daddr ip", 192, 32, ipv4}};
/// A VLAN's tag lies behind the Ethernet header: its type is that of the next.
constexpr HeaderField ether_fields[] = {{"ether", "daddr", 0, 48, hardware},
                                        {"ether", "saddr", 48, 48, hardware},
                                        {"ether", "type", 96, 16, ethertype}};
constexpr HeaderField vlan_fields[] = {
    {"vlan", "pcp", 112, 3, number}, {"vlan", "dei", 115, 1, number},
    {"vlan", "id", 116, 12, number}, {"vlan", "type", 128, 16, ethertype},
    {"vlan", "pcp", 144, 3, number}, {"vlan", "dei", 147, 1, number},
    {"vlan", "id", 148, 12, number}, {"vlan", "type", 160, 16, ethertype}};

struct Header {
  std::string_view name;
  std::span<const HeaderField> fields;
};
constexpr Header headers[] = {
    {"tcp", tcp_fields},       {"udp", udp_fields},   {"udplite", udplite_fields},
    {"sctp", sctp_fields},     {"dccp", dccp_fields}, {"esp", esp_fields},
    {"ah", ah_fields},         {"comp", comp_fields}, {"icmp", icmp_fields},
    {"icmpv6", icmpv6_fields}, {"igmp", igmp_fields}, {"ip", ip_fields},
    {"ip6", ip6_fields},       {"arp", arp_fields},   {"ether", ether_fields},
    {"vlan", vlan_fields},     {"th", th_fields}};

struct OptionEntry {
  nft::ExthdrOp op;
  unsigned type;
  std::string_view name;
  unsigned bit;
  unsigned bits;
  ValueKind kind;
};

constexpr auto extension = nft::ExthdrOp::ipv6;
using nft::ExthdrOp::dccp_option;
using nft::ExthdrOp::ipv4_option;
using nft::ExthdrOp::sctp_chunk;
using nft::ExthdrOp::tcp_option;
constexpr OptionEntry options[] = {
    {extension, 0, "hbh nexthdr", 0, 8, protocol},
    {extension, 0, "hbh hdrlength", 8, 8, number},
    {extension, 43, "rt nexthdr", 0, 8, protocol},
    {extension, 43, "rt hdrlength", 8, 8, number},
    {extension, 43, "rt type", 16, 8, number},
    {extension, 43, "rt seg-left", 24, 8, number},
    {extension, 43, "srh last-entry", 32, 8, number},
    {extension, 43, "srh flags", 40, 8, number},
    {extension, 43, "srh tag", 48, 16, number},
    {extension, 43, "srh sid[1]", 64, 128, ipv6},
    {extension, 43, "srh sid[2]", 192, 128, ipv6},
    {extension, 44, "frag nexthdr", 0, 8, protocol},
    {extension, 44, "frag reserved", 8, 8, number},
    {extension, 44, "frag frag-off", 16, 13, number},
    {extension, 44, "frag reserved2", 29, 2, number},
    {extension, 44, "frag more-fragments", 31, 1, number},
    {extension, 44, "frag id", 32, 32, number},
    {extension, 60, "dst nexthdr", 0, 8, protocol},
    {extension, 60, "dst hdrlength", 8, 8, number},
    {extension, 135, "mh nexthdr", 0, 8, protocol},
    {extension, 135, "mh hdrlength", 8, 8, number},
    {extension, 135, "mh type", 16, 8, mobility_type},
    {extension, 135, "mh reserved", 24, 8, number},
    {extension, 135, "mh checksum", 32, 16, number},
    {tcp_option, 2, "maxseg length", 8, 8, number},
    {tcp_option, 2, "maxseg size", 16, 16, number},
    {tcp_option, 3, "window length", 8, 8, number},
    {tcp_option, 3, "window count", 16, 8, number},
    {tcp_option, 4, "sack-perm length", 8, 8, number},
    {tcp_option, 5, "sack length", 8, 8, number},
    {tcp_option, 5, "sack left", 16, 32, number},
    {tcp_option, 5, "sack right", 48, 32, number},
    {tcp_option, 5, "sack1 left", 80, 32, number},
    {tcp_option, 5, "sack1 right", 112, 32, number},
    {tcp_option, 5, "sack2 left", 144, 32, number},
    {tcp_option, 5, "sack2 right", 176, 32, number},
    {tcp_option, 5, "sack3 left", 208, 32, number},
    {tcp_option, 5, "sack3 right", 240, 32, number},
    {tcp_option, 8, "timestamp length", 8, 8, number},
    {tcp_option, 8, "timestamp tsval", 16, 32, number},
    {tcp_option, 8, "timestamp tsecr", 48, 32, number},
    {tcp_option, 19, "md5sig length", 8, 8, number},
    {tcp_option, 30, "mptcp length", 8, 8, number},
    {tcp_option, 30, "mptcp subtype", 16, 4, number},
    {tcp_option, 34, "fastopen length", 8, 8, number},
    {ipv4_option, 7, "rr type", 0, 8, number},
    {ipv4_option, 7, "rr length", 8, 8, number},
    {ipv4_option, 7, "rr ptr", 16, 8, number},
    {ipv4_option, 7, "rr addr", 24, 32, ipv4},
    {ipv4_option, 131, "lsrr type", 0, 8, number},
    {ipv4_option, 131, "lsrr length", 8, 8, number},
    {ipv4_option, 131, "lsrr ptr", 16, 8, number},
    {ipv4_option, 131, "lsrr addr", 24, 32, ipv4},
    {ipv4_option, 137, "ssrr type", 0, 8, number},
    {ipv4_option, 137, "ssrr length", 8, 8, number},
    {ipv4_option, 137, "ssrr ptr", 16, 8, number},
    {ipv4_option, 137, "ssrr addr", 24, 32, ipv4},
    {ipv4_option, 148, "ra type", 0, 8, number},
    {ipv4_option, 148, "ra length", 8, 8, number},
    {ipv4_option, 148, "ra value", 16, 16, number},
    {sctp_chunk, 0, "data tsn", 32, 32, number},
    {sctp_chunk, 0, "data stream", 64, 16, number},
    {sctp_chunk, 0, "data ssn", 80, 16, number},
    {sctp_chunk, 0, "data ppid", 96, 32, raw},
    {sctp_chunk, 1, "init init-tag", 32, 32, number},
    {sctp_chunk, 1, "init a-rwnd", 64, 32, number},
    {sctp_chunk, 1, "init num-outbound-streams", 96, 16, number},
    {sctp_chunk, 1, "init num-inbound-streams", 112, 16, number},
    {sctp_chunk, 1, "init initial-tsn", 128, 32, number},
    {sctp_chunk, 2, "init-ack init-tag", 32, 32, number},
    {sctp_chunk, 2, "init-ack a-rwnd", 64, 32, number},
    {sctp_chunk, 2, "init-ack num-outbound-streams", 96, 16, number},
    {sctp_chunk, 2, "init-ack num-inbound-streams", 112, 16, number},
    {sctp_chunk, 2, "init-ack initial-tsn", 128, 32, number},
    {sctp_chunk, 3, "sack cum-tsn-ack", 32, 32, number},
    {sctp_chunk, 3, "sack a-rwnd", 64, 32, number},
    {sctp_chunk, 3, "sack num-gap-ack-blocks", 96, 16, number},
    {sctp_chunk, 3, "sack num-dup-tsns", 112, 16, number},
    {sctp_chunk, 7, "shutdown cum-tsn-ack", 32, 32, number},
    {sctp_chunk, 12, "ecne lowest-tsn", 32, 32, number},
    {sctp_chunk, 13, "cwr lowest-tsn", 32, 32, number},
    {sctp_chunk, 193, "asconf seqno", 32, 32, number},
    {sctp_chunk, 128, "asconf-ack seqno", 32, 32, number},
    {sctp_chunk, 192, "forward-tsn new-cum-tsn", 32, 32, number},
};

struct OptionName {
  nft::ExthdrOp op;
  unsigned type;
  std::string_view name;
};
constexpr OptionName option_names[] = {
    {extension, 0, "hbh"},
    {extension, 43, "rt"},
    {extension, 44, "frag"},
    {extension, 60, "dst"},
    {extension, 135, "mh"},
    {tcp_option, 0, "eol"},
    {tcp_option, 1, "nop"},
    {tcp_option, 2, "maxseg"},
    {tcp_option, 3, "window"},
    {tcp_option, 4, "sack-perm"},
    {tcp_option, 5, "sack"},
    {tcp_option, 8, "timestamp"},
    {tcp_option, 19, "md5sig"},
    {tcp_option, 30, "mptcp"},
    {tcp_option, 34, "fastopen"},
    {ipv4_option, 7, "rr"},
    {ipv4_option, 131, "lsrr"},
    {ipv4_option, 137, "ssrr"},
    {ipv4_option, 148, "ra"},
    {sctp_chunk, 0, "data"},
    {sctp_chunk, 1, "init"},
    {sctp_chunk, 2, "init-ack"},
    {sctp_chunk, 3, "sack"},
    {sctp_chunk, 4, "heartbeat"},
    {sctp_chunk, 5, "heartbeat-ack"},
    {sctp_chunk, 6, "abort"},
    {sctp_chunk, 7, "shutdown"},
    {sctp_chunk, 8, "shutdown-ack"},
    {sctp_chunk, 9, "error"},
    {sctp_chunk, 10, "cookie-echo"},
    {sctp_chunk, 11, "cookie-ack"},
    {sctp_chunk, 12, "ecne"},
    {sctp_chunk, 13, "cwr"},
    {sctp_chunk, 14, "shutdown-complete"},
    {sctp_chunk, 193, "asconf"},
    {sctp_chunk, 128, "asconf-ack"},
    {sctp_chunk, 192, "forward-tsn"},
};

/// What stands in front of an option's name.
std::string_view word_of(nft::ExthdrOp op, bool present) {
  switch (op) {
  case extension:
    return present ? "exthdr " : "";
  case tcp_option:
    return "tcp option ";
  case ipv4_option:
    return "ip option ";
  case sctp_chunk:
    return "sctp chunk ";
  case dccp_option:
    return "dccp option ";
  }
  return "";
}

/// A field that every chunk has, or one by its numbers.
OptionField unnamed_field(const nft::Exthdr& header, std::string_view name, unsigned bit,
                          unsigned bits) {
  if (header.op == sctp_chunk && bits <= 16 && (bit == 0 || bit == 8 || bit == 16))
    return {fmt::format("sctp chunk {} {}", name,
                        bit == 0   ? "type"
                        : bit == 8 ? "flags"
                                   : "length"),
            number};
  if (header.op == tcp_option)
    return {fmt::format("tcp option @{},{},{}", header.type, bit, bits), number};
  return {fmt::format("{}{} @{},{}", word_of(header.op, true), header.type, bit, bits), raw};
}

} // namespace

std::span<const HeaderField> fields_of(std::string_view header) {
  const auto found = std::ranges::find(headers, header, &Header::name);
  return found == std::end(headers) ? std::span<const HeaderField>() : found->fields;
}

std::string_view header_of_protocol(unsigned wanted) {
  switch (wanted) {
  case 1:
    return "icmp";
  case 2:
    return "igmp";
  case 6:
    return "tcp";
  case 17:
    return "udp";
  case 33:
    return "dccp";
  case 50:
    return "esp";
  case 51:
    return "ah";
  case 58:
    return "icmpv6";
  case 108:
    return "comp";
  case 132:
    return "sctp";
  case 136:
    return "udplite";
  default:
    return {};
  }
}

std::string_view header_of_ethertype(unsigned wanted) {
  switch (wanted) {
  case 0x0800:
    return "ip";
  case 0x86dd:
    return "ip6";
  case 0x0806:
    return "arp";
  case 0x8100:
  case 0x88a8:
    return "vlan";
  default:
    return {};
  }
}

OptionField option_field(const nft::Exthdr& header, unsigned bit, unsigned bits) {
  const auto name = std::ranges::find_if(option_names, [&](const OptionName& entry) {
    return entry.op == header.op && entry.type == header.type;
  });
  const std::string called =
      name == std::end(option_names) ? fmt::format("{}", header.type) : std::string(name->name);
  const auto word = word_of(header.op, header.present);
  if (header.present)
    return {fmt::format("{}{}", word, called), truth};
  const auto field = std::ranges::find_if(options, [&](const OptionEntry& entry) {
    return entry.op == header.op && entry.type == header.type && entry.bit == bit &&
           entry.bits == bits;
  });
  if (field != std::end(options))
    return {fmt::format("{}{}", word, field->name), field->kind};
  return unnamed_field(header, called, bit, bits);
}

MetaName meta_name(nft::MetaKey key) {
  static constexpr MetaName names[] = {{"meta length", host_number},
                                       {"meta protocol", ethertype},
                                       {"meta priority", class_handle},
                                       {"meta mark", mark},
                                       {"iif", interface_index},
                                       {"oif", interface_index},
                                       {"iifname", name},
                                       {"oifname", name},
                                       {"meta iiftype", interface_type},
                                       {"meta oiftype", interface_type},
                                       {"meta skuid", host_number},
                                       {"meta skgid", host_number},
                                       {"meta nftrace", number},
                                       {"meta rtclassid", realm},
                                       {"meta secmark", host_number},
                                       {"meta nfproto", family},
                                       {"meta l4proto", protocol},
                                       {"meta ibrname", name},
                                       {"meta obrname", name},
                                       {"meta pkttype", packet_type},
                                       {"meta cpu", host_number},
                                       {"iifgroup", device_group},
                                       {"oifgroup", device_group},
                                       {"meta cgroup", host_number},
                                       {"meta random", number},
                                       {"meta ipsec", truth},
                                       {"meta iifkind", name},
                                       {"meta oifkind", name},
                                       {"meta ibrpvid", host_number},
                                       {"meta ibrvproto", ethertype},
                                       {"meta time", date},
                                       {"meta day", day},
                                       {"meta hour", hour},
                                       {"meta sdif", interface_index},
                                       {"meta sdifname", name},
                                       {"meta broute", number},
                                       {"meta iiftype", interface_type},
                                       {"meta ibrhwaddr", hardware}};
  static_assert(std::size(names) == nft::meta_keys);
  return names[static_cast<std::size_t>(key)];
}

MetaName ct_name(nft::CtKey key) {
  static constexpr MetaName names[] = {
      {"state", ct_state},    {"direction", direction}, {"status", ct_status},
      {"mark", mark},         {"secmark", host_number}, {"expiration", duration},
      {"helper", text},       {"l3proto", family},      {"saddr", ipv4},
      {"daddr", ipv4},        {"protocol", protocol},   {"proto-src", number},
      {"proto-dst", number},  {"label", ct_label},      {"packets", host_number},
      {"bytes", host_number}, {"avgpkt", host_number},  {"zone", host_number},
      {"event", ct_event},    {"ip saddr", ipv4},       {"ip daddr", ipv4},
      {"ip6 saddr", ipv6},    {"ip6 daddr", ipv6},      {"id", number}};
  static_assert(std::size(names) == nft::ct_keys);
  return names[static_cast<std::size_t>(key)];
}

ValueKind kind_of(std::string_view field) {
  for (const auto& header : headers)
    for (const auto& entry : header.fields)
      if (field == fmt::format("{} {}", entry.header, entry.name))
        return entry.kind;
  for (unsigned key = 0; key < nft::meta_keys; ++key)
    if (const auto meta = meta_name(static_cast<nft::MetaKey>(key)); meta.name == field)
      return meta.kind;
  if (field.starts_with("ct "))
    for (unsigned key = 0; key < nft::ct_keys; ++key)
      if (const auto ct = ct_name(static_cast<nft::CtKey>(key)); field.ends_with(ct.name))
        return ct.kind;
  if (field.starts_with("fib"))
    return field.ends_with("type") ? address_type : host_number;
  return raw;
}

} // namespace synfate
