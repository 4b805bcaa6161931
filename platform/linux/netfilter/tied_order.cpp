#include "platform/linux/netfilter/tied_order.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace synfate {
namespace {

bool same_packet(const PacketClass& one, const PacketClass& other) {
  return one.family == other.family && one.link == other.link && one.network == other.network &&
         one.payload_length == other.payload_length && one.meta == other.meta &&
         one.ct == other.ct && one.assigned == other.assigned && one.remembered == other.remembered;
}

/// Of clients that are in both: the same becomes of them. What a packet that is stopped carries
/// makes no difference.
bool end_alike(const Branch& one, const Branch& other) {
  return one.verdict == other.verdict && one.rejection == other.rejection &&
         one.queue == other.queue && one.theft == other.theft &&
         one.stolen_interface == other.stolen_interface &&
         one.packet.conditions == other.packet.conditions &&
         one.packet.assumptions == other.packet.assumptions &&
         (one.verdict != HookVerdict::accept || same_packet(one.packet, other.packet));
}

struct Ending {
  const Branch* example;
  IntervalSet addresses;
};

std::vector<Ending> endings_of(const Branches& branches) {
  std::vector<Ending> endings;
  for (const auto& branch : branches) {
    const auto found = std::ranges::find_if(
        endings, [&](const Ending& ending) { return end_alike(*ending.example, branch); });
    if (found == endings.end())
      endings.push_back({&branch, branch.packet.addresses});
    else
      found->addresses = found->addresses | branch.packet.addresses;
  }
  return endings;
}

/// The addresses for which the order makes no difference.
IntervalSet same_in_both(const Branches& first, const Branches& second) {
  IntervalSet same;
  const auto others = endings_of(second);
  for (const auto& one : endings_of(first))
    for (const auto& other : others)
      if (end_alike(*one.example, *other.example))
        same = same | (one.addresses & other.addresses);
  return same;
}

/// Source ports are cut: then an address alone does not say what becomes of it.
bool cuts_ports(const Branches& branches, const PacketClass& whole) {
  return std::ranges::any_of(
      branches, [&](const Branch& branch) { return !(branch.packet.ports == whole.ports); });
}

void move_part(Branches& from, const IntervalSet& addresses, Branches& to) {
  for (auto& branch : from) {
    const IntervalSet part = branch.packet.addresses & addresses;
    if (part.empty())
      continue;
    Branch copy = branch;
    copy.packet.addresses = part;
    to.push_back(std::move(copy));
  }
}

IntervalSet all_of(const Branches& branches) {
  IntervalSet all;
  for (const auto& branch : branches)
    all = all | branch.packet.addresses;
  return all;
}

} // namespace

bool acts(const PacketClass& before, const Branch& result) {
  return result.verdict != HookVerdict::accept || !same_packet(before, result.packet) ||
         before.conditions != result.packet.conditions ||
         before.assumptions != result.packet.assumptions;
}

Branches join_orders(const PacketClass& whole, OrderedRun first, OrderedRun second) {
  const bool by_port = cuts_ports(first.branches, whole) || cuts_ports(second.branches, whole);
  const auto both_alike = [](const Branch& one, const Branch& other) {
    return end_alike(one, other) && one.packet.addresses == other.packet.addresses &&
           one.packet.ports == other.packet.ports;
  };
  if (by_port && std::ranges::equal(first.branches, second.branches, both_alike))
    return std::move(first.branches);
  const IntervalSet missing = whole.addresses - all_of(second.branches);
  const IntervalSet same =
      by_port ? missing : missing | same_in_both(first.branches, second.branches);
  if (same.contains(whole.addresses))
    return std::move(first.branches);
  Branches joined;
  move_part(first.branches, same, joined);
  const IntervalSet differ = whole.addresses - same;
  for (auto* run : {&first, &second}) {
    const auto begin = static_cast<std::ptrdiff_t>(joined.size());
    move_part(run->branches, differ, joined);
    for (auto branch = joined.begin() + begin; branch != joined.end(); ++branch)
      branch->packet.conditions.push_back(run->condition);
  }
  return joined;
}

} // namespace synfate
