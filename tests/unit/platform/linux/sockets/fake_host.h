// A host for plugins under test: keeps what they deliver, column by column.
#pragma once

#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/facts/schema.h"
#include "core/plugin/abi.h"

namespace synfate::test {

class FakeHost {
public:
  using Row = std::map<std::string, std::string>; ///< cells as text, unknown ones as "?GAP"

  explicit FakeHost(std::vector<TableSpec> tables) : tables_(std::move(tables)) {
    host_ = {sizeof(synfate_host),
             SYNFATE_ABI_VERSION,
             this,
             column,
             begin_row,
             put,
             end_row,
             gap,
             left,
             root,
             parameter};
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  FakeHost& key(std::string name, std::int64_t value) {
    return add_key(std::move(name), {sizeof(synfate_cell), SYNFATE_INT, value, 0, {}});
  }
  FakeHost& key(std::string name, std::string text, std::uint32_t type = SYNFATE_STRING) {
    texts_.push_back(std::move(text));
    return add_key(
        std::move(name),
        {sizeof(synfate_cell), type, 0, 0, {texts_.back().data(), texts_.back().size()}});
  }
  void set_parameter(std::string name, std::string value) {
    parameters_[std::move(name)] = std::move(value);
  }

  /// Asks the plugin for a table with the keys given so far.
  std::int32_t ask(const synfate_plugin_description& plugin, const std::string& table) {
    std::vector<const synfate_key*> keys;
    for (const auto& key : keys_)
      keys.push_back(&key);
    const synfate_request request{sizeof(synfate_request),
                                  static_cast<std::uint32_t>(keys.size()),
                                  {table.data(), table.size()},
                                  keys.data(),
                                  4242};
    void* self = plugin.create();
    const auto result = plugin.collect(self, &request, &host_);
    plugin.destroy(self);
    return result;
  }

  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<std::string>& gaps() const { return gaps_; }
  bool faulty() const { return faulty_; } ///< something was put that does not fit

private:
  FakeHost& add_key(std::string name, synfate_cell cell) {
    texts_.push_back(std::move(name));
    keys_.push_back({sizeof(synfate_key), 0, {texts_.back().data(), texts_.back().size()}, cell});
    return *this;
  }
  static FakeHost& self(void* context) { return *static_cast<FakeHost*>(context); }
  static std::string text(synfate_text view) { return {view.data, view.size}; }
  const TableSpec* table(std::string_view name) const {
    for (const auto& spec : tables_)
      if (spec.name == name)
        return &spec;
    return nullptr;
  }

  static std::int32_t column(void* context, synfate_text table, synfate_text column) {
    const auto* spec = self(context).table(text(table));
    const auto at = spec != nullptr ? spec->column(text(column)) : std::nullopt;
    return at ? static_cast<std::int32_t>(*at) : -1;
  }
  static std::int32_t begin_row(void* context, synfate_text table) {
    auto& host = self(context);
    host.current_ = host.table(text(table));
    host.faulty_ = host.faulty_ || host.current_ == nullptr;
    host.row_.clear();
    return host.current_ != nullptr ? 0 : -1;
  }
  static std::int32_t put(void* context, std::int32_t column, const synfate_cell* cell) {
    auto& host = self(context);
    if (column < 0 || static_cast<std::size_t>(column) >= host.current_->columns.size()) {
      host.faulty_ = true;
      return -1;
    }
    const auto& spec = host.current_->columns[static_cast<std::size_t>(column)];
    host.faulty_ = host.faulty_ || !fits(spec.type, cell->type);
    host.row_[spec.name] = shown(*cell);
    return 0;
  }
  static bool fits(ColumnType column, std::uint32_t cell) {
    switch (column) {
    case ColumnType::integer:
      return cell == SYNFATE_INT || cell == SYNFATE_UNKNOWN;
    case ColumnType::real:
      return cell == SYNFATE_DOUBLE || cell == SYNFATE_UNKNOWN;
    case ColumnType::text:
      return cell == SYNFATE_STRING || cell == SYNFATE_UNKNOWN;
    case ColumnType::boolean:
      return cell == SYNFATE_BOOL || cell == SYNFATE_UNKNOWN;
    case ColumnType::ip:
      return cell == SYNFATE_IP || cell == SYNFATE_UNKNOWN;
    case ColumnType::bytes:
      return cell == SYNFATE_BYTES || cell == SYNFATE_UNKNOWN;
    }
    return false;
  }
  static std::string shown(const synfate_cell& cell) {
    if (cell.type == SYNFATE_INT || cell.type == SYNFATE_BOOL)
      return std::to_string(cell.integer);
    return (cell.type == SYNFATE_UNKNOWN ? "?" : "") + text(cell.text);
  }
  static std::int32_t end_row(void* context) {
    self(context).rows_.push_back(self(context).row_);
    return 0;
  }
  static void gap(void* context, const synfate_gap* gap) {
    self(context).gaps_.push_back(text(gap->id));
  }
  static std::int64_t left(void*) { return 5000; }
  static synfate_text root(void*) { return {"", 0}; }
  static synfate_text parameter(void* context, synfate_text name) {
    const auto& parameters = self(context).parameters_;
    const auto found = parameters.find(text(name));
    return found == parameters.end() ? synfate_text{nullptr, 0}
                                     : synfate_text{found->second.data(), found->second.size()};
  }

  std::vector<TableSpec> tables_;
  synfate_host host_{};
  std::list<std::string> texts_;
  std::list<synfate_key> keys_;
  std::map<std::string, std::string> parameters_;
  const TableSpec* current_ = nullptr;
  Row row_;
  std::vector<Row> rows_;
  std::vector<std::string> gaps_;
  bool faulty_ = false;
};

} // namespace synfate::test
