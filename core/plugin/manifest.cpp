#include "core/plugin/manifest.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "core/base/text.h"

namespace synfate {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 6> top_keys{"plugin", "platforms",  "privileges",
                                                   "table",  "parameters", "limits"};
constexpr std::array<std::string_view, 6> plugin_keys{"id",    "version",    "abi",
                                                      "title", "executable", "parallel"};
constexpr std::array<std::string_view, 2> privilege_keys{"capability", "why"};
constexpr std::array<std::string_view, 3> table_keys{"name", "meaning", "column"};
constexpr std::array<std::string_view, 6> column_keys{"name",    "type",      "unit",
                                                      "meaning", "refers_to", "key"};
constexpr std::array<std::string_view, 2> limit_keys{"seconds", "memory_mib"};
constexpr std::array<std::string_view, 2> platform_names{"linux", "windows"};
constexpr std::array<std::string_view, 6> type_names{"int",  "double", "string",
                                                     "bool", "ip",     "bytes"};

std::string did_you_mean(std::string_view word, Words words) {
  const std::vector<std::string> candidates(words.begin(), words.end());
  const std::string best = nearest_word(word, candidates).value_or("");
  return best.empty() ? best : fmt::format("Did you mean '{}'?", best);
}

bool is_lower(char letter) {
  return letter >= 'a' && letter <= 'z';
}
bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// Lower-case letters, digits and `joint`, beginning with a letter.
bool is_name(std::string_view text, char joint) {
  return !text.empty() && is_lower(text.front()) && std::ranges::all_of(text, [&](char letter) {
    return is_lower(letter) || is_digit(letter) || letter == joint;
  });
}

std::string place(const std::string& path, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", path, source.begin.line, source.begin.column);
}

/// Walks the parsed TOML; keeps the first error and goes on, so that no step needs to stop.
class ManifestReader {
public:
  ManifestReader(std::string path, const toml::table& root) : root_(root) {
    manifest_.path = std::move(path);
  }

  Result<Manifest> read() {
    allow_only(root_, top_keys, "the manifest");
    read_plugin();
    read_platforms();
    read_privileges();
    for (const auto* table : tables_at(root_, "table"))
      read_table(*table);
    read_parameters();
    read_limits();
    if (manifest_.tables.empty())
      fail(root_, "it declares no [[table]]", "A plugin fills at least one table.");
    if (error_)
      return *error_;
    return std::move(manifest_);
  }

private:
  void fail(const toml::node& node, std::string detail, std::string hint = {}) {
    if (error_)
      return;
    error_ = Error{.code = ErrorCode::invalid_input,
                   .doing = "reading a plugin's manifest",
                   .where = place(manifest_.path, node.source()),
                   .detail = std::move(detail),
                   .hint = std::move(hint)};
  }

  void allow_only(const toml::table& table, Words keys, std::string_view owner) {
    for (const auto& [key, node] : table)
      if (std::ranges::find(keys, key.str()) == keys.end())
        fail_at(key, fmt::format("unknown key '{}' in {}", key.str(), owner),
                did_you_mean(key.str(), keys));
  }
  void fail_at(const toml::key& key, std::string detail, std::string hint) {
    if (error_)
      return;
    error_ = Error{.code = ErrorCode::invalid_input,
                   .doing = "reading a plugin's manifest",
                   .where = place(manifest_.path, key.source()),
                   .detail = std::move(detail),
                   .hint = std::move(hint)};
  }

