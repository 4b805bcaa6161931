#include "platform/linux/netfilter/near_miss.h"

#include <algorithm>

namespace synfate {
namespace {

bool about_connection(const NearMiss& miss) {
  return miss.field == "ct state" || miss.field == "ct status" || miss.field == "ct direction";
}

int rank(const NearMiss& miss) {
  if (miss.field.find("saddr") != std::string::npos)
    return 0;
  if (about_connection(miss))
    return 3;
  return miss.field.find("dport") != std::string::npos ? 2 : 1;
}

} // namespace

void keep_nearest(std::vector<NearMiss>& near_misses) {
  std::ranges::stable_sort(near_misses, {}, rank);
  if (!near_misses.empty() && !about_connection(near_misses.front()))
    std::erase_if(near_misses, about_connection);
  if (near_misses.size() > most_near_misses)
    near_misses.resize(most_near_misses);
}

} // namespace synfate
