#include "core/plugin/listing.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace synfate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 6> headings{"PLUGIN", "VERSION", "ABI",
                                                   "ORIGIN", "HEALTH",  "TABLES"};
using Line = std::array<std::string, headings.size()>;

Line line_of(const PluginInfo& plugin) {
  return {plugin.id,
          plugin.version.empty() ? "-" : plugin.version,
          plugin.version.empty() ? "-" : std::to_string(plugin.abi),
          std::string(to_string(plugin.origin)),
          std::string(to_string(plugin.health)),
          plugin.tables.empty() ? "-" : fmt::format("{}", fmt::join(plugin.tables, ", "))};
}

std::string aligned(const std::vector<Line>& lines) {
  std::array<std::size_t, headings.size()> widths{};
  for (const auto& line : lines)
    for (std::size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].size());
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t column = 0; column + 1 < line.size(); ++column)
      text += fmt::format("{:<{}}  ", line[column], widths[column]);
    text += line.back() + "\n";
  }
  return text;
}

Json problem_json(const PluginInfo& plugin) {
  if (!plugin.problem)
    return nullptr;
  Error what = *plugin.problem;
  what.hint.clear();
  return {{"what", to_string(what)}, {"remedy", plugin.problem->hint}};
}

Json plugin_json(const PluginInfo& plugin) {
  Json privileges = Json::array();
  for (const auto& privilege : plugin.privileges)
    privileges.push_back({{"capability", privilege.capability}, {"why", privilege.why}});
  return {{"id", plugin.id},
          {"version", plugin.version},
          {"title", plugin.title},
          {"path", plugin.path},
          {"origin", to_string(plugin.origin)},
          {"abi", plugin.abi},
          {"kind", plugin.executable ? "executable" : "library"},
          {"tables", plugin.tables},
          {"privileges", std::move(privileges)},
          {"health", to_string(plugin.health)},
          {"problem", problem_json(plugin)}};
}

} // namespace

std::string render_plugins_text(std::span<const PluginInfo> plugins) {
  std::vector<Line> lines(1);
  std::ranges::copy(headings, lines.front().begin());
  for (const auto& plugin : plugins)
    lines.push_back(line_of(plugin));
  std::string text = aligned(lines);
  for (const auto& plugin : plugins)
    if (plugin.problem)
      text += fmt::format("\n{}: {}\n", plugin.id, to_string(*plugin.problem));
  return text;
}

Json render_plugins_json(std::span<const PluginInfo> plugins) {
  Json list = Json::array();
  for (const auto& plugin : plugins)
    list.push_back(plugin_json(plugin));
  return {{"schema", "synfate.plugins/1"}, {"plugins", std::move(list)}};
}

} // namespace synfate
