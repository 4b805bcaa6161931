#include <array>

#include "platform/linux/xtables/print_matches.h"
#include "platform/linux/xtables/print_targets.h"

namespace synfate::xt {
namespace {

constexpr std::array<std::string_view, 9> reject4{"icmp-net-unreachable",
                                                  "icmp-host-unreachable",
                                                  "icmp-proto-unreachable",
                                                  "icmp-port-unreachable",
                                                  "echo-reply",
                                                  "icmp-net-prohibited",
                                                  "icmp-host-prohibited",
                                                  "tcp-reset",
                                                  "icmp-admin-prohibited"};
constexpr std::array<std::string_view, 9> reject6{"icmp6-no-route",
                                                  "icmp6-adm-prohibited",
                                                  "icmp6-not-neighbour",
                                                  "icmp6-addr-unreachable",
                                                  "icmp6-port-unreachable",
                                                  "echo-reply",
                                                  "tcp-reset",
                                                  "icmp6-policy-fail",
                                                  "icmp6-reject-route"};

constexpr std::array<BitName, 12> ct_events{{{1U << 0, "new"},
                                             {1U << 1, "related"},
                                             {1U << 2, "destroy"},
                                             {1U << 3, "reply"},
                                             {1U << 4, "assured"},
                                             {1U << 5, "protoinfo"},
                                             {1U << 6, "helper"},
                                             {1U << 7, "mark"},
                                             {1U << 8, "natseqinfo"},
                                             {1U << 9, "secmark"},
                                             {1U << 10, "label"},
                                             {1U << 11, "synproxy"}}};

void print_zone(std::string& out, std::uint16_t flags, std::uint16_t zone) {
  const bool mark = (flags & 0x10) != 0;
  if (zone == 0 && !mark)
    return;
  const bool original = (flags & 0x04) != 0;
  const bool reply = (flags & 0x08) != 0;
  out += original && !reply ? " --zone-orig" : reply && !original ? " --zone-reply" : " --zone";
  if (mark)
    out += " mark";
  else
    append(out, " {}", zone);
}

void print_ct(std::string& out, const wire::Ct0& ct, std::string_view timeout) {
  if ((ct.flags & 2) != 0)
    return; // shown as NOTRACK
  out += (ct.flags & 1) != 0 ? " --notrack" : "";
  if (!text_of(ct.helper).empty())
    append(out, " --helper {}", quoted_set(text_of(ct.helper)));
  if (!timeout.empty())
    append(out, " --timeout {}", quoted_set(timeout));
  if (ct.events != 0)
    append(out, " --ctevents {}", bit_names(ct.events, ct_events));
  if (ct.expectation_events != 0)
    append(out, " --expevents {}", bit_names(ct.expectation_events, ct_events));
  print_zone(out, ct.flags, ct.zone);
}

void print_log_flags(std::string& out, std::uint8_t flags) {
  out += (flags & 0x01) != 0 ? " --log-tcp-sequence" : "";
  out += (flags & 0x02) != 0 ? " --log-tcp-options" : "";
  out += (flags & 0x04) != 0 ? " --log-ip-options" : "";
  out += (flags & 0x08) != 0 ? " --log-uid" : "";
  out += (flags & 0x20) != 0 ? " --log-macdecode" : "";
}

void print_connmark_parts(std::string& out, std::uint8_t mode, std::uint32_t mark,
                          std::uint32_t ct_mask, std::uint32_t nf_mask) {
  if (mode == 0)
    append(out, " --set-xmark 0x{:x}/0x{:x}", mark, ct_mask);
  else
    append(out, " --{}-mark --nfmask 0x{:x} --ctmask 0x{:x}", mode == 1 ? "save" : "restore",
           nf_mask, ct_mask);
}

void print_ttl_change(std::string& out, const PrintCall& call, std::string_view name) {
  constexpr std::array<std::string_view, 3> modes{"set", "inc", "dec"};
  const auto ttl = call.as<wire::Ttl>();
  append(out, " --{}-{} {}", name, ttl.mode < 3 ? modes[ttl.mode] : "?", ttl.value);
}

void print_queue(std::string& out, unsigned number, unsigned total) {
  if (total > 1)
    append(out, " --queue-balance {}:{}", number, number + total - 1);
  else
    append(out, " --queue-num {}", number);
}

/// A power of two of a quarter second, as tc prints times.
void print_duration(std::string& out, std::string_view name, std::uint64_t microseconds) {
  if (microseconds >= 1'000'000)
    append(out, " {} {:.1f}s", name, static_cast<double>(microseconds) / 1e6);
  else if (microseconds >= 1000)
    append(out, " {} {:.1f}ms", name, static_cast<double>(microseconds) / 1e3);
  else
    append(out, " {} {}us", name, microseconds);
}

void print_set_change(std::string& out, const PrintCall& call, std::string_view name,
                      const wire::SetReference& set) {
  if (set.index == 0xffff)
    return;
  append(out, " --{} {}", name, set_name(call, set.index));
  print_set_directions(out, set);
}

void print_prefix_mask(std::string& out, std::string_view name, const wire::InetAddress& mask,
                       IpFamily family) {
  unsigned bits = 0;
  for (std::size_t at = 0; at < (family == IpFamily::v4 ? 4U : 16U); ++at)
    bits += static_cast<unsigned>(std::popcount(std::to_integer<unsigned>(mask[at])));
  append(out, " --hmark-{}-prefix {}", name, bits);
}

} // namespace

void print_reject4(std::string& out, const PrintCall& call) {
  const auto with = call.as<wire::Reject>().with;
  append(out, " --reject-with {}", with < reject4.size() ? reject4[with] : "?");
}

void print_reject6(std::string& out, const PrintCall& call) {
  const auto with = call.as<wire::Reject>().with;
  append(out, " --reject-with {}", with < reject6.size() ? reject6[with] : "?");
}

void print_log(std::string& out, const PrintCall& call) {
  const auto log = call.as<wire::Log>();
  if (!text_of(log.prefix).empty())
    append(out, " --log-prefix {}", quoted(text_of(log.prefix)));
  if (log.level != 4)
    append(out, " --log-level {}", log.level);
  print_log_flags(out, log.flags);
}

void print_nflog(std::string& out, const PrintCall& call) {
  const auto log = call.as<wire::Nflog>();
  if (!text_of(log.prefix).empty())
    append(out, " --nflog-prefix {}", quoted(text_of(log.prefix)));
  if (log.group != 0)
    append(out, " --nflog-group {}", log.group);
  if ((log.flags & 1) != 0)
    append(out, " --nflog-size {}", log.length);
  else if (log.length != 0)
    append(out, " --nflog-range {}", log.length);
  if (log.threshold != 0)
    append(out, " --nflog-threshold {}", log.threshold);
}

void print_set_mark(std::string& out, const PrintCall& call) {
  const auto mark = call.as<wire::MarkTarget>();
  append(out, " --set-xmark 0x{:x}/0x{:x}", mark.mark, mark.mask);
}

void print_set_connmark1(std::string& out, const PrintCall& call) {
  const auto mark = call.as<wire::ConnmarkTarget1>();
  print_connmark_parts(out, mark.mode, mark.ct_mark, mark.ct_mask, mark.nf_mask);
}

void print_set_connmark2(std::string& out, const PrintCall& call) {
  const auto mark = call.as<wire::ConnmarkTarget2>();
  print_connmark_parts(out, mark.mode, mark.ct_mark, mark.ct_mask, mark.nf_mask);
  if (mark.shift_bits != 0)
    append(out, " --{}-shift-mark {}", mark.shift_direction == 0 ? "left" : "right",
           mark.shift_bits);
}

void print_ct0(std::string& out, const PrintCall& call) {
  print_ct(out, call.as<wire::Ct0>(), {});
}

void print_ct1(std::string& out, const PrintCall& call) {
  const auto ct = call.as<wire::Ct1>();
  wire::Ct0 head{ct.flags, ct.zone, ct.events, ct.expectation_events, {}, 0};
  std::memcpy(head.helper, ct.helper, sizeof head.helper);
  print_ct(out, head, text_of(ct.timeout));
}

void print_set_mss(std::string& out, const PrintCall& call) {
  const auto mss = call.as<wire::TcpmssTarget>().mss;
  if (mss == 0xffff)
    out += " --clamp-mss-to-pmtu";
  else
    append(out, " --set-mss {}", mss);
}

void print_tcpoptstrip(std::string& out, const PrintCall& call) {
  const auto strip = call.as<wire::Tcpoptstrip>();
  bool first = true;
  for (unsigned option = 0; option < 256; ++option)
    if ((strip.map[option / 32] >> option % 32 & 1U) != 0) {
      append(out, "{}{}", first ? " --strip-options " : ",", option);
      first = false;
    }
}

void print_set_dscp(std::string& out, const PrintCall& call) {
  append(out, " --set-dscp 0x{:02x}", call.as<wire::DscpTarget>().dscp);
}

void print_set_tos(std::string& out, const PrintCall& call) {
  const auto tos = call.as<wire::TosTarget>();
  append(out, " --set-tos 0x{:02x}/0x{:02x}", tos.value, tos.mask);
}

void print_set_ttl(std::string& out, const PrintCall& call) {
  print_ttl_change(out, call, "ttl");
}

void print_set_hl(std::string& out, const PrintCall& call) {
  print_ttl_change(out, call, "hl");
}

void print_classify(std::string& out, const PrintCall& call) {
  const auto priority = call.as<wire::Classify>().priority;
  append(out, " --set-class {:04x}:{:04x}", priority >> 16, priority & 0xffff);
}

void print_nfqueue0(std::string& out, const PrintCall& call) {
  print_queue(out, call.as<wire::Nfqueue0>().number, 1);
}

void print_nfqueue1(std::string& out, const PrintCall& call) {
  const auto queue = call.as<wire::Nfqueue1>();
  print_queue(out, queue.number, queue.total);
}

void print_nfqueue2(std::string& out, const PrintCall& call) {
  const auto queue = call.as<wire::Nfqueue2>();
  print_queue(out, queue.number, queue.total);
  out += (queue.flags & 1) != 0 ? " --queue-bypass" : "";
  out += call.revision > 2 && (queue.flags & 2) != 0 ? " --queue-cpu-fanout" : "";
}

void print_synproxy(std::string& out, const PrintCall& call) {
  const auto proxy = call.as<wire::Synproxy>();
  out += (proxy.options & 0x04) != 0 ? " --sack-perm" : "";
  out += (proxy.options & 0x08) != 0 ? " --timestamp" : "";
  if ((proxy.options & 0x02) != 0)
    append(out, " --wscale {}", proxy.wscale);
  if ((proxy.options & 0x01) != 0)
    append(out, " --mss {}", proxy.mss);
  out += (proxy.options & 0x10) != 0 ? " --ecn" : "";
}

void print_audit(std::string& out, const PrintCall& call) {
  constexpr std::array<std::string_view, 3> types{"accept", "drop", "reject"};
  const auto type = call.as<wire::Audit>().type;
  append(out, " --type {}", type < 3 ? types[type] : "?");
}

void print_checksum(std::string& out, const PrintCall& call) {
  out += (call.as<wire::Checksum>().operation & 1) != 0 ? " --checksum-fill" : "";
}

void print_secmark0(std::string& out, const PrintCall& call) {
  append(out, " --selctx {}", quoted_set(text_of(call.as<wire::Secmark0>().context)));
}

void print_secmark1(std::string& out, const PrintCall& call) {
  append(out, " --selctx {}", quoted_set(text_of(call.as<wire::Secmark1>().context)));
}

void print_connsecmark(std::string& out, const PrintCall& call) {
  out += call.as<wire::Connsecmark>().mode == 1 ? " --save" : " --restore";
}

void print_tee(std::string& out, const PrintCall& call) {
  const auto tee = call.as<wire::Tee>();
  append(out, " --gateway {}", address_of(tee.gateway, call.family).to_string());
  if (!text_of(tee.out).empty())
    append(out, " --oif {}", quoted_set(text_of(tee.out)));
}

void print_rateest_target(std::string& out, const PrintCall& call) {
  const auto rate = call.as<wire::RateestTarget>();
  const int shift = std::clamp(rate.interval + 2, 0, 32);
  const std::uint64_t interval = 250'000ULL << shift;
  append(out, " --rateest-name {}", quoted_set(text_of(rate.name)));
  print_duration(out, "--rateest-interval", interval);
  print_duration(out, "--rateest-ewmalog", interval << std::min<unsigned>(rate.ewma_log, 20));
}

void print_idletimer0(std::string& out, const PrintCall& call) {
  const auto timer = call.as<wire::Idletimer0>();
  append(out, " --timeout {} --label {}", timer.timeout, quoted_set(text_of(timer.label)));
}

void print_idletimer1(std::string& out, const PrintCall& call) {
  const auto timer = call.as<wire::Idletimer1>();
  append(out, " --timeout {} --label {}", timer.timeout, quoted_set(text_of(timer.label)));
  out += timer.type == 1 ? " --alarm" : "";
}

void print_led(std::string& out, const PrintCall& call) {
  const auto led = call.as<wire::Led>();
  std::string_view id = text_of(led.id);
  id.remove_prefix(std::min(id.size(), std::string_view("netfilter-").size()));
  append(out, " --led-trigger-id {}", quoted_set(id));
  if (led.delay == 0xffffffff)
    out += " --led-delay inf";
  else if (led.delay != 0)
    append(out, " --led-delay {}", led.delay);
  out += led.always_blink != 0 ? " --led-always-blink" : "";
}

void print_set_target0(std::string& out, const PrintCall& call) {
  const auto set = call.as<wire::SetTarget0>();
  print_set_change(out, call, "add-set", set_reference_of(set.add));
  print_set_change(out, call, "del-set", set_reference_of(set.remove));
}

void print_set_target1(std::string& out, const PrintCall& call) {
  const auto set = call.as<wire::SetTarget1>();
  print_set_change(out, call, "add-set", set.add);
  print_set_change(out, call, "del-set", set.remove);
}

void print_set_target2(std::string& out, const PrintCall& call) {
  const auto set = call.as<wire::SetTarget2>();
  print_set_change(out, call, "add-set", set.add);
  out += (set.flags & 1) != 0 ? " --exist" : "";
  if (set.timeout != 0xffffffff)
    append(out, " --timeout {}", set.timeout);
  print_set_change(out, call, "del-set", set.remove);
}

void print_set_target3(std::string& out, const PrintCall& call) {
  const auto set = call.as<wire::SetTarget3>();
  print_set_change(out, call, "add-set", set.add);
  out += (set.flags & 1) != 0 ? " --exist" : "";
  if (set.timeout != 0xffffffff)
    append(out, " --timeout {}", set.timeout);
  print_set_change(out, call, "del-set", set.remove);
  print_set_change(out, call, "map-set", set.map);
  out += (set.flags & 0x100) != 0 ? " --map-mark" : "";
  out += (set.flags & 0x200) != 0 ? " --map-prio" : "";
  out += (set.flags & 0x400) != 0 ? " --map-queue" : "";
}

void print_hmark(std::string& out, const PrintCall& call) {
  const auto mark = call.as<wire::Hmark>();
  const auto has = [&](unsigned bit) { return (mark.flags >> bit & 1U) != 0; };
  if (has(0))
    print_prefix_mask(out, "src", mark.source_mask, call.family);
  if (has(1))
    print_prefix_mask(out, "dst", mark.destination_mask, call.family);
  if (has(6))
    append(out, " --hmark-sport-mask 0x{:04x}", from_network(mark.source_port_mask));
  if (has(7))
    append(out, " --hmark-dport-mask 0x{:04x}", from_network(mark.destination_port_mask));
  if (has(3))
    append(out, " --hmark-spi-mask 0x{:08x}",
           from_network(mark.source_port_mask | std::uint32_t{mark.destination_port_mask} << 16));
  if (has(4))
    append(out, " --hmark-sport 0x{:04x}", from_network(mark.source_port));
  if (has(5))
    append(out, " --hmark-dport 0x{:04x}", from_network(mark.destination_port));
  if (has(2))
    append(out, " --hmark-spi 0x{:08x}",
           from_network(mark.source_port | std::uint32_t{mark.destination_port} << 16));
  if (has(8))
    append(out, " --hmark-proto-mask 0x{:02x}", mark.proto_mask);
  if (has(9))
    append(out, " --hmark-rnd 0x{:08x}", mark.seed);
  if (has(10))
    append(out, " --hmark-mod {}", mark.modulus);
  if (has(11))
    append(out, " --hmark-offset {}", mark.offset);
  out += has(12) ? " --hmark-tuple ct" : "";
}

void print_ecn_target(std::string& out, const PrintCall& call) {
  const auto ecn = call.as<wire::EcnTarget>();
  if ((ecn.operation & 0x30) == 0x30) {
    out += ecn.tcp == 0 ? " --ecn-tcp-remove" : " --ecn-tcp-cwr 1 --ecn-tcp-ece 1";
  } else {
    if ((ecn.operation & 0x10) != 0)
      append(out, " --ecn-tcp-ece {}", ecn.tcp & 1);
    if ((ecn.operation & 0x20) != 0)
      append(out, " --ecn-tcp-cwr {}", ecn.tcp >> 1 & 1);
  }
  if ((ecn.operation & 0x01) != 0)
    append(out, " --ecn-ip-ect {}", ecn.ip_ect);
}

} // namespace synfate::xt
