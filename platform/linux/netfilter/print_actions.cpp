// What rules do, in nft's words.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/netfilter/rule_printer.h"

namespace synfate {
namespace {

struct Amount {
  std::uint64_t number = 0;
  std::string_view unit;
};

/// The greatest unit that the number is a whole multiple of.
Amount amount_of(std::uint64_t bytes) {
  if (bytes != 0 && bytes % (1024 * 1024) == 0)
    return {bytes / (1024 * 1024), "mbytes"};
  if (bytes != 0 && bytes % 1024 == 0)
    return {bytes / 1024, "kbytes"};
  return {bytes, "bytes"};
}

std::string_view unit_of(std::uint64_t seconds) {
  return seconds == 1       ? "second"
         : seconds == 60    ? "minute"
         : seconds == 3600  ? "hour"
         : seconds == 86400 ? "day"
                            : "week";
}

std::string nat_flags(std::uint32_t flags) {
  std::string text;
  const auto add = [&](std::uint32_t flag, std::string_view word) {
    if ((flags & flag) != 0)
      text += fmt::format("{}{}", text.empty() ? " " : ",", word);
  };
  add(nft::nat_random, "random");
  add(nft::nat_fully_random, "fully-random");
  add(nft::nat_persistent, "persistent");
  return text;
}

std::string code_text(ValueKind kind, std::uint8_t code) {
  const std::string byte(1, static_cast<char>(code));
  return value_of(kind, byte, ByteOrder::big);
}

std::string log_flags(std::uint32_t flags) {
  if (flags == 0x2f)
    return " flags all";
  std::string text;
  if ((flags & 3) != 0)
    text += (flags & 3) == 3   ? " flags tcp sequence,options"
            : (flags & 1) != 0 ? " flags tcp sequence"
                               : " flags tcp options";
  if ((flags & 4) != 0)
    text += " flags ip options";
  if ((flags & 8) != 0)
    text += " flags skuid";
  if ((flags & 0x20) != 0)
    text += " flags ether";
  return text;
}

} // namespace

/// A constant, or the name of what is written somewhere.
std::string RulePrinter::source(nft::Slot slot, std::size_t size, ValueKind kind) const {
  const Piece& piece = at(slot);
  if (piece.is_constant)
    return value({{}, kind, 0, 0, piece.swapped}, std::string_view(piece.constant).substr(0, size));
  if (kind == ValueKind::number && !piece.as_number.empty())
    return piece.as_number;
  if (kind == ValueKind::host_number && !piece.as_host_number.empty())
    return piece.as_host_number;
  unsigned binding = 0;
  auto text = piece.mask.empty() ? operand_of(piece).text : operation(piece, binding);
  if (text.empty())
    return "what the packet has";
  return text;
}

void RulePrinter::print(const nft::ImmediateVerdict& verdict) {
  act(verdict_text(verdict.verdict));
}
void RulePrinter::print(const nft::Counter& counter) {
  act(fmt::format("counter packets {} bytes {}", counter.packets, counter.bytes));
}

void RulePrinter::print(const nft::Log& log) {
  constexpr std::uint32_t warn = 4;
  static constexpr std::string_view levels[] = {"emerg",  "alert", "crit",  "err",  "warn",
                                                "notice", "info",  "debug", "audit"};
  std::string text = "log";
  if (!log.prefix.empty())
    text += fmt::format(" prefix \"{}\"", log.prefix);
  if (log.group) {
    text += fmt::format(" group {}", *log.group);
    if (log.snap_length)
      text += fmt::format(" snaplen {}", *log.snap_length);
    if (log.threshold != 0)
      text += fmt::format(" queue-threshold {}", log.threshold);
  } else if (log.level && *log.level != warn && *log.level < std::size(levels)) {
    text += fmt::format(" level {}", levels[*log.level]);
  }
  act(text + log_flags(log.flags));
}

void RulePrinter::print(const nft::Limit& limit) {
  constexpr std::uint32_t usual = 5;
  const std::string_view over = limit.inverted ? "over " : "";
  if (!limit.by_bytes)
    return act(fmt::format("limit rate {}{}/{}{}", over, limit.rate, unit_of(limit.unit),
                           limit.burst == usual ? std::string()
                                                : fmt::format(" burst {} packets", limit.burst)));
  const Amount rate = amount_of(limit.rate), burst = amount_of(limit.burst);
  act(fmt::format("limit rate {}{} {}/{}{}", over, rate.number, rate.unit, unit_of(limit.unit),
                  limit.burst == 0 ? std::string()
                                   : fmt::format(" burst {} {}", burst.number, burst.unit)));
}

void RulePrinter::print(const nft::Quota& quota) {
  const Amount most = amount_of(quota.bytes), used = amount_of(quota.used);
  act(fmt::format("quota {}{} {}{}", quota.inverted ? "over " : "", most.number, most.unit,
                  quota.used == 0 ? std::string()
                                  : fmt::format(" used {} {}", used.number, used.unit)));
}

void RulePrinter::print(const nft::ConnLimit& limit) {
  act(fmt::format("ct count {}{}", limit.inverted ? "over " : "", limit.count));
}
void RulePrinter::print(const nft::Last& last) {
  std::string ms(8, '\0');
  for (unsigned at = 0; at < 8; ++at)
    ms[sources_.order == ByteOrder::little ? at : 7 - at] = static_cast<char>(last.ms >> 8 * at);
  act(last.set ? "last used " + value_of(ValueKind::duration, ms, sources_.order)
               : std::string("last used never"));
}
void RulePrinter::print(const nft::Notrack&) {
  act("notrack");
}

void RulePrinter::print(const nft::Reject& reject) {
  if (reject.type == nft::RejectType::tcp_reset) {
    if (family_ == "ip" || family_ == "ip6")
      imply_transport(false);
    return act("reject with tcp reset");
  }
  static constexpr std::string_view both[] = {"no-route", "port-unreachable", "host-unreachable",
                                              "admin-prohibited"};
  if (reject.type == nft::RejectType::icmpx)
    return act(reject.code == 1 ? std::string("reject")
                                : fmt::format("reject with icmpx {}", both[reject.code & 3]));
  const bool six = network_ == "ip6";
  const bool several = family_ != "ip" && family_ != "ip6";
  if (!several && reject.code == (six ? 4 : 3))
    return act("reject");
  if (several)
    imply_network();
  act(six ? "reject with icmpv6 " + code_text(ValueKind::icmpv6_code, reject.code)
          : "reject with icmp " + code_text(ValueKind::icmp_code, reject.code));
}

std::string RulePrinter::ports(nft::Slot low, nft::Slot high) const {
  if (low == nft::no_slot || at(low).owner != nft::no_slot)
    return {};
  std::string text = ":" + source(low, 2, ValueKind::number);
  if (high != low && high != nft::no_slot && at(high).owner == nft::no_slot)
    if (auto last = source(high, 2, ValueKind::number); ":" + last != text)
      text += "-" + last;
  return text;
}

/// The address, a range of addresses, or what a map gives.
std::string RulePrinter::nat_address(const nft::Nat& nat, bool v4) const {
  if (nat.address_min == nft::no_slot)
    return {};
  const auto kind = v4 ? ValueKind::ipv4 : ValueKind::ipv6;
  const std::size_t size = v4 ? 4 : 16;
  const Piece& low = at(nat.address_min);
  const Piece& high = at(nat.address_max);
  const bool with_port = nat.port_min != nft::no_slot && at(nat.port_min).owner == nft::no_slot;
  const auto bracketed = [&](std::string text) {
    return !v4 && with_port ? "[" + text + "]" : text;
  };
  if (nat.address_max == nat.address_min || nat.address_max == nft::no_slot ||
      high.owner != nft::no_slot)
    return low.is_constant ? bracketed(source(nat.address_min, size, kind))
                           : source(nat.address_min, size, kind);
  if (!low.is_constant || !high.is_constant)
    return source(nat.address_min, size, kind) + "-" + source(nat.address_max, size, kind);
  const auto from = low.constant.substr(0, size), to = high.constant.substr(0, size);
  const auto text = range({{}, kind, 0, 0, false}, from, to);
  if (text.find('-') == std::string::npos)
    return bracketed(text);
  return bracketed(source(nat.address_min, size, kind)) + "-" +
         bracketed(source(nat.address_max, size, kind));
}

void RulePrinter::print(const nft::Nat& nat) {
  const bool v4 = nat.family == 2;
  std::string words(nat.destination ? "dnat" : "snat");
  const bool address = nat.address_min != nft::no_slot;
  const bool several = address && at(nat.address_min).interval_data;
  keep_transport(nat.port_min);
  const bool netmap = (nat.flags & nft::nat_netmap) != 0;
  if ((family_ == "inet" && (v4 || nat.family == 10) && address) || several)
    words += v4 ? " ip" : " ip6";
  if (netmap)
    words += " prefix";
  act(fmt::format("{} to {}{}{}", words, nat_address(nat, v4), ports(nat.port_min, nat.port_max),
                  nat_flags(nat.flags)));
}

void RulePrinter::print(const nft::Masquerade& masquerade) {
  keep_transport(masquerade.port_min);
  const auto to = ports(masquerade.port_min, masquerade.port_max);
  act("masquerade" + (to.empty() ? to : " to " + to) + nat_flags(masquerade.flags));
}
void RulePrinter::print(const nft::Redirect& redirect) {
  keep_transport(redirect.port_min);
  const auto to = ports(redirect.port_min, redirect.port_max);
  act("redirect" + (to.empty() ? to : " to " + to) + nat_flags(redirect.flags));
}

void RulePrinter::print(const nft::Tproxy& tproxy) {
  std::string to;
  if (tproxy.address != nft::no_slot) {
    to = source(tproxy.address, tproxy.family == 10 ? 16 : 4,
                tproxy.family == 10 ? ValueKind::ipv6 : ValueKind::ipv4);
    if (tproxy.family == 10 && at(tproxy.address).is_constant)
      to = "[" + to + "]";
  }
  const std::string_view family = family_ != "inet"     ? ""
                                  : tproxy.family == 2  ? " ip"
                                  : tproxy.family == 10 ? " ip6"
                                                        : "";
  act(fmt::format("tproxy{} to {}{}", family, to, ports(tproxy.port, tproxy.port)));
}

void RulePrinter::print(const nft::Synproxy& synproxy) {
  std::string text = "synproxy";
  if ((synproxy.flags & 1) != 0)
    text += fmt::format(" mss {}", synproxy.mss);
  if ((synproxy.flags & 2) != 0)
    text += fmt::format(" wscale {}", synproxy.scale);
  if ((synproxy.flags & 8) != 0)
    text += " timestamp";
  if ((synproxy.flags & 4) != 0)
    text += " sack-perm";
  act(std::move(text));
}

void RulePrinter::print(const nft::Queue& queue) {
  std::string text = "queue";
  if (queue.bypass || queue.fanout)
    text += fmt::format(" flags {}{}{}", queue.bypass ? "bypass" : "",
                        queue.bypass && queue.fanout ? "," : "", queue.fanout ? "fanout" : "");
  if (queue.sreg != nft::no_slot)
    return act(text + " to " + source(queue.sreg, 2, ValueKind::host_number));
  text += fmt::format(" to {}", queue.number);
  if (queue.total > 1)
    text += fmt::format("-{}", queue.number + queue.total - 1);
  act(std::move(text));
}

void RulePrinter::print(const nft::Dup& dup) {
  const bool six = family_ == "ip6";
  std::string text = "dup to ";
  if (dup.address != nft::no_slot) {
    text += source(dup.address, six ? 16 : 4, six ? ValueKind::ipv6 : ValueKind::ipv4);
    if (dup.device != nft::no_slot)
      text += " device ";
  }
  if (dup.device != nft::no_slot)
    text += source(dup.device, 4, ValueKind::interface_index);
  act(std::move(text));
}

void RulePrinter::print(const nft::Forward& forward) {
  const auto device = source(forward.device, 4, ValueKind::interface_index);
  if (forward.address == nft::no_slot)
    return act("fwd to " + device);
  const bool six = forward.family == 10;
  act(fmt::format("fwd {} to {} device {}", six ? "ip6" : "ip",
                  source(forward.address, six ? 16 : 4, six ? ValueKind::ipv6 : ValueKind::ipv4),
                  device));
}

void RulePrinter::print(const nft::FlowOffload& offload) {
  act(fmt::format("flow add @{}", offload.table));
}

/// Fields of less than whole bytes are written with the bits around them.
void RulePrinter::print(const nft::PayloadSet& write) {
  Piece target;
  target.is_load = true;
  target.base = write.base;
  target.bit = write.offset * 8;
  target.size = write.length;
  target.header = write.base == nft::PayloadBase::link      ? link_
                  : write.base == nft::PayloadBase::network ? network_
                  : transport_.empty()                      ? std::string("th")
                                                            : transport_;
  static constexpr std::string_view bases[] = {"@ll", "@nh", "@th", "@ih", "@ih"};
  target.text = fmt::format("{},{},{}", bases[static_cast<std::size_t>(write.base)], target.bit,
                            target.size * 8);
  use(target);
  const Piece& given = at(write.sreg);
  if (given.is_load && given.base == write.base && given.bit == target.bit &&
      given.mask.size() == target.size) {
    std::string changed = given.mask;
    for (char& byte : changed)
      byte = static_cast<char>(~byte);
    if (const auto run = run_of(changed))
      if (const auto field = field_at(target, run->first, run->bits))
        return act(fmt::format("{} set {}", field->text, value(*field, given.flip)));
  }
  const Operand whole = operand_of(target);
  act(fmt::format("{} set {}", whole.text, source(write.sreg, write.length, whole.kind)));
}

void RulePrinter::print(const nft::Compat& compat) {
  act(sources_.extension ? sources_.extension(compat) : compat.name);
}
void RulePrinter::print(const nft::Unrecognised& unknown) {
  act(fmt::format("[{} ?]", unknown.name));
}

} // namespace synfate
