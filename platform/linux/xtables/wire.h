// The private data of every xtables match and target we know, laid out as a 64-bit kernel does.
//
// Each struct mirrors one of include/uapi/linux/netfilter/xt_*.h, netfilter_ipv4/ipt_*.h or
// netfilter_ipv6/ip6t_*.h (Linux 6.12), with plain types, so that a Linux snapshot can be explained
// on a machine that has no such headers. Kernel pointers are std::uint64_t; the kernel hands them
// out as zero. Numbers are in the byte order of the kernel, except those named *_be. Tested by
// tests/lab/xtables_texts.py, which reads what iptables wrote.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace synfate::xt {

/// A struct from the start of `bytes`; nothing if they are too few.
template <typename T> std::optional<T> load(std::span<const std::byte> bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof(T))
    return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

namespace wire {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s32 = std::int32_t;
/// union nf_inet_addr: 4 or 16 bytes in network order from the start.
using InetAddress = std::array<std::byte, 16>;

// The entry itself -----------------------------------------------------------------------------

struct Counters {
  u64 packets, bytes;
};

struct Ip4 {
  std::array<std::byte, 4> source, destination, source_mask, destination_mask;
  char in_interface[16], out_interface[16];
  u8 in_mask[16], out_mask[16];
  u16 proto;
  u8 flags, invert;
};
struct Entry4 {
  Ip4 ip;
  u32 cache;
  u16 target_offset, next_offset;
  u32 comefrom;
  Counters counters;
};
static_assert(sizeof(Entry4) == 112);

struct Ip6 {
  InetAddress source, destination, source_mask, destination_mask;
  char in_interface[16], out_interface[16];
  u8 in_mask[16], out_mask[16];
  u16 proto;
  u8 tos, flags, invert;
};
struct Entry6 {
  alignas(4) Ip6 ip;
  u32 cache;
  u16 target_offset, next_offset;
  u32 comefrom;
  Counters counters;
};
static_assert(sizeof(Entry6) == 168);

constexpr u8 flag_fragment = 0x01; ///< IPT_F_FRAG
constexpr u8 flag_goto4 = 0x02;    ///< IPT_F_GOTO
constexpr u8 flag_proto6 = 0x01;   ///< IP6T_F_PROTO
constexpr u8 flag_tos6 = 0x02;     ///< IP6T_F_TOS
constexpr u8 flag_goto6 = 0x04;    ///< IP6T_F_GOTO
constexpr u8 invert_in = 0x01;
constexpr u8 invert_out = 0x02;
constexpr u8 invert_tos = 0x04;
constexpr u8 invert_source = 0x08;
constexpr u8 invert_destination = 0x10;
constexpr u8 invert_fragment = 0x20;
constexpr u8 invert_proto = 0x40;

/// struct xt_entry_match and xt_entry_target: the head before each one's private data.
struct ExtensionHead {
  u16 size;
  char name[29];
  u8 revision;
};
static_assert(sizeof(ExtensionHead) == 32);

/// struct ipt_getinfo and ip6t_getinfo.
struct TableInfo {
  char name[32];
  u32 valid_hooks;
  u32 hook_entry[5];
  u32 underflow[5];
  u32 num_entries;
  u32 size;
};
static_assert(sizeof(TableInfo) == 84);

// Transport --------------------------------------------------------------------------------------

struct Tcp {
  u16 source[2], destination[2];
  u8 option, flag_mask, flag_compare, invert;
};
struct Udp {
  u16 source[2], destination[2];
  u8 invert;
};
struct Icmp { // ipt_icmp, ip6t_icmp
  u8 type, code[2], invert;
};
struct Sctp {
  u16 destination[2], source[2];
  u32 chunk_map[64]; // the first 8 are used
  u32 chunk_match;
  struct Flag {
    u8 chunk_type, flag, mask;
  } flag_info[4];
  s32 flag_count;
  u32 flags, invert;
};
struct Dccp {
  u16 destination[2], source[2];
  u16 flags, invert, type_mask;
  u8 option;
};
struct Multiport0 {
  u8 mode, count;
  u16 ports[15];
};
struct Multiport1 {
  u8 mode, count;
  u16 ports[15];
  u8 range[15];
  u8 invert;
};
struct Esp { // also ipt_ah
  u32 spi[2];
  u8 invert;
};
struct Ipcomp {
  u32 spi[2];
  u8 invert, reserved;
};
struct Tcpmss {
  u16 min, max;
  u8 invert;
};
struct L2tp {
  u32 tunnel, session;
  u8 version, type, flags;
};

// IPv6 headers -----------------------------------------------------------------------------------

struct Ah6 {
  u32 spi[2], header_length;
  u8 reserved, invert;
};
struct Frag6 {
  u32 id[2], header_length;
  u8 flags, invert;
};
struct Options6 {
  u32 header_length;
  u8 flags, invert;
  u16 options[16];
  u8 count;
};
struct Routing6 {
  u32 type, segments_left[2], header_length;
  u8 flags, invert;
  alignas(4) std::array<InetAddress, 16> addresses;
  u8 count;
};
struct Header6 {
  u8 wanted, invert, soft;
};
struct Mobility6 {
  u8 types[2], invert;
};
struct Srh0 {
  u8 next_header, header_length, segments_left, last_entry;
  u16 tag, flags, invert;
};
struct Srh1 {
  u8 next_header, header_length, segments_left, last_entry;
  u16 tag;
  alignas(4) InetAddress previous, next, last, previous_mask, next_mask, last_mask;
  u16 flags, invert;
};

// Connection tracking
// ------------------------------------------------------------------------------

struct State {
  u32 mask;
};
struct ConntrackAddress {
  InetAddress address, mask;
};
struct Conntrack3 { // the earlier revisions have the same start: see conntrack_of()
  ConntrackAddress
      address[4]; ///< origin source, origin destination, reply source, reply destination
  u32 expires_min, expires_max;
  u16 l4proto;
  u16 port[4]; ///< same order; network order before revision 3
  u16 match, invert;
  u16 state, status;
  u16 port_high[4];
};
static_assert(offsetof(Conntrack3, state) == 150);
struct Connmark {
  u32 mark, mask;
  u8 invert;
};
struct Connbytes {
  u64 from, to;
  u8 what, direction;
};
struct Connlabel {
  u16 bit, options;
};
struct Connlimit {
  InetAddress mask;
  u32 limit, flags;
  u64 data;
};
struct HelperMatch {
  s32 invert;
  char name[30];
};
struct Cluster {
  u32 total, node_mask, seed, flags;
};

// State of their own
// -------------------------------------------------------------------------------

struct Limit {
  u32 average, burst;
  u64 previous;
  u32 credit, credit_cap, cost;
  u64 master;
};
struct Hashlimit1 {
  char name[16];
  u32 mode, average, burst, size, max, gc_interval, expire;
  u8 source_mask, destination_mask;
  u64 table;
};
struct Hashlimit2 {
  alignas(8) char name[255];
  alignas(8) u64 average;
  u64 burst;
  u32 mode, size, max, gc_interval, expire;
  u8 source_mask, destination_mask;
  u64 table;
};
struct Hashlimit3 {
  alignas(8) char name[255];
  alignas(8) u64 average;
  u64 burst;
  u32 mode, size, max, gc_interval, expire, interval;
  u8 source_mask, destination_mask;
  u64 table;
};
struct Recent0 {
  u32 seconds, hit_count;
  u8 check, invert;
  char name[200];
  u8 side;
};
struct Recent1 {
  u32 seconds, hit_count;
  u8 check, invert;
  char name[200];
  u8 side;
  alignas(4) InetAddress mask;
};
struct Quota {
  u32 flags, pad;
  u64 quota, master;
};
struct Nfacct {
  char name[32];
  u64 object;
};
struct Statistic {
  u16 mode, flags;
  u32 every_or_probability, packet, count;
  u64 master;
};
struct RateestMatch {
  char name1[16], name2[16];
  u16 flags, mode;
  u32 bps1, pps1, bps2, pps2;
  u64 estimator1, estimator2;
};

// Addresses, packet, device
// ------------------------------------------------------------------------

struct Addrtype0 {
  u16 source, destination;
  u32 invert_source, invert_destination;
};
struct Addrtype1 {
  u16 source, destination;
  u32 flags;
};
struct Iprange {
  InetAddress source_min, source_max, destination_min, destination_max;
  u8 flags;
};
struct Mac {
  u8 address[6];
  s32 invert;
};
struct Pkttype {
  s32 type, invert;
};
struct Mark {
  u32 mark, mask;
  u8 invert;
};
struct Length {
  u16 min, max;
  u8 invert;
};
struct Ttl { // ipt_ttl, ip6t_hl, and the targets TTL and HL
  u8 mode, value;
};
struct Tos {
  u8 mask, value, invert;
};
struct Dscp {
  u8 dscp, invert;
};
struct Ecn {
  u8 operation, invert, ip_ect, tcp_ect;
};
struct Time {
  u32 date_start, date_stop, daytime_start, daytime_stop, month_days;
  u8 week_days, flags;
};
struct String {
  u16 from, to;
  char algorithm[16];
  u8 pattern[128];
  u8 length, flags;
  u64 config;
};
struct U32Test {
  struct Location {
    u32 number;
    u8 next_operation;
  } location[11];
  struct Value {
    u32 min, max;
  } value[11];
  u8 locations, values;
};
struct U32 {
  U32Test tests[11];
  u8 count, invert;
};
struct Physdev {
  char in[16];
  u8 in_mask[16];
  char out[16];
  u8 out_mask[16];
  u8 invert, wanted;
};
struct Devgroup {
  u32 flags, source_group, source_mask, destination_group, destination_mask;
};
struct Realm {
  u32 id, mask;
  u8 invert;
};
struct Cpu {
  u32 cpu, invert;
};
struct Rpfilter {
  u8 flags;
};
struct BpfInstruction {
  u16 code;
  u8 jump_true, jump_false;
  u32 k;
};
struct Bpf0 {
  u16 count;
  BpfInstruction program[64];
  u64 filter;
};
struct Bpf1 {
  u16 mode, count;
  s32 fd;
  std::array<std::byte, 512> program; ///< instructions, or the path of a pinned program
  u64 filter;
};
struct Osf {
  char genre[32];
  u32 length, flags, log_level, ttl;
};
struct PolicyElement {
  InetAddress source, source_mask, destination, destination_mask;
  u32 spi, reqid;
  u8 proto, mode, match,
      invert; ///< match, invert: bits source, destination, proto, mode, spi, reqid
};
struct Policy {
  PolicyElement elements[4];
  u16 flags, length;
};
struct Ipvs {
  InetAddress address, mask;
  u16 port_be;
  u8 l4proto, forward_method;
  u16 control_port_be;
  u8 invert, wanted;
};

// Sockets
// --------------------------------------------------------------------------------------------

struct Owner {
  u32 uid_min, uid_max, gid_min, gid_max;
  u8 match, invert;
};
struct SocketMatch {
  u8 flags;
};
struct Cgroup0 {
  u32 id, invert;
};
struct Cgroup1 {
  u8 has_path, has_classid, invert_path, invert_classid;
  char path[4096];
  u32 classid;
  u64 data;
};
struct Cgroup2 {
  u8 has_path, has_classid, invert_path, invert_classid;
  char path[512]; ///< or the class id in the first four bytes
  u64 data;
};

// Sets
// -----------------------------------------------------------------------------------------------

struct SetReference {
  u16 index;
  u8 dimensions, flags;
};
struct SetReference0 {
  u16 index;
  u32 flags[7];
};
struct SetMatch0 {
  SetReference0 set;
};
struct SetMatch1 { // also revision 2
  SetReference set;
};
struct SetCounter0 {
  u8 operation;
  u64 value;
};
struct SetCounter {
  u64 value;
  u8 operation;
};
struct SetMatch3 {
  SetReference set;
  SetCounter0 packets, bytes;
  u32 flags;
};
struct SetMatch4 {
  SetReference set;
  SetCounter packets, bytes;
  u32 flags;
};
struct SetTarget0 {
  SetReference0 add, remove;
};
struct SetTarget1 {
  SetReference add, remove;
};
struct SetTarget2 {
  SetReference add, remove;
  u32 flags, timeout;
};
struct SetTarget3 {
  SetReference add, remove, map;
  u32 flags, timeout;
};

// Targets
// --------------------------------------------------------------------------------------------

struct StandardTarget {
  s32 verdict;
};
struct ErrorTarget {
  char name[30];
};
struct Reject {
  u32 with;
};
struct NatRange4 {
  u32 flags;
  std::array<std::byte, 4> min, max;
  u16 min_port_be, max_port_be;
};
struct NatRangeCompat { // nf_nat_ipv4_multi_range_compat
  u32 count;
  NatRange4 range;
};
struct NatRange1 {
  u32 flags;
  InetAddress min, max;
  u16 min_port_be, max_port_be;
};
struct NatRange2 {
  u32 flags;
  InetAddress min, max;
  u16 min_port_be, max_port_be, base_port_be;
};
struct Tproxy0 {
  u32 mark_mask, mark_value;
  std::array<std::byte, 4> address;
  u16 port_be;
};
struct Tproxy1 {
  u32 mark_mask, mark_value;
  InetAddress address;
  u16 port_be;
};
struct Log {
  u8 level, flags;
  char prefix[30];
};
struct Nflog {
  u32 length;
  u16 group, threshold, flags, pad;
  char prefix[64];
};
struct MarkTarget {
  u32 mark, mask;
};
struct ConnmarkTarget1 {
  u32 ct_mark, ct_mask, nf_mask;
  u8 mode;
};
struct ConnmarkTarget2 {
  u32 ct_mark, ct_mask, nf_mask;
  u8 shift_direction, shift_bits, mode;
};
struct Ct0 {
  u16 flags, zone;
  u32 events, expectation_events;
  char helper[16];
  u64 ct;
};
struct Ct1 {
  u16 flags, zone;
  u32 events, expectation_events;
  char helper[16];
  char timeout[32];
  u64 ct;
};
struct TcpmssTarget {
  u16 mss;
};
struct Tcpoptstrip {
  u32 map[8];
};
struct DscpTarget {
  u8 dscp;
};
struct TosTarget {
  u8 value, mask;
};
struct Classify {
  u32 priority;
};
struct Nfqueue0 {
  u16 number;
};
struct Nfqueue1 {
  u16 number, total;
};
struct Nfqueue2 { // bypass in revision 2, flags in revision 3
  u16 number, total, flags;
};
struct Synproxy {
  u8 options, wscale;
  u16 mss;
};
struct Audit {
  u8 type;
};
struct Checksum {
  u8 operation;
};
struct Secmark0 {
  u8 mode;
  u32 id;
  char context[256];
};
struct Secmark1 {
  u8 mode;
  char context[256];
  u32 id;
};
struct Connsecmark {
  u8 mode;
};
struct Tee {
  InetAddress gateway;
  char out[16];
  u64 data;
};
struct RateestTarget {
  char name[16];
  std::int8_t interval;
  u8 ewma_log;
  u64 estimator;
};
struct Idletimer0 {
  u32 timeout;
  char label[28];
  u64 timer;
};
struct Idletimer1 {
  u32 timeout;
  char label[28];
  u8 send_message, type;
  u64 timer;
};
struct Led {
  char id[27];
  u8 always_blink;
  u32 delay;
  u64 data;
};
struct Hmark {
  InetAddress source_mask, destination_mask;
  u16 source_port_mask, destination_port_mask; ///< both in network order: compared as raw bits
  u16 source_port, destination_port;
  u32 flags;
  u16 proto_mask;
  u32 seed, modulus, offset;
};
struct EcnTarget {
  u8 operation, ip_ect, tcp;
};
struct Npt {
  InetAddress source, destination;
  u8 source_length, destination_length;
  u16 adjustment;
};

} // namespace wire
} // namespace synfate::xt
