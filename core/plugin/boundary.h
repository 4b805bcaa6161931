// The host's side of the C boundary in abi.h: calls a plugin's functions and turns what it pushes
// into cells. Nothing a plugin hands over is trusted: sizes, types and pointers are looked at
// before they are used.
#pragma once

#include "core/plugin/abi.h"
#include "core/plugin/collector.h"

namespace synfate {

/// What an entry returned, checked against the manifest: ABI version, required functions, id.
Result<const synfate_plugin_description*> describe_plugin(synfate_plugin_entry entry,
                                                          const Manifest& manifest);

/// A plugin that is loaded and was created; destroys it at the end.
class PluginInstance {
public:
  PluginInstance(const synfate_plugin_description& description, const Manifest& manifest);
  ~PluginInstance();
  PluginInstance(const PluginInstance&) = delete;
  PluginInstance& operator=(const PluginInstance&) = delete;

  /// Calls the plugin's collect. An error if it says that it failed as a whole.
  Status collect(const Request& request, std::int64_t netns, RowReceiver& rows);

private:
  const synfate_plugin_description& description_;
  const Manifest& manifest_;
  void* self_ = nullptr;
};

} // namespace synfate
