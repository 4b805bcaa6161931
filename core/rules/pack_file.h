// Pack files on disk: which there are, whether they may be trusted, and their text.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "core/rules/diagnostic.h"
#include "core/rules/loader.h"

namespace synfate::rules {

/// The file itself, or the *.toml of a folder in the order of their names.
std::vector<std::filesystem::path> pack_files(const std::filesystem::path& path, Errors& errors);

/// Whether others than root could change what is at `path`: then an error with the command that
/// mends it is added.
bool is_unsafe(const std::filesystem::path& path, const WritersOf& writers_of, Errors& errors);

} // namespace synfate::rules
