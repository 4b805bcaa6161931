// A packet as the model carries it: not one packet but a class of them.
//
// Every byte is known, free (nobody can know it: a sequence number, a checksum), or a byte of one
// of two variables: the client's address and the client's source port. Each variable has a set of
// possible values, which rules cut. A single client is the class whose address set has one member.
// Beside the bytes there is what the kernel keeps in the skb: interfaces, mark, conntrack, socket.
// A value that could not be read is unknown and says why; a rule that tests it gives both branches.
//
// Clients are Linux clients (contract): TTL 64, DSCP 0, a SYN of 60 bytes over IPv4; see
// packet_build.h. Tested by tests/unit/platform/linux/netfilter/split_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ip.h"
#include "core/facts/cell.h"
#include "core/model/outcome.h"
#include "platform/linux/netfilter/interval_set.h"

namespace synfate {

/// Where the bits of a byte that are not known come from.
enum class ByteSource : std::uint8_t {
  free,           ///< any value: chosen by the client, or not read
  client_address, ///< byte `index` of the client's address, most significant first
  client_port,    ///< byte `index` of the client's source port, most significant first
  derived,        ///< any value, but made of the client's address: single clients know it
};

/// One byte of a packet or of a register. Bits set in `known` have the value in `value`; the others
/// are those of the source, in place.
struct Octet {
  std::uint8_t value = 0;
  std::uint8_t known = 0;
  ByteSource source = ByteSource::free;
  std::uint8_t index = 0;

  static Octet of(std::uint8_t value) { return {value, 0xff, ByteSource::free, 0}; }
  static Octet any() { return {}; }
  static Octet variable(ByteSource source, unsigned index) {
    return {0, 0, source, static_cast<std::uint8_t>(index)};
  }
  bool is_known() const { return known == 0xff; }
  friend bool operator==(const Octet&, const Octet&) = default;
};

/// Why something is not known. A packet has dozens of them, and nearly all say nothing: then they
/// are copied and moved for next to nothing.
class Reason {
public:
  Reason() = default; ///< nothing to say
  Reason(std::string text)
      : text_(text.empty() ? nullptr : std::make_shared<const std::string>(std::move(text))) {}
  const std::string& text() const {
    static const std::string nothing;
    return text_ ? *text_ : nothing;
  }
  friend bool operator==(const Reason& a, const Reason& b) {
    return a.text_ == b.text_ || a.text() == b.text();
  }

private:
  std::shared_ptr<const std::string> text_;
};

/// A value, or the name of what is not known.
template <typename T> class Perhaps {
public:
  Perhaps() = default; ///< T's zero, known
  Perhaps(T value) : value_(std::move(value)) {}
  static Perhaps unknown(std::string why) {
    Perhaps perhaps;
    perhaps.known_ = false;
    perhaps.why_ = std::move(why);
    return perhaps;
  }

  bool known() const { return known_; }
  const T& value() const { return value_; } ///< only when known()
  bool is(const T& other) const { return known_ && value_ == other; }
  /// "the client's user id": what is not known; empty if known().
  const std::string& why() const { return why_.text(); }
  friend bool operator==(const Perhaps&, const Perhaps&) = default;

private:
  T value_{};
  bool known_ = true;
  Reason why_;
};

/// An address in a packet or a connection: the client's, a known one, one of a range that the
/// kernel chooses from, or one that cannot be told.
struct AddressTerm {
  enum class Kind : std::uint8_t { client, known, range, unknown };
  Kind kind = Kind::unknown;
  IpAddress first; ///< known, range
  IpAddress last;  ///< range
  Reason why;      ///< unknown

  static AddressTerm client() { return {Kind::client, {}, {}, {}}; }
  static AddressTerm known(const IpAddress& address) { return {Kind::known, address, address, {}}; }
  static AddressTerm range(const IpAddress& first, const IpAddress& last) {
    return first == last ? known(first) : AddressTerm{Kind::range, first, last, {}};
  }
  static AddressTerm unknown(std::string why) { return {Kind::unknown, {}, {}, std::move(why)}; }
  friend bool operator==(const AddressTerm&, const AddressTerm&) = default;
};

/// A port, likewise.
struct PortTerm {
  enum class Kind : std::uint8_t { client, known, range, unknown };
  Kind kind = Kind::unknown;
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  Reason why;