  std::string text(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr)
      return {};
    if (const auto* value = node->as_string())
      return value->get();
    fail(*node, fmt::format("'{}' must be a string", key));
    return {};
  }
  std::string required_text(const toml::table& table, std::string_view key,
                            std::string_view owner) {
    std::string value = text(table, key);
    if (value.empty())
      fail(table.get(key) != nullptr ? *table.get(key) : table,
           fmt::format("'{}' is missing in {}", key, owner));
    return value;
  }
  std::optional<std::int64_t> integer(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr)
      return std::nullopt;
    if (const auto* value = node->as_integer())
      return value->get();
    fail(*node, fmt::format("'{}' must be an integer", key));
    return std::nullopt;
  }
  bool flag(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    if (node == nullptr)
      return false;
    if (const auto* value = node->as_boolean())
      return value->get();
    fail(*node, fmt::format("'{}' must be true or false", key));
    return false;
  }
  /// The tables of an array of tables.
  std::vector<const toml::table*> tables_at(const toml::table& parent, std::string_view key) {
    std::vector<const toml::table*> found;
    const toml::node* node = parent.get(key);
    if (node == nullptr)
      return found;
    const auto* array = node->as_array();
    if (array == nullptr) {
      fail(*node, fmt::format("'{}' must be an array of tables", key),
           fmt::format("Write [[{}]].", key));
      return found;
    }
    for (const auto& element : *array) {
      if (const auto* table = element.as_table())
        found.push_back(table);
      else
        fail(element, fmt::format("'{}' must hold tables only", key));
    }
    return found;
  }

  void read_plugin() {
    const toml::node* node = root_.get("plugin");
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    if (table == nullptr) {
      fail(node == nullptr ? static_cast<const toml::node&>(root_) : *node,
           "there is no table [plugin]");
      return;
    }
    allow_only(*table, plugin_keys, "[plugin]");
    manifest_.id = required_text(*table, "id", "[plugin]");
    if (!manifest_.id.empty() && !is_name(manifest_.id, '-'))
      fail(*table->get("id"), fmt::format("'{}' cannot be a plugin's id", manifest_.id),
           "Use lower-case letters, digits and dashes.");
    manifest_.version = required_text(*table, "version", "[plugin]");
    manifest_.title = text(*table, "title");
    manifest_.executable = text(*table, "executable");
    manifest_.parallel = flag(*table, "parallel");
    if (manifest_.executable.find('/') != std::string::npos || manifest_.executable == "..")
      fail(*table->get("executable"), "the executable must lie beside the manifest",
           "Give its file name only.");
    const auto abi = integer(*table, "abi");
    if (!abi)
      fail(*table, "'abi' is missing in [plugin]");
    manifest_.abi = abi.value_or(0);
  }

  void read_platforms() {
    const toml::node* node = root_.get("platforms");
    if (node == nullptr)
      return;
    const auto* array = node->as_array();
    if (array == nullptr)
      return fail(*node, "'platforms' must be an array of strings");
    for (const auto& element : *array) {
      const auto* name = element.as_string();
      if (name == nullptr)
        return fail(element, "'platforms' must hold strings only");
      if (std::ranges::find(platform_names, std::string_view(name->get())) == platform_names.end())
        return fail(element, fmt::format("there is no platform '{}'", name->get()),
                    did_you_mean(name->get(), platform_names));
      manifest_.platforms.push_back(name->get());
    }
  }

  void read_privileges() {
    for (const auto* table : tables_at(root_, "privileges")) {
      allow_only(*table, privilege_keys, "[[privileges]]");
      manifest_.privileges.push_back({required_text(*table, "capability", "[[privileges]]"),
                                      required_text(*table, "why", "[[privileges]]")});
    }
  }

  void read_table(const toml::table& table) {
    allow_only(table, table_keys, "[[table]]");
    ManifestTable entry;
    entry.where = place(manifest_.path, table.source());
    entry.spec.name = required_text(table, "name", "[[table]]");
    if (!entry.spec.name.empty() && !is_name(entry.spec.name, '_'))
      fail(*table.get("name"), fmt::format("'{}' cannot be a table's name", entry.spec.name),
           "Use lower-case letters, digits and underscores.");
    if (manifest_.provides(entry.spec.name))
      fail(table, fmt::format("the table '{}' is declared twice", entry.spec.name));
    entry.spec.meaning = text(table, "meaning");
    for (const auto* column : tables_at(table, "column"))
      read_column(*column, entry.spec);
    entry.own = !entry.spec.columns.empty();
    manifest_.tables.push_back(std::move(entry));
  }

  void read_column(const toml::table& table, TableSpec& spec) {
    allow_only(table, column_keys, "[[table.column]]");
    ColumnSpec column;
    column.name = required_text(table, "name", "[[table.column]]");
    if (!column.name.empty() && !is_name(column.name, '_'))
      fail(*table.get("name"), fmt::format("'{}' cannot be a column's name", column.name),
           "Use lower-case letters, digits and underscores.");
    if (spec.column(column.name))
      fail(table, fmt::format("the column '{}' is declared twice", column.name));
    const auto type_name = required_text(table, "type", "[[table.column]]");
    const auto type = column_type_from(type_name);
    if (!type && !type_name.empty())
      fail(*table.get("type"), fmt::format("there is no column type '{}'", type_name),
           type_hint(type_name));
    column.type = type.value_or(ColumnType::text);
    column.unit = text(table, "unit");
    column.meaning = text(table, "meaning");
    column.refers_to = text(table, "refers_to");
    column.key = flag(table, "key");
    spec.columns.push_back(std::move(column));
  }

  static std::string type_hint(std::string_view name) {
    std::string hint = did_you_mean(name, type_names);
    return hint.empty() ? "Types are int, double, string, bool, ip and bytes." : hint;
  }

  void read_parameters() {
    const toml::node* node = root_.get("parameters");
    if (node == nullptr)
      return;
    const auto* table = node->as_table();
    if (table == nullptr)
      return fail(*node, "'parameters' must be a table");
    for (const auto& [key, value] : *table)
      read_parameter(std::string(key.str()), value);
  }
  void read_parameter(std::string name, const toml::node& node) {
    if (const auto* word = node.as_string())
      manifest_.parameters.emplace(std::move(name), word->get());
    else if (const auto* number = node.as_integer())
      manifest_.parameters.emplace(std::move(name), std::to_string(number->get()));
    else if (const auto* truth = node.as_boolean())
      manifest_.parameters.emplace(std::move(name), truth->get() ? "true" : "false");
    else
      fail(node, fmt::format("the parameter '{}' must be a string, an integer or a boolean", name));
  }

  void read_limits() {
    const toml::node* node = root_.get("limits");
    if (node == nullptr)
      return;
    const auto* table = node->as_table();
    if (table == nullptr)
      return fail(*node, "'limits' must be a table");
    allow_only(*table, limit_keys, "[limits]");
    read_limit(*table, "seconds", manifest_.limit_seconds, 3600);
    read_limit(*table, "memory_mib", manifest_.limit_memory_mib, 1 << 20);
  }
  void read_limit(const toml::table& table, std::string_view key, std::int64_t& limit,
                  std::int64_t most) {
    const auto value = integer(table, key);
    if (!value)
      return;
    if (*value < 1 || *value > most)
      fail(*table.get(key), fmt::format("'{}' must be between 1 and {}", key, most));
    limit = *value;
  }

  const toml::table& root_;
  Manifest manifest_;
  std::optional<Error> error_;
};

