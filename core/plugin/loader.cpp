#include "core/plugin/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "core/plugin/in_process.h"
#include "core/plugin/trust.h"

namespace synfate {
namespace {

namespace fs = std::filesystem;

constexpr const char* manifest_name = "manifest.toml";
constexpr const char* library_name = "plugin.so";
constexpr std::uintmax_t largest_manifest = 1 << 20;

/// Stands for a plugin that may not run: its tables are answered with the reason.
class RefusedCollector final : public Collector {
public:
  RefusedCollector(Manifest manifest, Origin origin, Error problem)
      : manifest_(std::move(manifest)), origin_(origin), problem_(std::move(problem)) {}

  const Manifest& manifest() const override { return manifest_; }
  Origin origin() const override { return origin_; }
  Status check() override { return problem_; }
  Status collect(const Request&, std::int64_t, RowReceiver&) override { return problem_; }

private:
  Manifest manifest_;
  Origin origin_;
  Error problem_;
};

Error plugin_error(ErrorCode code, std::string where, std::string detail, std::string hint = {}) {
  return {.code = code,
          .doing = "loading a plugin",
          .where = std::move(where),
          .detail = std::move(detail),
          .hint = std::move(hint)};
}

Gap refusal_gap(const PluginInfo& plugin) {
  Error without_hint = *plugin.problem;
  without_hint.hint.clear();
  return {"plugin." + plugin.id, "facts of the plugin " + plugin.id, to_string(without_hint),
          "what depends on its tables cannot be told",
          plugin.problem->hint.empty() ? "look at `synfate plugins check`" : plugin.problem->hint};
}

Result<std::string> read_manifest_text(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  if (code)
    return Error{.code = code == std::errc::no_such_file_or_directory ? ErrorCode::not_found
                                                                      : ErrorCode::system,
                 .doing = "reading a plugin's manifest",
                 .where = path.string(),
                 .os_error = code.value()};
  if (size > largest_manifest)
    return plugin_error(ErrorCode::invalid_input, path.string(), "the manifest is over 1 MiB");
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file)
    return plugin_error(ErrorCode::denied, path.string(), "the manifest cannot be read");
  return text;
}

void describe(PluginInfo& info, const Manifest& manifest) {
  info.id = manifest.id;
  info.version = manifest.version;
  info.title = manifest.title;
  info.abi = manifest.abi;
  info.executable = !manifest.executable.empty();
  info.privileges = manifest.privileges;
  for (const auto& table : manifest.tables)
    info.tables.push_back(table.spec.name);
}

class Loader {
public:
  Loader(Schema& schema, System& system, const LoadOptions& options)
      : schema_(schema), system_(system), options_(options) {
    if (auto owner = system.file_owner(options.program))
      program_ = *owner;
  }

  void add_linked(const LinkedPlugin& plugin) {
    PluginInfo info{.origin = Origin::linked};
    auto manifest = parse_manifest(plugin.manifest, "(linked)");
    if (!manifest)
      return refuse(std::move(info), manifest.error());
    describe(info, *manifest);
    accept(std::move(info), std::move(*manifest),
           [&](Manifest accepted) { return linked_collector(std::move(accepted), plugin.entry); });
  }

  Status add_directory(const PluginDirectory& directory) {
    if (fs::exists(fs::path(directory.path) / manifest_name)) {
      add_plugin(directory.path, directory.origin);
      return Done{};
    }
    SYNFATE_TRY(entries, list(directory.path));
    const Status trust = trusted(directory.path, directory.origin);
    for (const auto& entry : entries)
      add_entry(entry, directory.origin, trust);
    return Done{};
  }

  LoadedPlugins take() { return std::move(loaded_); }

private:
  static Result<std::vector<fs::path>> list(const std::string& directory) {
    std::vector<fs::path> entries;
    std::error_code code;
    for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
      entries.push_back(at->path());
    if (code)
      return Error{.code = ErrorCode::invalid_input,
                   .doing = "looking for plugins",
                   .where = directory,
                   .os_error = code.value(),
                   .hint = "--plugins takes a directory that holds one directory per plugin."};
    std::ranges::sort(entries);
    return entries;
  }

  void add_entry(const fs::path& entry, Origin origin, const Status& trust) {
    std::error_code code;
    const bool directory = fs::is_directory(entry, code);
    if (directory &&
        (fs::exists(entry / manifest_name, code) || fs::exists(entry / library_name, code)))
      return add_plugin(entry, origin, trust);
    if (directory || entry.extension() != ".so")
      return;
    refuse({.id = entry.stem().string(), .path = entry.string(), .origin = origin},
           plugin_error(ErrorCode::invalid_input, entry.string(),
                        "a library without a manifest is no plugin",
                        fmt::format("Put it into {}/<id>/{} with a {} beside it.",
                                    entry.parent_path().string(), library_name, manifest_name)));
  }

  void add_plugin(const fs::path& directory, Origin origin, const Status& trust = Done{}) {
    PluginInfo info{
        .id = directory.filename().string(), .path = directory.string(), .origin = origin};
    auto text = read_manifest_text(directory / manifest_name);
    if (!text)
      return refuse(std::move(info), text.error());
    auto manifest = parse_manifest(*text, (directory / manifest_name).string());
    if (!manifest)
      return refuse(std::move(info), manifest.error());
    describe(info, *manifest);
    if (!manifest->runs_on(options_.platform)) {
      info.health = PluginHealth::other_platform;
      loaded_.plugins.push_back(std::move(info));
      return;
    }
    const fs::path file = directory / (info.executable ? manifest->executable : library_name);
    const Status may_run = trust ? check_files(directory, file, origin) : trust;
    if (!may_run)
      return refuse(std::move(info), may_run.error(), std::move(*manifest));
    accept(std::move(info), std::move(*manifest), [&](Manifest accepted) {
      return collector_for(std::move(accepted), file.string(), origin);
    });
  }

