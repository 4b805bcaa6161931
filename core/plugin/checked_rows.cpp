#include "core/plugin/checked_rows.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "core/base/text_encoding.h"

namespace synfate {
namespace {

constexpr std::size_t rows_between_clocks = 256;

std::string_view type_name(const Cell& cell) {
  constexpr std::array<std::string_view, 8> names{"absent",   "unknown", "an int",     "a double",
                                                  "a string", "a bool",  "an address", "bytes"};
  return names[cell.index()];
}

bool is_gap_id(const std::string& text) {
  return !text.empty() && is_utf8(text);
}

} // namespace

const TableSpec* CheckedRows::declared(std::string_view table) const {
  const auto at = std::ranges::find(manifest_.tables, table,
                                    [](const ManifestTable& entry) { return entry.spec.name; });
  return at == manifest_.tables.end() ? nullptr : &at->spec;
}

std::optional<std::size_t> CheckedRows::column(std::string_view table, std::string_view name) {
  const TableSpec* spec = table_ != nullptr && table_->name == table ? table_ : declared(table);
  const auto position = spec == nullptr ? std::nullopt : spec->column(name);
  if (!position)
    missing_column_ = fmt::format("'{}' of the table '{}'", name, table);
  return position;
}

bool CheckedRows::begin_row(std::string_view table) {
  if (faulty())
    return false;
  if (table_ != nullptr)
    fault(fmt::format("it began a row of '{}' before it ended one of '{}'", table, table_->name));
  else if ((table_ = declared(table)) == nullptr)
    fault(fmt::format("it delivered a row of the table '{}', which its manifest does not declare",
                      table));
  else
    cells_.assign(table_->columns.size(), Absent{});
  return !faulty();
}

bool CheckedRows::put(std::optional<std::size_t> column, Cell cell) {
  if (faulty())
    return false;
  if (table_ == nullptr) {
    fault("it put a cell outside of a row");
    return false;
  }
  if (!column || *column >= cells_.size()) {
    fault(fmt::format("it put a cell into a column that does not exist: {}",
                      column ? fmt::format("number {} of '{}'", *column, table_->name)
                             : missing_column_));
    return false;
  }
  const ColumnSpec& spec = table_->columns[*column];
  if (!fits(cell, spec.type)) {
    fault(fmt::format("it put {} into the column '{}' of the table '{}', which holds {}",
                      type_name(cell), spec.name, table_->name, to_string(spec.type)));
    return false;
  }
  if (const auto* unknown = std::get_if<Unknown>(&cell)) {
    if (!is_gap_id(unknown->gap)) {
      fault(fmt::format("it left the column '{}' of the table '{}' unknown without naming a gap",
                        spec.name, table_->name));
      return false;
    }
    named_gaps_.insert(unknown->gap);
  }
  cells_[*column] = std::move(cell);
  return true;
}

bool CheckedRows::end_row() {
  if (faulty())
    return false;
  if (table_ == nullptr) {
    fault("it ended a row that it never began");
    return false;
  }
  sink_.add_row(*table_, std::move(cells_));
  table_ = nullptr;
  ++row_count_;
  if (++rows_since_clock_ < rows_between_clocks)
    return true;
  rows_since_clock_ = 0;
  return milliseconds_left() > 0;
}

void CheckedRows::gap(Gap gap) {
  if (!is_gap_id(gap.id) || gap.what.empty() || gap.why.empty()) {
    fault(fmt::format("it reported a gap '{}' that does not say what is missing and why", gap.id));
    return;
  }
  if (std::ranges::find(gaps_, gap.id) == gaps_.end())
    gaps_.push_back(gap.id);
  sink_.add_gap(gap);
}

std::vector<std::string> CheckedRows::row_gaps() const {
  std::vector<std::string> ids;
  std::ranges::copy_if(gaps_, std::back_inserter(ids),
                       [&](const std::string& id) { return !named_gaps_.contains(id); });
  return ids;
}

void CheckedRows::fault(std::string what) {
  if (!faulty())
    fault_ = std::move(what);
}

std::int64_t CheckedRows::milliseconds_left() {
  const auto left = surroundings_.milliseconds_left();
  if (left <= 0)
    out_of_time_ = true;
  return left;
}

void CheckedRows::finish() {
  if (!faulty() && table_ != nullptr)
    fault(fmt::format("it did not end its last row of '{}'", table_->name));
  for (const auto& id : named_gaps_) {
    if (std::ranges::find(gaps_, id) != gaps_.end())
      continue;
    if (!sink_.has_gap(id)) {
      fault(fmt::format("it left cells unknown because of a gap '{}' that it never reported", id));
      sink_.add_gap({id, "what the plugin " + manifest_.id + " left unknown",
                     "the plugin does not say", "what depends on these facts cannot be told",
                     "report it to the plugin's author"});
    }
    gaps_.push_back(id);
  }
}

} // namespace synfate