Error unknown_table(const ManifestTable& table, const Schema& schema) {
  std::vector<std::string_view> names;
  for (const auto& [name, spec] : schema.tables())
    names.push_back(name);
  std::string hint = did_you_mean(table.spec.name, names);
  if (hint.empty())
    hint = "Describe its columns with [[table.column]].";
  return {.code = ErrorCode::invalid_input,
          .doing = "reading a plugin's manifest",
          .where = table.where,
          .detail = fmt::format("the table '{}' has no columns and is none of synfate's own",
                                table.spec.name),
          .hint = std::move(hint)};
}

} // namespace

bool Manifest::provides(std::string_view table) const {
  return std::ranges::any_of(tables,
                             [&](const ManifestTable& entry) { return entry.spec.name == table; });
}

bool Manifest::runs_on(std::string_view platform) const {
  return platforms.empty() || std::ranges::find(platforms, platform) != platforms.end();
}

Result<Manifest> parse_manifest(std::string_view text, const std::string& path) {
  try {
    const toml::table root = toml::parse(text, std::string_view(path));
    return ManifestReader(path, root).read();
  } catch (const toml::parse_error& error) {
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading a plugin's manifest",
                 .where = place(path, error.source()),
                 .detail = std::string(error.description())};
  }
}

namespace {

Status resolve(ManifestTable& table, Schema& schema, std::vector<std::string>& added) {
  if (!table.own) {
    const TableSpec* known = schema.find(table.spec.name);
    if (known == nullptr)
      return unknown_table(table, schema);
    table.spec = *known;
    return Done{};
  }
  const bool is_new = schema.find(table.spec.name) == nullptr;
  if (Status status = schema.add(table.spec); !status) {
    Error error = std::move(status).error();
    error.where = table.where + ": " + error.where;
    return error;
  }
  if (is_new)
    added.push_back(table.spec.name);
  return Done{};
}

} // namespace

Status resolve_tables(Manifest& manifest, Schema& schema) {
  std::vector<std::string> added;
  for (auto& table : manifest.tables)
    if (Status resolved = resolve(table, schema, added); !resolved) {
      for (const auto& name : added)
        schema.remove(name);
      return resolved;
    }
  return Done{};
}

} // namespace synfate
