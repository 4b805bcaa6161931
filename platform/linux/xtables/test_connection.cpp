// Matches on conntrack: net/netfilter/xt_state.c, xt_conntrack.c, xt_connmark.c, xt_connbytes.c,
// xt_connlabel.c, xt_connlimit.c, xt_helper.c, xt_cluster.c; Linux 6.12.
#include <algorithm>

#include "platform/linux/netfilter/carried.h"
#include "platform/linux/netfilter/conntrack.h"
#include "platform/linux/xtables/conntrack_info.h"
#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

constexpr std::uint32_t bit_invalid = 1;
constexpr std::uint32_t bit_established = 2;
constexpr std::uint32_t bit_related = 4;
constexpr std::uint32_t bit_new = 8;

std::uint32_t state_bit(const ConntrackView& ct, std::uint32_t untracked) {
  if (ct.pattern) // nf_ct_set() with IP_CT_NEW
    return bit_new;
  switch (ct.state) {
  case CtState::none:
  case CtState::invalid:
    return bit_invalid;
  case CtState::untracked:
    return untracked;
  case CtState::fresh:
    return bit_new;
  case CtState::established:
    return bit_established;
  case CtState::related:
    return bit_related;
  }
  return bit_invalid;
}

const Endpoint& tuple_end(const ConntrackView& ct, unsigned which) {
  switch (which) {
  case 0:
    return ct.original.source;
  case 1:
    return ct.original.destination;
  case 2:
    return ct.answer.source;
  default:
    return ct.answer.destination;
  }
}

constexpr std::array<std::string_view, 4> address_fields{"ct original saddr", "ct original daddr",
                                                         "ct reply saddr", "ct reply daddr"};
constexpr std::array<std::string_view, 4> port_fields{
    "ct original proto-src", "ct original proto-dst", "ct reply proto-src", "ct reply proto-dst"};

MatchAnswer test_ct_address(const MatchCall& call, const ConntrackInfo& info, unsigned which) {
  const auto flag = static_cast<std::uint16_t>(ct_match_address << which);
  if ((info.match & flag) == 0)
    return answer(true);
  const auto octets = octets_of(tuple_end(call.packet.ct, which).address, call.packet.family);
  // ((a ^ b) & mask) == 0: bits outside the mask do not count on either side
  wire::InetAddress value = info.address[which].address;
  for (std::size_t at = 0; at < value.size(); ++at)
    value[at] &= info.address[which].mask[at];
  return inverted(
      test_address(call, octets, info.address[which].mask, value, address_fields[which]),
      (info.invert & flag) != 0);
}

MatchAnswer test_ct_port(const MatchCall& call, const ConntrackInfo& info, unsigned which) {
  const auto flag = static_cast<std::uint16_t>(ct_match_port << which);
  if ((info.match & flag) == 0)
    return answer(true);
  const auto octets = octets_of(tuple_end(call.packet.ct, which).port);
  return inverted(
      test_number(call, octets, info.port_low[which], info.port_high[which], port_fields[which]),
      (info.invert & flag) != 0);
}

MatchAnswer field_answer(bool matched_it, std::string_view field) {
  return matched_it ? matched(field) : not_matched(field);
}

MatchAnswer test_ct_state(const ConntrackView& ct, const ConntrackInfo& info) {
  if ((info.match & ct_match_state) == 0)
    return answer(true);
  std::uint32_t bits = state_bit(ct, 256);
  if (is_tracked(ct)) {
    bits |= (ct.status & ct_status_source_nat) != 0 ? 64U : 0U;
    bits |= (ct.status & ct_status_destination_nat) != 0 ? 128U : 0U;
  }
  return inverted(field_answer((info.state & bits) != 0, "ct state"),
                  (info.invert & ct_match_state) != 0);
}

MatchAnswer test_ct_rest(const MatchCall& call, const ConntrackInfo& info) {
  const auto& ct = call.packet.ct;
  const auto inverts = [&](std::uint16_t flag) { return (info.invert & flag) != 0; };
  if ((info.match & ct_match_proto) != 0 &&
      (ct.original.proto == info.l4proto) == inverts(ct_match_proto))
    return not_matched("ct protocol");
  if ((info.match & ct_match_status) != 0 &&
      ((info.status & ct.status) != 0) == inverts(ct_match_status))
    return not_matched("ct status");
  if ((info.match & ct_match_expires) == 0)
    return answer(true);
  return undecided(call, "the connection's time left", "is in the range", "is not in the range",
                   "ct expiration");
}

/// A template: it has no addresses.
ConntrackView template_view(IpFamily family) {
  ConntrackView view;
  view.exists = true;
  view.state = CtState::fresh;
  view.status = ct_status_template | ct_status_confirmed;
  const Endpoint nobody{AddressTerm::known(to_address(0, family)), PortTerm::known(0)};
  view.original = view.answer = {nobody, nobody, 0};
  return view;
}

/// conntrack_mt() looks at a template as at any entry.
MatchAnswer test_template(const MatchCall& call) {
  PacketClass packet = call.packet;
  packet.ct = template_view(packet.family);
  MatchAnswer result = test_conntrack(call.with(packet));
  for (auto& part : result.parts)
    part.packet.ct = call.packet.ct;
  return result;
}

} // namespace