  static PortTerm client() { return {Kind::client, 0, 0, {}}; }
  static PortTerm known(std::uint16_t port) { return {Kind::known, port, port, {}}; }
  static PortTerm range(std::uint16_t first, std::uint16_t last) {
    return first == last ? known(first) : PortTerm{Kind::range, first, last, {}};
  }
  static PortTerm unknown(std::string why) { return {Kind::unknown, 0, 0, std::move(why)}; }
  friend bool operator==(const PortTerm&, const PortTerm&) = default;
};

struct Endpoint {
  AddressTerm address;
  PortTerm port;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// skb->dev, state->in or state->out. `index` 0: there is none.
struct InterfaceView {
  Int index = 0;
  std::string name;
  Perhaps<Int> type;         ///< ARPHRD_ number
  Perhaps<Int> group;        ///< device group
  Perhaps<std::string> kind; ///< rtnl_link_ops->kind; empty for hardware and lo
  Perhaps<Int> master_index; ///< bridge or VRF it belongs to; 0: none
  bool loopback = false;
  /// Of the Ethernet frames that bring the packet: the source, six octets; empty: out of sight.
  std::vector<Octet> sender;

  bool present() const { return index != 0; }
  friend bool operator==(const InterfaceView&, const InterfaceView&) = default;
};

/// The full socket behind the skb (skb_to_full_sk): on the output path that of the sender; a
/// SYN-ACK has the listener's. On the input path there is none before the lookup.
struct SocketView {
  bool present = false;
  bool has_file = true; ///< a process still holds it: else meta skuid breaks
  Perhaps<std::uint32_t> uid;
  Perhaps<std::uint32_t> gid;
  Perhaps<std::uint64_t> cgroup_id; ///< v2
  Perhaps<std::string> cgroup_path; ///< v2, "/system.slice/nginx.service"
  Perhaps<std::uint32_t> class_id;  ///< net_cls
  Perhaps<std::uint32_t> mark;      ///< SO_MARK
  Perhaps<bool> transparent;        ///< IP_TRANSPARENT
  friend bool operator==(const SocketView&, const SocketView&) = default;
};

/// What ctinfo says about the packet.
enum class CtState : std::uint8_t {
  none,        ///< conntrack has not seen the packet (yet): tested as invalid
  untracked,   ///< notrack
  invalid,     ///< conntrack refused it
  fresh,       ///< new
  established, ///< of a connection that has seen both directions
  related,     ///< expected by another connection, or an ICMP error of one
};

/// The addresses of one direction.
struct CtTuple {
  Endpoint source;
  Endpoint destination;
  std::uint8_t proto = 0;
  friend bool operator==(const CtTuple&, const CtTuple&) = default;
};

/// Bits of enum ip_conntrack_status that the model keeps.
inline constexpr std::uint32_t ct_status_expected = 1U << 0;
inline constexpr std::uint32_t ct_status_seen_reply = 1U << 1;
inline constexpr std::uint32_t ct_status_assured = 1U << 2;
inline constexpr std::uint32_t ct_status_confirmed = 1U << 3;
inline constexpr std::uint32_t ct_status_source_nat = 1U << 4;
inline constexpr std::uint32_t ct_status_destination_nat = 1U << 5;
inline constexpr std::uint32_t ct_status_source_nat_done = 1U << 7;
inline constexpr std::uint32_t ct_status_destination_nat_done = 1U << 8;
inline constexpr std::uint32_t ct_status_template = 1U << 11;

/// Connections of different zones know nothing of each other. A zone may count for one direction
/// only; the other direction is then in the default zone, 0.
struct CtZone {
  Perhaps<std::uint16_t> id;
  bool of_original = true;
  bool of_reply = true;
  bool by_mark = false; ///< of a template: its number is the packet's mark when conntrack looks

  /// nf_ct_zone_id() of include/net/netfilter/nf_conntrack_zones.h.
  Perhaps<std::uint16_t> of(bool reply) const {
    return (reply ? of_reply : of_original) ? id : Perhaps<std::uint16_t>();
  }
  friend bool operator==(const CtZone&, const CtZone&) = default;
};

/// Where conntrack stands with a TCP connection (enum tcp_conntrack), as far as the model's packets
/// lead it.
enum class CtTcp : std::uint8_t { none, syn_sent, syn_recv, established, close, syn_sent2 };

/// What one direction has carried since conntrack knows the connection (struct nf_conn_counter).
struct CtCount {
  std::uint64_t packets = 0;
  std::optional<std::uint64_t> bytes = 0; ///< nothing: not known
  friend bool operator==(const CtCount&, const CtCount&) = default;
};

/// A set that a rule has changed since it was read.
struct SetChange {
  std::string set; ///< "inet/filter/seen", "ipset/7"
  /// The element: a key's bytes, for ipset its text. Nothing: it cannot be told which.
  std::optional<std::string> element;
  bool added = true; ///< false: removed
  friend bool operator==(const SetChange&, const SetChange&) = default;
};

/// What changes say of one element: there now, gone now, perhaps there or gone.
enum class ChangedTo : std::uint8_t { unchanged, present, gone, perhaps_present, perhaps_gone };

/// The packet's connection in one network namespace, and where the packet stands in it.
struct ConntrackView {
  CtState state = CtState::none;
  bool exists = false;      ///< there is an entry (also one not confirmed yet)
  bool reply = false;       ///< the packet travels against the direction of the first one
  bool from_answer = false; ///< that first one was an answer of this host
  CtTcp tcp = CtTcp::none;
  std::uint32_t status = 0;
  CtTuple original;
  CtTuple answer; ///< the reply tuple: after NAT
  Perhaps<std::uint32_t> mark;
  Perhaps<std::uint32_t> secmark;
  CtZone zone;
  /// The template that a rule before conntrack gave the packet, while it has it.
  std::optional<CtZone> pattern;
  CtCount carried;                        ///< by packets of the first one's direction
  CtCount answered;                       ///< by those of the other
  std::vector<std::uint8_t> labels;       ///< 16 bytes, or none set
  std::optional<Culprit> source_nat;      ///< the rule that decided
  std::optional<Culprit> destination_nat; ///< the rule that decided
  bool masquerade = false;                ///< source NAT to the address of the way out
  std::vector<SetChange> set_changes;     ///< by rules on the way of its packets, the newest last
  /// Entries that other packets of the flow have in other zones.
  std::vector<ConntrackView> elsewhere;

