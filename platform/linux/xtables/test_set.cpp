// The match `set`: net/netfilter/xt_set.c, Linux 6.12.
#include "platform/linux/xtables/ipset_lookup.h"
#include "platform/linux/xtables/print_matches.h"
#include "platform/linux/xtables/test_matches.h"

namespace synfate::xt {
namespace {

MatchAnswer ask(const MatchCall& call, const wire::SetReference& set, std::uint32_t flags,
                bool counters) {
  const SetQuestion question{set.index, set.dimensions, set.flags, (flags & 0x80) != 0, counters};
  return inverted(test_set_membership(call, question), (set.flags & 1) != 0);
}

template <typename Match> MatchAnswer counted(const MatchCall& call) {
  const auto info = call.as<Match>();
  return ask(call, info.set, info.flags, info.packets.operation != 0 || info.bytes.operation != 0);
}

} // namespace

MatchAnswer test_set0(const MatchCall& call) {
  return ask(call, set_reference_of(call.as<wire::SetMatch0>().set), 0, false);
}

MatchAnswer test_set1(const MatchCall& call) {
  const auto info = call.as<wire::SetMatch1>();
  return ask(call, info.set, info.set.flags & 0x80U, false);
}

MatchAnswer test_set3(const MatchCall& call) {
  return counted<wire::SetMatch3>(call);
}

MatchAnswer test_set4(const MatchCall& call) {
  return counted<wire::SetMatch4>(call);
}

} // namespace synfate::xt
