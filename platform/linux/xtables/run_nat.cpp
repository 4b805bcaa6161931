// Targets that send a packet elsewhere: net/netfilter/xt_nat.c, nf_nat_core.c: nf_nat_setup_info(),
// get_unique_tuple(), nf_nat_l4proto_unique_tuple(), xt_MASQUERADE.c, nf_nat_masquerade.c,
// xt_REDIRECT.c, nf_nat_redirect.c, xt_NETMAP.c, xt_TPROXY.c, nf_tproxy_ipv4.c, ip6t_NPT.c;
// Linux 6.12.
#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/nat.h"
#include "platform/linux/netfilter/own_addresses.h"
#include "platform/linux/netfilter/serving_sockets.h"
#include "platform/linux/xtables/nat_range.h"
#include "platform/linux/xtables/run_core.h"
#include "platform/linux/xtables/run_targets.h"
#include "platform/linux/xtables/test_core.h"

namespace synfate::xt {
namespace {

constexpr unsigned most_choices = 8;

NatRange range_of(const TargetCall& call, std::string_view name) {
  return nat_range_of(call.extension.info,
                      nat_layout(name, call.extension.revision, call.packet.family),
                      call.packet.family);
}

/// The port that the kernel gives: kept where it may be, else one of the range.
std::optional<PortTerm> port_of(const NatRange& range, const PortTerm& now,
                                const PacketClass& packet, bool destination) {
  const bool given = (range.flags & nat_ports) != 0;
  if (given && (range.flags & nat_port_offset) != 0 && range.port_min <= range.port_max) {
    const unsigned size = range.port_max - range.port_min + 1U;
    const auto offset = static_cast<std::uint16_t>(now.first - range.port_base);
    return now.kind == PortTerm::Kind::known
               ? PortTerm::known(static_cast<std::uint16_t>(range.port_min + offset % size))
               : PortTerm::range(range.port_min, range.port_max);
  }
  return nat_port(
      packet, now,
      {given, range.port_min, range.port_max, (range.flags & (nat_random | nat_random_fully)) != 0},
      destination);
}

/// One result for each of a few addresses the kernel may choose, else one for the range; of one
/// client's destination NAT what it does choose.
std::vector<AddressTerm> choices_of(const NatRange& range, const PacketClass& packet,
                                    bool destination) {
  if (destination && range.min < range.max)
    if (const auto chosen =
            chosen_of_range(packet, range.min, range.max, (range.flags & nat_persistent) != 0))
      return {AddressTerm::known(*chosen)};
  const Wide first = to_number(range.min);
  const Wide last = to_number(range.max);
  if (last < first || last - first >= most_choices)
    return {AddressTerm::range(range.min, range.max)};
  std::vector<AddressTerm> choices;
  for (Wide number = first; number <= last; ++number)
    choices.push_back(AddressTerm::known(to_address(number, range.min.family())));
  return choices;
}

struct Binding {
  std::vector<std::optional<AddressTerm>> addresses{std::nullopt};
  std::optional<PortTerm> port;
  bool destination = true;
  bool masquerade = false;
};

/// nf_nat_setup_info() for every possible result; the verdict is ACCEPT.
TargetAnswer bind(const TargetCall& call, const Binding& binding) {
  TargetAnswer answer;
  const Culprit by = call.rule();
  for (const auto& address : binding.addresses) {
    TargetPart part = part_of(call, HookVerdict::accept);
    auto& packet = part.branch.packet;
    if (binding.addresses.size() > 1)
      packet.conditions.push_back(
          {fmt::format("NAT of {} chooses {}", by.id, address->first.to_string()), by, {}});
    const NatTarget target{address, binding.port};
    if (binding.destination)
      bind_destination(packet, target, by);
    else
      bind_source(packet, target, by, binding.masquerade);
    answer.parts.push_back(std::move(part));
  }
  return answer;
}

Binding binding_of(const TargetCall& call, const NatRange& range, bool destination) {
  Binding binding;
  binding.destination = destination;
  if ((range.flags & nat_addresses) != 0) {
    binding.addresses.clear();
    for (auto& choice : choices_of(range, call.packet, destination))
      binding.addresses.emplace_back(std::move(choice));
  }
  const auto& tuple = call.packet.ct.answer;
  binding.port = port_of(range, destination ? tuple.source.port : tuple.destination.port,
                         call.packet, destination);
  return binding;
}

/// What the kernel takes of this host's addresses; without any it drops.
TargetAnswer bind_own(const TargetCall& call, const OwnAddresses& own, const InterfaceView& device,
                      const char* target, bool destination) {
  if (!own.read)
    return unknown(call, "the addresses of " + device.name + " could not be read");
  if (own.choices.empty())
    return drops(call, fmt::format("{} finds no address at {}", target, device.name));
  Binding binding = binding_of(call, range_of(call, target), destination);
  binding.addresses.clear();
  for (const auto& address : own.choices)
    binding.addresses.emplace_back(AddressTerm::known(address));
  binding.masquerade = !destination;
  return bind(call, binding);
}

IpAddress mapped(const IpAddress& address, const NatRange& range) {
  std::array<std::byte, 16> bytes{};
  const auto now = address.bytes();
  for (std::size_t at = 0; at < now.size(); ++at) {
    const std::byte mask = ~(range.min.bytes()[at] ^ range.max.bytes()[at]);
    bytes[at] = (now[at] & ~mask) | (range.min.bytes()[at] & mask);
  }
  return *IpAddress::from_bytes(std::span(bytes).first(now.size()));
}

/// TPROXY's address: the rule's, else the first of the arriving interface, else what the packet
/// calls.
AddressTerm proxy_address(const TargetCall& call, const IpAddress& given) {
  if (!given.is_unspecified())
    return AddressTerm::known(given);
  const auto own = proxy_destinations(call.context.inquiry, call.request.netns, call.packet.meta.in,
                                      call.packet);
  return own.choices.empty() ? destination_of(call.packet).address
                             : AddressTerm::known(own.choices.front());
}

/// The packet as TPROXY hands it on.
PacketClass proxied(const TargetCall& call, const AddressTerm& address, const PortTerm& port,
                    std::uint32_t mask, std::uint32_t value) {
  PacketClass packet = call.packet;
  auto& mark = packet.meta.mark;
  if (mark.known())
    mark = (mark.value() & ~mask) ^ value;
  else if (mask == 0xffffffffU)
    mark = value;
  packet.assigned = AssignedSocket{address, port, call.rule()};
  return packet;
}

TargetAnswer tproxy(const TargetCall& call, const IpAddress& given, std::uint16_t on_port,
                    std::uint32_t mask, std::uint32_t value) {
  const auto proto = call.transport.proto;
  const auto called = destination_of(call.packet);
  const PortTerm port = on_port != 0 ? PortTerm::known(on_port) : called.port;
  if (!call.transport.valid || (proto != 6 && proto != 17))
    return drops(call, "TPROXY takes TCP and UDP only");
  if (port.kind != PortTerm::Kind::known)
    return unknown(call, "the port that TPROXY hands the packet to");
  const AddressTerm address = proxy_address(call, given);
  const auto found =
      serving_sockets(call.context, call.request.netns, proto, address, port.first, call.packet);
  if (!found.known)
    return unknown(call, "the sockets that TPROXY may hand the packet to could not be read");
  const std::string nobody =
      fmt::format("no transparent socket at port {}: TPROXY drops", port.first);
  if (found.sockets.empty())
    return drops(call, nobody);
  const auto all = [&](bool transparent) {
    return std::ranges::all_of(
        found.sockets, [&](const Socket& socket) { return socket.transparent.is(transparent); });
  };
  if (all(false))
    return drops(call, nobody);
  PacketClass packet = proxied(call, address, port, mask, value);
  if (all(true))
    return accepts(std::move(packet));
  const Culprit by = call.rule();
  TargetAnswer either = accepts(std::move(packet));
  TargetAnswer lost = drops(call, nobody);
  either.parts.front().branch.packet.conditions.push_back(
      {fmt::format("the socket that {} finds is transparent", by.id), by, {}});
  lost.parts.front().branch.packet.conditions.push_back(
      {fmt::format("the socket that {} finds is not transparent", by.id), by, {}});
  either.parts.push_back(std::move(lost.parts.front()));
  return either;
}

} // namespace

TargetAnswer run_dnat(const TargetCall& call) {
  return bind(call, binding_of(call, range_of(call, "DNAT"), true));
}

TargetAnswer run_snat(const TargetCall& call) {
  return bind(call, binding_of(call, range_of(call, "SNAT"), false));
}

TargetAnswer run_masquerade(const TargetCall& call) {
  const auto& out = call.packet.meta.out;
  return bind_own(call,
                  masquerade_sources(call.context.inquiry, call.request.netns, out, call.packet),
                  out, "MASQUERADE", false);
}

TargetAnswer run_redirect(const TargetCall& call) {
  const auto& in = call.packet.meta.in;
  if (call.request.hook == Hook::output)
    return bind_own(call, {{IpAddress::loopback(call.packet.family)}, true}, in, "REDIRECT", true);
  return bind_own(call,
                  redirect_destinations(call.context.inquiry, call.request.netns, in, call.packet),
                  in, "REDIRECT", true);
}

TargetAnswer run_netmap(const TargetCall& call) {
  const NatRange range = range_of(call, "NETMAP");
  const bool destination =
      call.request.hook == Hook::prerouting || call.request.hook == Hook::output;
  const auto now = (destination ? destination_of(call.packet) : source_of(call.packet)).address;
  const auto only =
      now.kind == AddressTerm::Kind::client ? call.packet.addresses.only() : std::nullopt;
  AddressTerm to = AddressTerm::unknown("the address that NETMAP makes of the client's");
  if (now.kind == AddressTerm::Kind::known)
    to = AddressTerm::known(mapped(now.first, range));
  else if (only)
    to = AddressTerm::known(mapped(to_address(*only, call.packet.family), range));
  Binding binding = binding_of(call, range, destination);
  binding.addresses = {to};
  return bind(call, binding);
}

TargetAnswer run_tproxy0(const TargetCall& call) {
  const auto info = call.as<wire::Tproxy0>();
  return tproxy(call, address_of(info.address), from_network(info.port_be), info.mark_mask,
                info.mark_value);
}

TargetAnswer run_tproxy1(const TargetCall& call) {
  const auto info = call.as<wire::Tproxy1>();
  return tproxy(call, address_of(info.address, call.packet.family), from_network(info.port_be),
                info.mark_mask, info.mark_value);
}

namespace {

/// The sum of the words, its carries added again: csum_partial(), csum_fold().
std::uint32_t folded_sum(const wire::InetAddress& address) {
  const auto bytes = as_u8(address);
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2)
    sum += std::uint32_t{bytes[at]} << 8U | bytes[at + 1];
  while (sum > 0xffffU)
    sum = (sum & 0xffffU) + (sum >> 16U);
  return sum;
}

/// ip6t_npt_map_pfx(): another prefix, and a word behind it that keeps the checksum (RFC 6296).
/// Nothing: no word can.
std::optional<IpAddress> with_prefix(const wire::Npt& npt, const IpAddress& address) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t at = 0; at < bytes.size(); ++at)
    bytes[at] = std::to_integer<std::uint8_t>(address.bytes()[at]);
  const auto prefix = as_u8(npt.destination);
  const unsigned length = std::max(npt.source_length, npt.destination_length);
  for (unsigned bit = 0; bit < std::min(length, 128U); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
    bytes[bit / 8] = static_cast<std::uint8_t>((bytes[bit / 8] & ~mask) | (prefix[bit / 8] & mask));
  }
  const auto word = [&](std::size_t at) {
    return std::uint32_t{bytes[2 * at]} << 8U | bytes[2 * at + 1];
  };
  std::size_t at = 3;
  if (length > 48)
    for (at = 4; at < 8 && word(at) == 0xffffU; ++at) {
    }
  if (at == 8)
    return std::nullopt;
  std::uint32_t sum = word(at) + folded_sum(npt.source) + (~folded_sum(npt.destination) & 0xffffU);
  while (sum > 0xffffU)
    sum = (sum & 0xffffU) + (sum >> 16U);
  sum = sum == 0xffffU ? 0 : sum;
  bytes[2 * at] = static_cast<std::uint8_t>(sum >> 8U);
  bytes[2 * at + 1] = static_cast<std::uint8_t>(sum);
  return IpAddress::v6(std::as_bytes(std::span<const std::uint8_t, 16>(bytes)));
}

TargetAnswer translate_prefix(const TargetCall& call, bool destination) {
  PacketClass packet = call.packet;
  Endpoint end = destination ? destination_of(packet) : source_of(packet);
  const auto only =
      end.address.kind == AddressTerm::Kind::client ? packet.addresses.only() : std::nullopt;
  if (end.address.kind == AddressTerm::Kind::known || only) {
    const auto made = with_prefix(call.as<wire::Npt>(),
                                  only ? to_address(*only, packet.family) : end.address.first);
    if (!made)
      return drops(call, "no other prefix can be given to the address");
    end.address = AddressTerm::known(*made);
  } else {
    end.address = AddressTerm::unknown(destination ? "the address that DNPT makes"
                                                   : "the address that SNPT makes");
  }
  destination ? set_destination(packet, end) : set_source(packet, end);
  return goes_on(std::move(packet));
}

} // namespace

TargetAnswer run_dnpt(const TargetCall& call) {
  return translate_prefix(call, true);
}

TargetAnswer run_snpt(const TargetCall& call) {
  return translate_prefix(call, false);
}

} // namespace synfate::xt