  friend bool operator==(const ConntrackView&, const ConntrackView&) = default;
};

/// A socket that TPROXY gave the packet: the listener at this address and port takes it.
struct AssignedSocket {
  AddressTerm address; ///< as the lookup found it
  PortTerm port;
  Culprit by;
  friend bool operator==(const AssignedSocket&, const AssignedSocket&) = default;
};

/// Why a branch holds only sometimes: something a read cannot pin down.
struct Condition {
  std::string when; ///< "the limit of inet/filter/input/4 has tokens left"
  Culprit by;       ///< the rule, set or object it hangs on
  /// The test is about something a client chooses freely (a sequence number, a source port of the
  /// packet class): `field` names it in nft syntax; else empty.
  std::string field;
  /// The test is about the client's address in a way that classes cannot follow: single clients
  /// know which it is.
  bool of_address = false;
  friend bool operator==(const Condition&, const Condition&) = default;
};

/// Condition::field of a test of who sends the frames.
inline constexpr std::string_view link_source_field = "ether saddr";

/// PacketMetadata::physical_in: one of several ports.
inline constexpr Int unknown_port = -1;

/// What the skb carries beside its bytes.
struct PacketMetadata {
  InterfaceView in;  ///< state->in; none in output and postrouting (but see forward)
  InterfaceView out; ///< state->out; none in prerouting and input
  Perhaps<std::uint32_t> mark;
  Perhaps<std::uint32_t> priority;
  Perhaps<std::uint32_t> secmark;
  Perhaps<std::uint8_t> packet_type; ///< PACKET_HOST 0 … PACKET_LOOPBACK 5
  Perhaps<std::uint32_t> cpu = Perhaps<std::uint32_t>::unknown("the CPU");
  Perhaps<std::uint32_t> route_realm;         ///< dst->tclassid
  Perhaps<bool> ipsec = Perhaps<bool>(false); ///< came through, or leaves by, xfrm
  SocketView socket;
  Perhaps<Int> time_ms;              ///< since 1970: the snapshot's taken_at
  Perhaps<Int> minutes_west;         ///< sys_tz.tz_minuteswest of the kernel
  std::optional<std::uint16_t> vlan; ///< TCI of an offloaded tag
  std::string bridge;                ///< whose hooks it passes: the master of `in` or `out`
  Int physical_in = 0;               ///< bridge port it came in by (br_netfilter); 0: not bridged
  Int physical_out = 0;              ///< bridge port it leaves by
  /// In output something changed that routing looks at, where the kernel then routes again:
  /// nf_route_table_hook4(), ipt_mangle_out(), nf_nat_ipv4_local_fn().
  bool reroute = false;

  friend bool operator==(const PacketMetadata&, const PacketMetadata&) = default;
};

/// What this walk's own packets did to an address in a list of xt_recent.
struct RecentMark {
  std::string list;
  AddressTerm address;
  std::uint32_t stamps = 0; ///< times that they added, since they last removed it
  bool removed = false;     ///< what was in the list before is gone

  friend bool operator==(const RecentMark&, const RecentMark&) = default;
};

/// What this walk's own packets took from an entry of a table of xt_hashlimit.
struct HashlimitMark {
  Int netns = 0;
  std::string table;
  Endpoint source; ///< as the table's mode tells clients apart
  Endpoint destination;
  std::uint64_t spent = 0; ///< packets, or chunks of 16 bytes

  friend bool operator==(const HashlimitMark&, const HashlimitMark&) = default;
};

/// What matches with a memory know of this walk's own packets.
struct Remembered {
  std::vector<RecentMark> recent;
  std::vector<HashlimitMark> hashlimit;