  Status check_files(const fs::path& directory, const fs::path& file, Origin origin) {
    std::error_code code;
    if (!fs::is_regular_file(file, code))
      return plugin_error(ErrorCode::not_found, file.string(), "there is no such file",
                          "A plugin is a library plugin.so beside its manifest, or the program "
                          "that `executable` in [plugin] names.");
    for (const auto& path : {directory, directory / manifest_name, file}) {
      Status trust = trusted(path.string(), origin);
      if (!trust)
        return trust;
    }
    return Done{};
  }

  Status trusted(const std::string& path, Origin origin) {
    return check_trust(system_, path, origin == Origin::built_in ? program_ : std::nullopt);
  }

  std::unique_ptr<Collector> collector_for(Manifest manifest, const std::string& file,
                                           Origin origin) {
    if (origin == Origin::built_in && manifest.executable.empty())
      return library_collector(std::move(manifest), file, origin);
    if (options_.worker)
      return options_.worker(std::move(manifest), file);
    return nullptr;
  }

  /// What only shows beside the other plugins: ids and tables that are taken, unknown tables.
  Status fits_in(const PluginInfo& info, Manifest& manifest) {
    for (const auto& other : loaded_.collectors) {
      if (other->manifest().id == info.id)
        return plugin_error(
            ErrorCode::invalid_input, info.path,
            fmt::format("a plugin '{}' is already loaded from {}", info.id, other->manifest().path),
            "Remove one of them.");
      for (const auto& table : manifest.tables)
        if (info.origin == Origin::site && other->manifest().provides(table.spec.name))
          return plugin_error(ErrorCode::invalid_input, table.where,
                              fmt::format("the plugin {} already provides the table '{}'",
                                          other->manifest().id, table.spec.name),
                              "Give the table a name with a prefix of your own.");
    }
    if (manifest.abi != SYNFATE_ABI_VERSION)
      return plugin_error(ErrorCode::unsupported, manifest.path,
                          fmt::format("the manifest asks for ABI version {}, this program speaks "
                                      "version {}",
                                      manifest.abi, SYNFATE_ABI_VERSION),
                          "Install a version of the plugin that fits this program.");
    return resolve_tables(manifest, schema_);
  }

  template <typename Make> void accept(PluginInfo info, Manifest manifest, Make make) {
    const Status fits = fits_in(info, manifest);
    if (!fits)
      return refuse(std::move(info), fits.error(), std::move(manifest));
    Manifest copy = manifest;
    auto collector = make(std::move(manifest));
    if (!collector)
      return refuse(std::move(info),
                    plugin_error(ErrorCode::unsupported, info.path,
                                 "this program cannot run plugins that are not its own"),
                    std::move(copy));
    loaded_.collectors.push_back(std::move(collector));
    loaded_.plugins.push_back(std::move(info));
  }

  void refuse(PluginInfo info, Error problem, std::optional<Manifest> manifest = std::nullopt) {
    info.health = PluginHealth::refused;
    info.problem = std::move(problem);
    loaded_.gaps.push_back(refusal_gap(info));
    // A refused site plugin must not take the place of one that works: only our own answer for
    // their tables.
    if (manifest && info.origin != Origin::site)
      loaded_.collectors.push_back(
          std::make_unique<RefusedCollector>(std::move(*manifest), info.origin, *info.problem));
    loaded_.plugins.push_back(std::move(info));
  }

  Schema& schema_;
  System& system_;
  const LoadOptions& options_;
  std::optional<FileOwner> program_;
  LoadedPlugins loaded_;
};

} // namespace

std::string_view to_string(PluginHealth health) {
  switch (health) {
  case PluginHealth::unchecked:
    return "unchecked";
  case PluginHealth::healthy:
    return "healthy";
  case PluginHealth::refused:
    return "refused";
  case PluginHealth::other_platform:
    return "other platform";
  }
  return "";
}

Result<LoadedPlugins> load_plugins(std::span<const PluginDirectory> directories,
                                   std::span<const LinkedPlugin> linked, Schema& schema,
                                   System& system, const LoadOptions& options) {
  Loader loader(schema, system, options);
  for (const auto& plugin : linked)
    loader.add_linked(plugin);
  for (const auto& directory : directories) {
    SYNFATE_TRY(added, loader.add_directory(directory));
    static_cast<void>(added);
  }
  return loader.take();
}

void check_plugins(std::span<const std::unique_ptr<Collector>> collectors, LoadedPlugins& loaded) {
  for (auto& info : loaded.plugins) {
    if (info.health != PluginHealth::unchecked)
      continue;
    const auto at = std::ranges::find_if(
        collectors, [&](const auto& collector) { return collector->manifest().id == info.id; });
    if (at == collectors.end())
      continue;
    const Status status = (*at)->check();
    info.health = status ? PluginHealth::healthy : PluginHealth::refused;
    if (status)
      continue;
    info.problem = status.error();
    loaded.gaps.push_back(refusal_gap(info));
  }
}

std::optional<std::string> built_in_plugin_directory(const std::string& program) {
  const fs::path directory = fs::path(program).parent_path();
  for (const auto& base : {directory, directory / ".."}) {
    std::error_code code;
    const auto path = fs::weakly_canonical(base / "lib/synfate/plugins", code);
    if (!code && fs::is_directory(path, code))
      return path.string();
  }
  return std::nullopt;
}

} // namespace synfate
