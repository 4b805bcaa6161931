#include "core/rules/toml_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/cel/suggest.h"

namespace synfate::rules {
namespace {

Place to_place(const toml::source_position& position) {
  return {static_cast<std::uint32_t>(position.line), static_cast<std::uint32_t>(position.column)};
}

bool all_strings(const toml::node& node) {
  const auto* list = node.as_array();
  return list != nullptr && std::all_of(list->begin(), list->end(), [](const toml::node& element) {
           return element.is_string();
         });
}

bool all_tables(const toml::node& node) {
  const auto* list = node.as_array();
  return list != nullptr && std::all_of(list->begin(), list->end(), [](const toml::node& element) {
           return element.is_table();
         });
}

bool is_kind(ValueKind kind, const toml::node& node) {
  using enum ValueKind;
  switch (kind) {
  case text:
  case condition:
  case expression:
  case message:
  case severity:
  case certainty:
  case stage:
  case expectation:
    return node.is_string();
  case texts:
  case expressions:
  case messages:
    return all_strings(node);
  case boolean:
    return node.is_boolean();
  case integer:
    return node.is_integer();
  case date:
    return node.is_date();
  case table:
  case names:
  case rows:
    return node.is_table();
  case tables:
    return all_tables(node);
  }
  return false;
}

std::string_view written_type(const toml::node& node) {
  switch (node.type()) {
  case toml::node_type::table:
    return "a table";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::string:
    return "a string";
  case toml::node_type::integer:
    return "an integer";
  case toml::node_type::floating_point:
    return "a number";
  case toml::node_type::boolean:
    return "true or false";
  case toml::node_type::date:
    return "a date";
  case toml::node_type::time:
    return "a time";
  case toml::node_type::date_time:
    return "a date and time";
  case toml::node_type::none:
    break;
  }
  return "nothing";
}

// The library places an inline table wrongly; its first key is near enough.
Place place_of_table(const toml::table& table, Place otherwise) {
  if (!table.is_inline())
    return table.source().begin.line == 0 ? otherwise : to_place(table.source().begin);
  const auto keys = in_order(table);
  return keys.empty() ? otherwise : place_of(*keys.front().first);
}

} // namespace

Place place_of(const toml::node& node) {
  return to_place(node.source().begin);
}

Place place_of(const toml::key& key) {
  return to_place(key.source().begin);
}

std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, node] : table)
    entries.emplace_back(&key, &node);
  std::ranges::stable_sort(entries, {}, [](const auto& entry) { return place_of(*entry.first); });
  return entries;
}

std::vector<std::string> key_names(const Section& section) {
  std::vector<std::string> names;
  for (const auto& key : section.keys)
    names.emplace_back(key.name);
  return names;
}

TableReader::TableReader(const Reading& reading, const toml::table& table, const Section& section,
                         Place at)
    : reading_(reading), table_(&table), section_(&section), place_(place_of_table(table, at)) {
  check(section);
}

void TableReader::check(const Section& section) {
  const auto names = key_names(section);
  for (const auto& [key, node] : in_order(*table_)) {
    const KeySpec* spec = section.find(key->str());
    if (spec == nullptr)
      reading_.error(place_of(*key), code::unknown_key,
                     fmt::format("unknown key '{}' in {}", key->str(), section.name),
                     cel::suggest(key->str(), names));
    else if (!check_value(*spec, *node))
      bad_.push_back(spec->name);
  }
  for (const auto& spec : section.keys)
    if (spec.required && !table_->contains(spec.name))
      reading_.error(place_, code::missing_key,
                     fmt::format("the key '{}' is missing: {}", spec.name, spec.meaning));
}

bool TableReader::check_value(const KeySpec& spec, const toml::node& node) const {
  if (is_kind(spec.kind, node))
    return true;
  const bool structured = node.is_table() || node.is_array();
  const Place at = structured ? place_of_value(spec.name) : place_of(node);
  reading_.error(
      at, code::wrong_type,
      fmt::format("'{}' must be {}, not {}", spec.name, describe(spec.kind), written_type(node)));
  return false;
}

const toml::node* TableReader::node(std::string_view key) const {
  if (std::ranges::find(bad_, key) != bad_.end())
    return nullptr;
  return table_->get(key);
}

Place TableReader::place_of_value(std::string_view key) const {
  const auto at = table_->find(key);
  if (at == table_->end())
    return place_;
  const bool structured = at->second.is_table() || at->second.is_array();
  return structured ? place_of(at->first) : place_of(at->second);
}

Words TableReader::words_of(const toml::node& node) const {
  return {std::string(node.as_string()->get()), reading_.file, place_of(node)};
}

std::optional<Words> TableReader::words(std::string_view key) const {
  const toml::node* found = node(key);
  if (found == nullptr || !found->is_string())
    return std::nullopt;
  return words_of(*found);
}

std::vector<Words> TableReader::words_list(std::string_view key) const {
  std::vector<Words> list;
  if (const toml::node* found = node(key); found != nullptr && found->is_array())
    for (const auto& element : *found->as_array())
      list.push_back(words_of(element));
  return list;
}

std::vector<std::string> TableReader::texts(std::string_view key) const {
  std::vector<std::string> list;
  for (auto& words : words_list(key))
    list.push_back(std::move(words.text));
  return list;
}

std::optional<bool> TableReader::boolean(std::string_view key) const {
  const toml::node* found = node(key);
  return found == nullptr ? std::nullopt : found->value<bool>();
}

std::optional<std::int64_t> TableReader::integer(std::string_view key) const {
  const toml::node* found = node(key);
  return found == nullptr ? std::nullopt : found->value<std::int64_t>();
}

const toml::table* TableReader::table(std::string_view key) const {
  const toml::node* found = node(key);
  return found == nullptr ? nullptr : found->as_table();
}

std::optional<TableReader> TableReader::sub_table(std::string_view key) const {
  const toml::table* found = table(key);
  if (found == nullptr)
    return std::nullopt;
  return TableReader(reading_, *found, section(section_->find(key)->section), place_of_value(key));
}

std::vector<TableReader> TableReader::sub_tables(std::string_view key) const {
  std::vector<TableReader> readers;
  const toml::node* found = node(key);
  if (found == nullptr || !found->is_array())
    return readers;
  for (const auto& element : *found->as_array())
    readers.emplace_back(reading_, *element.as_table(), section(section_->find(key)->section),
                         place_of_value(key));
  return readers;
}

void TableReader::refuse(const Words& written, std::span<const std::string> known) const {
  reading_.errors.add(written, 0, code::bad_value,
                      fmt::format("'{}' is not one of {}", written.text, fmt::join(known, ", ")),
                      cel::suggest(written.text, known));
}

} // namespace synfate::rules
