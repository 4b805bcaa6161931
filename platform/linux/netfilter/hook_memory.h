// Hooks that were run before: a walk begins again each time it finds that facts are missing, and a
// packet that crosses twenty thousand rules need not cross them each time.
#pragma once

#include <deque>

#include "platform/linux/netfilter/hooks.h"

namespace synfate {

/// The answers of run_hook() for one snapshot. An answer is kept only if nothing was missing for
/// it: what it was derived from does not change then.
class HookMemory {
public:
  /// Null if the hook was not run for such a packet yet.
  const Branches* find(const HookRequest& request, const HookOptions& options,
                       const PacketClass& packet) const;
  void keep(const HookRequest& request, const HookOptions& options, const PacketClass& packet,
            const Branches& branches);

private:
  struct Kept {
    HookRequest request;
    HookOptions options;
    PacketClass packet;
    Branches branches;
  };
  std::deque<Kept> kept_; ///< the latest last
};

} // namespace synfate
