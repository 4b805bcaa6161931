#include "tests/netfilter/notation.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace synfate::test {
namespace {

using namespace nft;
using Names = std::initializer_list<std::string_view>;

template <typename Number> std::string_view name_of(Names names, Number number) {
  const auto at = static_cast<std::size_t>(number);
  return at < names.size() ? names.begin()[at] : std::string_view("unknown");
}

/// Registers of 16 bytes are 1 to 4, the slots inside of them 8 to 23.
unsigned reg(Slot slot) {
  if (slot == no_slot)
    return 0;
  return slot % 4 == 0 ? slot / 4U + 1 : slot + 8U;
}

/// Bytes as words of the machine, each with a blank in front.
std::string words(std::string_view data) {
  std::string text;
  for (std::size_t at = 0; at < data.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, data.data() + at, std::min<std::size_t>(4, data.size() - at));
    text += fmt::format(" 0x{:08x}", word);
  }
  return text;
}

std::string verdict_of(const Verdict& verdict) {
  switch (verdict.code) {
  case VerdictCode::drop:
    return "drop";
  case VerdictCode::accept:
    return "accept";
  case VerdictCode::stolen:
    return "stolen";
  case VerdictCode::queue:
    return "queue";
  case VerdictCode::proceed:
    return "continue";
  case VerdictCode::break_rule:
    return "break";
  case VerdictCode::jump:
    return "jump -> " + verdict.chain;
  case VerdictCode::go_to:
    return "goto -> " + verdict.chain;
  case VerdictCode::return_up:
    return "return";
  }
  return "unknown";
}

std::string_view header_of(PayloadBase base) {
  return name_of({"link", "network", "transport", "inner", "tunnel"}, base);
}

std::string_view family_of(std::uint8_t family) {
  return family == 2 ? "ip" : family == 10 ? "ip6" : family == 1 ? "inet" : "unknown";
}

std::string ports(Slot low, Slot high) {
  std::string text;
  if (low != no_slot)
    text += fmt::format(" proto_min reg {}", reg(low));
  if (high != no_slot)
    text += fmt::format(" proto_max reg {}", reg(high));
  return text;
}

std::string flags_of(std::uint32_t flags) {
  return flags == 0 ? std::string() : fmt::format(" flags {:#x}", flags);
}

