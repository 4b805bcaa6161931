// Matches with a memory of their own, which a read cannot pin down: net/netfilter/xt_limit.c,
// xt_quota.c, xt_statistic.c, xt_rateest.c, xt_nfacct.c; Linux 6.12.
#include <fmt/format.h>

#include "platform/linux/xtables/test_core.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {

MatchAnswer test_limit(const MatchCall& call) {
  return undecided(call, "the limit", "has tokens left", "has no tokens left");
}

MatchAnswer test_quota(const MatchCall& call) {
  const auto quota = call.as<wire::Quota>();
  const bool invert = (quota.flags & 1) != 0;
  const auto length = packet_length(call.packet);
  if (length.known() && quota.quota < length.value()) // what is left is never more
    return answer(invert);
  return inverted(undecided(call, "the quota", "is not used up", "is used up"), invert);
}

MatchAnswer test_statistic(const MatchCall& call) {
  const auto info = call.as<wire::Statistic>();
  const bool invert = (info.flags & 1) != 0;
  const std::uint32_t value = info.every_or_probability;
  if (info.mode == 0 && (value == 0 || value > 0x7fffffffU))
    return answer((value != 0) != invert);
  if (info.mode != 0 && value == 0) // every packet
    return answer(!invert);
  return inverted(undecided(call, info.mode == 0 ? "the random choice" : "the packet counter",
                            "falls on this packet", "does not fall on this packet"),
                  invert);
}

MatchAnswer test_rateest(const MatchCall& call) {
  return undecided(call, "the measured rate", "is as asked", "is not as asked");
}

MatchAnswer test_nfacct(const MatchCall& call) {
  return undecided(call,
                   fmt::format("the accounting object {}", text_of(call.as<wire::Nfacct>().name)),
                   "is over its quota or has none", "is under its quota");
}

} // namespace synfate::xt
