#include "core/facts/hash_index.h"

#include <algorithm>

namespace synfate {

namespace {

constexpr std::size_t fewest_slots = 8;

/// All bits of the hash count: those of small numbers differ in few.
std::uint32_t mark_of(std::uint64_t hash) {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15ULL;
  constexpr unsigned half = 32;
  return static_cast<std::uint32_t>(((hash ^ (hash >> half)) * golden) >> half);
}

} // namespace

std::size_t HashIndex::slot_of(std::uint32_t mark) const {
  const std::size_t last = slots_.size() - 1;
  std::size_t slot = mark & last;
  while (slots_[slot] != 0 && groups_[slots_[slot] - 1].mark != mark)
    slot = (slot + 1) & last;
  return slot;
}

void HashIndex::grow() {
  slots_.assign(std::max(fewest_slots, 2 * slots_.size()), 0);
  for (std::size_t group = 0; group < groups_.size(); ++group)
    slots_[slot_of(groups_[group].mark)] = static_cast<std::uint32_t>(group + 1);
}

void HashIndex::add(std::uint64_t hash) {
  if (4 * (groups_.size() + 1) > 3 * slots_.size())
    grow();
  const auto place = static_cast<Place>(next_.size());
  const std::uint32_t mark = mark_of(hash);
  std::uint32_t& slot = slots_[slot_of(mark)];
  next_.push_back(none);
  if (slot == 0) {
    groups_.push_back({mark, place, place, 1});
    slot = static_cast<std::uint32_t>(groups_.size());
    return;
  }
  Group& group = groups_[slot - 1];
  next_[group.last] = place;
  group.last = place;
  ++group.size;
}

const HashIndex::Group* HashIndex::find(std::uint64_t hash) const {
  if (slots_.empty())
    return nullptr;
  const std::uint32_t group = slots_[slot_of(mark_of(hash))];
  return group == 0 ? nullptr : &groups_[group - 1];
}

HashIndex::Place HashIndex::first(std::uint64_t hash) const {
  const Group* group = find(hash);
  return group == nullptr ? none : group->first;
}

std::size_t HashIndex::count(std::uint64_t hash) const {
  const Group* group = find(hash);
  return group == nullptr ? 0 : group->size;
}

} // namespace synfate