class Writer {
public:
  std::string operator()(const Payload& load) const {
    return fmt::format("payload load {}b @ {} header + {} => reg {}", load.length,
                       header_of(load.base), load.offset, reg(load.dreg));
  }
  std::string operator()(const PayloadSet& set) const {
    return fmt::format(
        "payload write reg {} => {}b @ {} header + {} csum_type {} csum_off {} csum_flags {:#x}",
        reg(set.sreg), set.length, header_of(set.base), set.offset, set.checksum_type,
        set.checksum_offset, set.checksum_flags);
  }
  std::string operator()(const Cmp& cmp) const {
    return fmt::format("cmp {} reg {}{}", name_of({"eq", "neq", "lt", "lte", "gt", "gte"}, cmp.op),
                       reg(cmp.sreg), words(cmp.data));
  }
  std::string operator()(const Range& range) const {
    return fmt::format("range {} reg {}{}{}", range.inverted ? "neq" : "eq", reg(range.sreg),
                       words(range.from), words(range.to));
  }
  std::string operator()(const Bitwise& bitwise) const {
    if (bitwise.op == BitwiseOp::mask_xor)
      return fmt::format("bitwise reg {} = ( reg {} &{} ) ^{}", reg(bitwise.dreg),
                         reg(bitwise.sreg), words(bitwise.mask), words(bitwise.flip));
    const auto op = name_of({"", "<<", ">>", "&", "|", "^"}, bitwise.op);
    if (bitwise.operand.empty())
      return fmt::format("bitwise reg {} = ( reg {} {} reg {} )", reg(bitwise.dreg),
                         reg(bitwise.sreg), op, reg(bitwise.sreg2));
    return fmt::format("bitwise reg {} = ( reg {} {}{} )", reg(bitwise.dreg), reg(bitwise.sreg), op,
                       words(bitwise.operand));
  }
  std::string operator()(const Byteorder& byteorder) const {
    return fmt::format("byteorder reg {} = {}(reg {}, {}, {})", reg(byteorder.dreg),
                       byteorder.to_network ? "hton" : "ntoh", reg(byteorder.sreg), byteorder.size,
                       byteorder.length);
  }
  std::string operator()(const Immediate& immediate) const {
    return fmt::format("immediate reg {}{}", reg(immediate.dreg), words(immediate.data));
  }
  std::string operator()(const ImmediateVerdict& immediate) const {
    return "immediate reg 0 " + verdict_of(immediate.verdict);
  }
  std::string operator()(const Lookup& lookup) const {
    std::string text = fmt::format("lookup reg {} set {}", reg(lookup.sreg), lookup.set);
    if (lookup.to_verdict || lookup.dreg != no_slot)
      text += fmt::format(" dreg {}", reg(lookup.dreg));
    return text + (lookup.inverted ? " 0x1" : " 0x0");
  }
  std::string operator()(const Meta& meta) const {
    const auto key =
        name_of({"len",         "protocol",  "priority", "mark",     "iif",         "oif",
                 "iifname",     "oifname",   "iiftype",  "oiftype",  "skuid",       "skgid",
                 "nftrace",     "rtclassid", "secmark",  "nfproto",  "l4proto",     "bri_iifname",
                 "bri_oifname", "pkttype",   "cpu",      "iifgroup", "oifgroup",    "cgroup",
                 "prandom",     "secpath",   "iifkind",  "oifkind",  "bri_iifpvid", "bri_iifvproto",
                 "time",        "day",       "hour",     "sdif",     "sdifname",    "broute"},
                meta.key);
    return meta.set ? fmt::format("meta set {} with reg {}", key, reg(meta.reg))
                    : fmt::format("meta load {} => reg {}", key, reg(meta.reg));
  }
  std::string operator()(const Ct& ct) const {
    const auto key =
        name_of({"state",     "direction",  "status",  "mark",    "secmark",  "expiration",
                 "helper",    "l3protocol", "src",     "dst",     "protocol", "proto_src",
                 "proto_dst", "label",      "packets", "bytes",   "avgpkt",   "zone",
                 "event",     "src_ip",     "dst_ip",  "src_ip6", "dst_ip6"},
                ct.key);
    std::string text = ct.set ? fmt::format("ct set {} with reg {}", key, reg(ct.reg))
                              : fmt::format("ct load {} => reg {}", key, reg(ct.reg));
    if (ct.reply)
      text += fmt::format(" , dir {}", *ct.reply ? "reply" : "original");
    return text;
  }
  std::string operator()(const Exthdr& header) const {
    const auto kind = name_of({"ipv6", "tcpopt", "ipv4", "", ""}, header.op);
    if (header.dreg != no_slot)
      return fmt::format("exthdr load {} {}b @ {} + {}{} => reg {}", kind, header.length,
                         header.type, header.offset, header.present ? " present" : "",
                         reg(header.dreg));
    if (header.sreg != no_slot)
      return fmt::format("exthdr write {} reg {} => {}b @ {} + {}", kind, reg(header.sreg),
                         header.length, header.type, header.offset);
    return fmt::format("exthdr reset {} {}", kind, header.type);
  }
  std::string operator()(const Fib& fib) const {
    std::string text = "fib";
    bool first = true;
    constexpr std::array<std::string_view, 5> asked{"saddr", "daddr", "mark", "iif", "oif"};
    for (std::size_t bit = 0; bit < asked.size(); ++bit)
      if ((fib.flags & 1U << bit) != 0) {
        text += fmt::format("{}{}", first ? " " : " . ", asked[bit]);
        first = false;
      }
    return text + fmt::format(" {}{} => reg {}",
                              name_of({"", "oif", "oifname", "type"}, fib.result),
                              (fib.flags & fib_present) != 0 ? " present" : "", reg(fib.dreg));
  }
  std::string operator()(const Rt& rt) const {
    return fmt::format("rt load {} => reg {}",
                       name_of({"classid", "nexthop4", "nexthop6", "tcpmss", "ipsec"}, rt.key),
                       reg(rt.dreg));
  }
  std::string operator()(const SocketLoad& socket) const {
    return fmt::format(
        "socket load {} => reg {}{}",
        name_of({"transparent", "mark", "wildcard", "cgroupv2"}, socket.key), reg(socket.dreg),
        socket.key == SocketKey::cgroupv2 ? fmt::format(" level {}", socket.level) : std::string());
  }
  std::string operator()(const Tproxy& tproxy) const {
    std::string text = "tproxy";
    if (tproxy.family != 0)
      text += fmt::format(" {}", family_of(tproxy.family));
    if (tproxy.address != no_slot)
      text += fmt::format(" addr reg {}", reg(tproxy.address));
    if (tproxy.port != no_slot)
      text += fmt::format(" port reg {}", reg(tproxy.port));
    return text;
  }
  std::string operator()(const Reject& reject) const {
    return fmt::format("reject type {} code {}", static_cast<unsigned>(reject.type), reject.code);
  }
  std::string operator()(const Nat& nat) const {
    std::string text =
        fmt::format("nat {} {}", nat.destination ? "dnat" : "snat", family_of(nat.family));
    if (nat.address_min != no_slot)
      text += fmt::format(" addr_min reg {}", reg(nat.address_min));
    if (nat.address_max != no_slot)
      text += fmt::format(" addr_max reg {}", reg(nat.address_max));
    return text + ports(nat.port_min, nat.port_max) + flags_of(nat.flags);
  }
  std::string operator()(const Masquerade& masquerade) const {
    return "masq" + ports(masquerade.port_min, masquerade.port_max) + flags_of(masquerade.flags);
  }
  std::string operator()(const Redirect& redirect) const {
    return "redir" + ports(redirect.port_min, redirect.port_max) + flags_of(redirect.flags);
  }
  std::string operator()(const Notrack&) const { return "notrack"; }
  std::string operator()(const Dynset& dynset) const {
    std::string text =
        fmt::format("dynset {} reg_key {} set {}", name_of({"add", "update", "delete"}, dynset.op),
                    reg(dynset.key), dynset.set);
    if (dynset.data != no_slot)
      text += fmt::format(" sreg_data {}", reg(dynset.data));
    if (dynset.timeout_ms != 0)
      text += fmt::format(" timeout {}ms", dynset.timeout_ms);
    for (const auto& expression : dynset.per_element)
      text += fmt::format(" expr [ {} ]", std::visit(*this, expression.operation));
    return text;
  }
  std::string operator()(const ObjectRef& object) const {
    return object.name.empty() ? fmt::format("objref sreg {} set {}", reg(object.sreg), object.set)
                               : fmt::format("objref type {} name {}", object.type, object.name);
  }
  std::string operator()(const Counter& counter) const {
    return fmt::format("counter pkts {} bytes {}", counter.packets, counter.bytes);
  }
  std::string operator()(const Log& log) const {
    std::string text = "log";
    if (!log.prefix.empty())
      text += fmt::format(" prefix {}", log.prefix);
    if (log.group)
      return text + fmt::format(" group {} snaplen {} qthreshold {}", *log.group,
                                log.snap_length.value_or(0), log.threshold);
    text += fmt::format(" level {}", log.level.value_or(0));
    constexpr std::array<std::string_view, 6> told{"tcpseq", "tcpopt", "ipopt",
                                                   "uid",    "nflog",  "macdecode"};
    for (std::size_t bit = 0; bit < told.size(); ++bit)
      if ((log.flags & 1U << bit) != 0)
        text += fmt::format(" {}", told[bit]);
    return text;
  }
  std::string operator()(const Limit& limit) const {
    const auto unit = limit.unit == 1       ? "second"
                      : limit.unit == 60    ? "minute"
                      : limit.unit == 3600  ? "hour"
                      : limit.unit == 86400 ? "day"
                                            : "week";
    return fmt::format("limit rate {}/{} burst {} type {} flags {:#x}", limit.rate, unit,
                       limit.burst, limit.by_bytes ? "bytes" : "packets", limit.inverted ? 1 : 0);
  }
  std::string operator()(const Quota& quota) const {
    return fmt::format("quota bytes {} consumed {} flags {}", quota.bytes, quota.used,
                       quota.inverted ? 1 : 0);
  }
  std::string operator()(const ConnLimit& limit) const {
    return fmt::format("connlimit count {} flags {:x}", limit.count, limit.inverted ? 1 : 0);
  }
  std::string operator()(const Last& last) const {
    return last.set ? fmt::format("last {}", last.ms) : std::string("last never");
  }
  std::string operator()(const Numgen& numgen) const {
    return fmt::format("numgen reg {} = {} mod {}{}", reg(numgen.dreg),
                       numgen.random ? "random" : "inc", numgen.modulus, offset(numgen.offset));
  }
  std::string operator()(const Hash& hash) const {
    if (hash.symmetric)
      return fmt::format("hash reg {} = symhash() % mod {}{}", reg(hash.dreg), hash.modulus,
                         offset(hash.offset));
    return fmt::format("hash reg {} = jhash(reg {}, {}, {:#x}) % mod {}{}", reg(hash.dreg),
                       reg(hash.sreg), hash.length, hash.seed, hash.modulus, offset(hash.offset));
  }
  std::string operator()(const Osf& osf) const { return fmt::format("osf dreg {}", reg(osf.dreg)); }
  std::string operator()(const Synproxy& synproxy) const {
    return fmt::format("synproxy mss {} wscale {}", synproxy.mss, synproxy.scale);
  }
  std::string operator()(const Queue& queue) const {
    std::string text = "queue";
    if (queue.sreg != no_slot)
      text += fmt::format(" sreg_qnum {}", reg(queue.sreg));
    else
      text += fmt::format(" num {}", queue.number);
    if (queue.sreg == no_slot && queue.total > 1)
      text += fmt::format("-{}", queue.number + queue.total - 1);
    return text + (queue.bypass ? " bypass" : "") + (queue.fanout ? " fanout" : "");
  }
  std::string operator()(const Dup& dup) const {
    std::string text = "dup";
    if (dup.address != no_slot)
      text += fmt::format(" sreg_addr {}", reg(dup.address));
    if (dup.device != no_slot)
      text += fmt::format(" sreg_dev {}", reg(dup.device));
    return text;
  }
  std::string operator()(const Forward& forward) const {
    std::string text = fmt::format("fwd sreg_dev {}", reg(forward.device));
    if (forward.address != no_slot)
      text += fmt::format(" sreg_addr {}", reg(forward.address));
    if (forward.family != 0)
      text += fmt::format(" nfproto {}", forward.family);
    return text;
  }
  std::string operator()(const Xfrm& xfrm) const {
    return fmt::format(
        "xfrm load {} {} {} => reg {}", xfrm.out ? "out" : "in", xfrm.number,
        name_of({"unknown", "daddr4", "daddr6", "saddr4", "saddr6", "reqid", "spi"}, xfrm.key),
        reg(xfrm.dreg));
  }
  std::string operator()(const Tunnel& tunnel) const {
    return fmt::format("tunnel load {} => reg {}", name_of({"path", "id"}, tunnel.key),
                       reg(tunnel.dreg));
  }
  std::string operator()(const FlowOffload& offload) const {
    return "flow_offload tabl " + offload.table;
  }
  std::string operator()(const Inner& inner) const {
    std::string text = fmt::format("inner type {} hdrsize {} flags {:x}", inner.type,
                                   inner.header_size, inner.flags);
    for (const auto& expression : inner.expression)
      text += fmt::format(" [ {} ]", std::visit(*this, expression.operation));
    return text;
  }
  std::string operator()(const Compat& compat) const {
    return fmt::format("{} name {} rev {}", compat.target ? "target" : "match", compat.name,
                       compat.revision);
  }
  std::string operator()(const Unrecognised& unknown) const {
    return fmt::format("UNRECOGNISED {} {}", unknown.name, unknown.why);
  }

private:
  static std::string offset(std::uint32_t number) {
    return number == 0 ? std::string() : fmt::format(" offset {}", number);
  }
};

} // namespace

std::vector<std::string> notation_of(const Expressions& expressions) {
  std::vector<std::string> lines;
  for (const auto& expression : expressions)
    lines.push_back(std::visit(Writer(), expression.operation));
  return lines;
}

} // namespace synfate::test
