// Matches on the packet's own fields and what the skb carries: net/netfilter/xt_mac.c,
// xt_pkttype.c, xt_mark.c, xt_length.c, xt_hl.c, xt_dscp.c, xt_ecn.c, xt_realm.c, xt_cpu.c,
// xt_devgroup.c, xt_physdev.c, xt_policy.c, xt_bpf.c, net/ipv6/netfilter/ip6t_eui64.c; Linux 6.12.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/xtables/classic_bpf.h"
#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

bool is_v4(const MatchCall& call) {
  return call.packet.family == IpFamily::v4;
}

/// The traffic class or TOS byte, put together.
Octet tos_octet(const PacketClass& packet) {
  const Octets network(packet.network);
  if (network.size() < 2)
    return Octet::any();
  if (packet.family == IpFamily::v4)
    return network[1];
  const Octet high = network[0];
  const Octet low = network[1];
  Octet octet;
  octet.value = static_cast<std::uint8_t>((high.value & 0x0f) << 4 | low.value >> 4);
  octet.known = static_cast<std::uint8_t>((high.known & 0x0f) << 4 | low.known >> 4);
  return octet;
}

MatchAnswer is_ethernet(const MatchCall& call) {
  const auto& in = call.packet.meta.in;
  if (!in.present() || link_header(call.packet).size() < 14)
    return not_matched("ether saddr");
  return perhaps(call, in.type, "ether saddr", [](Int type) { return type == 1; });
}

/// ifname_compare_aligned() == 0.
bool name_matches(std::string_view name, const char (&wanted)[16], const std::uint8_t (&mask)[16]) {
  for (std::size_t at = 0; at < 16; ++at) {
    const char letter = at < name.size() ? name[at] : '\0';
    if (((letter ^ wanted[at]) & mask[at]) != 0)
      return false;
  }
  return true;
}

std::optional<std::string> interface_name(const MatchCall& call, Int index) {
  if (index == 0)
    return std::nullopt;
  for (const auto& row :
       call.context.inquiry.rows<Interface>({{"netns", call.request.netns}, {"index", index}}))
    if (row.name.known())
      return row.name.value();
  return "?";
}

MatchAnswer not_bridged(const wire::Physdev& info) {
  for (const unsigned bit : {0x04U, 0x08U, 0x10U, 0x01U, 0x02U})
    if ((info.wanted & bit) != 0 && (info.invert & bit) == 0)
      return not_matched("meta ibrname");
  return answer(true);
}

MatchAnswer test_group(const MatchCall& call, const InterfaceView& device, std::uint32_t group,
                       std::uint32_t mask, bool invert, std::string_view field) {
  return inverted(
      perhaps(call, device.group, field,
              [&](Int value) { return ((static_cast<std::uint32_t>(value) ^ group) & mask) == 0; }),
      invert);
}

MatchAnswer test_tcp_bit(const MatchCall& call, const wire::Ecn& ecn, std::uint8_t operation,
                         std::uint8_t bit) {
  if ((ecn.operation & operation) == 0)
    return answer(true);
  const Octets header = octets_at(call.packet, call.transport.offset, 20);
  if (header.empty())
    return answer(false);
  return inverted(test_byte(call, header[13], bit, bit, "tcp flags"),
                  (ecn.invert & operation) != 0);
}

} // namespace

MatchAnswer test_comment(const MatchCall&) {
  return answer(true);
}

MatchAnswer test_mac(const MatchCall& call) {
  const auto mac = call.as<wire::Mac>();
  const auto link = link_header(call.packet);
  return all(call, is_ethernet, [&](const MatchCall& part) {
    return inverted(test_equal(part, Octets(link).subspan(6, 6), {}, mac.address, "ether saddr"),
                    mac.invert != 0);
  });
}

MatchAnswer test_eui64(const MatchCall& call) {
  return all(call, is_ethernet, [](const MatchCall& part) {
    const auto header = link_header(part.packet);
    const Octets link(header);
    if (!std::ranges::all_of(link.subspan(6, 6),
                             [](const Octet& octet) { return octet.is_known(); }))
      return undecided(part, "the client's link-layer address", "makes up its address",
                       "does not make up its address", "ether saddr");
    std::array<std::uint8_t, 8> eui{};
    for (std::size_t at = 0; at < 3; ++at) {
      eui[at] = link[6 + at].value;
      eui[at + 5] = link[9 + at].value;
    }
    eui[0] ^= 0x02;
    eui[3] = 0xff;
    eui[4] = 0xfe;
    return test_equal(part, source_octets(part.packet).subspan(8, 8), {}, eui, "ip6 saddr");
  });
}

