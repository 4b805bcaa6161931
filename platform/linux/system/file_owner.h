// The owner and the write permissions of a file, for System::file_owner.
#pragma once

#include <string>

#include "core/plugin/system.h"

namespace synfate {

/// stat(2) of `path`; links are followed.
Result<FileOwner> read_file_owner(const std::string& path);

} // namespace synfate
