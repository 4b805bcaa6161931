// Layers of packs: built in, the system's, the site's, those of the command line. Later files add
// rules, change single fields of earlier ones, and waive findings.
//
// Tested by tests/unit/core/rules/loader_test.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/rules/diagnostic.h"
#include "core/rules/pack.h"

namespace synfate::rules {

struct Loaded {
  RuleSet rules;                 ///< usable only without errors
  std::vector<PackError> errors; ///< all of all files
};

/// Loads packs on top of `base`, which is sound. Files that are no TOML are reported and skipped.
Loaded load_packs(const std::vector<std::shared_ptr<const SourceFile>>& files, const Schema& schema,
                  RuleSet base = {});

/// Who can change a file.
struct Writers {
  std::int64_t owner = 0; ///< uid
  bool others = false;    ///< its group, or everybody
};
/// Nothing if it cannot be told: reading the file will say what is wrong.
using WritersOf = std::function<std::optional<Writers>(const std::filesystem::path&)>;

struct LayerOptions {
  bool builtin = true;
  std::filesystem::path root = "/";         ///< in front of the two standard folders
  std::vector<std::filesystem::path> rules; ///< of --rules: files or folders
  /// We are root, and refuse what others could write; empty: we are not.
  WritersOf writers_of = {};
};

/// Built-in rules, /usr/share/synfate/rules, /etc/synfate/rules.d, then `rules`. A folder means its
/// *.toml in the order of names.
Loaded load_layers(const Schema& schema, const LayerOptions& options);

/// Reads pack files for load_packs; what cannot be read, or is not safe to, becomes an error.
std::vector<std::shared_ptr<const SourceFile>>
read_pack_files(const std::vector<std::filesystem::path>& paths, const WritersOf& writers_of,
                Errors& errors);

} // namespace synfate::rules
