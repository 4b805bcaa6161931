#include "platform/linux/netfilter/carried.h"

#include "core/facts/tables.h"
#include "platform/linux/netfilter/conntrack.h"

namespace synfate {
namespace {

std::optional<std::uint64_t> sum(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

/// The server answers the data when it likes, and with it come acknowledgements. ICMP errors are
/// not counted, nor is a reset that a rule has made for the connection (nf_ct_attach()).
bool is_counted(const HookRequest& request, const ConntrackView& ct) {
  return request.packet != Packet::neighbour && !(request.packet == Packet::data && is_answer(ct));
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
  const auto& ct = packet.ct;
  if (!is_counted(request, ct))
    return std::nullopt;
  CtCount count = reply.value_or(false) ? ct.answered : ct.carried;
  if (!reply)
    count = {ct.carried.packets + ct.answered.packets, sum(ct.carried.bytes, ct.answered.bytes)};
  if (what == Carried::packets)
    return count.packets;
  if (what == Carried::bytes || !count.bytes)
    return count.bytes;
  return count.packets == 0 ? 0 : *count.bytes / count.packets;
}

} // namespace synfate
