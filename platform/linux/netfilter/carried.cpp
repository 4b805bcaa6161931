#include "platform/linux/netfilter/carried.h"

#include "core/facts/tables.h"

namespace synfate {
namespace {

struct Count {
  std::uint64_t packets = 0;
  std::optional<std::uint64_t> bytes = 0;
};

struct Counts {
  Count original;
  Count reply;
};

std::optional<std::uint64_t> length_of(const PacketClass& packet) {
  const auto length = packet_length(packet);
  return length.known() ? std::optional<std::uint64_t>(length.value()) : std::nullopt;
}

std::optional<std::uint64_t> sum(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

/// Of a connection that began with the packets that the model sends (packet_build.h).
std::optional<Counts> counts_at(const HookRequest& request, const PacketClass& packet) {
  const std::uint64_t header = packet.family == IpFamily::v4 ? 20 : 40;
  const std::uint64_t opening = header + 40; // a SYN or SYN-ACK with its usual options
  const std::uint64_t later = header + 32;   // with timestamps
  const auto length = length_of(packet);
  switch (request.packet) {
  case Packet::syn:
    return Counts{{1, length}, {}};
  case Packet::synack:
    return Counts{{1, opening}, {1, length}};
  case Packet::ack:
    return Counts{{2, sum(opening, length)}, {1, opening}};
  case Packet::data:
    return Counts{{3, sum(opening + later, length)}, {1, opening}};
  case Packet::datagram:
    return packet.ct.reply ? Counts{{1, std::nullopt}, {1, length}} : Counts{{1, length}, {}};
  case Packet::reset:
  case Packet::icmp:
    return std::nullopt;
  }
  return std::nullopt;
}

} // namespace

Accounting accounting(HookContext& context, Int netns) {
  const auto rows = context.inquiry.rows<Setting>(
      {{"netns", netns}, {"name", Text("net.netfilter.nf_conntrack_acct")}});
  if (rows.empty() || !rows.front().value.known())
    return Accounting::unknown;
  return rows.front().value.is("0") ? Accounting::off : Accounting::on;
}

std::optional<std::uint64_t> carried(const HookRequest& request, const PacketClass& packet,
                                     Carried what, std::optional<bool> reply) {
  const auto counts = counts_at(request, packet);
  if (!counts)
    return std::nullopt;
  Count count = reply.value_or(false) ? counts->reply : counts->original;
  if (!reply)
    count = {counts->original.packets + counts->reply.packets,
             sum(counts->original.bytes, counts->reply.bytes)};
  if (what == Carried::packets)
    return count.packets;
  if (what == Carried::bytes || !count.bytes)
    return count.bytes;
  return count.packets == 0 ? 0 : *count.bytes / count.packets;
}

} // namespace synfate
