// A network namespace of our own for tests against the real kernel.
#pragma once

#include <functional>
#include <string>

namespace synfate {

/// Runs `test` on a thread in a new network namespace, which dies with it. False (and a warning in
/// the test's output) if this user may not make one. Exceptions of `test` are passed on.
bool in_private_netns(const std::function<void()>& test);

/// Runs one shell command in the namespace of the calling thread; true if it succeeded.
bool shell(const std::string& command);

} // namespace synfate
