// Who may change a file that decides what this program runs.
#pragma once

#include <optional>
#include <string>

#include "core/plugin/system.h"

namespace synfate {

/// Refuses a file or directory that somebody else could write: its owner must be root or this user,
/// and neither group nor others may write. `program` widens that for files that come with the
/// program: what its own owner and mode allow is allowed, since they could change the program
/// itself. The hint is the exact command that mends it.
Status check_trust(System& system, const std::string& path,
                   const std::optional<FileOwner>& program = std::nullopt);

/// `path` as one word of a POSIX shell.
std::string shell_word(const std::string& path);

} // namespace synfate
