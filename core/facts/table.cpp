#include "core/facts/table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>

#include "core/facts/table_compare.h"

namespace synfate {
namespace {

constexpr std::size_t first_chunk = 1024;
constexpr std::size_t largest_chunk = std::size_t{1} << 20U;
/// Bytes longer than this are not copied; far longer than what a string holds within itself.
constexpr std::size_t longest_copied = 4096;

template <class... Ts> struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::string ip_bytes(const IpAddress& address) {
  const auto bytes = address.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  return (seed ^ value) * 0x9e3779b97f4a7c15ULL + (seed >> 29U);
}

} // namespace

GapId::GapId(const std::string& id) {
  static std::mutex mutex; // of the ids; those that are kept do not change or move
  static std::set<std::string> ids;
  const std::scoped_lock lock(mutex);
  id_ = &*ids.insert(id).first;
}

std::uint64_t hash_of(const Cell& cell) {
  return std::visit(
      Overloaded{
          [](const Absent&) { return std::uint64_t{1}; },
          [](const Unknown&) { return std::uint64_t{2}; },
          [](std::int64_t value) { return mix(3, static_cast<std::uint64_t>(value)); },
          [](double value) { return mix(4, std::bit_cast<std::uint64_t>(value)); },
          [](const std::string& value) { return mix(5, std::hash<std::string_view>{}(value)); },
          [](bool value) { return mix(6, value ? 1 : 0); },
          [](const IpAddress& value) {
            return mix(7, std::hash<std::string_view>{}(ip_bytes(value)));
          },
          [](const Bytes& value) { return mix(8, std::hash<std::string_view>{}(value.data)); },
      },
      cell);
}

bool fits(const Cell& cell, ColumnType type) {
  if (std::holds_alternative<Absent>(cell) || std::holds_alternative<Unknown>(cell))
    return true;
  switch (type) {
  case ColumnType::integer:
    return std::holds_alternative<std::int64_t>(cell);
  case ColumnType::real:
    return std::holds_alternative<double>(cell);
  case ColumnType::text:
    return std::holds_alternative<std::string>(cell);
  case ColumnType::boolean:
    return std::holds_alternative<bool>(cell);
  case ColumnType::ip:
    return std::holds_alternative<IpAddress>(cell);
  case ColumnType::bytes:
    return std::holds_alternative<Bytes>(cell);
  }
  return false;
}

Table::Table(TableSpec spec) : spec_(std::move(spec)), columns_(spec_.columns.size()) {
  for (std::size_t column = 0; column < spec_.columns.size(); ++column)
    if (spec_.columns[column].key)
      key_columns_.push_back(column);
}

const char* Table::keep(std::string_view bytes) {
  if (bytes.size() > chunk_size_ - chunk_used_) {
    chunk_size_ = std::max(bytes.size(), std::clamp(2 * chunk_size_, first_chunk, largest_chunk));
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_size_));
    chunk_used_ = 0;
  }
  char* at = chunks_.empty() ? nullptr : chunks_.back().get() + chunk_used_;
  if (!bytes.empty())
    std::memcpy(at, bytes.data(), bytes.size());
  chunk_used_ += bytes.size();
  return at;
}

/// The string's bytes stay where they are when the list of strings grows.
std::string_view Table::adopt(std::string& bytes) {
  if (bytes.size() <= longest_copied)
    return {keep(bytes), bytes.size()};
  return adopted_.emplace_back(std::move(bytes));
}

void Table::put(Column& column, Cell& cell) {
  const auto add = [&](Kind kind, std::uint64_t word, std::uint32_t length = 0) {
    column.kinds.resize(rows_, Kind::absent);
    column.words.resize(rows_);
    column.kinds.push_back(kind);
    column.words.push_back(word);
    if (length == 0 && column.lengths.empty())
      return;
    column.lengths.resize(rows_);
    column.lengths.push_back(length);
  };
  const auto add_kept = [&](Kind kind, std::string_view bytes) {
    add(kind, reinterpret_cast<std::uint64_t>(bytes.data()),
        static_cast<std::uint32_t>(bytes.size()));
  };
  // Neighbouring rows often say the same: the program, the user, the state.
  const auto add_bytes = [&](Kind kind, std::string_view bytes) {
    std::string_view before;
    if (!column.kinds.empty() && column.kinds.back() == kind &&
        column.lengths.size() == column.kinds.size())
      before = {reinterpret_cast<const char*>(column.words.back()), column.lengths.back()};
    const bool same = !bytes.empty() && before == bytes;
    add_kept(kind, same ? before : std::string_view{keep(bytes), bytes.size()});
  };
  std::visit(Overloaded{
                 [&](const Absent&) {},
                 [&](const Unknown& value) { add_bytes(Kind::unknown, value.gap); },
                 [&](std::int64_t value) { add(Kind::integer, static_cast<std::uint64_t>(value)); },
                 [&](double value) { add(Kind::real, std::bit_cast<std::uint64_t>(value)); },
                 [&](const std::string& value) { add_bytes(Kind::text, value); },
                 [&](bool value) { add(Kind::boolean, value ? 1 : 0); },
                 [&](const IpAddress& value) { add_bytes(Kind::ip, ip_bytes(value)); },
                 [&](Bytes& value) { add_kept(Kind::bytes, adopt(value.data)); },
             },
             cell);
}

