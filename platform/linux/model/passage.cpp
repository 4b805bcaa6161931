// One netfilter hook on the way. The rules themselves are not evaluated here: where a base chain is
// registered at the hook, or could be, that the packet passes is an assumption with a name.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/walk.h"
#include "platform/linux/netfilter/ruleset.h"

namespace synfate {
namespace {

bool sees(const NftBaseChain& chain, IpFamily family) {
  const std::string& table_family = chain.scope.family;
  return table_family == "inet" || table_family == "netdev" ||
         table_family == (family == IpFamily::v4 ? "ip" : "ip6");
}

} // namespace

Journeys pass_hook(Walk& walk, Journey journey, Hook hook) {
  const auto* chains = walk.ruleset.base_chains(walk.inquiry, journey.netns);
  if (walk.inquiry.pending())
    return {};
  const std::string name(to_string(stage_of(hook)));
  if (chains == nullptr) {
    add_step(journey, stage_of(hook), Verdict::assumed, {}, "the rules could not be read");
    assume(journey, "no firewall rule stops it: the rules could not be read");
  } else {
    for (const auto& chain : *chains) {
      if (chain.hook != name || !sees(chain, journey.packet.family))
        continue;
      const std::string id =
          fmt::format("{}/{}/{}", chain.scope.family, id_part(chain.scope.table), id_part(chain.name));
      add_step(journey, stage_of(hook), Verdict::assumed, {}, "not evaluated");
      if (!journey.stopped()) {
        journey.path.back().chain = id;
        journey.path.back().priority = chain.priority;
      }
      assume(journey, fmt::format("the rules of {} let it pass", id));
    }
    assume(journey, "iptables-legacy, BPF and traffic control let it pass");
  }
  Journeys journeys;
  journeys.push_back(std::move(journey));
  return journeys;
}

} // namespace synfate
