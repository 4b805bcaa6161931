#include "platform/linux/netfilter/near_miss.h"

#include <algorithm>

namespace synfate {
namespace {

bool about_connection(const NearMiss& miss) {
  return miss.field == "ct state" || miss.field == "ct status" || miss.field == "ct direction";
}

/// Every ruleset lets these in: packets of connections, of this host to itself, of other protocols.
/// No client gets in by becoming one of them.
bool is_common(const NearMiss& miss) {
  return about_connection(miss) || miss.wanted == "lo" || miss.wanted == "\"lo\"" ||
         miss.field == "meta l4proto" || miss.field == "ip protocol" || miss.field == "-p";
}

int rank(const NearMiss& miss) {
  if (is_common(miss))
    return 3;
  if (miss.field.find("saddr") != std::string::npos)
    return 0;
  return miss.field.find("dport") != std::string::npos ? 2 : 1;
}

} // namespace

void keep_nearest(std::vector<NearMiss>& near_misses) {
  std::ranges::stable_sort(near_misses, {}, rank);
  if (!near_misses.empty() && !is_common(near_misses.front()))
    std::erase_if(near_misses, is_common);
  if (near_misses.size() > most_near_misses)
    near_misses.resize(most_near_misses);
}

} // namespace synfate
