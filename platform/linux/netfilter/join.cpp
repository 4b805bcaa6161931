#include "platform/linux/netfilter/join.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace synfate {
namespace {

/// Equal for branches in the same state; unequal for most others.
std::size_t fingerprint(const Branch& branch) {
  const auto& packet = branch.packet;
  std::size_t hash = packet.conditions.size() * 31 + packet.ct.status;
  const auto add = [&hash](std::size_t value) { hash = (hash ^ value) * 1099511628211U; };
  add(packet.meta.mark.known() ? packet.meta.mark.value() : 1);
  add(packet.ct.mark.known() ? packet.ct.mark.value() : 1);
  for (const auto& octet : packet.network)
    add(octet.value);
  for (const auto byte : packet.ct.answer.source.address.first.bytes())
    add(std::to_integer<std::size_t>(byte));
  if (!packet.conditions.empty())
    add(std::hash<std::string>()(packet.conditions.back().when));
  for (const auto& interval : packet.ports.intervals())
    add(static_cast<std::size_t>(interval.first));
  return hash;
}

bool go_on_alike(const Branch& a, const Branch& b) {
  return a.certainty == b.certainty && a.packet.ports == b.packet.ports &&
         a.packet.conditions == b.packet.conditions && same_but_class(a.packet, b.packet);
}

/// Branches in the same state, and all their addresses.
struct Group {
  Branch branch;
  std::vector<IntervalSet> addresses;
};

std::vector<Group> group_by_state(Branches& branches) {
  std::vector<Group> groups;
  std::unordered_multimap<std::size_t, std::size_t> known;
  for (auto& branch : branches) {
    const std::size_t hash = fingerprint(branch);
    const auto [begin, end] = known.equal_range(hash);
    const auto same = std::find_if(begin, end, [&](const auto& entry) {
      return go_on_alike(groups[entry.second].branch, branch);
    });
    if (same != end) {
      groups[same->second].addresses.push_back(branch.packet.addresses);
      continue;
    }
    known.emplace(hash, groups.size());
    groups.push_back({std::move(branch), {}});
    groups.back().addresses.push_back(groups.back().branch.packet.addresses);
  }
  return groups;
}

/// One pair that differs in the answer to one question becomes one; false if there is none.
bool join_pair(Branches& branches) {
  for (std::size_t at = 0; at < branches.size(); ++at)
    for (std::size_t other = at + 1; other < branches.size(); ++other) {
      auto& a = branches[at];
      const auto& b = branches[other];
      if (a.packet.conditions.size() != b.packet.conditions.size() || a.packet.conditions.empty() ||
          a.certainty != b.certainty || !(a.packet.addresses == b.packet.addresses) ||
          !(a.packet.ports == b.packet.ports))
        continue;
      auto common = without_question(a.packet.conditions, b.packet.conditions);
      if (!common || !same_but_class(a.packet, b.packet))
        continue;
      a.packet.conditions = std::move(*common);
      branches.erase(branches.begin() + static_cast<std::ptrdiff_t>(other));
      return true;
    }
  return false;
}

} // namespace

bool same_but_class(const PacketClass& a, const PacketClass& b) {
  return a.network == b.network && a.meta == b.meta && a.ct == b.ct && a.link == b.link &&
         a.assigned == b.assigned && a.remembered == b.remembered && a.assumptions == b.assumptions;
}

std::vector<Condition> conditions_of_address(const std::vector<Condition>& conditions) {
  std::vector<Condition> some;
  std::ranges::copy_if(conditions, std::back_inserter(some), &Condition::of_address);
  return some;
}

bool cover_all(std::vector<std::vector<Condition>> ways) {
  for (std::size_t at = 0; at < ways.size(); ++at)
    for (std::size_t other = at + 1; other < ways.size(); ++other) {
      if (ways[at] == ways[other]) {
        ways.erase(ways.begin() + static_cast<std::ptrdiff_t>(other));
        return cover_all(std::move(ways));
      }
      if (auto common = without_question(ways[at], ways[other])) {
        ways[at] = std::move(*common);
        ways.erase(ways.begin() + static_cast<std::ptrdiff_t>(other));
        return cover_all(std::move(ways));
      }
    }
  return std::ranges::any_of(ways, &std::vector<Condition>::empty);
}

std::optional<std::vector<Condition>> without_question(const std::vector<Condition>& a,
                                                       const std::vector<Condition>& b) {
  const auto parting = std::ranges::mismatch(a, b).in1;
  const auto common = static_cast<std::size_t>(parting - a.begin());
  if (a.size() != common + 1 || b.size() != common + 1 || !(a.back().by == b.back().by))
    return std::nullopt;
  return std::vector<Condition>(a.begin(), parting);
}

void join_passed(Branches& branches, std::vector<Passage>& passages) {
  for (auto& branch : branches) {
    branch.steps.clear();
    branch.near_misses.clear();
    branch.why.clear();
    if (!branch.culprit)
      continue;
    passages.push_back({branch.packet.addresses,
                        branch.packet.ports,
                        {std::move(branch.culprit->kind), std::move(branch.culprit->id)},
                        conditions_of_address(branch.packet.conditions)});
    branch.culprit.reset();
  }
  if (branches.size() < 2)
    return;
  Branches joined;
  for (auto& group : group_by_state(branches)) {
    group.branch.packet.addresses = IntervalSet::unite(group.addresses);
    joined.push_back(std::move(group.branch));
  }
  branches = std::move(joined);
  while (join_pair(branches)) {
  }
}

} // namespace synfate