MatchAnswer test_pkttype(const MatchCall& call) {
  const auto info = call.as<wire::Pkttype>();
  const auto destination = destination_of(call.packet).address;
  const bool multicast = !is_v4(call) || (destination.kind == AddressTerm::Kind::known &&
                                          destination.first.is_multicast());
  return inverted(perhaps(call, call.packet.meta.packet_type, "meta pkttype",
                          [&](std::uint8_t type) {
                            if (type == 5) // PACKET_LOOPBACK
                              type = multicast ? 2 : 1;
                            return type == info.type;
                          }),
                  info.invert != 0);
}

MatchAnswer test_mark(const MatchCall& call) {
  const auto info = call.as<wire::Mark>();
  return inverted(perhaps(call, call.packet.meta.mark, "meta mark",
                          [&](std::uint32_t mark) { return (mark & info.mask) == info.mark; }),
                  info.invert != 0);
}

MatchAnswer test_length(const MatchCall& call) {
  const auto info = call.as<wire::Length>();
  return inverted(
      perhaps(call, packet_length(call.packet), "meta length",
              [&](std::uint32_t length) { return length >= info.min && length <= info.max; }),
      info.invert != 0);
}

MatchAnswer test_ttl(const MatchCall& call) {
  const auto info = call.as<wire::Ttl>();
  const Octets octet = octets_at(call.packet, is_v4(call) ? 8 : 7, 1);
  const std::string_view field = is_v4(call) ? "ip ttl" : "ip6 hoplimit";
  if (octet.empty())
    return answer(false);
  const auto in_range = [&](std::uint32_t first, std::uint32_t last) {
    return test_number(call, octet, first, last, field);
  };
  switch (info.mode) {
  case 0:
    return in_range(info.value, info.value);
  case 1:
    return inverted(in_range(info.value, info.value), true);
  case 2:
    return info.value == 0 ? not_matched(field) : in_range(0, info.value - 1U);
  case 3:
    return info.value == 255 ? not_matched(field) : in_range(info.value + 1U, 255);
  default:
    return not_matched(field);
  }
}

MatchAnswer test_tos(const MatchCall& call) {
  const auto tos = call.as<wire::Tos>();
  return inverted(test_byte(call, tos_octet(call.packet), tos.mask, tos.value, "ip dscp"),
                  tos.invert != 0);
}

MatchAnswer test_dscp(const MatchCall& call) {
  const auto dscp = call.as<wire::Dscp>();
  if (dscp.dscp > 0x3f)
    return answer(dscp.invert != 0);
  return inverted(test_byte(call, tos_octet(call.packet), 0xfc,
                            static_cast<std::uint8_t>(dscp.dscp << 2), "ip dscp"),
                  dscp.invert != 0);
}

MatchAnswer test_ecn(const MatchCall& call) {
  const auto ecn = call.as<wire::Ecn>();
  return all(
      call,
      [&](const MatchCall& part) {
        return (ecn.operation & 1) == 0
                   ? answer(true)
                   : inverted(test_byte(part, tos_octet(part.packet), 0x03, ecn.ip_ect, "ip ecn"),
                              (ecn.invert & 1) != 0);
      },
      [&](const MatchCall& part) { return test_tcp_bit(part, ecn, 0x10, 0x40); },
      [&](const MatchCall& part) { return test_tcp_bit(part, ecn, 0x20, 0x80); });
}

MatchAnswer test_realm(const MatchCall& call) {
  const auto info = call.as<wire::Realm>();
  return inverted(perhaps(call, call.packet.meta.route_realm, "meta rtclassid",
                          [&](std::uint32_t realm) { return info.id == (realm & info.mask); }),
                  info.invert != 0);
}

MatchAnswer test_cpu(const MatchCall& call) {
  const auto info = call.as<wire::Cpu>();
  return inverted(perhaps(call, call.packet.meta.cpu, "meta cpu",
                          [&](std::uint32_t cpu) { return cpu == info.cpu; }),
                  info.invert != 0);
}