bool Table::add(std::vector<Cell>&& cells) {
  std::uint64_t key_hash = 0;
  for (const auto column : key_columns_)
    key_hash = mix(key_hash, hash_of(cells[column]));
  const auto same_key = [&](std::size_t row) {
    return std::ranges::all_of(
        key_columns_, [&](std::size_t column) { return cell(row, column) == cells[column]; });
  };
  if (!key_columns_.empty()) {
    for (auto row = keys_.first(key_hash); row != HashIndex::none; row = keys_.next(row))
      if (same_key(row))
        return false;
    keys_.add(key_hash);
  }
  for (std::size_t column = 0; column < columns_.size(); ++column)
    put(columns_[column], cells[column]);
  ++rows_;
  return true;
}

IpAddress Table::address(const Column& column, std::size_t row) {
  return IpAddress::from_bytes(std::as_bytes(std::span(view(column, row)))).value_or(IpAddress());
}

Cell Table::cell(std::size_t row, std::size_t column) const {
  const Column& from = columns_[column];
  const Kind kind = kind_of(from, row);
  const std::uint64_t word = kind == Kind::absent ? 0 : from.words[row];
  switch (kind) {
  case Kind::absent:
    return Absent{};
  case Kind::unknown:
    return Unknown{std::string(view(from, row))};
  case Kind::integer:
    return static_cast<std::int64_t>(word);
  case Kind::real:
    return std::bit_cast<double>(word);
  case Kind::text:
    return std::string(view(from, row));
  case Kind::boolean:
    return word != 0;
  case Kind::ip:
    return address(from, row);
  case Kind::bytes:
    return Bytes{std::string(view(from, row))};
  }
  return Absent{};
}

std::vector<Cell> Table::row(std::size_t row) const {
  std::vector<Cell> cells;
  cells.reserve(columns_.size());
  for (std::size_t column = 0; column < columns_.size(); ++column)
    cells.push_back(cell(row, column));
  return cells;
}

std::string_view Table::text(std::size_t row, std::size_t column) const {
  const Column& from = columns_[column];
  const Kind kind = kind_of(from, row);
  const bool held = kind == Kind::text || kind == Kind::bytes;
  return held ? view(from, row) : std::string_view();
}

std::int64_t Table::integer(std::size_t row, std::size_t column) const {
  const Column& from = columns_[column];
  const Kind kind = kind_of(from, row);
  const bool held = kind == Kind::integer || kind == Kind::boolean;
  return held ? static_cast<std::int64_t>(from.words[row]) : 0;
}

bool Table::is_unknown(std::size_t row, std::size_t column) const {
  return kind_of(columns_[column], row) == Kind::unknown;
}

bool Table::is_absent(std::size_t row, std::size_t column) const {
  return kind_of(columns_[column], row) == Kind::absent;
}

std::uint64_t Table::hash(const Column& column, std::size_t row) const {
  switch (kind_of(column, row)) {
  case Kind::absent:
    return 1;
  case Kind::unknown:
    return 2;
  case Kind::integer:
    return mix(3, column.words[row]);
  case Kind::real:
    return mix(4, column.words[row]);
  case Kind::text:
    return mix(5, std::hash<std::string_view>{}(view(column, row)));
  case Kind::boolean:
    return mix(6, column.words[row]);
  case Kind::ip:
    return mix(7, std::hash<std::string_view>{}(view(column, row)));
  case Kind::bytes:
    return mix(8, std::hash<std::string_view>{}(view(column, row)));
  }
  return 0;
}

void Table::extend_index(const Column& column) const {
  while (column.index.size() < rows_)
    column.index.add(hash(column, column.index.size()));
}

std::vector<std::size_t> Table::find(std::size_t column, const Cell& value) const {
  const Column& from = columns_[column];
  extend_index(from);
  std::vector<std::size_t> rows;
  const auto add = [&](const Cell& wanted, const auto& fits) {
    for (auto row = from.index.first(hash_of(wanted)); row != HashIndex::none;
         row = from.index.next(row))
      if (fits(row))
        rows.push_back(row);
  };
  add(value, [&](std::size_t row) { return holds(*this, row, column, value); });
  if (std::holds_alternative<Unknown>(value))
    return rows;
  const auto middle = static_cast<std::ptrdiff_t>(rows.size());
  add(Unknown{}, [&](std::size_t row) { return is_unknown(row, column); });
  if (rows.begin() + middle != rows.end())
    std::ranges::inplace_merge(rows, rows.begin() + middle);
  return rows;
}

std::size_t Table::count(std::size_t column, const Cell& value) const {
  const Column& from = columns_[column];
  extend_index(from);
  return from.index.count(hash_of(value)) + from.index.count(hash_of(Unknown{}));
}

} // namespace synfate
