#include "platform/linux/netfilter/conntrack.h"

#include <algorithm>
#include <array>

#include "platform/linux/netfilter/ip_protocol.h"

namespace synfate {
namespace {

enum class TcpKind : std::uint8_t { syn, synack, ack, reset, unknown };

/// get_conntrack_index(). The model sends no FIN.
TcpKind tcp_kind(const PacketClass& packet, const TransportInfo& info) {
  constexpr std::uint8_t syn = 0x02;
  constexpr std::uint8_t rst = 0x04;
  constexpr std::uint8_t ack = 0x10;
  const auto flags = load(packet, info.offset + 13U, 1);
  if (!flags || !flags->front().is_known())
    return TcpKind::unknown;
  const std::uint8_t bits = flags->front().value;
  if ((bits & rst) != 0)
    return TcpKind::reset;
  if ((bits & syn) != 0)
    return (bits & ack) != 0 ? TcpKind::synack : TcpKind::syn;
  return TcpKind::ack;
}

bool is_tcp(const TransportInfo& info) {
  return info.valid && info.proto == ip_protocol::tcp;
}

/// What the table says: a state to go to, one to stay in (sIG), or that the packet is invalid.
struct Step {
  bool valid = true;
  bool ignored = false;
  CtTcp to = CtTcp::none;
};

constexpr Step invalid{false, false, CtTcp::none};
constexpr Step ignored{true, true, CtTcp::none};
constexpr Step to(CtTcp state) {
  return {true, false, state};
}

/// Columns: sNO, sSS, sSR, sES, sCL, sS2. Rows: SYN, SYN-ACK, ACK, RST.
using Row = std::array<Step, 6>;
constexpr std::array<std::array<Row, 4>, 2> steps{
    {{{{to(CtTcp::syn_sent), to(CtTcp::syn_sent), ignored, ignored, to(CtTcp::syn_sent),
        to(CtTcp::syn_sent2)},
       {invalid, invalid, to(CtTcp::syn_recv), invalid, invalid, to(CtTcp::syn_recv)},
       {to(CtTcp::established), invalid, to(CtTcp::established), to(CtTcp::established),
        to(CtTcp::close), invalid},
       {invalid, to(CtTcp::close), to(CtTcp::close), to(CtTcp::close), to(CtTcp::close),
        to(CtTcp::close)}}},
     {{{invalid, to(CtTcp::syn_sent2), invalid, invalid, invalid, to(CtTcp::syn_sent2)},
       {invalid, to(CtTcp::syn_recv), ignored, ignored, ignored, to(CtTcp::syn_recv)},
       {invalid, ignored, to(CtTcp::syn_recv), to(CtTcp::established), to(CtTcp::close), ignored},
       {invalid, to(CtTcp::close), to(CtTcp::close), to(CtTcp::close), to(CtTcp::close),
        to(CtTcp::close)}}}}};

Step step_of(const ConntrackView& ct, TcpKind kind) {
  return steps[ct.reply ? 1 : 0][static_cast<std::size_t>(kind)][static_cast<std::size_t>(ct.tcp)];
}

/// nf_ct_zone_equal(). A zone that is not known is taken to be the one.
bool same_zone(PacketClass& packet, const ConntrackView& entry, const CtZone& zone) {
  const auto mine = zone.of(entry.reply);
  const auto its = entry.zone.of(entry.reply);
  if (mine.known() && its.known())
    return mine.value() == its.value();
  const std::string taken = "the packets of the connection are of one conntrack zone";
  if (std::ranges::find(packet.assumptions, taken) == packet.assumptions.end())
    packet.assumptions.push_back(taken);
  return true;
}

/// nf_ct_zone_tmpl().
CtZone zone_of(const PacketClass& packet) {
  CtZone zone = packet.ct.pattern.value_or(CtZone());
  if (!zone.by_mark)
    return zone;
  zone.by_mark = false;
  const auto& mark = packet.meta.mark;
  zone.id = mark.known() ? Perhaps<std::uint16_t>(static_cast<std::uint16_t>(mark.value()))
                         : Perhaps<std::uint16_t>::unknown(mark.why());
  return zone;
}

/// Makes another entry the packet's own, and keeps what belongs to the flow.
void swap_entries(ConntrackView& ct, ConntrackView entry) {
  ConntrackView left = std::move(ct);
  ct = std::move(entry);
  ct.elsewhere = std::move(left.elsewhere);
  ct.set_changes = std::move(left.set_changes);
  left.elsewhere.clear();
  left.set_changes.clear();
  if (left.exists)
    ct.elsewhere.push_back(std::move(left));
}

/// resolve_normal_ct(): the flow's entry in this zone, or none.
void find_entry(PacketClass& packet, const CtZone& zone) {
  auto& ct = packet.ct;
  if (ct.exists && same_zone(packet, ct, zone))
    return;
  const auto other = std::ranges::find_if(
      ct.elsewhere, [&](const ConntrackView& entry) { return same_zone(packet, entry, zone); });
  ConntrackView entry;
  if (other != ct.elsewhere.end()) {
    entry = std::move(*other);
    ct.elsewhere.erase(other);
  } else if (ct.exists) {
    entry.reply = is_answer(ct);
  } else {
    return;
  }
  swap_entries(ct, std::move(entry));
}

/// init_conntrack().
void begin(PacketClass& packet, const CtZone& zone) {
  auto& ct = packet.ct;
  ct.exists = true;
  ct.from_answer = ct.reply;
  ct.reply = false;
  ct.status = 0;
  ct.zone = zone;
  ct.original = {source_of(packet), destination_of(packet), transport_info(packet).proto};
  ct.answer = {ct.original.destination, ct.original.source, ct.original.proto};
}

/// nf_ct_acct_update(). What has an unknown length makes the sum unknown.
void count(PacketClass& packet) {
  auto& sum = packet.ct.reply ? packet.ct.answered : packet.ct.carried;
  const auto length = packet_length(packet);
  ++sum.packets;
  if (!length.known())
    sum.bytes.reset();
  else if (sum.bytes)
    *sum.bytes += length.value();
}

/// nf_conntrack_tcp_packet(): moves the entry's state. False: the packet is invalid.
bool step_tcp(ConntrackView& ct, TcpKind kind) {
  if (kind == TcpKind::unknown)
    return true;
  const Step step = step_of(ct, kind);
  if (!step.valid || step.ignored)
    return step.valid;
  const CtTcp before = ct.tcp;
  ct.tcp = step.to;
  const bool answered = (ct.status & ct_status_seen_reply) != 0;
  if (answered && (before == CtTcp::syn_recv || before == CtTcp::established) &&
      ct.tcp == CtTcp::established)
    ct.status |= ct_status_assured;
  return true;
}

} // namespace

bool is_neighbour_discovery(const PacketClass& packet) {
  constexpr std::uint8_t solicitation = 135;
  constexpr std::uint8_t advertisement = 136;
  const auto info = transport_info(packet);
  if (!info.valid || info.proto != ip_protocol::icmpv6)
    return false;
  const auto type = load(packet, info.offset, 1);
  return type &&
         (*type->begin() == Octet::of(solicitation) || *type->begin() == Octet::of(advertisement));
}

bool is_icmp_error(const PacketClass& packet) {
  const auto info = transport_info(packet);
  const std::uint8_t proto = info.valid ? info.proto : 0;
  return proto == ip_protocol::icmp || proto == ip_protocol::icmpv6;
}

bool picks_up(const PacketClass& packet) {
  const auto info = transport_info(packet);
  return !is_tracked(packet.ct) && packet.ct.state != CtState::untracked && is_tcp(info) &&
         (!packet.ct.exists || packet.ct.pattern.has_value() || !packet.ct.elsewhere.empty()) &&
         tcp_kind(packet, info) == TcpKind::ack;
}

void enter_conntrack(PacketClass& packet, bool loose) {
  auto& ct = packet.ct;
  if (is_tracked(ct) || ct.state == CtState::untracked)
    return; // also a packet of loopback, which conntrack saw when it was sent
  const CtZone zone = zone_of(packet);
  ct.pattern.reset();
  if (is_neighbour_discovery(packet)) { // nf_conntrack_icmpv6_error(): noct_valid_new[]
    ct.state = CtState::untracked;
    return;
  }
  find_entry(packet, zone);
  if (is_icmp_error(packet)) { // nf_conntrack_inet_error()
    ct.state = ct.exists ? CtState::related : CtState::invalid;
    return;
  }
  const auto info = transport_info(packet);
  const TcpKind kind = is_tcp(info) ? tcp_kind(packet, info) : TcpKind::unknown;
  const bool opens = ct.exists || !is_tcp(info) || kind == TcpKind::unknown ||
                     kind == TcpKind::syn || (kind == TcpKind::ack && loose);
  if (!opens) {
    ct.state = CtState::invalid;
    return;
  }
  if (!ct.exists)
    begin(packet, zone);
  if (!step_tcp(ct, kind)) {
    ct.state = CtState::invalid;
    return;
  }
  count(packet);
  if (ct.reply)
    ct.status |= ct_status_seen_reply;
  ct.state = (ct.status & ct_status_seen_reply) != 0 ? CtState::established : CtState::fresh;
}

ConntrackView continued(const ConntrackView& before, bool answer) {
  ConntrackView ct = before;
  ct.state = CtState::none; // until conntrack sees the packet
  ct.pattern.reset();
  ct.reply = answer != ct.from_answer;
  for (auto& entry : ct.elsewhere)
    entry.reply = answer != entry.from_answer;
  return ct;
}

void give_template(PacketClass& packet, CtZone zone) {
  packet.ct.state = CtState::none;
  packet.ct.pattern = std::move(zone);
}

} // namespace synfate