MatchAnswer test_devgroup(const MatchCall& call) {
  const auto info = call.as<wire::Devgroup>();
  return all(
      call,
      [&](const MatchCall& part) {
        return (info.flags & 1) == 0
                   ? answer(true)
                   : test_group(part, part.packet.meta.in, info.source_group, info.source_mask,
                                (info.flags & 2) != 0, "meta iifgroup");
      },
      [&](const MatchCall& part) {
        return (info.flags & 4) == 0
                   ? answer(true)
                   : test_group(part, part.packet.meta.out, info.destination_group,
                                info.destination_mask, (info.flags & 8) != 0, "meta oifgroup");
      });
}

MatchAnswer test_physdev(const MatchCall& call) {
  const auto info = call.as<wire::Physdev>();
  const auto& meta = call.packet.meta;
  if (meta.physical_in == 0 && meta.physical_out == 0)
    return not_bridged(info);
  if (meta.physical_in == unknown_port)
    return undecided(call, "the port of the bridge that it came by", "fits", "does not fit",
                     "meta ibrname");
  const auto in = interface_name(call, meta.physical_in);
  const bool leaves_unseen = meta.physical_out == unknown_port;
  const auto out =
      leaves_unseen ? std::optional(std::string("?")) : interface_name(call, meta.physical_out);
  const auto wanted = [&](unsigned bit) { return (info.wanted & bit) != 0; };
  const auto inverts = [&](unsigned bit) { return (info.invert & bit) != 0; };
  if (wanted(0x04) && out.has_value() == inverts(0x04))
    return not_matched("meta obrname");
  if (wanted(0x08) && in.has_value() == inverts(0x08))
    return not_matched("meta ibrname");
  if (wanted(0x10) && out.has_value() == inverts(0x10))
    return not_matched("meta obrname");
  if (wanted(0x01) && in && name_matches(*in, info.in, info.in_mask) == inverts(0x01))
    return not_matched("meta ibrname");
  if (!wanted(0x02))
    return answer(true);
  if (leaves_unseen)
    return undecided(call, "the port of the bridge that it leaves by", "fits", "does not fit",
                     "meta obrname");
  return answer(out && name_matches(*out, info.out, info.out_mask) != inverts(0x02));
}

MatchAnswer test_policy(const MatchCall& call) {
  const auto policy = call.as<wire::Policy>();
  const bool none = (policy.flags & 4) != 0;
  return and_then(call,
                  inverted(perhaps(call, call.packet.meta.ipsec, "meta secpath",
                                   [](bool ipsec) { return ipsec; }),
                           none),
                  [&](const MatchCall& part) {
                    if (none || (policy.length == 0 && (policy.flags & 8) == 0))
                      return answer(none);
                    return undecided(part, "the IPsec state", "is the one asked",
                                     "is not the one asked", "meta secpath");
                  });
}

MatchAnswer test_ipvs(const MatchCall& call) {
  return undecided(call, "IPVS", "handles the connection", "does not handle the connection");
}

MatchAnswer test_osf(const MatchCall& call) {
  return undecided(call, "the system the SYN looks like", "is the one asked",
                   "is not the one asked", "osf name");
}

MatchAnswer test_bpf(const MatchCall& call) {
  constexpr std::uint16_t bytecode = 0; // XT_BPF_MODE_BYTECODE
  constexpr std::size_t most = 64;
  std::vector<wire::BpfInstruction> program;
  if (call.extension.revision == 0) {
    const auto info = call.as<wire::Bpf0>();
    program.assign(std::begin(info.program), std::end(info.program));
    program.resize(std::min<std::size_t>(info.count, most));
  } else if (const auto info = call.as<wire::Bpf1>(); info.mode == bytecode) {
    program.resize(std::min<std::size_t>(info.count, most));
    std::memcpy(program.data(), info.program.data(), program.size() * sizeof(wire::BpfInstruction));
  }
  switch (program.empty() ? Truth::depends : run_classic_bpf(program, call.packet)) {
  case Truth::yes:
    return matched("BPF");
  case Truth::no:
    return not_matched("BPF");
  case Truth::depends:
    break;
  }
  return undecided(call, "the BPF program", "matches", "does not match");
}

} // namespace synfate::xt
