// Child processes for plugins that are not ours: the implementation of core/plugin/worker.h.
//
// The child begins in the calling thread's network namespace (setns(2) works per thread, and a fork
// inherits it), leads a session of its own so that it can be killed with everything it started, has
// no descriptors but its three pipes, a small fixed environment, a limit on its address space, no
// core dumps, and dies with its parent (PR_SET_PDEATHSIG). Tested by
// tests/unit/core/plugin/worker_test.cpp.
#pragma once

#include <memory>

#include "core/plugin/worker.h"

namespace synfate {

std::unique_ptr<WorkerLauncher> make_worker_launcher();

} // namespace synfate
