#include "platform/linux/netfilter/hook_memory.h"

#include <algorithm>

namespace synfate {
namespace {

constexpr std::size_t most_kept = 64;
/// A copy of many parts costs more than it saves.
constexpr std::size_t most_branches = 4;

bool same(const HookRequest& a, const HookRequest& b) {
  return a.hook == b.hook && a.family == b.family && a.netns == b.netns && a.packet == b.packet;
}

bool same(const HookOptions& a, const HookOptions& b) {
  return a.want_trace == b.want_trace && a.want_near_misses == b.want_near_misses &&
         a.most_branches == b.most_branches && a.lifted == b.lifted;
}

} // namespace

const Branches* HookMemory::find(const HookRequest& request, const HookOptions& options,
                                 const PacketClass& packet) const {
  const auto at = std::ranges::find_if(kept_, [&](const Kept& kept) {
    return same(kept.request, request) && same(kept.options, options) && kept.packet == packet;
  });
  return at == kept_.end() ? nullptr : &at->branches;
}

void HookMemory::keep(const HookRequest& request, const HookOptions& options,
                      const PacketClass& packet, const Branches& branches) {
  if (branches.size() > most_branches)
    return;
  if (kept_.size() == most_kept)
    kept_.pop_front();
  kept_.push_back({request, options, packet, branches});
}

} // namespace synfate