  friend bool operator==(const Remembered&, const Remembered&) = default;
};

/// A class of packets.
struct PacketClass {
  IpFamily family = IpFamily::v4;
  IntervalSet addresses; ///< what the client's address may be
  IntervalSet ports;     ///< what the client's source port may be

  std::vector<Octet> link;    ///< Ethernet header, 14 bytes; empty: none (output path, tunnels)
  std::vector<Octet> network; ///< from the network header to the end of the transport header
  /// Bytes after the headers; their content is not known. 0 for SYN, SYN-ACK, ACK.
  Perhaps<std::uint32_t> payload_length;

  PacketMetadata meta;
  ConntrackView ct;
  std::optional<AssignedSocket> assigned;
  Remembered remembered; ///< stays with the flow, packet by packet

  std::vector<Condition> conditions;    ///< holds only when all of these do
  std::vector<std::string> assumptions; ///< what was taken for granted, in words

  friend bool operator==(const PacketClass&, const PacketClass&) = default;
};

/// Keeps a change; one that has been kept already moves to the end.
void note_change(std::vector<SetChange>& changes, SetChange change);
/// What changes of a set say of an element that was in it, or not, when it was read. `element`
/// nothing: of one that cannot be told.
ChangedTo changed_to(const std::vector<SetChange>& changes, std::string_view set,
                     const std::optional<std::string>& element, bool was_there);

/// What the kernel derives from the headers before it evaluates rules (struct nft_pktinfo,
/// struct xt_action_param): where the transport header is.
struct TransportInfo {
  bool valid = false;                ///< NFT_PKTINFO_L4PROTO
  std::uint8_t proto = 0;            ///< IPPROTO_
  std::uint16_t offset = 0;          ///< thoff, from the network header
  std::uint16_t fragment_offset = 0; ///< not 0: no transport header here
};
/// include/net/netfilter/nf_tables_ipv4.h and _ipv6.h: nft_set_pktinfo_ipv4(), _ipv6(); 6.12.
TransportInfo transport_info(const PacketClass& packet);

/// The byte with the client's variables put in where the class has only one value for them.
Octet resolve(const PacketClass& packet, Octet octet);
/// Bytes of the packet counted from the network header, variables resolved. Nothing when they reach
/// past the headers: see reaches_payload().
std::optional<std::vector<Octet>> load(const PacketClass& packet, std::size_t offset,
                                       std::size_t length);
/// True if some of these bytes may exist in the payload, whose content is not known.
bool reaches_payload(const PacketClass& packet, std::size_t offset, std::size_t length);

/// Source and destination as the headers have them now.
Endpoint source_of(const PacketClass& packet);
Endpoint destination_of(const PacketClass& packet);
/// The address of an end, where it is one alone.
std::optional<IpAddress> only_address(const AddressTerm& term, const PacketClass& packet);
/// Writes an endpoint into the headers (NAT); unknown terms make the bytes free.
void set_source(PacketClass& packet, const Endpoint& endpoint);
void set_destination(PacketClass& packet, const Endpoint& endpoint);
/// The packet that an ICMP error quotes: its headers alone. Nothing if it quotes none.
std::optional<PacketClass> quoted_by(const PacketClass& error);
/// Writes a packet of the same size in its place.
void set_quote(PacketClass& error, const PacketClass& quote);
/// The octets of a term: 4 or 16, and 2.
std::vector<Octet> octets_of(const AddressTerm& term, IpFamily family);
std::vector<Octet> octets_of(const PortTerm& term);

/// An ARP message: its link header says so, and `network` begins with that of ARP; family IPv4.
bool is_arp(const PacketClass& packet);

/// Six octets of "02:00:00:00:00:01"; free ones for anything else.
std::vector<Octet> hardware_octets(std::string_view text);

/// ETH_P_IP, ETH_P_IPV6 or ETH_P_ARP, in network byte order.
std::array<std::uint8_t, 2> ethertype_of(const PacketClass& packet);

/// The Ethernet header as far as it is known: of a packet that came in by a device that has one.
/// Of its addresses the sender's alone is known at times; on the loopback device they are zero.
/// Empty: there is none.
/// `leaving`: the new header that it has in egress (net/core/dev.c: __dev_queue_xmit()).
std::vector<Octet> link_header(const PacketClass& packet, bool leaving = false);

/// Its connection is one whose client's address was translated.
inline bool has_source_nat(const PacketClass& packet) {
  return packet.ct.source_nat.has_value() || (packet.ct.status & ct_status_source_nat) != 0;
}

/// skb->len counted from the network header; unknown if the payload's length is.
Perhaps<std::uint32_t> packet_length(const PacketClass& packet);

} // namespace synfate
