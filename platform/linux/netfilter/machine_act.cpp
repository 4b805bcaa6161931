// What expressions do with the packet: verdicts, answers, NAT, proxies, queues.
#include <algorithm>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/netfilter/machine.h"

namespace synfate {
namespace {

Icmp v4_code(unsigned code) {
  switch (code) {
  case 0:
    return Icmp::net;
  case 1:
    return Icmp::host;
  case 2:
    return Icmp::proto;
  case 9:
    return Icmp::net_prohibited;
  case 10:
    return Icmp::host_prohibited;
  case 13:
    return Icmp::admin_prohibited;
  default:
    return Icmp::port;
  }
}

Icmp v6_code(unsigned code) {
  switch (code) {
  case 0:
    return Icmp::no_route;
  case 1:
    return Icmp::admin_prohibited;
  case 3:
    return Icmp::addr_unreachable;
  case 5:
    return Icmp::policy_fail;
  case 6:
    return Icmp::reject_route;
  default:
    return Icmp::port;
  }
}

/// net/netfilter/nft_reject.c: nft_reject_icmp_code(), nft_reject_icmpv6_code().
Icmp either_code(unsigned code, bool v4) {
  static constexpr Icmp four[] = {Icmp::net, Icmp::port, Icmp::host, Icmp::admin_prohibited};
  static constexpr Icmp six[] = {Icmp::no_route, Icmp::port, Icmp::addr_unreachable,
                                 Icmp::admin_prohibited};
  return v4 ? four[code & 3] : six[code & 3];
}

std::optional<IpAddress> address_of(const std::vector<Octet>& octets) {
  std::vector<std::byte> bytes;
  for (const auto& octet : octets) {
    if (!octet.is_known())
      return std::nullopt;
    bytes.push_back(static_cast<std::byte>(octet.value));
  }
  return IpAddress::from_bytes(bytes);
}

} // namespace

void Machine::perform(const nft::ImmediateVerdict& verdict) {
  take_verdict(verdict.verdict);
}

void Machine::take_verdict(const nft::Verdict& verdict) {
  using enum nft::VerdictCode;
  RuleEnd end;
  end.verdict = verdict;
  switch (verdict.code) {
  case proceed:
    return;
  case break_rule:
    return this->break_rule();
  case drop:
    end.final = HookVerdict::drop;
    break;
  case stolen:
    end.final = HookVerdict::stolen;
    end.theft = Theft::unknown;
    break;
  case queue:
    end.final = HookVerdict::queue;
    end.queue.first = end.queue.last = static_cast<std::uint16_t>(verdict.queue_bits >> 16);
    end.queue.bypass = (verdict.queue_bits & 0x8000) != 0;
    break;
  case accept:
  case jump:
  case go_to:
  case return_up:
    break;
  default: // from the wire: any number
    return unknown(fmt::format("{} has a verdict that is not known", subject()));
  }
  finish(std::move(end));
}

void Machine::accept() {
  RuleEnd end;
  end.verdict.code = nft::VerdictCode::accept;
  finish(std::move(end));
}

RuleEnd rejected(const nft::Reject& reject, const PacketClass& packet) {
  const bool v4 = packet.family == IpFamily::v4;
  RuleEnd end;
  end.final = HookVerdict::reject;
  switch (reject.type) {
  case nft::RejectType::icmp:
    end.rejection.icmp = v4 ? v4_code(reject.code) : v6_code(reject.code);
    break;
  case nft::RejectType::icmpx:
    end.rejection.icmp = either_code(reject.code, v4);
    break;
  case nft::RejectType::tcp_reset:
    end.rejection.reset = true;
    if (transport_info(packet).proto != 6) { // nf_send_reset() sends nothing then
      end.rejection.reset = false;
      end.final = HookVerdict::drop;
    }
    break;
  }
  return end;
}

void Machine::perform(const nft::Reject& reject) {
  finish(rejected(reject, packet()));
}

/// The address a NAT expression asks for. net/netfilter/nft_nat.c: nft_nat_eval().
std::optional<AddressTerm> Machine::nat_address(const nft::Nat& nat) {
  if (nat.address_min == nft::no_slot)
    return std::nullopt;
  const std::size_t size = nat.family == 2 ? 4 : 16;
  const auto low = address_of(value(nat.address_min, size));
  const auto high = address_of(value(nat.address_max, size));
  if (!low || !high)
    return AddressTerm::unknown("the address that " + subject() + " chooses");
  if ((nat.flags & nft::nat_netmap) == 0)
    return AddressTerm::range(*low, *high);
  const auto old = (nat.destination ? destination_of(packet()) : source_of(packet())).address;
  std::optional<Wide> number;
  if (old.kind == AddressTerm::Kind::known)
    number = to_number(old.first);
  else if (old.kind == AddressTerm::Kind::client)
    number = packet().addresses.only();
  if (!number)
    return AddressTerm::unknown("the address that " + subject() + " maps to");
  const Wide host = to_number(*low) ^ to_number(*high);
  return AddressTerm::known(
      to_address((*number & host) | (to_number(*low) & ~host), packet().family));
}

std::optional<std::uint16_t> Machine::port_in(nft::Slot slot) {
  const auto octets = value(slot, 2);
  if (!octets[0].is_known() || !octets[1].is_known())
    return std::nullopt;
  return static_cast<std::uint16_t>(octets[0].value << 8 | octets[1].value);
}

std::optional<PortTerm> Machine::port_for_nat(nft::Slot low, nft::Slot high, std::uint32_t flags,
                                              bool destination) {
  NatPortRange ports;
  ports.random = (flags & (nft::nat_random | nft::nat_random_fully)) != 0;
  ports.given = low != nft::no_slot;
  if (ports.given) {
    const auto first = port_in(low);
    const auto last = port_in(high);
    if (!first || !last)
      return PortTerm::unknown("the port that " + subject() + " chooses");
    ports.first = *first;
    ports.last = *last;
  }
  const auto& tuple = packet().ct.answer;
  return nat_port(packet(), destination ? tuple.source.port : tuple.destination.port, ports,
                  destination);
}

/// Each result that the rule's range leaves open, if they are few.
std::vector<NatTarget> Machine::choices_of(const NatTarget& target) const {
  constexpr unsigned most = 8;
  if (!target.address || target.address->kind != AddressTerm::Kind::range)
    return {target};
  const Wide first = to_number(target.address->first);
  const Wide count = to_number(target.address->last) - first + 1;
  if (count > most)
    return {target};
  std::vector<NatTarget> choices;
  for (Wide at = 0; at < count; ++at)
    choices.push_back({AddressTerm::known(to_address(first + at, packet().family)), target.port});
  return choices;
}

/// Binds, one part of the class for each of a few possible results, and accepts.
void Machine::bind(bool destination, const std::vector<NatTarget>& choices, bool masquerade) {
  const Culprit by = culprit();
  const PacketPointer whole = thread_.packet;
  for (const auto& choice : choices) {
    thread_.packet = whole;
    auto& changed = change();
    if (choices.size() > 1)
      changed.conditions.push_back(
          {fmt::format("NAT chooses {}", choice.address->first.to_string()), by, {}});
    if (destination)
      bind_destination(changed, choice, by);
    else
      bind_source(changed, choice, by, masquerade);
    accept();
  }
}

void Machine::perform(const nft::Nat& nat) {
  const int family = packet().family == IpFamily::v4 ? 2 : 10;
  if (site_.scope->family == "inet" && nat.family != family && nat.family != nft::inet_family)
    return; // nft_nat_inet_eval(): the rule goes on
  auto address = nat_address(nat);
  if (nat.destination && address && address->kind == AddressTerm::Kind::range)
    if (const auto chosen = chosen_of_range(packet(), address->first, address->last,
                                            (nat.flags & nft::nat_persistent) != 0))
      address = AddressTerm::known(*chosen);
  bind(nat.destination,
       choices_of({address, port_for_nat(nat.port_min, nat.port_max, nat.flags, nat.destination)}),
       false);
}

/// What the kernel takes of this host's addresses; without any it drops (nft_masq_eval(),
/// nft_redir_eval()).
void Machine::bind_own(bool destination, const InterfaceView& interface, const OwnAddresses& own,
                       const std::optional<PortTerm>& port) {
  if (!own.read)
    return bind(
        destination,
        {{AddressTerm::unknown("the address of " + interface.name + " that the kernel takes"),
          port}},
        !destination);
  std::vector<NatTarget> choices;
  for (const auto& address : own.choices)
    choices.push_back({AddressTerm::known(address), port});
  if (!choices.empty())
    return bind(destination, choices, !destination);
  RuleEnd end;
  end.final = HookVerdict::drop;
  finish(std::move(end));
}

void Machine::perform(const nft::Masquerade& masquerade) {
  const auto& out = packet().meta.out;
  bind_own(false, out, masquerade_sources(context_.inquiry, request_.netns, out, packet()),
           port_for_nat(masquerade.port_min, masquerade.port_max, masquerade.flags, false));
}

void Machine::perform(const nft::Redirect& redirect) {
  const auto port = port_for_nat(redirect.port_min, redirect.port_max, redirect.flags, true);
  const auto& in = packet().meta.in;
  if (request_.hook == Hook::output)
    return bind(true, {{AddressTerm::known(IpAddress::loopback(packet().family)), port}}, false);
  bind_own(true, in, redirect_destinations(context_.inquiry, request_.netns, in, packet()), port);
}

void Machine::perform(const nft::Notrack&) {
  if (!is_claimed(packet().ct))
    change().ct.state = CtState::untracked;
}

/// net/netfilter/nft_tproxy.c. Without a transparent socket there the rule breaks.
void Machine::perform(const nft::Tproxy& tproxy) {
  const bool v4 = packet().family == IpFamily::v4;
  const auto info = transport_info(packet());
  if ((tproxy.family != 0 && tproxy.family != (v4 ? 2 : 10)) ||
      (info.proto != 6 && info.proto != 17))
    return break_rule();
  const auto to = destination_of(packet());
  const auto own = proxy_destinations(context_.inquiry, request_.netns, packet().meta.in, packet());
  AddressTerm address = own.choices.empty() ? to.address : AddressTerm::known(own.choices.front());
  if (tproxy.address != nft::no_slot)
    if (const auto given = address_of(value(tproxy.address, v4 ? 4 : 16)))
      if (!given->is_unspecified())
        address = AddressTerm::known(*given);
  PortTerm port = to.port;
  if (tproxy.port != nft::no_slot) {
    const auto given = port_in(tproxy.port);
    if (!given)
      return unknown("the port that " + subject() + " hands the packet to");
    if (*given != 0)
      port = PortTerm::known(*given);
  }
  const auto rows = context_.inquiry.rows<Socket>({{"netns", request_.netns},
                                                   {"proto", Text(info.proto == 6 ? "tcp" : "udp")},
                                                   {"local_port", Int{port.first}}});
  if (context_.inquiry.pending())
    return break_rule();
  if (context_.inquiry.incomplete())
    return unknown("the sockets that " + subject() + " may hand the packet to could not be read");
  bool possible = false;
  for (const auto& row : rows) {
    const bool serves = row.state.is(info.proto == 6 ? "listen" : "unconnected") &&
                        row.local_address.known() &&
                        (row.local_address.value().is_unspecified() ||
                         row.local_address.value().unmapped() == address.first);
    if (!serves || row.transparent.is(false))
      continue;
    possible = possible || !row.transparent.is(true);
    if (!row.transparent.is(true))
      continue;
    change().assigned = AssignedSocket{address, port, culprit()};
    return;
  }
  if (possible)
    return undecided("the socket that tproxy finds is transparent",
                     "the socket that tproxy finds is not transparent");
  break_rule();
}

void Machine::perform(const nft::Synproxy&) {
  const auto info = transport_info(packet());
  if (info.proto != 6)
    return break_rule();
  const auto& bytes = packet().network;
  const std::size_t at = info.offset + 13U;
  const unsigned flags = at < bytes.size() ? bytes[at].value : 0;
  if ((flags & 0x12) == 0)
    return;
  RuleEnd end;
  end.final = HookVerdict::stolen;
  end.theft = Theft::synproxy;
  finish(std::move(end));
}

void Machine::perform(const nft::Queue& queue) {
  RuleEnd end;
  end.final = HookVerdict::queue;
  end.queue.bypass = queue.bypass;
  end.queue.first = queue.number;
  end.queue.last =
      static_cast<std::uint16_t>(queue.number + std::max<unsigned>(queue.total, 1) - 1);
  if (queue.sreg != nft::no_slot) {
    const auto number = known_number(queue.sreg, 4);
    if (!number)
      return unknown("the queue that " + subject() + " chooses is not known");
    end.queue.first = end.queue.last = static_cast<std::uint16_t>(*number);
  }
  finish(std::move(end));
}

void Machine::perform(const nft::Forward& forward) {
  RuleEnd end;
  end.final = HookVerdict::stolen;
  end.theft = Theft::forwarded;
  end.stolen_interface = static_cast<Int>(known_number(forward.device, 4).value_or(0));
  finish(std::move(end));
}

/// Only a confirmed connection that is established goes into a flow table.
void Machine::perform(const nft::FlowOffload&) {
  const auto& ct = packet().ct;
  if (ct.state != CtState::established || (ct.status & ct_status_confirmed) == 0)
    return break_rule();
  undecided("the connection goes into the flow table", "the connection is not put there");
}

void Machine::perform(const nft::Compat& compat) {
  const XtExtension extension{compat.name, compat.revision, compat.info};
  const Culprit by = culprit();
  if (!compat.target) {
    const auto parts = context_.xt == nullptr
                           ? std::nullopt
                           : context_.xt->match(context_, request_, extension, packet(), by);
    if (!parts)
      return unknown(fmt::format("{} uses the match {}", subject(), compat.name));
    Split split;
    for (const auto& part : *parts) {
      if (part.dropped && !speculative_) { // nft_match_eval(): hotdrop
        RuleEnd end;
        end.packet = std::make_shared<const PacketClass>(part.packet);
        end.final = HookVerdict::drop;
        end.why = fmt::format("the match {} drops packets it cannot parse", compat.name);
        ends_->push_back(std::move(end));
        continue;
      }
      (part.matched ? split.yes : split.no).push_back(part.packet);
    }
    return branch(std::move(split));
  }
  const auto parts = context_.xt == nullptr
                         ? std::nullopt
                         : context_.xt->target(context_, request_, extension, packet(), by);
  if (!parts)
    return unknown(fmt::format("{} uses the target {}", subject(), compat.name));
  bool goes_on = false;
  PacketPointer next;
  for (const auto& part : *parts) {
    auto changed = std::make_shared<const PacketClass>(part.branch.packet);
    if (part.goes_on) {
      if (goes_on)
        fork(changed);
      else
        next = changed;
      goes_on = true;
      continue;
    }
    RuleEnd end;
    thread_.packet = changed;
    end.rejection = part.branch.rejection;
    end.queue = part.branch.queue;
    end.theft = part.branch.theft;
    end.why = part.branch.why;
    if (part.returns)
      end.verdict.code = nft::VerdictCode::return_up;
    else if (part.branch.verdict == HookVerdict::accept)
      end.verdict.code = nft::VerdictCode::accept;
    else
      end.final = part.branch.verdict;
    finish(std::move(end));
  }
  if (goes_on) {
    ended_ = false;
    thread_.packet = next;
  }
}

void Machine::perform(const nft::Unrecognised& unrecognised) {
  unknown(unrecognised.why.empty()
              ? fmt::format("{} uses '{}', which is not known", subject(), unrecognised.name)
              : fmt::format("{}: {}", subject(), unrecognised.why));
}

} // namespace synfate
