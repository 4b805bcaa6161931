// Finds plugins, decides which of them may run, and says what is wrong with the others.
//
// A plugin is a directory DIR/<id> with manifest.toml and either plugin.so or the program that the
// manifest names. Nothing of it is run before the manifest is read and the files' owners are looked
// at: whoever may write a plugin decides what runs with our privileges. A plugin that is refused
// costs its own facts only: it stays in the list with its problem, and a request for one of its
// tables is answered with the gap plugin.<id>. Tested by tests/unit/core/plugin/loader_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/plugin/abi.h"
#include "core/plugin/collector.h"
#include "core/plugin/system.h"

namespace synfate {

struct PluginDirectory {
  std::string path;
  Origin origin = Origin::site;
};

/// A plugin that is linked into the program, with the text of its manifest.
struct LinkedPlugin {
  synfate_plugin_entry entry = nullptr;
  std::string_view manifest;
};

/// Makes the collector of a plugin that must not run in this process. `file` is its library or
/// program.
using WorkerFactory =
    std::function<std::unique_ptr<Collector>(Manifest manifest, const std::string& file)>;

struct LoadOptions {
  std::string platform = "linux";
  std::string program;  ///< path of the running program; its owner may own built-in plugins
  WorkerFactory worker; ///< none: plugins that are not ours are refused
};

enum class PluginHealth : std::uint8_t {
  unchecked,      ///< accepted, its code was not loaded yet
  healthy,        ///< loaded, and the entry agrees with the manifest
  refused,        ///< see problem
  other_platform, ///< not for this operating system
};
std::string_view to_string(PluginHealth health);

/// One line of `plugins list`.
struct PluginInfo {
  std::string id{};      ///< of the directory if the manifest cannot be read
  std::string version{}; ///< may be empty
  std::string title{};
  std::string path{}; ///< its directory; empty if linked
  Origin origin = Origin::site;
  std::int64_t abi = 0;
  bool executable = false;
  std::vector<std::string> tables{};
  std::vector<Privilege> privileges{};
  PluginHealth health = PluginHealth::unchecked;
  std::optional<Error> problem{};
};

struct LoadedPlugins {
  std::vector<std::unique_ptr<Collector>> collectors;
  std::vector<PluginInfo> plugins; ///< accepted and refused ones
  std::vector<Gap> gaps;           ///< one for each that was refused
};

/// Looks through the directories and adds the accepted plugins' own tables to the schema. An error
/// only if a directory cannot be read at all.
Result<LoadedPlugins> load_plugins(std::span<const PluginDirectory> directories,
                                   std::span<const LinkedPlugin> linked, Schema& schema,
                                   System& system, const LoadOptions& options);

/// Loads the code of every accepted plugin and fills in its health: `plugins check`.
void check_plugins(std::span<const std::unique_ptr<Collector>> collectors, LoadedPlugins& loaded);

/// Where this program's own plugins are: lib/synfate/plugins beside the program (build tree) or
/// beside its directory (installed). Nothing if neither exists.
std::optional<std::string> built_in_plugin_directory(const std::string& program);

} // namespace synfate