MatchAnswer test_state(const MatchCall& call) {
  return field_answer((call.as<wire::State>().mask & state_bit(call.packet.ct, 64)) != 0,
                      "ct state");
}

MatchAnswer test_conntrack(const MatchCall& call) {
  if (call.packet.ct.pattern)
    return test_template(call);
  const ConntrackInfo info = conntrack_of(call.extension.info, call.extension.revision);
  const auto& ct = call.packet.ct;
  MatchAnswer state = test_ct_state(ct, info);
  if (state.truth == Truth::no)
    return state;
  if (!is_tracked(ct))
    return field_answer((info.match & ct_match_state) != 0, "ct state");
  const bool inverts = (info.invert & ct_match_direction) != 0;
  if ((info.match & ct_match_direction) != 0 && ct.reply != inverts)
    return not_matched("ct direction");
  MatchAnswer result = answer(true);
  for (unsigned which = 0; which < 4; ++which)
    result = and_then(call, std::move(result),
                      [&](const MatchCall& part) { return test_ct_address(part, info, which); });
  for (unsigned which = 0; which < 4; ++which)
    result = and_then(call, std::move(result),
                      [&](const MatchCall& part) { return test_ct_port(part, info, which); });
  result = and_then(call, std::move(result),
                    [&](const MatchCall& part) { return test_ct_rest(part, info); });
  return result;
}

MatchAnswer test_connmark(const MatchCall& call) {
  const auto info = call.as<wire::Connmark>();
  const auto& ct = call.packet.ct;
  if (!is_tracked(ct) && !ct.pattern)
    return not_matched("ct mark");
  return inverted(perhaps(call, ct.pattern ? Perhaps<std::uint32_t>() : ct.mark, "ct mark",
                          [&](std::uint32_t mark) { return (mark & info.mask) == info.mark; }),
                  info.invert != 0);
}

MatchAnswer test_connbytes(const MatchCall& call) {
  const auto info = call.as<wire::Connbytes>();
  const std::string_view field = info.what == 0 ? "ct packets" : "ct bytes";
  const auto counting = accounting(call.context, call.request.netns);
  if (!is_tracked(call.packet.ct) || counting == Accounting::off) // nf_conn_acct_find()
    return not_matched(field);
  const auto what = info.what == 0   ? Carried::packets
                    : info.what == 1 ? Carried::bytes
                                     : Carried::average;
  const auto way = info.direction > 1 ? std::optional<bool>() : std::optional(info.direction == 1);
  const auto number = carried(call.request, call.packet, what, way);
  if (counting == Accounting::unknown || !number)
    return undecided(call, "what the connection has carried", "is in the range",
                     "is not in the range", field);
  return field_answer(info.to >= info.from ? *number <= info.to && *number >= info.from
                                           : *number < info.to || *number > info.from,
                      field);
}

MatchAnswer test_connlabel(const MatchCall& call) {
  const auto info = call.as<wire::Connlabel>();
  const auto& ct = call.packet.ct;
  const bool invert = (info.options & 1) != 0;
  if (!is_tracked(ct) || info.bit > 127)
    return field_answer(invert, "ct label");
  const std::size_t byte = info.bit / 8U;
  const auto mask = static_cast<std::uint8_t>(1U << (info.bit % 8));
  const bool set = byte < ct.labels.size() && (ct.labels[byte] & mask) != 0;
  if (set || (info.options & 2) == 0)
    return field_answer(set != invert, "ct label");
  MatchPart part{call.packet, !invert, false};
  part.packet.ct.labels.resize(16);
  part.packet.ct.labels[byte] |= mask;
  return {Truth::depends, false, {std::move(part)}, "ct label"};
}

MatchAnswer test_connlimit(const MatchCall& call) {
  const auto info = call.as<wire::Connlimit>();
  const bool invert = (info.flags & 1) != 0;
  // The packet's own connection counts, unless it is assured: __nf_conncount_add().
  if (info.limit == 0 && (call.packet.ct.status & ct_status_assured) == 0)
    return field_answer(!invert, "ct count");
  return inverted(undecided(call, "the number of connections",
                            "is over " + std::to_string(info.limit),
                            "is not over " + std::to_string(info.limit), "ct count"),
                  invert);
}

MatchAnswer test_helper(const MatchCall& call) {
  const auto info = call.as<wire::HelperMatch>();
  const auto& ct = call.packet.ct;
  const bool expected =
      is_tracked(ct) && (ct.state == CtState::related || (ct.status & ct_status_expected) != 0);
  if (!expected) // only a connection that a helper expected has a master
    return field_answer(info.invert != 0, "ct helper");
  return undecided(call, "the helper of the master connection", "is the one asked",
                   "is not the one asked", "ct helper");
}

MatchAnswer test_cluster(const MatchCall& call) {
  if (!is_tracked(call.packet.ct))
    return answer(false);
  return undecided(call, "the cluster's hash", "chooses this node", "chooses another node");
}

} // namespace synfate::xt
