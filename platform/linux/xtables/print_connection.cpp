#include <array>
#include <limits>

#include "platform/linux/xtables/conntrack_info.h"
#include "platform/linux/xtables/print_matches.h"

namespace synfate::xt {
namespace {

constexpr std::array<BitName, 5> plain_states{
    {{1, "INVALID"}, {8, "NEW"}, {4, "RELATED"}, {2, "ESTABLISHED"}, {64, "UNTRACKED"}}};
constexpr std::array<BitName, 7> ct_states{{{1, "INVALID"},
                                            {8, "NEW"},
                                            {4, "RELATED"},
                                            {2, "ESTABLISHED"},
                                            {256, "UNTRACKED"},
                                            {64, "SNAT"},
                                            {128, "DNAT"}}};
constexpr std::array<BitName, 4> ct_statuses{
    {{1, "EXPECTED"}, {2, "SEEN_REPLY"}, {4, "ASSURED"}, {8, "CONFIRMED"}}};

/// An address without a length when all its bits count, as this match prints it.
std::string bare_address(ByteView address, ByteView mask) {
  const std::string text = masked_address(address, mask);
  const std::string full = address.size() == 4 ? "/32" : "/128";
  return text.ends_with(full) ? text.substr(0, text.size() - full.size()) : text;
}

void print_ct_address(std::string& out, const ConntrackInfo& info, unsigned which,
                      std::string_view name, IpFamily family) {
  const std::uint16_t flag = static_cast<std::uint16_t>(ct_match_address << which);
  if ((info.match & flag) == 0)
    return;
  const std::size_t size = family == IpFamily::v4 ? 4 : 16;
  option(out, (info.invert & flag) != 0, name);
  append(out, " {}",
         bare_address(ByteView(info.address[which].address).first(size),
                      ByteView(info.address[which].mask).first(size)));
}

void print_ct_port(std::string& out, const ConntrackInfo& info, unsigned which,
                   std::string_view name) {
  const std::uint16_t flag = static_cast<std::uint16_t>(ct_match_port << which);
  if ((info.match & flag) != 0)
    ranged(out, (info.invert & flag) != 0, name, info.port_low[which], info.port_high[which]);
}

void print_ct_state(std::string& out, const ConntrackInfo& info) {
  if ((info.match & ct_match_state) == 0)
    return;
  option(out, (info.invert & ct_match_state) != 0, "--ctstate");
  append(out, " {}", bit_names(info.state, ct_states));
}

void print_ct_rest(std::string& out, const ConntrackInfo& info) {
  if ((info.match & ct_match_status) != 0) {
    option(out, (info.invert & ct_match_status) != 0, "--ctstatus");
    const std::string names = bit_names(info.status, ct_statuses);
    append(out, " {}", names.empty() ? "NONE" : names);
  }
  if ((info.match & ct_match_expires) != 0)
    ranged(out, (info.invert & ct_match_expires) != 0, "--ctexpire", info.expires_min,
           info.expires_max);
  if ((info.match & ct_match_direction) != 0)
    out += (info.invert & ct_match_direction) != 0 ? " --ctdir REPLY" : " --ctdir ORIGINAL";
}

unsigned count_bits(const wire::InetAddress& mask, IpFamily family) {
  unsigned bits = 0;
  for (std::size_t at = 0; at < (family == IpFamily::v4 ? 4U : 16U); ++at)
    bits += static_cast<unsigned>(std::popcount(std::to_integer<unsigned>(mask[at])));
  return bits;
}

} // namespace

ConntrackInfo conntrack_of(ByteView info, unsigned revision) {
  std::array<std::byte, sizeof(wire::Conntrack3)> whole{};
  std::ranges::copy(info.first(std::min(info.size(), whole.size())), whole.begin());
  const auto wire = *load<wire::Conntrack3>(whole);
  ConntrackInfo out;
  std::ranges::copy(wire.address, out.address.begin());
  out.expires_min = wire.expires_min;
  out.expires_max = wire.expires_max;
  out.l4proto = wire.l4proto;
  out.match = wire.match;
  out.invert = wire.invert;
  out.state = wire.state;
  out.status = wire.status;
  if (revision == 1) { // two bytes instead of two words
    out.state = std::to_integer<std::uint16_t>(whole[offsetof(wire::Conntrack3, state)]);
    out.status = std::to_integer<std::uint16_t>(whole[offsetof(wire::Conntrack3, state) + 1]);
  }
  for (unsigned at = 0; at < 4; ++at) {
    out.port_low[at] = revision < 3 ? from_network(wire.port[at]) : wire.port[at];
    out.port_high[at] = revision < 3 ? out.port_low[at] : wire.port_high[at];
  }
  return out;
}

void print_state(std::string& out, const PrintCall& call) {
  append(out, " --state {}", bit_names(call.as<wire::State>().mask, plain_states));
}

void print_conntrack(std::string& out, const PrintCall& call) {
  const ConntrackInfo info = conntrack_of(call.info, call.revision);
  if (is_state_alias(info)) {
    option(out, (info.invert & ct_match_state) != 0, "--state");
    append(out, " {}", bit_names(info.state, ct_states));
    return;
  }
  print_ct_state(out, info);
  if ((info.match & ct_match_proto) != 0) {
    option(out, (info.invert & ct_match_proto) != 0, "--ctproto");
    append(out, " {}", info.l4proto);
  }
  print_ct_address(out, info, 0, "--ctorigsrc", call.family);
  print_ct_address(out, info, 1, "--ctorigdst", call.family);
  print_ct_address(out, info, 2, "--ctreplsrc", call.family);
  print_ct_address(out, info, 3, "--ctrepldst", call.family);
  print_ct_port(out, info, 0, "--ctorigsrcport");
  print_ct_port(out, info, 1, "--ctorigdstport");
  print_ct_port(out, info, 2, "--ctreplsrcport");
  print_ct_port(out, info, 3, "--ctrepldstport");
  print_ct_rest(out, info);
}

void print_connmark(std::string& out, const PrintCall& call) {
  print_mark(out, call);
}

void print_connbytes(std::string& out, const PrintCall& call) {
  constexpr std::array<std::string_view, 3> what{"packets", "bytes", "avgpkt"};
  constexpr std::array<std::string_view, 3> direction{"original", "reply", "both"};
  const auto info = call.as<wire::Connbytes>();
  const bool inverted = info.from > info.to; // the kernel's way of saying "not"
  const auto low = inverted ? info.to : info.from;
  const auto high = inverted ? info.from : info.to;
  option(out, inverted, "--connbytes");
  append(out, " {}", low);
  if (high != std::numeric_limits<std::uint64_t>::max())
    append(out, ":{}", high);
  append(out, " --connbytes-mode {} --connbytes-dir {}", info.what < 3 ? what[info.what] : "?",
         info.direction < 3 ? direction[info.direction] : "?");
}

void print_connlabel(std::string& out, const PrintCall& call) {
  const auto label = call.as<wire::Connlabel>();
  option(out, (label.options & 1) != 0, "--label");
  append(out, " \"{}\"{}", label.bit, (label.options & 2) != 0 ? " --set" : "");
}

void print_connlimit(std::string& out, const PrintCall& call) {
  const auto info = call.as<wire::Connlimit>();
  append(out, " --connlimit-{} {} --connlimit-mask {} --connlimit-{}",
         (info.flags & 1) != 0 ? "upto" : "above", info.limit, count_bits(info.mask, call.family),
         (info.flags & 2) != 0 ? "daddr" : "saddr");
}

void print_helper(std::string& out, const PrintCall& call) {
  const auto helper = call.as<wire::HelperMatch>();
  option(out, helper.invert != 0, "--helper");
  append(out, " {}", quoted(text_of(helper.name)));
}

void print_cluster(std::string& out, const PrintCall& call) {
  const auto cluster = call.as<wire::Cluster>();
  option(out, (cluster.flags & 1) != 0, "--cluster-local-nodemask");
  append(out, " 0x{:08x} --cluster-total-nodes {} --cluster-hash-seed 0x{:08x}", cluster.node_mask,
         cluster.total, cluster.seed);
}

} // namespace synfate::xt
