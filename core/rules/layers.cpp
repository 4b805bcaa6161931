#include "core/rules/builtin.h"
#include "core/rules/loader.h"

namespace synfate::rules {

Loaded load_layers(const Schema& schema, const LayerOptions& options) {
  Errors errors;
  std::vector<std::filesystem::path> paths = options.rules;
  const auto standard = [&](std::string_view folder) {
    const auto path = options.root / std::filesystem::path(folder).relative_path();
    std::error_code ignored; // a folder that is not there holds no packs
    if (std::filesystem::is_directory(path, ignored))
      paths.insert(paths.end() - static_cast<std::ptrdiff_t>(options.rules.size()), path);
  };
  standard("/usr/share/synfate/rules");
  standard("/etc/synfate/rules.d");
  const auto files = read_pack_files(paths, options.writers_of, errors);
  RuleSet base = options.builtin ? builtin_rules() : RuleSet{};
  if (files.empty())
    return {std::move(base), errors.take()};
  Loaded loaded = load_packs(files, schema, std::move(base));
  auto unread = errors.take();
  loaded.errors.insert(loaded.errors.begin(), unread.begin(), unread.end());
  return loaded;
}

} // namespace synfate::rules
