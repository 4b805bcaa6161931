#include "platform/linux/netfilter/values.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <span>

#include <fmt/format.h>

#include "core/base/ip.h"

namespace synfate {
namespace {

using enum ValueKind;

struct NumberName {
  unsigned number;
  std::string_view name;
};

constexpr NumberName protocols[] = {{0, "ip"},
                                    {1, "icmp"},
                                    {2, "igmp"},
                                    {3, "ggp"},
                                    {4, "ipencap"},
                                    {5, "st"},
                                    {6, "tcp"},
                                    {8, "egp"},
                                    {9, "igp"},
                                    {12, "pup"},
                                    {17, "udp"},
                                    {20, "hmp"},
                                    {22, "xns-idp"},
                                    {27, "rdp"},
                                    {29, "iso-tp4"},
                                    {33, "dccp"},
                                    {36, "xtp"},
                                    {37, "ddp"},
                                    {38, "idpr-cmtp"},
                                    {41, "ipv6"},
                                    {43, "ipv6-route"},
                                    {44, "ipv6-frag"},
                                    {45, "idrp"},
                                    {46, "rsvp"},
                                    {47, "gre"},
                                    {50, "esp"},
                                    {51, "ah"},
                                    {57, "skip"},
                                    {58, "ipv6-icmp"},
                                    {59, "ipv6-nonxt"},
                                    {60, "ipv6-opts"},
                                    {73, "rspf"},
                                    {81, "vmtp"},
                                    {88, "eigrp"},
                                    {89, "ospf"},
                                    {93, "ax.25"},
                                    {94, "ipip"},
                                    {97, "etherip"},
                                    {98, "encap"},
                                    {103, "pim"},
                                    {108, "ipcomp"},
                                    {112, "vrrp"},
                                    {115, "l2tp"},
                                    {124, "isis"},
                                    {132, "sctp"},
                                    {133, "fc"},
                                    {135, "mobility-header"},
                                    {136, "udplite"},
                                    {137, "mpls-in-ip"},
                                    {138, "manet"},
                                    {139, "hip"},
                                    {140, "shim6"},
                                    {141, "wesp"},
                                    {142, "rohc"},
                                    {143, "ethernet"}};
constexpr NumberName flag_names[] = {{1, "fin"},  {2, "syn"},  {4, "rst"},  {8, "psh"},
                                     {16, "ack"}, {32, "urg"}, {64, "ecn"}, {128, "cwr"}};
constexpr NumberName state_names[] = {
    {1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}};
constexpr NumberName status_names[] = {{1, "expected"},  {2, "seen-reply"}, {4, "assured"},
                                       {8, "confirmed"}, {16, "snat"},      {32, "dnat"},
                                       {512, "dying"}};
constexpr NumberName event_names[] = {{1, "new"},       {2, "related"},  {4, "destroy"},
                                      {8, "reply"},     {16, "assured"}, {32, "protoinfo"},
                                      {64, "helper"},   {128, "mark"},   {256, "seqadj"},
                                      {512, "secmark"}, {1024, "label"}};
constexpr NumberName packet_types[] = {
    {0, "host"}, {1, "broadcast"}, {2, "multicast"}, {3, "other"}};
constexpr NumberName address_types[] = {{0, "unspec"},    {1, "unicast"},     {2, "local"},
                                        {3, "broadcast"}, {4, "anycast"},     {5, "multicast"},
                                        {6, "blackhole"}, {7, "unreachable"}, {8, "prohibit"}};
constexpr NumberName families[] = {{2, "ipv4"}, {10, "ipv6"}};
constexpr NumberName ethertypes[] = {
    {0x0800, "ip"}, {0x86dd, "ip6"}, {0x0806, "arp"}, {0x8100, "8021q"}, {0x88a8, "8021ad"}};
constexpr NumberName directions[] = {{0, "original"}, {1, "reply"}};
constexpr NumberName interface_types[] = {{1, "ether"},     {0x200, "ppp"},      {0x300, "ipip"},
                                          {0x301, "ipip6"}, {0x304, "loopback"}, {0x308, "sit"},
                                          {0x30a, "ipgre"}};
constexpr NumberName icmp_types[] = {{0, "echo-reply"},           {3, "destination-unreachable"},
                                     {4, "source-quench"},        {5, "redirect"},
                                     {8, "echo-request"},         {9, "router-advertisement"},
                                     {10, "router-solicitation"}, {11, "time-exceeded"},
                                     {12, "parameter-problem"},   {13, "timestamp-request"},
                                     {14, "timestamp-reply"},     {15, "info-request"},
                                     {16, "info-reply"},          {17, "address-mask-request"},
                                     {18, "address-mask-reply"}};
constexpr NumberName icmp_codes[] = {{0, "net-unreachable"},  {1, "host-unreachable"},
                                     {2, "prot-unreachable"}, {3, "port-unreachable"},
                                     {4, "frag-needed"},      {9, "net-prohibited"},
                                     {10, "host-prohibited"}, {13, "admin-prohibited"}};
constexpr NumberName icmpv6_types[] = {
    {1, "destination-unreachable"}, {2, "packet-too-big"},        {3, "time-exceeded"},
    {4, "parameter-problem"},       {128, "echo-request"},        {129, "echo-reply"},
    {130, "mld-listener-query"},    {131, "mld-listener-report"}, {132, "mld-listener-done"},
    {133, "nd-router-solicit"},     {134, "nd-router-advert"},    {135, "nd-neighbor-solicit"},
    {136, "nd-neighbor-advert"},    {137, "nd-redirect"},         {138, "router-renumbering"},
    {141, "ind-neighbor-solicit"},  {142, "ind-neighbor-advert"}, {143, "mld2-listener-report"}};
constexpr NumberName icmpv6_codes[] = {{0, "no-route"},         {1, "admin-prohibited"},
                                       {3, "addr-unreachable"}, {4, "port-unreachable"},
                                       {5, "policy-fail"},      {6, "reject-route"}};
constexpr NumberName igmp_types[] = {{17, "membership-query"},
                                     {18, "membership-report-v1"},
                                     {22, "membership-report-v2"},
                                     {23, "leave-group"},
                                     {34, "membership-report-v3"}};
constexpr NumberName arp_operations[] = {{1, "request"}, {2, "reply"},     {3, "rrequest"},
                                         {4, "rreply"},  {8, "inrequest"}, {9, "inreply"},
                                         {10, "nak"}};
constexpr NumberName mobility_types[] = {{0, "binding-refresh-request"},
                                         {1, "home-test-init"},
                                         {2, "careof-test-init"},
                                         {3, "home-test"},
                                         {4, "careof-test"},
                                         {5, "binding-update"},
                                         {6, "binding-acknowledgement"},
                                         {7, "binding-error"},
                                         {8, "fast-binding-update"},
                                         {9, "fast-binding-acknowledgement"},
                                         {10, "fast-binding-advertisement"},
                                         {11, "experimental-mobility-header"},
                                         {12, "home-agent-switch-message"}};
constexpr NumberName dccp_types[] = {{0, "request"}, {1, "response"}, {2, "data"},  {3, "ack"},
                                     {4, "dataack"}, {5, "closereq"}, {6, "close"}, {7, "reset"},
                                     {8, "sync"},    {9, "syncack"}};
constexpr NumberName dscp_names[] = {
    {0x00, "cs0"},  {0x08, "cs1"},  {0x10, "cs2"},   {0x18, "cs3"},  {0x20, "cs4"},  {0x28, "cs5"},
    {0x30, "cs6"},  {0x38, "cs7"},  {0x01, "lephb"}, {0x0a, "af11"}, {0x0c, "af12"}, {0x0e, "af13"},
    {0x12, "af21"}, {0x14, "af22"}, {0x16, "af23"},  {0x1a, "af31"}, {0x1c, "af32"}, {0x1e, "af33"},
    {0x22, "af41"}, {0x24, "af42"}, {0x26, "af43"},  {0x2c, "va"},   {0x2e, "ef"}};
constexpr NumberName ecn_names[] = {{0, "not-ect"}, {1, "ect1"}, {2, "ect0"}, {3, "ce"}};
constexpr NumberName days[] = {{0, "Sunday"},   {1, "Monday"}, {2, "Tuesday"}, {3, "Wednesday"},
                               {4, "Thursday"}, {5, "Friday"}, {6, "Saturday"}};

bool all_zero(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char byte) { return byte == '\0'; });
}

