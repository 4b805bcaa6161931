#include "core/facts/snapshot.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "core/facts/table_compare.h"

namespace synfate {
namespace {

std::string key_text(const Cell& cell) {
  if (const auto* number = std::get_if<Int>(&cell))
    return std::to_string(*number);
  if (const auto* text = std::get_if<Text>(&cell))
    return *text;
  if (const auto* flag = std::get_if<bool>(&cell))
    return *flag ? "true" : "false";
  if (const auto* address = std::get_if<IpAddress>(&cell))
    return address->to_string();
  if (const auto* number = std::get_if<double>(&cell))
    return fmt::format("{}", *number);
  if (const auto* bytes = std::get_if<Bytes>(&cell)) {
    std::string text = "0x";
    for (const char byte : bytes->data)
      text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
  }
  return "none";
}

bool covers(const Request& wide, const Request& narrow) {
  return std::ranges::all_of(wide.keys, [&](const Key& key) {
    return std::ranges::find(narrow.keys, key) != narrow.keys.end();
  });
}

/// As FNV does.
std::uint64_t combine(std::uint64_t hash, std::uint64_t next) {
  return hash * 1099511628211ULL + next;
}

/// A hash over the values that a request has for some columns; nothing if it lacks one of them.
std::optional<std::uint64_t> hash_values(const Request& request,
                                         const std::vector<std::string>& columns) {
  std::uint64_t hash = 0;
  for (const auto& column : columns) {
    const auto key = std::ranges::find(request.keys, column, &Key::column);
    if (key == request.keys.end())
      return std::nullopt;
    hash = combine(hash, hash_of(key->value));
  }
  return hash;
}

std::vector<std::string> columns_of(const Request& request) {
  std::vector<std::string> columns;
  for (const auto& key : request.keys)
    columns.push_back(key.column);
  return columns;
}

} // namespace

std::string to_string(const Request& request) {
  std::string text = request.table;
  const char* joint = " where ";
  for (const auto& key : request.keys) {
    if (key.column == "netns" || std::holds_alternative<Absent>(key.value))
      continue;
    text += fmt::format("{}{} = {}", joint, key.column, key_text(key.value));
    joint = " and ";
  }
  return text;
}

bool RequestSet::add(const Request& request) {
  std::uint64_t hash = std::hash<std::string>{}(request.table);
  for (const auto& key : request.keys)
    hash = combine(hash, std::hash<std::string>{}(key.column) ^ hash_of(key.value));
  const auto [begin, end] = places_.equal_range(hash);
  for (auto at = begin; at != end; ++at)
    if (list_[at->second] == request)
      return false;
  places_.emplace(hash, list_.size());
  list_.push_back(request);
  return true;
}

const Table* Snapshot::table(std::string_view name) const {
  const auto at = tables_.find(name);
  return at == tables_.end() ? nullptr : &at->second;
}

bool Snapshot::add_row(std::string_view table, std::vector<Cell>&& cells) {
  auto at = tables_.find(table);
  if (at == tables_.end()) {
    const TableSpec* spec = schema_.find(table);
    if (spec == nullptr)
      return false;
    at = tables_.emplace(std::string(table), Table(*spec)).first;
  }
  return at->second.add(std::move(cells));
}

const Gap* Snapshot::gap(std::string_view id) const {
  const auto at = std::ranges::find(gaps_, id, &Gap::id);
  return at == gaps_.end() ? nullptr : &*at;
}

void Snapshot::add_gap(Gap gap) {
  if (this->gap(gap.id) == nullptr)
    gaps_.push_back(std::move(gap));
}

void Snapshot::answered(Request request, std::vector<std::string> gaps) {
  auto& shapes = answers_of_table_[request.table];
  auto columns = columns_of(request);
  auto shape = std::ranges::find(shapes, columns, &AnswerShape::columns);
  if (shape == shapes.end())
    shape = shapes.insert(shape, {std::move(columns), {}});
  constexpr std::size_t many = 8192; // costs nothing before it is used; to grow takes it twice
  if (answers_.empty())
    answers_.reserve(many);
  shape->by_values.emplace(hash_values(request, shape->columns).value_or(0), answers_.size());
  answers_.push_back({std::move(request), std::move(gaps)});
}

const Answered* Snapshot::answer(const Request& request) const {
  const auto shapes = answers_of_table_.find(request.table);
  if (shapes == answers_of_table_.end())
    return nullptr;
  // Where rows are answers to whole questions a shorter question is another one, unless all of the
  // table is known.
  const auto is_another = [&](const AnswerShape& shape) {
    if (shape.columns.empty() || shape.columns.size() == request.keys.size())
      return false;
    const TableSpec* spec = schema_.find(request.table);
    return spec != nullptr && spec->answers_only;
  };
  std::size_t first = answers_.size();
  for (const auto& shape : shapes->second) {
    const auto hash = hash_values(request, shape.columns);
    if (!hash || is_another(shape))
      continue;
    const auto [begin, end] = shape.by_values.equal_range(*hash);
    for (auto at = begin; at != end; ++at)
      if (at->second < first && covers(answers_[at->second].request, request))
        first = at->second;
  }
  return first < answers_.size() ? &answers_[first] : nullptr;
}

std::vector<std::size_t> Snapshot::find(const Request& request) const {
  std::vector<std::size_t> rows;
  const Table* from = table(request.table);
  if (from == nullptr)
    return rows;
  std::vector<std::pair<std::size_t, const Cell*>> wanted;
  wanted.reserve(request.keys.size());
  for (const auto& key : request.keys) {
    if (key.column == limit_key)
      continue;
    const auto column = from->spec().column(key.column);
    if (!column)
      return rows;
    wanted.emplace_back(*column, &key.value);
  }
  if (wanted.empty()) {
    rows.resize(from->size());
    for (std::size_t row = 0; row < rows.size(); ++row)
      rows[row] = row;
    return rows;
  }
  // The most selective key first; among few rows any will do.
  constexpr std::size_t few = 4;
  if (wanted.size() > 1 && from->size() > few) {
    const auto best = std::ranges::min_element(
        wanted, {}, [&](const auto& key) { return from->count(key.first, *key.second); });
    std::iter_swap(best, wanted.end() - 1);
  }
  rows = from->find(wanted.back().first, *wanted.back().second);
  wanted.pop_back();
  std::erase_if(rows, [&](std::size_t row) {
    return !std::ranges::all_of(wanted, [&](const auto& key) {
      return from->is_unknown(row, key.first) || holds(*from, row, key.first, *key.second);
    });
  });
  return rows;
}

} // namespace synfate
