// Follows a path as the kernel does, step by step, and tells what each file on the way is.
//
// fs/namei.c: link_path_walk(), step_into(), pick_link(), Linux 6.12: names are looked up one by
// one, links are followed with at most 40 in all, "/" of a link begins at the root again, ".." at
// the root stays there. Every file is opened with O_PATH | O_NOFOLLOW, which reads and changes
// nothing. Below /proc/PID/root the mounts of that process are seen. A directory comes once for
// each time something is looked up in it. Tested by
// tests/unit/platform/linux/files/path_steps_test.cpp.
#pragma once

#include <string>

#include "platform/linux/delivery.h"
#include "platform/linux/files/tables.h"

namespace synfate {

/// What to follow.
struct PathQuestion {
  std::string path;      ///< from the root
  Int root_pid = 0;      ///< below this process's root directory; 0: the tool's own
  std::string host_root; ///< before /proc
};

/// Gives a row per step; what cannot be looked at is a row with unknown cells, and a gap.
void read_path_steps(const PathQuestion& question, const Delivery<PathStepFacts>& receiver);

} // namespace synfate
