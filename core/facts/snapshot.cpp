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

/// The key of a column, which mostly stands where it stood in a request like this one; null: there
/// is none.
const Key* key_at(const Request& request, std::string_view column, std::size_t likely) {
  if (likely < request.keys.size() && request.keys[likely].column == column)
    return &request.keys[likely];
  const auto key = std::ranges::find(request.keys, column, &Key::column);
  return key == request.keys.end() ? nullptr : &*key;
}

bool covers(const Request& wide, const Request& narrow) {
  for (std::size_t at = 0; at < wide.keys.size(); ++at)
    if (const Key& key = wide.keys[at]; !(at < narrow.keys.size() && narrow.keys[at] == key) &&
                                        std::ranges::find(narrow.keys, key) == narrow.keys.end())
      return false;
  return true;
}

/// As FNV does.
std::uint64_t combine(std::uint64_t hash, std::uint64_t next) {
  return hash * 1099511628211ULL + next;
}

/// A hash over the values that a request has for some columns; nothing if it lacks one of them.
std::optional<std::uint64_t> hash_values(const Request& request,
                                         const std::vector<std::string>& columns) {
  std::uint64_t hash = 0;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    const Key* key = key_at(request, columns[at], at);
    if (key == nullptr)
      return std::nullopt;
    hash = combine(hash, hash_of(key->value));
  }
  return hash;
}

using WantedCells = std::vector<std::pair<std::size_t, const Cell*>>;

/// The key that the fewest rows have. The last is tried first, since it mostly is; among few rows
/// any will do.
WantedCells::iterator most_selective(const Table& table, WantedCells& wanted) {
  constexpr std::size_t few = 4;
  auto best = wanted.end() - 1;
  std::size_t fewest = table.size();
  for (auto key = wanted.end(); key != wanted.begin() && fewest > few;) {
    --key;
    if (const auto rows = table.count(key->first, *key->second); rows < fewest) {
      best = key;
      fewest = rows;
    }
  }
  return best;
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
  for (auto at = index_.first(hash); at != HashIndex::none; at = index_.next(at))
    if (list_[at] == request)
      return false;
  index_.add(hash);
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
  auto shapes = answers_of_table_.find(request.table);
  if (shapes == answers_of_table_.end()) {
    const TableSpec* spec = schema_.find(request.table);
    shapes = answers_of_table_.emplace(request.table, AnswerShapes{}).first;
    shapes->second.answers_only = spec != nullptr && spec->answers_only;
  }
  auto& list = shapes->second.list;
  auto columns = columns_of(request);
  auto shape = std::ranges::find(list, columns, &AnswerShape::columns);
  if (shape == list.end())
    shape = list.insert(shape, {std::move(columns), {}, {}});
  constexpr std::size_t many = 8192; // costs nothing before it is used; to grow takes it twice
  if (answers_.empty())
    answers_.reserve(many);
  shape->by_values.add(hash_values(request, shape->columns).value_or(0));
  shape->answers.push_back(static_cast<std::uint32_t>(answers_.size()));
  answers_.push_back({std::move(request), std::move(gaps)});
}

const Answered* Snapshot::answer(const Request& request) const {
  const auto shapes = answers_of_table_.find(request.table);
  if (shapes == answers_of_table_.end())
    return nullptr;
  // Where rows are answers to whole questions a shorter question is another one, unless all of the
  // table is known.
  const auto is_another = [&](const AnswerShape& shape) {
    return shapes->second.answers_only && !shape.columns.empty() &&
           shape.columns.size() != request.keys.size();
  };
  std::size_t first = answers_.size();
  for (const auto& shape : shapes->second.list) {
    if (shape.columns.size() > request.keys.size() || is_another(shape))
      continue;
    const auto hash = hash_values(request, shape.columns);
    if (!hash)
      continue;
    for (auto at = shape.by_values.first(*hash); at != HashIndex::none;
         at = shape.by_values.next(at))
      if (const std::size_t answer = shape.answers[at]; answer >= first)
        break;
      else if (covers(answers_[answer].request, request))
        first = answer;
  }
  return first < answers_.size() ? &answers_[first] : nullptr;
}

std::vector<std::size_t> Snapshot::find(const Request& request) const {
  std::vector<std::size_t> rows;
  const Table* from = table(request.table);
  if (from == nullptr)
    return rows;
  WantedCells wanted;
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
  const auto best = most_selective(*from, wanted);
  std::iter_swap(best, wanted.end() - 1);
  rows = from->find(wanted.back().first, *wanted.back().second);
  wanted.pop_back();
  std::erase_if(rows, [&](std::size_t row) {
    return !std::ranges::all_of(wanted, [&](const auto& key) {
      return from->is_unknown(row, key.first) || holds(*from, row, key.first, *key.second);
    });
  });
  return rows;
}

std::vector<std::size_t> Snapshot::find(const Request& request, const Answered& answer) const {
  constexpr std::size_t kept = 512;
  constexpr std::size_t most_rows = 256; // a table of many need not be held twice
  const Table* from = table(request.table);
  if (from == nullptr || from->size() == 0 || answer.request.keys.size() != request.keys.size())
    return find(request);
  if (found_.empty())
    found_.resize(kept);
  const auto place = static_cast<std::size_t>(&answer - answers_.data());
  Found& found = found_[place % kept];
  if (found.answer == place && found.table_size == from->size())
    return found.rows;
  auto rows = find(request);
  if (rows.size() <= most_rows)
    found = {place, from->size(), rows};
  return rows;
}

} // namespace synfate
