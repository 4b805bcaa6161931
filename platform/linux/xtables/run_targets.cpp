// Targets that end a packet's way, and those that change it: net/ipv4/netfilter/ipt_REJECT.c,
// net/ipv6/netfilter/ip6t_REJECT.c, ipt_SYNPROXY.c, ipt_ECN.c, net/netfilter/xt_NFQUEUE.c,
// xt_mark.c, xt_connmark.c, xt_CT.c, xt_DSCP.c, xt_HL.c, xt_TCPMSS.c, xt_TCPOPTSTRIP.c, xt_set.c,
// xt_HMARK.c, xt_CLASSIFY.c; Linux 6.12. LOG, NFLOG, AUDIT, TEE and their like change nothing here.
#include "platform/linux/xtables/run_targets.h"

#include <algorithm>

#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/xtables/ipset_lookup.h"
#include "platform/linux/xtables/print_matches.h"
#include "platform/linux/xtables/run_core.h"
#include "platform/linux/xtables/test_core.h"

namespace synfate::xt {
namespace {

using Mark = Perhaps<std::uint32_t>;

TargetAnswer rejects(const TargetCall& call, Rejection rejection) {
  TargetPart part = part_of(call, HookVerdict::reject);
  part.branch.rejection = rejection;
  return {{std::move(part)}};
}

TargetAnswer queues(const TargetCall& call, unsigned number, unsigned total, bool bypass) {
  TargetPart part = part_of(call, HookVerdict::queue);
  const unsigned last = number + std::max(total, 1U) - 1;
  part.branch.queue = {static_cast<std::uint16_t>(number),
                       static_cast<std::uint16_t>(std::min(last, 0xffffU)), bypass};
  return {{std::move(part)}};
}

Mark changed(const Mark& mark, std::uint32_t cleared, std::uint32_t toggled) {
  if (mark.known())
    return (mark.value() & ~cleared) ^ toggled;
  return cleared == 0xffffffffU ? Mark(toggled) : mark;
}

std::uint32_t shifted(std::uint32_t value, std::uint8_t direction, std::uint8_t bits) {
  if (bits >= 32)
    return 0;
  return direction == 0 ? value << bits : value >> bits;
}

TargetAnswer connmark(const TargetCall& call, const wire::ConnmarkTarget2& info) {
  PacketClass packet = call.packet;
  if (!is_tracked(packet.ct) && !packet.ct.pattern)
    return goes_on(std::move(packet));
  auto& skb = packet.meta.mark;
  Mark of_template = 0U; // lost when conntrack looks
  auto& ct = packet.ct.pattern ? of_template : packet.ct.mark;
  const auto move_bits = [&](const Mark& from, std::uint32_t mask, Mark& to,
                             std::uint32_t cleared) {
    if (!from.known() || !to.known()) {
      if (mask == 0xffffffffU && cleared == 0xffffffffU && info.shift_bits == 0)
        to = from;
      else
        to = Mark::unknown("the mark that CONNMARK copied");
      return;
    }
    to = (to.value() & ~cleared) ^
         shifted(from.value() & mask, info.shift_direction, info.shift_bits);
  };
  switch (info.mode) {
  case 0:
    ct = changed(ct, info.ct_mask, info.ct_mark);
    if (ct.known())
      ct = shifted(ct.value(), info.shift_direction, info.shift_bits);
    break;
  case 1:
    move_bits(Mark(skb), info.nf_mask, ct, info.ct_mask);
    break;
  default:
    move_bits(Mark(ct), info.ct_mask, skb, info.nf_mask);
    break;
  }
  return goes_on(std::move(packet));
}

/// Puts bits into the TOS byte or traffic class: (byte & keep) ^ toggle.
void change_tos(PacketClass& packet, std::uint8_t keep, std::uint8_t toggle) {
  auto& network = packet.network;
  if (network.size() < 40 && packet.family == IpFamily::v6)
    return;
  const auto change = [&](Octet& octet, std::uint8_t kept, std::uint8_t toggled) {
    octet.value = static_cast<std::uint8_t>(((octet.value & octet.known) & kept) ^ toggled);
    octet.known = static_cast<std::uint8_t>(octet.known | ~kept);
  };
  if (packet.family == IpFamily::v4) {
    if (network.size() >= 20)
      change(network[1], keep, toggle);
    return;
  }
  change(network[0], static_cast<std::uint8_t>(0xf0 | keep >> 4),
         static_cast<std::uint8_t>(toggle >> 4));
  change(network[1], static_cast<std::uint8_t>(keep << 4 | 0x0f),
         static_cast<std::uint8_t>(toggle << 4));
}

/// The TCP options of the packet, if all of the header is known to be here.
std::span<Octet> tcp_options(PacketClass& packet, const TransportInfo& transport) {
  auto& network = packet.network;
  const std::size_t head = transport.offset;
  if (transport.proto != 6 || transport.fragment_offset != 0 || head + 20 > network.size())
    return {};
  const std::size_t size = static_cast<std::size_t>(network[head + 12].value >> 4) * 4;
  if (size < 20 || head + size > network.size())
    return {};
  return std::span(network).subspan(head + 20, size - 20);
}

/// Calls `visit` with each option: its number and its bytes.
template <typename Visit> void for_each_option(std::span<Octet> options, Visit visit) {
  for (std::size_t at = 0; at < options.size();) {
    const std::uint8_t kind = options[at].value;
    std::size_t size = 1;
    if (kind >= 2 && at + 1 < options.size())
      size = std::max<std::size_t>(options[at + 1].value, 1);
    size = std::min(size, options.size() - at);
    visit(kind, options.subspan(at, size));
    at += size;
  }
}

TargetAnswer nothing(const TargetCall& call) {
  return goes_on(call);
}

} // namespace

TargetAnswer goes_on(PacketClass packet) {
  TargetPart part;
  part.branch.packet = std::move(packet);
  part.goes_on = true;
  return {{std::move(part)}};
}

TargetAnswer goes_on(const TargetCall& call) {
  return goes_on(call.packet);
}

TargetAnswer accepts(PacketClass packet) {
  TargetPart part;
  part.branch.packet = std::move(packet);
  return {{std::move(part)}};
}

TargetPart part_of(const TargetCall& call, HookVerdict verdict) {
  TargetPart part;
  part.branch.packet = call.packet;
  part.branch.verdict = verdict;
  return part;
}

TargetAnswer drops(const TargetCall& call, std::string why) {
  TargetPart part = part_of(call, HookVerdict::drop);
  part.branch.why = std::move(why);
  return {{std::move(part)}};
}

TargetAnswer unknown(const TargetCall& call, std::string why) {
  TargetPart part = part_of(call, HookVerdict::unknown);
  part.branch.why = std::move(why);
  return {{std::move(part)}};
}

TargetAnswer run_reject4(const TargetCall& call) {
  static constexpr std::array<Icmp, 9> codes{Icmp::net,
                                             Icmp::host,
                                             Icmp::proto,
                                             Icmp::port,
                                             Icmp::none,
                                             Icmp::net_prohibited,
                                             Icmp::host_prohibited,
                                             Icmp::none,
                                             Icmp::admin_prohibited};
  const auto with = call.as<wire::Reject>().with;
  if (with == 7)
    return rejects(call, {true, Icmp::none});
  if (with >= codes.size() || codes[with] == Icmp::none)
    return drops(call, "no answer is sent");
  return rejects(call, {false, codes[with]});
}

TargetAnswer run_reject6(const TargetCall& call) {
  static constexpr std::array<Icmp, 9> codes{Icmp::no_route,
                                             Icmp::admin_prohibited,
                                             Icmp::addr_unreachable,
                                             Icmp::addr_unreachable,
                                             Icmp::port,
                                             Icmp::none,
                                             Icmp::none,
                                             Icmp::policy_fail,
                                             Icmp::reject_route};
  const auto with = call.as<wire::Reject>().with;
  if (with == 6)
    return rejects(call, {true, Icmp::none});
  if (with >= codes.size() || codes[with] == Icmp::none)
    return drops(call, "no answer is sent");
  return rejects(call, {false, codes[with]});
}

TargetAnswer run_nfqueue0(const TargetCall& call) {
  return queues(call, call.as<wire::Nfqueue0>().number, 1, false);
}

TargetAnswer run_nfqueue1(const TargetCall& call) {
  const auto queue = call.as<wire::Nfqueue1>();
  return queues(call, queue.number, queue.total, false);
}

TargetAnswer run_nfqueue2(const TargetCall& call) {
  const auto queue = call.as<wire::Nfqueue2>();
  return queues(call, queue.number, queue.total, (queue.flags & 1) != 0);
}

TargetAnswer run_synproxy(const TargetCall& call) {
  const Octets header = octets_at(call.packet, call.transport.offset, 20);
  if (header.empty() || !header[13].is_known())
    return unknown(call, "SYNPROXY and a TCP header that is not known");
  const std::uint8_t flags = header[13].value;
  const bool syn = (flags & 0x17) == 0x02;
  const bool ack = (flags & 0x17) == 0x10;
  if (!syn && !ack)
    return goes_on(call);
  TargetPart part = part_of(call, HookVerdict::stolen);
  part.branch.theft = Theft::synproxy;
  return {{std::move(part)}};
}

TargetAnswer run_nothing(const TargetCall& call) {
  return nothing(call);
}

TargetAnswer run_mark(const TargetCall& call) {
  const auto info = call.as<wire::MarkTarget>();
  PacketClass packet = call.packet;
  packet.meta.mark = changed(packet.meta.mark, info.mask, info.mark);
  return goes_on(std::move(packet));
}

TargetAnswer run_connmark1(const TargetCall& call) {
  const auto info = call.as<wire::ConnmarkTarget1>();
  return connmark(call, {info.ct_mark, info.ct_mask, info.nf_mask, 0, 0, info.mode});
}

TargetAnswer run_connmark2(const TargetCall& call) {
  return connmark(call, call.as<wire::ConnmarkTarget2>());
}

/// net/netfilter/xt_CT.c: xt_ct_target(), xt_ct_tg_check().
TargetAnswer run_ct(const TargetCall& call) {
  constexpr std::uint16_t not_tracked = 1, original = 4, reply = 8, by_mark = 16;
  const auto info = *load<wire::Ct0>(call.extension.info);
  PacketClass packet = call.packet;
  if (is_claimed(packet.ct))
    return goes_on(std::move(packet));
  if ((info.flags & not_tracked) != 0) {
    packet.ct.state = CtState::untracked;
    return goes_on(std::move(packet));
  }
  const unsigned ways = info.flags & (original | reply);
  give_template(packet, {info.zone, ways != reply, ways != original, (info.flags & by_mark) != 0});
  return goes_on(std::move(packet));
}

TargetAnswer run_notrack(const TargetCall& call) {
  PacketClass packet = call.packet;
  if (!is_claimed(packet.ct))
    packet.ct.state = CtState::untracked;
  return goes_on(std::move(packet));
}

TargetAnswer run_dscp(const TargetCall& call) {
  PacketClass packet = call.packet;
  change_tos(packet, 0x03, static_cast<std::uint8_t>(call.as<wire::DscpTarget>().dscp << 2));
  return goes_on(std::move(packet));
}

TargetAnswer run_tos(const TargetCall& call) {
  const auto info = call.as<wire::TosTarget>();
  PacketClass packet = call.packet;
  change_tos(packet, static_cast<std::uint8_t>(~info.mask), info.value);
  return goes_on(std::move(packet));
}

TargetAnswer run_ecn(const TargetCall& call) {
  const auto info = call.as<wire::EcnTarget>();
  PacketClass packet = call.packet;
  if ((info.operation & 0x01) != 0)
    change_tos(packet, 0xfc, info.ip_ect & 0x03);
  const std::size_t at = call.transport.offset + 13U;
  if ((info.operation & 0x30) != 0 && call.transport.proto == 6 && at < packet.network.size()) {
    auto& flags = packet.network[at];
    const std::uint8_t mask = static_cast<std::uint8_t>(((info.operation & 0x10) != 0 ? 0x40 : 0) |
                                                        ((info.operation & 0x20) != 0 ? 0x80 : 0));
    const std::uint8_t value = static_cast<std::uint8_t>(((info.tcp & 1) != 0 ? 0x40 : 0) |
                                                         ((info.tcp & 2) != 0 ? 0x80 : 0));
    flags.value = static_cast<std::uint8_t>((flags.value & ~mask) | (value & mask));
    flags.known |= mask;
  }
  return goes_on(std::move(packet));
}

TargetAnswer run_ttl(const TargetCall& call) {
  const auto info = call.as<wire::Ttl>();
  PacketClass packet = call.packet;
  const std::size_t at = packet.family == IpFamily::v4 ? 8 : 7;
  if (at >= packet.network.size())
    return goes_on(std::move(packet));
  Octet& ttl = packet.network[at];
  if (info.mode == 0)
    ttl = Octet::of(info.value);
  else if (!ttl.is_known())
    ttl = Octet::any();
  else
    ttl =
        Octet::of(static_cast<std::uint8_t>(info.mode == 1 ? std::min(ttl.value + info.value, 255)
                                                           : std::max(ttl.value - info.value, 0)));
  return goes_on(std::move(packet));
}

TargetAnswer run_tcpmss(const TargetCall& call) {
  const auto wanted = call.as<wire::TcpmssTarget>().mss;
  PacketClass packet = call.packet;
  for_each_option(
      tcp_options(packet, call.transport), [&](std::uint8_t kind, std::span<Octet> bytes) {
        if (kind != 2 || bytes.size() != 4)
          return;
        const bool known = bytes[2].is_known() && bytes[3].is_known();
        const unsigned mss = static_cast<unsigned>(bytes[2].value) << 8 | bytes[3].value;
        if (known && wanted != 0xffff && mss <= wanted) // it is never raised
          return;
        const bool set = known && wanted != 0xffff;
        bytes[2] = set ? Octet::of(static_cast<std::uint8_t>(wanted >> 8)) : Octet::any();
        bytes[3] = set ? Octet::of(static_cast<std::uint8_t>(wanted)) : Octet::any();
      });
  return goes_on(std::move(packet));
}

TargetAnswer run_tcpoptstrip(const TargetCall& call) {
  const auto strip = call.as<wire::Tcpoptstrip>();
  PacketClass packet = call.packet;
  for_each_option(tcp_options(packet, call.transport),
                  [&](std::uint8_t kind, std::span<Octet> bytes) {
                    if (kind >= 2 && (strip.map[kind / 32] >> kind % 32 & 1U) != 0)
                      std::ranges::fill(bytes, Octet::of(1)); // TCPOPT_NOP
                  });
  return goes_on(std::move(packet));
}

TargetAnswer run_classify(const TargetCall& call) {
  PacketClass packet = call.packet;
  packet.meta.priority = call.as<wire::Classify>().priority;
  return goes_on(std::move(packet));
}

TargetAnswer run_hmark(const TargetCall& call) {
  PacketClass packet = call.packet;
  packet.meta.mark = Mark::unknown("the mark that HMARK computes");
  return goes_on(std::move(packet));
}

namespace {

TargetAnswer change_sets(const TargetCall& call, const wire::SetReference& add,
                         const wire::SetReference& remove) {
  PacketClass packet = call.packet;
  auto& changes = packet.ct.set_changes;
  for (const bool added : {true, false}) {
    const auto& set = added ? add : remove;
    if (auto change = set_change_of(call, {set.index, set.dimensions, set.flags}, added))
      note_change(changes, std::move(*change));
  }
  return goes_on(std::move(packet));
}

} // namespace

TargetAnswer run_set0(const TargetCall& call) {
  const auto set = call.as<wire::SetTarget0>();
  return change_sets(call, set_reference_of(set.add), set_reference_of(set.remove));
}

TargetAnswer run_set1(const TargetCall& call) { // and revision 2, which begins like it
  const auto set = call.as<wire::SetTarget1>();
  return change_sets(call, set.add, set.remove);
}

TargetAnswer run_set3(const TargetCall& call) {
  const auto info = call.as<wire::SetTarget3>();
  TargetAnswer changed = change_sets(call, info.add, info.remove);
  PacketClass& packet = changed.parts.front().branch.packet;
  if (info.map.index != 0xffff && (info.flags & 0x100) != 0)
    packet.meta.mark = Mark::unknown("the mark that the set maps to");
  if (info.map.index != 0xffff && (info.flags & 0x200) != 0)
    packet.meta.priority = Mark::unknown("the priority that the set maps to");
  return changed;
}

} // namespace synfate::xt
