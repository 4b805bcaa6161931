#include "platform/linux/xtables/travellers.h"

#include <algorithm>

namespace synfate::xt {
namespace {

bool same_but_class(const PacketClass& a, const PacketClass& b) {
  return a.network == b.network && a.meta == b.meta && a.ct == b.ct && a.link == b.link &&
         a.assigned == b.assigned && a.assumptions == b.assumptions;
}

/// Conditions that both have, if each has exactly one more: the answers to one question.
bool join_conditions(const PacketClass& a, const PacketClass& b, PacketClass& joined) {
  const auto parting = std::ranges::mismatch(a.conditions, b.conditions).in1;
  const auto common = static_cast<std::size_t>(parting - a.conditions.begin());
  if (a.conditions.size() != common + 1 || b.conditions.size() != common + 1 ||
      a.conditions.back().by != b.conditions.back().by)
    return false;
  joined.conditions.resize(common);
  return true;
}

SharedPacket joined(const PacketClass& a, const PacketClass& b) {
  const bool addresses = a.addresses == b.addresses;
  const bool ports = a.ports == b.ports;
  const bool conditions = a.conditions == b.conditions;
  if (addresses + ports + conditions < 2 || !same_but_class(a, b))
    return nullptr;
  auto result = std::make_shared<PacketClass>(a);
  if (!addresses)
    result->addresses = a.addresses | b.addresses;
  else if (!ports)
    result->ports = a.ports | b.ports;
  else if (!conditions && !join_conditions(a, b, *result))
    return nullptr;
  return result;
}

} // namespace

void join_all(Travellers& travellers) {
  for (std::size_t at = 0; at < travellers.size(); ++at)
    for (std::size_t other = at + 1; other < travellers.size();) {
      auto both = joined(*travellers[at].packet, *travellers[other].packet);
      if (!both) {
        ++other;
        continue;
      }
      travellers[at].packet = std::move(both);
      travellers.erase(travellers.begin() + static_cast<std::ptrdiff_t>(other));
      other = at + 1;
    }
}

} // namespace synfate::xt
