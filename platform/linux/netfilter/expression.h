// The expressions of an nf_tables rule, as the kernel runs them.
//
// A rule is a list of small operations on sixteen 4-byte registers and a verdict. The kernel hands
// them out as NFTA_RULE_EXPRESSIONS; decode.h turns those bytes into these values. Numbers are
// those of the kernel's uapi (include/uapi/linux/netfilter/nf_tables.h, Linux 6.12), kept here as
// our own constants, because a snapshot is explained on any machine. `Data` holds bytes as they lie
// in registers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace synfate::nft {

using Data = std::string;

/// The first of the 4-byte slots 0-15 of a value.
using Slot = std::uint8_t;
inline constexpr Slot no_slot = 0xff;
inline constexpr unsigned slot_count = 16;

enum class VerdictCode : std::int32_t {
  drop = 0,
  accept = 1,
  stolen = 2,
  queue = 3,
  proceed = -1, ///< NFT_CONTINUE
  break_rule = -2,
  jump = -3,
  go_to = -4,
  return_up = -5,
};

/// A verdict as a rule or a map element carries it.
struct Verdict {
  VerdictCode code = VerdictCode::proceed;
  std::string chain;            ///< jump and goto
  std::uint32_t queue_bits = 0; ///< queue: the number and flags as in the kernel's verdict
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

enum class PayloadBase : std::uint8_t { link, network, transport, inner, tunnel };
enum class CmpOp : std::uint8_t { eq, neq, lt, lte, gt, gte };
enum class BitwiseOp : std::uint8_t { mask_xor, shift_left, shift_right, bit_and, bit_or, bit_xor };

struct Payload {
  Slot dreg = no_slot;
  PayloadBase base = PayloadBase::network;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};
struct PayloadSet {
  Slot sreg = no_slot;
  PayloadBase base = PayloadBase::network;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t checksum_type = 0; ///< NFT_PAYLOAD_CSUM_: 0 none, 1 internet, 2 SCTP
  std::uint32_t checksum_offset = 0;
  std::uint32_t checksum_flags = 0; ///< 1: that of the transport header too
};
struct Cmp {
  Slot sreg = no_slot;
  CmpOp op = CmpOp::eq;
  Data data;
};
struct Range {
  Slot sreg = no_slot;
  bool inverted = false;
  Data from;
  Data to;
};
struct Bitwise {
  Slot sreg = no_slot;
  Slot sreg2 = no_slot; ///< and, or, xor with another register
  Slot dreg = no_slot;
  BitwiseOp op = BitwiseOp::mask_xor;
  std::uint32_t length = 0;
  Data mask;
  Data flip;               ///< the xor part
  std::uint32_t shift = 0; ///< bits
  Data operand;            ///< and, or, xor with a constant
};
struct Byteorder {
  Slot sreg = no_slot;
  Slot dreg = no_slot;
  bool to_network = false;
  std::uint32_t length = 0;
  std::uint32_t size = 0; ///< of each number: 2, 4 or 8
};
struct Immediate {
  Slot dreg = no_slot;
  Data data;
};
struct ImmediateVerdict {
  Verdict verdict;
};
struct Lookup {
  std::string set;
  Slot sreg = no_slot;
  Slot dreg = no_slot;     ///< a map's data goes here
  bool to_verdict = false; ///< a verdict map
  bool inverted = false;
};

enum class MetaKey : std::uint8_t {
  len,
  protocol,
  priority,
  mark,
  iif,
  oif,
  iifname,
  oifname,
  iiftype,
  oiftype,
  skuid,
  skgid,
  nftrace,
  rtclassid,
  secmark,
  nfproto,
  l4proto,
  bri_iifname,
  bri_oifname,
  pkttype,
  cpu,
  iifgroup,
  oifgroup,
  cgroup,
  prandom,
  secpath,
  iifkind,
  oifkind,
  bri_iifpvid,
  bri_iifvproto,
  time_ns,
  time_day,
  time_hour,
  sdif,
  sdifname,
  bri_broute,
  iiftype_of_hook,
  bri_iifhwaddr
};
inline constexpr unsigned meta_keys = 38;
struct Meta {
  MetaKey key = MetaKey::len;
  Slot reg = no_slot;
  bool set = false; ///< writes the register to the packet, not the other way round
};

enum class CtKey : std::uint8_t {
  state,
  direction,
  status,
  mark,
  secmark,
  expiration,
  helper,
  l3protocol,
  src,
  dst,
  protocol,
  proto_src,
  proto_dst,
  labels,
  pkts,
  bytes,
  avgpkt,
  zone,
  eventmask,
  src_ip,
  dst_ip,
  src_ip6,
  dst_ip6,
  id
};
inline constexpr unsigned ct_keys = 24;
struct Ct {
  CtKey key = CtKey::state;
  std::optional<bool> reply; ///< the direction, where the key has one
  Slot reg = no_slot;
  bool set = false;
};

enum class ExthdrOp : std::uint8_t { ipv6, tcp_option, ipv4_option, sctp_chunk, dccp_option };
struct Exthdr {
  ExthdrOp op = ExthdrOp::ipv6;
  std::uint8_t type = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  bool present = false; ///< asks only whether it is there
  Slot dreg = no_slot;
  Slot sreg = no_slot; ///< writes; neither register: removes the option
};

enum class FibResult : std::uint8_t { oif = 1, oifname = 2, addrtype = 3 };
inline constexpr std::uint32_t fib_saddr = 1;
inline constexpr std::uint32_t fib_daddr = 2;
inline constexpr std::uint32_t fib_mark = 4;
inline constexpr std::uint32_t fib_iif = 8;
inline constexpr std::uint32_t fib_oif = 16;
inline constexpr std::uint32_t fib_present = 32;
struct Fib {
  Slot dreg = no_slot;
  FibResult result = FibResult::oif;
  std::uint32_t flags = 0;
};

enum class RtKey : std::uint8_t { classid, nexthop4, nexthop6, tcpmss, xfrm };
struct Rt {
  Slot dreg = no_slot;
  RtKey key = RtKey::classid;
};

enum class SocketKey : std::uint8_t { transparent, mark, wildcard, cgroupv2 };
struct SocketLoad {
  Slot dreg = no_slot;
  SocketKey key = SocketKey::transparent;
  std::uint32_t level = 0;
};

struct Tproxy {
  std::uint8_t family = 0; ///< NFPROTO_: 2, 10, or 0 for both
  Slot address = no_slot;
  Slot port = no_slot;
};

enum class RejectType : std::uint8_t { icmp, tcp_reset, icmpx };
struct Reject {
  RejectType type = RejectType::icmp;
  std::uint8_t code = 0;
};

inline constexpr std::uint32_t nat_map_ips = 1;
inline constexpr std::uint32_t nat_specified = 2;
inline constexpr std::uint32_t nat_random = 4;
inline constexpr std::uint32_t nat_random_fully = 16;
inline constexpr std::uint32_t nat_persistent = 8;
inline constexpr std::uint32_t nat_fully_random = 16;
inline constexpr std::uint32_t nat_netmap = 64;
/// NFPROTO_INET: a rule that changes the port alone serves both families.
inline constexpr std::uint8_t inet_family = 1;
struct Nat {
  bool destination = false;
  std::uint8_t family = 0; ///< 2, 10 or inet_family
  Slot address_min = no_slot;
  Slot address_max = no_slot;
  Slot port_min = no_slot;
  Slot port_max = no_slot;
  std::uint32_t flags = 0;
};
struct Masquerade {
  Slot port_min = no_slot;
  Slot port_max = no_slot;
  std::uint32_t flags = 0;
};
struct Redirect {
  Slot port_min = no_slot;
  Slot port_max = no_slot;
  std::uint32_t flags = 0;
};
struct Notrack {};

struct Expression;
enum class DynsetOp : std::uint8_t { add, update, remove };
struct Dynset {
  std::string set;
  DynsetOp op = DynsetOp::add;
  Slot key = no_slot;
  Slot data = no_slot;
  std::uint64_t timeout_ms = 0;
  bool inverted = false;
  std::vector<Expression> per_element; ///< limit, counter … of each element
};
struct ObjectRef {
  std::uint32_t type = 0;
  std::string name; ///< direct
  std::string set;  ///< or by a map
  Slot sreg = no_slot;
};

struct Counter {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};
struct Log {
  std::string prefix;
  std::optional<std::uint16_t> group;
  std::optional<std::uint32_t> level;
  std::uint32_t flags = 0;
  std::optional<std::uint32_t> snap_length; ///< with a group: bytes copied, 0 all
  std::uint32_t threshold = 0;              ///< with a group: packets sent at once
};
struct Limit {
  std::uint64_t rate = 0;
  std::uint64_t unit = 1; ///< seconds
  std::uint32_t burst = 0;
  bool by_bytes = false;
  bool inverted = false; ///< "over"
};
struct Quota {
  std::uint64_t bytes = 0;
  std::uint64_t used = 0;
  bool inverted = false; ///< "over"
};
struct ConnLimit {
  std::uint32_t count = 0;
  bool inverted = false; ///< "over"
};
struct Last {
  bool set = false;
  std::uint64_t ms = 0;
};
struct Numgen {
  Slot dreg = no_slot;
  std::uint32_t modulus = 0;
  std::uint32_t offset = 0;
  bool random = false;
};
struct Hash {
  Slot sreg = no_slot;
  Slot dreg = no_slot;
  std::uint32_t length = 0;
  std::uint32_t modulus = 0;
  std::uint32_t seed = 0;
  std::uint32_t offset = 0;
  bool symmetric = false;
  bool seeded = false; ///< the seed was given with the rule
};
struct Osf {
  Slot dreg = no_slot;
  std::uint8_t ttl = 0;
  std::uint32_t flags = 0;
};
struct Synproxy {
  std::uint16_t mss = 0;
  std::uint8_t scale = 0;
  std::uint32_t flags = 0;
};
struct Queue {
  std::uint16_t number = 0;
  std::uint16_t total = 1;
  Slot sreg = no_slot;
  bool bypass = false;
  bool fanout = false;
};
struct Dup {
  Slot address = no_slot;
  Slot device = no_slot;
};
struct Forward {
  Slot device = no_slot;
  Slot address = no_slot;
  std::uint8_t family = 0;
};
struct Xfrm {
  Slot dreg = no_slot;
  std::uint32_t key = 0;
  bool out = false;
  std::uint32_t number = 0;
};
struct Tunnel {
  Slot dreg = no_slot;
  std::uint32_t key = 0;
  std::uint32_t mode = 0;
};
struct FlowOffload {
  std::string table;
};
struct Inner {
  std::uint32_t type = 0;
  std::uint32_t flags = 0;
  std::uint32_t header_size = 0;
  std::vector<Expression> expression; ///< one
};
/// An x_tables match or target.
struct Compat {
  std::string name;
  std::uint32_t revision = 0;
  std::string info;
  bool target = false;
};
/// An expression we do not know, or whose attributes do not mean what they should.
struct Unrecognised {
  std::string name;
  std::string raw;
  std::string why; ///< empty: the name is not known
};

using Operation =
    std::variant<Payload, PayloadSet, Cmp, Range, Bitwise, Byteorder, Immediate, ImmediateVerdict,
                 Lookup, Meta, Ct, Exthdr, Fib, Rt, SocketLoad, Tproxy, Reject, Nat, Masquerade,
                 Redirect, Notrack, Dynset, ObjectRef, Counter, Log, Limit, Quota, ConnLimit, Last,
                 Numgen, Hash, Osf, Synproxy, Queue, Dup, Forward, Xfrm, Tunnel, FlowOffload, Inner,
                 Compat, Unrecognised>;

struct Expression {
  Operation operation;
};

using Expressions = std::vector<Expression>;

} // namespace synfate::nft