std::uint64_t big(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(bytes.size() > 8 ? bytes.size() - 8 : 0))
    value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

std::uint64_t number_in(ValueKind kind, std::string_view bytes, ByteOrder order) {
  if (!in_host_order(kind) || order == ByteOrder::big)
    return big(bytes);
  const std::string turned(bytes.rbegin(), bytes.rend());
  return big(turned);
}

/// As 0x2a: without zeros in front.
std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - (text.empty() ? 0 : 1)));
  return "0x" + text;
}

std::span<const NumberName> names_of(ValueKind kind) {
  switch (kind) {
  case protocol:
    return protocols;
  case ethertype:
    return ethertypes;
  case direction:
    return directions;
  case packet_type:
    return packet_types;
  case address_type:
    return address_types;
  case family:
    return families;
  case interface_type:
    return interface_types;
  case icmp_type:
    return icmp_types;
  case icmp_code:
    return icmp_codes;
  case icmpv6_type:
    return icmpv6_types;
  case icmpv6_code:
    return icmpv6_codes;
  case igmp_type:
    return igmp_types;
  case arp_operation:
    return arp_operations;
  case mobility_type:
    return mobility_types;
  case dccp_type:
    return dccp_types;
  case dscp:
    return dscp_names;
  case ecn:
    return ecn_names;
  case tcp_flags:
    return flag_names;
  case ct_state:
    return state_names;
  case ct_status:
    return status_names;
  case ct_event:
    return event_names;
  case number:
  case host_number:
  case mark:
  case raw:
  case ipv4:
  case ipv6:
  case hardware:
  case name:
  case text:
  case truth:
  case interface_index:
  case ct_label:
  case device_group:
  case realm:
  case class_handle:
  case duration:
  case date:
  case day:
  case hour:
    return {};
  }
  return {};
}

