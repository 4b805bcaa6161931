#include "core/facts/schema.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace synfate {
namespace {

constexpr std::array<std::pair<ColumnType, std::string_view>, 6> type_names{{
    {ColumnType::integer, "int"},
    {ColumnType::real, "double"},
    {ColumnType::text, "string"},
    {ColumnType::boolean, "bool"},
    {ColumnType::ip, "ip"},
    {ColumnType::bytes, "bytes"},
}};

} // namespace

std::string_view to_string(ColumnType type) {
  return std::ranges::find(type_names, type, &std::pair<ColumnType, std::string_view>::first)
      ->second;
}

std::optional<ColumnType> column_type_from(std::string_view name) {
  for (const auto& [type, type_name] : type_names)
    if (type_name == name)
      return type;
  return std::nullopt;
}

bool TableSpec::per_namespace() const {
  const auto at = column("netns");
  return at && columns[*at].key;
}

std::optional<std::size_t> TableSpec::column(std::string_view column_name) const {
  const auto at = std::ranges::find(columns, column_name, &ColumnSpec::name);
  if (at == columns.end())
    return std::nullopt;
  return static_cast<std::size_t>(at - columns.begin());
}

Status Schema::add(TableSpec spec) {
  const auto at = tables_.find(spec.name);
  if (at == tables_.end()) {
    std::string name = spec.name;
    tables_.emplace(std::move(name), std::move(spec));
    return Done{};
  }
  if (at->second == spec)
    return Done{};
  return Error{.code = ErrorCode::invalid_input,
               .doing = "adding a table to the schema",
               .where = spec.name,
               .detail = "a table of this name is already described differently",
               .hint = "Give the table a name with a prefix of your own."};
}

void Schema::remove(std::string_view name) {
  if (const auto at = tables_.find(name); at != tables_.end())
    tables_.erase(at);
}

const TableSpec* Schema::find(std::string_view name) const {
  const auto at = tables_.find(name);
  return at == tables_.end() ? nullptr : &at->second;
}

} // namespace synfate
