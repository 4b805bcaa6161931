#include "platform/linux/netfilter/nat.h"

namespace synfate {
namespace {

/// The end with the rule's parts put in.
Endpoint with(Endpoint endpoint, const NatTarget& target) {
  if (target.address)
    endpoint.address = *target.address;
  if (target.port)
    endpoint.port = *target.port;
  return endpoint;
}

/// All that the port may be; nothing if that is not known.
std::optional<Interval> span_of(const PacketClass& packet, const PortTerm& port) {
  if (port.kind == PortTerm::Kind::known || port.kind == PortTerm::Kind::range)
    return Interval{port.first, port.last};
  if (port.kind != PortTerm::Kind::client || packet.ports.empty())
    return std::nullopt;
  return Interval{packet.ports.intervals().front().first, packet.ports.intervals().back().last};
}

/// Without a range a source port stays among those of its kind.
PortTerm random_port(const PacketClass& packet, const PortTerm& now) {
  const auto span = span_of(packet, now);
  if (span && span->first >= 1024)
    return PortTerm::range(1024, 65535);
  if (span && span->last < 512)
    return PortTerm::range(1, 511);
  if (span && span->first >= 512 && span->last < 1024)
    return PortTerm::range(600, 1023);
  return PortTerm::unknown("the port that the kernel chooses at random");
}

} // namespace

std::optional<PortTerm> nat_port(const PacketClass& packet, const PortTerm& now, NatPortRange ports,
                                 bool destination) {
  if (!ports.given)
    return ports.random && !destination ? std::optional(random_port(packet, now)) : std::nullopt;
  if (ports.last < ports.first)
    std::swap(ports.first, ports.last);
  const auto span = span_of(packet, now);
  const bool inside = span && span->first >= ports.first && span->last <= ports.last;
  const bool outside = span && (span->last < ports.first || span->first > ports.last);
  if (inside && !ports.random)
    return now;
  if (destination && outside && !ports.random)
    return PortTerm::known(ports.first);
  return PortTerm::range(ports.first, ports.last);
}

bool destination_bound(const ConntrackView& ct) {
  return (ct.status & ct_status_destination_nat_done) != 0;
}

bool source_bound(const ConntrackView& ct) {
  return (ct.status & ct_status_source_nat_done) != 0;
}

void bind_destination(PacketClass& packet, const NatTarget& target, const Culprit& by) {
  auto& ct = packet.ct;
  if (!ct.exists || destination_bound(ct))
    return;
  const Endpoint changed = with(ct.answer.source, target);
  if (changed != ct.answer.source) {
    ct.status |= ct_status_destination_nat;
    ct.destination_nat = by;
  }
  ct.answer.source = changed;
  ct.status |= ct_status_destination_nat_done;
}

void bind_source(PacketClass& packet, const NatTarget& target, const Culprit& by, bool masquerade) {
  auto& ct = packet.ct;
  if (!ct.exists || source_bound(ct))
    return;
  const Endpoint changed = with(ct.answer.destination, target);
  if (changed != ct.answer.destination) {
    ct.status |= ct_status_source_nat;
    ct.source_nat = by;
    ct.masquerade = masquerade;
  }
  ct.answer.destination = changed;
  ct.status |= ct_status_source_nat_done;
}

void bind_nothing(PacketClass& packet, bool source) {
  if (packet.ct.exists)
    packet.ct.status |= source ? ct_status_source_nat_done : ct_status_destination_nat_done;
}

void apply_nat(PacketClass& packet, bool source) {
  // nf_nat_packet(): the bit of this manipulation, or for replies of the opposite one.
  const auto& ct = packet.ct;
  const bool source_bit = source != ct.reply;
  if ((ct.status & (source_bit ? ct_status_source_nat : ct_status_destination_nat)) == 0)
    return;
  const CtTuple& other = ct.reply ? ct.original : ct.answer; // inverted, it is what the packet gets
  // nf_nat_icmp_reply_translation(): in what an error quotes it is the other end.
  if (auto quote = quoted_by(packet)) {
    if (source)
      set_destination(*quote, other.destination);
    else
      set_source(*quote, other.source);
    set_quote(packet, *quote);
  }
  if (source)
    set_source(packet, other.destination);
  else
    set_destination(packet, other.source);
}

} // namespace synfate
