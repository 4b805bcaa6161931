#include "platform/linux/netfilter/fields.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/base/ip.h"

namespace synfate {
namespace {

using enum ValueKind;

constexpr HeaderField tcp_fields[] = {
    {"tcp", "sport", 0, 16, number},     {"tcp", "dport", 16, 16, number},
    {"tcp", "sequence", 32, 32, number}, {"tcp", "ackseq", 64, 32, number},
    {"tcp", "doff", 96, 4, number},      {"tcp", "flags", 104, 8, tcp_flags},
    {"tcp", "window", 112, 16, number},  {"tcp", "checksum", 128, 16, number},
    {"tcp", "urgptr", 144, 16, number}};
constexpr HeaderField udp_fields[] = {{"udp", "sport", 0, 16, number},
                                      {"udp", "dport", 16, 16, number},
                                      {"udp", "length", 32, 16, number},
                                      {"udp", "checksum", 48, 16, number}};
constexpr HeaderField th_fields[] = {{"th", "sport", 0, 16, number},
                                     {"th", "dport", 16, 16, number}};
constexpr HeaderField icmp_fields[] = {{"icmp", "type", 0, 8, number},
                                       {"icmp", "code", 8, 8, number}};
constexpr HeaderField icmpv6_fields[] = {{"icmpv6", "type", 0, 8, number},
                                         {"icmpv6", "code", 8, 8, number}};
constexpr HeaderField ip_fields[] = {
    {"ip", "version", 0, 4, number},     {"ip", "hdrlength", 4, 4, number},
    {"ip", "dscp", 8, 6, number},        {"ip", "ecn", 14, 2, number},
    {"ip", "length", 16, 16, number},    {"ip", "id", 32, 16, number},
    {"ip", "frag-off", 48, 16, number},  {"ip", "ttl", 64, 8, number},
    {"ip", "protocol", 72, 8, protocol}, {"ip", "checksum", 80, 16, number},
    {"ip", "saddr", 96, 32, ipv4},       {"ip", "daddr", 128, 32, ipv4}};
constexpr HeaderField ip6_fields[] = {
    {"ip6", "version", 0, 4, number},   {"ip6", "dscp", 4, 6, number},
    {"ip6", "ecn", 10, 2, number},      {"ip6", "flowlabel", 12, 20, number},
    {"ip6", "length", 32, 16, number},  {"ip6", "nexthdr", 48, 8, protocol},
    {"ip6", "hoplimit", 56, 8, number}, {"ip6", "saddr", 64, 128, ipv6},
    {"ip6", "daddr", 192, 128, ipv6}};
constexpr HeaderField ether_fields[] = {{"ether", "daddr", 0, 48, hardware},
                                        {"ether", "saddr", 48, 48, hardware},
                                        {"ether", "type", 96, 16, ethertype}};

struct NumberName {
  unsigned number;
  std::string_view name;
};
constexpr NumberName protocols[] = {{1, "icmp"},    {2, "igmp"},   {6, "tcp"},      {17, "udp"},
                                    {33, "dccp"},   {47, "gre"},   {50, "esp"},     {51, "ah"},
                                    {58, "icmpv6"}, {132, "sctp"}, {136, "udplite"}};
constexpr NumberName flag_names[] = {{1, "fin"},  {2, "syn"},  {4, "rst"},  {8, "psh"},
                                     {16, "ack"}, {32, "urg"}, {64, "ecn"}, {128, "cwr"}};
constexpr NumberName state_names[] = {
    {1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}};
constexpr NumberName status_names[] = {{1, "expected"},  {2, "seen-reply"}, {4, "assured"},
                                       {8, "confirmed"}, {16, "snat"},      {32, "dnat"},
                                       {512, "dying"}};
constexpr NumberName types[] = {{0, "host"}, {1, "broadcast"}, {2, "multicast"}, {3, "other"}};
constexpr NumberName address_types[] = {{0, "unspec"},    {1, "unicast"},     {2, "local"},
                                        {3, "broadcast"}, {4, "anycast"},     {5, "multicast"},
                                        {6, "blackhole"}, {7, "unreachable"}, {8, "prohibit"}};
constexpr NumberName families[] = {{2, "ipv4"}, {10, "ipv6"}};
constexpr NumberName ethertypes[] = {
    {0x0800, "ip"}, {0x86dd, "ip6"}, {0x0806, "arp"}, {0x8100, "8021q"}};
constexpr NumberName truths[] = {{0, "missing"}, {1, "exists"}};
constexpr NumberName directions[] = {{0, "original"}, {1, "reply"}};

std::uint64_t big(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(bytes.size() > 8 ? bytes.size() - 8 : 0))
    value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

std::uint64_t host(std::string_view bytes, ByteOrder order) {
  if (order == ByteOrder::big)
    return big(bytes);
  std::string turned(bytes.rbegin(), bytes.rend());
  return big(turned);
}

std::string named(std::span<const NumberName> names, std::uint64_t value) {
  for (const auto& entry : names)
    if (entry.number == value)
      return std::string(entry.name);
  return fmt::format("{}", value);
}

std::string flags(std::span<const NumberName> names, std::uint64_t value) {
  std::string text;
  for (const auto& entry : names)
    if ((value & entry.number) != 0) {
      text += (text.empty() ? "" : ",") + std::string(entry.name);
      value &= ~std::uint64_t{entry.number};
    }
  if (value != 0 || text.empty())
    text += fmt::format("{}{:#x}", text.empty() ? "" : ",", value);
  return text;
}

std::string hexadecimal(std::string_view bytes) {
  std::string text = "0x";
  for (const char byte : bytes)
    text += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return text;
}

std::string quoted(std::string_view bytes) {
  const auto text = bytes.substr(0, bytes.find('\0'));
  return fmt::format("\"{}{}\"", text, bytes.size() < 16 && text.size() == bytes.size() ? "*" : "");
}

} // namespace

std::span<const HeaderField> fields_of(std::string_view header) {
  if (header == "tcp")
    return tcp_fields;
  if (header == "udp" || header == "udplite")
    return udp_fields;
  if (header == "icmp")
    return icmp_fields;
  if (header == "icmpv6")
    return icmpv6_fields;
  if (header == "ip")
    return ip_fields;
  if (header == "ip6")
    return ip6_fields;
  if (header == "ether")
    return ether_fields;
  return th_fields;
}

std::string_view protocol_name(unsigned wanted) {
  for (const auto& entry : protocols)
    if (entry.number == wanted)
      return entry.name;
  return {};
}

std::string value_of(ValueKind kind, std::string_view bytes, ByteOrder order) {
  switch (kind) {
  case number:
    return bytes.size() <= 8 ? fmt::format("{}", big(bytes)) : hexadecimal(bytes);
  case host_number:
    return fmt::format("{}", host(bytes, order));
  case hex:
    return fmt::format("0x{:08x}", host(bytes, order));
  case ipv4:
  case ipv6: {
    const auto address = IpAddress::from_bytes(std::as_bytes(std::span(bytes)));
    return address ? address->to_string() : hexadecimal(bytes);
  }
  case hardware: {
    std::string text;
    for (const char byte : bytes)
      text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<std::uint8_t>(byte));
    return text;
  }
  case name:
    return quoted(bytes);
  case protocol:
    return named(protocols, big(bytes.substr(0, 1))); // one byte, in front of the register's rest
  case ethertype:
    return named(ethertypes, big(bytes));
  case tcp_flags:
    return flags(flag_names, big(bytes));
  case ct_state:
    return flags(state_names, host(bytes, order));
  case ct_status:
    return flags(status_names, host(bytes, order));
  case direction:
    return named(directions, big(bytes));
  case packet_type:
    return named(types, big(bytes));
  case address_type:
    return named(address_types, host(bytes, order));
  case family:
    return named(families, big(bytes));
  case truth:
    return named(truths, big(bytes) != 0 ? 1 : 0);
  case raw:
    return hexadecimal(bytes);
  }
  return hexadecimal(bytes);
}

