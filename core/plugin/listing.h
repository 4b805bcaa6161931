// `synfate plugins list` and `plugins check`, as text and as JSON.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/plugin/loader.h"

namespace synfate {

/// A table for a terminal; problems follow below it.
std::string render_plugins_text(std::span<const PluginInfo> plugins);

/// {"schema": "synfate.plugins/1", "plugins": [...]}
nlohmann::ordered_json render_plugins_json(std::span<const PluginInfo> plugins);

} // namespace synfate