/// How a number without a name is written.
std::string nameless(ValueKind kind, std::uint64_t number) {
  if (kind == ethertype || kind == interface_type || kind == arp_operation)
    return kind == ethertype ? fmt::format("0x{:04x}", number) : fmt::format("{}", number);
  if (kind == dscp)
    return fmt::format("0x{:02x}", number);
  return fmt::format("{}", number);
}

std::string bits_by_name(std::span<const NumberName> names, std::uint64_t value) {
  std::string text;
  std::uint64_t rest = value;
  for (const auto& entry : names)
    if ((rest & entry.number) != 0) {
      text += (text.empty() ? "" : ",") + std::string(entry.name);
      rest &= ~std::uint64_t{entry.number};
    }
  if (rest != 0 || text.empty())
    return fmt::format("{:#x}", value);
  return text;
}

std::string labels(std::string_view bytes, ByteOrder order) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size() * 8; ++at) {
    const std::size_t byte = order == ByteOrder::little ? at / 8 : bytes.size() - 1 - at / 8;
    if ((static_cast<unsigned>(static_cast<std::uint8_t>(bytes[byte])) >> at % 8 & 1U) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : ",", at);
  }
  return text.empty() ? "0x0" : text;
}

std::string duration_of(std::uint64_t ms) {
  std::string words;
  const std::array<std::pair<char, std::uint64_t>, 3> units{
      {{'d', 86'400'000}, {'h', 3'600'000}, {'m', 60'000}}};
  for (const auto& [letter, size] : units)
    if (ms >= size) {
      words += fmt::format("{}{}", ms / size, letter);
      ms %= size;
    }
  if (ms >= 1000 || (words.empty() && ms == 0))
    words += fmt::format("{}s", ms / 1000);
  if (ms % 1000 != 0)
    words += fmt::format("{}ms", ms % 1000);
  return words;
}

/// How far local time is ahead of UTC at a moment. The time zone is the caller's, as with nft.
std::int64_t seconds_ahead(std::time_t moment) {
  const std::tm* told = std::localtime(&moment);
  if (told == nullptr)
    return 0;
  const std::tm here = *told;
  told = std::gmtime(&moment);
  if (told == nullptr)
    return 0;
  const int years = here.tm_year - told->tm_year;
  const std::int64_t days = years != 0 ? years : here.tm_yday - told->tm_yday;
  const auto of_day = [](const std::tm& time) {
    return (time.tm_hour * 60 + time.tm_min) * 60 + time.tm_sec;
  };
  return days * 86400 + of_day(here) - of_day(*told);
}

std::string date_of(std::uint64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  const std::tm* told = std::localtime(&seconds);
  if (told == nullptr)
    return fmt::format("{}", ns);
  std::array<char, 32> written{};
  std::strftime(written.data(), written.size(), "%Y-%m-%d %H:%M:%S", told);
  return fmt::format("\"{}\"", written.data());
}

std::string hour_of(std::uint64_t seconds) {
  seconds =
      (seconds + 86400 + static_cast<std::uint64_t>(seconds_ahead(std::time(nullptr)))) % 86400;
  const auto hours = seconds / 3600, minutes = seconds / 60 % 60;
  return seconds % 60 == 0 ? fmt::format("\"{:02}:{:02}\"", hours, minutes)
                           : fmt::format("\"{:02}:{:02}:{:02}\"", hours, minutes, seconds % 60);
}

std::string handle_of(std::uint64_t number) {
  if (number == 0xffffffffU)
    return "root";
  if (number == 0)
    return "none";
  if (number >> 16 == 0)
    return fmt::format(":{:x}", number & 0xffff);
  return (number & 0xffff) == 0 ? fmt::format("{:x}:0", number >> 16)
                                : fmt::format("{:x}:{:x}", number >> 16, number & 0xffff);
}

std::string name_in(std::string_view bytes) {
  const auto name_text = bytes.substr(0, bytes.find('\0'));
  std::string written;
  for (const char letter : name_text)
    written += letter;
  if (name_text.size() == bytes.size() && bytes.size() < 16)
    return fmt::format("\"{}*\"", written);
  if (written.ends_with('*'))
    written.insert(written.size() - 1, "\\");
  return fmt::format("\"{}\"", written);
}

std::string ipv6_text(const IpAddress& address) {
  // as glibc's inet_ntop(): the last 32 bits after six zero groups look like IPv4
  const auto bytes = address.bytes();
  const bool zeros =
      bytes.size() == 16 && std::all_of(bytes.begin(), bytes.begin() + 12,
                                        [](std::byte at) { return at == std::byte{0}; });
  if (!zeros || (bytes[12] == std::byte{0} && bytes[13] == std::byte{0}))
    return address.to_string();
  return fmt::format("::{}.{}.{}.{}", static_cast<unsigned>(bytes[12]),
                     static_cast<unsigned>(bytes[13]), static_cast<unsigned>(bytes[14]),
                     static_cast<unsigned>(bytes[15]));
}

std::string address_text(std::string_view bytes) {
  const auto address = IpAddress::from_bytes(std::as_bytes(std::span(bytes)));
  if (!address)
    return hexadecimal(bytes);
  return address->is_v4() ? address->to_string() : ipv6_text(*address);
}

std::string hardware_text(std::string_view bytes) {
  std::string written;
  for (const char byte : bytes)
    written += fmt::format("{}{:02x}", written.empty() ? "" : ":", static_cast<std::uint8_t>(byte));
  return written;
}

} // namespace

bool in_host_order(ValueKind kind) {
  switch (kind) {
  case host_number:
  case mark:
  case interface_index:
  case interface_type:
  case ct_state:
  case ct_status:
  case ct_event:
  case ct_label:
  case address_type:
  case device_group:
  case realm:
  case class_handle:
  case duration:
  case date:
  case hour:
  case name:
  case text:
    return true;
  case number:
  case raw:
  case ipv4:
  case ipv6:
  case hardware:
  case protocol:
  case ethertype:
  case tcp_flags:
  case direction:
  case packet_type:
  case family:
  case truth:
  case icmp_type:
  case icmp_code:
  case icmpv6_type:
  case icmpv6_code:
  case igmp_type:
  case arp_operation:
  case mobility_type:
  case dccp_type:
  case dscp:
  case ecn:
  case day:
    return false; // in network order, or of one byte
  }
  return false;
}

bool is_bit_set(ValueKind kind) {
  return kind == tcp_flags || kind == ct_state || kind == ct_status || kind == ct_event ||
         kind == ct_label;
}

unsigned size_of(ValueKind kind) {
  switch (kind) {
  case name:
  case text:
  case ipv6:
  case ct_label:
    return 16;
  case hardware:
    return 6;
  case date:
    return 8;
  case ipv4:
  case mark:
  case interface_index:
  case ct_state:
  case ct_status:
  case ct_event:
  case address_type:
  case device_group:
  case realm:
  case class_handle:
  case duration:
  case hour:
    return 4;
  case ethertype:
  case interface_type:
  case arp_operation:
    return 2;
  case protocol:
  case tcp_flags:
  case direction:
  case packet_type:
  case family:
  case truth:
  case icmp_type:
  case icmp_code:
  case icmpv6_type:
  case icmpv6_code:
  case igmp_type:
  case mobility_type:
  case dccp_type:
  case dscp:
  case ecn:
  case day:
    return 1;
  case number:
  case host_number:
  case raw:
    return 0;
  }
  return 0;
}

std::string value_of(ValueKind kind, std::string_view bytes, ByteOrder order) {
  const std::uint64_t value = number_in(kind, bytes, order);
  switch (kind) {
  case number:
    return bytes.size() <= 8 ? fmt::format("{}", value) : hexadecimal(bytes);
  case host_number:
  case interface_index:
    return fmt::format("{}", value);
  case mark:
    return fmt::format("0x{:08x}", value);
  case ipv4:
  case ipv6:
    return address_text(bytes);
  case hardware:
    return hardware_text(bytes);
  case name:
    return name_in(bytes);
  case text:
    return fmt::format("\"{}\"", bytes.substr(0, bytes.find('\0')));
  case tcp_flags:
  case ct_state:
  case ct_status:
  case ct_event:
    return bits_by_name(names_of(kind), value);
  case ct_label:
    return labels(bytes, order);
  case device_group:
    return value == 0 ? std::string("\"default\"") : fmt::format("{}", value);
  case realm:
    return value == 0 ? std::string("\"cosmos\"") : fmt::format("{}", value);
  case class_handle:
    return handle_of(value);
  case duration:
    return duration_of(value);
  case date:
    return date_of(value);
  case hour:
    return hour_of(value);
  case day:
    return value < std::size(days) ? fmt::format("\"{}\"", days[value].name)
                                   : fmt::format("{}", value);
  case raw:
    return hexadecimal(bytes);
  case truth:
    return all_zero(bytes) ? "missing" : "exists";
  case protocol:
  case ethertype:
  case interface_type:
  case direction:
  case packet_type:
  case address_type:
  case family:
  case icmp_type:
  case icmp_code:
  case icmpv6_type:
  case icmpv6_code:
  case igmp_type:
  case arp_operation:
  case mobility_type:
  case dccp_type:
  case dscp:
  case ecn:
    break; // these have names
  }
  for (const auto& entry : names_of(kind))
    if (entry.number == value)
      return std::string(entry.name);
  return nameless(kind, value);
}

std::string range_end_of(ValueKind kind, std::string_view bytes, ByteOrder order) {
  const std::uint64_t value = number_in(kind, bytes, order);
  if (kind == duration)
    return fmt::format("{}s", value / 1000);
  if (kind == ethertype || kind == dscp)
    return nameless(kind, value);
  if (!names_of(kind).empty() && !is_bit_set(kind))
    return fmt::format("{}", value);
  return value_of(kind, bytes, order);
}

std::vector<ValueKind> kinds_of_type(std::uint32_t type) {
  static constexpr std::array<ValueKind, 47> kinds{raw,
                                                   raw,
                                                   family,
                                                   raw,
                                                   raw,
                                                   text,
                                                   hardware,
                                                   ipv4,
                                                   ipv6,
                                                   hardware,
                                                   ethertype,
                                                   arp_operation,
                                                   protocol,
                                                   number,
                                                   icmp_type,
                                                   tcp_flags,
                                                   dccp_type,
                                                   mobility_type,
                                                   duration,
                                                   mark,
                                                   interface_index,
                                                   interface_type,
                                                   realm,
                                                   class_handle,
                                                   host_number,
                                                   host_number,
                                                   ct_state,
                                                   direction,
                                                   ct_status,
                                                   icmpv6_type,
                                                   ct_label,
                                                   packet_type,
                                                   icmp_code,
                                                   icmpv6_code,
                                                   raw,
                                                   device_group,
                                                   dscp,
                                                   ecn,
                                                   address_type,
                                                   truth,
                                                   ct_event,
                                                   name,
                                                   igmp_type,
                                                   date,
                                                   hour,
                                                   day,
                                                   host_number};
  std::vector<ValueKind> found;
  for (; type != 0; type >>= 6)
    found.insert(found.begin(), (type & 0x3f) < kinds.size() ? kinds[type & 0x3f] : raw);
  return found;
}

} // namespace synfate