MetaName meta_name(nft::MetaKey key) {
  static constexpr MetaName names[] = {{"meta length", host_number},
                                       {"meta protocol", ethertype},
                                       {"meta priority", hex},
                                       {"meta mark", hex},
                                       {"iif", host_number},
                                       {"oif", host_number},
                                       {"iifname", name},
                                       {"oifname", name},
                                       {"iiftype", host_number},
                                       {"oiftype", host_number},
                                       {"meta skuid", host_number},
                                       {"meta skgid", host_number},
                                       {"meta nftrace", number},
                                       {"rtclassid", host_number},
                                       {"meta secmark", hex},
                                       {"meta nfproto", family},
                                       {"meta l4proto", protocol},
                                       {"meta ibrname", name},
                                       {"meta obrname", name},
                                       {"meta pkttype", packet_type},
                                       {"meta cpu", host_number},
                                       {"iifgroup", host_number},
                                       {"oifgroup", host_number},
                                       {"meta cgroup", host_number},
                                       {"meta random", host_number},
                                       {"meta ipsec", truth},
                                       {"iifkind", name},
                                       {"oifkind", name},
                                       {"meta ibrpvid", host_number},
                                       {"meta ibrvproto", ethertype},
                                       {"meta time", host_number},
                                       {"meta day", number},
                                       {"meta hour", host_number},
                                       {"meta sdif", host_number},
                                       {"meta sdifname", name},
                                       {"meta broute", number},
                                       {"iiftype", host_number},
                                       {"meta ibrhwaddr", hardware}};
  static_assert(std::size(names) == nft::meta_keys);
  return names[static_cast<std::size_t>(key)];
}

MetaName ct_name(nft::CtKey key) {
  static constexpr MetaName names[] = {
      {"state", ct_state},    {"direction", direction}, {"status", ct_status},
      {"mark", hex},          {"secmark", hex},         {"expiration", host_number},
      {"helper", name},       {"l3proto", family},      {"saddr", raw},
      {"daddr", raw},         {"protocol", protocol},   {"proto-src", number},
      {"proto-dst", number},  {"label", raw},           {"packets", host_number},
      {"bytes", host_number}, {"avgpkt", host_number},  {"zone", host_number},
      {"event", hex},         {"ip saddr", ipv4},       {"ip daddr", ipv4},
      {"ip6 saddr", ipv6},    {"ip6 daddr", ipv6},      {"id", host_number}};
  static_assert(std::size(names) == nft::ct_keys);
  return names[static_cast<std::size_t>(key)];
}

ValueKind kind_of(std::string_view field) {
  for (const auto header : {"tcp", "udp", "icmp", "icmpv6", "ip", "ip6", "ether", "th"})
    for (const auto& entry : fields_of(header))
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
