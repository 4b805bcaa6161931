// Reads one table of a pack by its section's description: unknown keys, missing keys and wrong
// types are reported once, here; what is left fits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "core/rules/diagnostic.h"
#include "core/rules/keys.h"
#include "core/rules/source.h"

namespace synfate::rules {

/// The file being read, and where its errors go.
struct Reading {
  std::shared_ptr<const SourceFile> file;
  Errors& errors;

  PackError& error(Place place, std::string_view code, std::string message,
                   std::string suggestion = {}) const {
    return errors.add(*file, place, code, std::move(message), std::move(suggestion));
  }
};

Place place_of(const toml::node& node);
Place place_of(const toml::key& key);

/// The keys of a table in the order they were written.
std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table);

class TableReader {
public:
  /// Checks the table against the section at once. `at` stands for tables without a place.
  TableReader(const Reading& reading, const toml::table& table, const Section& section, Place at);

  Place place() const { return place_; }
  const Reading& reading() const { return reading_; }

  std::optional<Words> words(std::string_view key) const;
  Words words_or_empty(std::string_view key) const { return words(key).value_or(Words{}); }
  std::string text(std::string_view key) const { return words_or_empty(key).text; }
  std::vector<Words> words_list(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  const toml::table* table(std::string_view key) const;
  /// A reader for the table under `key`, if it is there.
  std::optional<TableReader> sub_table(std::string_view key) const;
  /// A reader for each table of the list under `key`.
  std::vector<TableReader> sub_tables(std::string_view key) const;
  const toml::node* node(std::string_view key) const;
  /// Where the key's value stands; the table's place if it is missing.
  Place place_of_value(std::string_view key) const;

  /// A word of a closed list, with a did-you-mean for others.
  template <typename T>
  std::optional<T> word(std::string_view key, std::optional<T> (*read)(std::string_view),
                        std::span<const std::string> known) const {
    const auto written = words(key);
    return written ? word(*written, read, known) : std::nullopt;
  }
  template <typename T>
  std::vector<T> word_list(std::string_view key, std::optional<T> (*read)(std::string_view),
                           std::span<const std::string> known) const {
    std::vector<T> found;
    for (const auto& written : words_list(key))
      if (auto value = word(written, read, known))
        found.push_back(*value);
    return found;
  }

private:
  template <typename T>
  std::optional<T> word(const Words& written, std::optional<T> (*read)(std::string_view),
                        std::span<const std::string> known) const {
    auto value = read(written.text);
    if (!value)
      refuse(written, known);
    return value;
  }
  void refuse(const Words& written, std::span<const std::string> known) const;
  void check(const Section& section);
  bool check_value(const KeySpec& spec, const toml::node& node) const;
  Words words_of(const toml::node& node) const;

  Reading reading_;
  const toml::table* table_;
  const Section* section_;
  Place place_;
  std::vector<std::string_view> bad_; ///< keys that were reported and count as missing
};

std::vector<std::string> key_names(const Section& section);

} // namespace synfate::rules
