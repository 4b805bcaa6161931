// What a plugin pushes, checked cell by cell against the schema before it becomes a fact.
//
// The first breach of the boundary's rules (an undeclared table or column, a value of another type)
// is remembered in words, and nothing the plugin pushes afterwards is taken. A cell may be unknown
// because of a gap that is reported later in the same collection; finish() finds those that never
// were. Tested by tests/unit/core/plugin/host_test.cpp.
#pragma once

#include <functional>
#include <set>

#include "core/facts/fact_sink.h"
#include "core/plugin/collector.h"

namespace synfate {

class CheckedRows final : public RowReceiver {
public:
  struct Surroundings {
    const std::string& root;
    std::function<std::int64_t()> milliseconds_left;
  };

  /// All references outlive this object.
  CheckedRows(const Manifest& manifest, FactSink& sink, Surroundings surroundings)
      : manifest_(manifest), sink_(sink), surroundings_(std::move(surroundings)) {}

  std::optional<std::size_t> column(std::string_view table, std::string_view name) override;
  bool begin_row(std::string_view table) override;
  bool put(std::optional<std::size_t> column, Cell cell) override;
  bool end_row() override;
  void gap(Gap gap) override;
  void fault(std::string what) override;
  std::int64_t milliseconds_left() override;
  const std::string& root() const override { return surroundings_.root; }

  /// Ends the collection: looks for unknown cells whose gap nobody reported.
  void finish();

  const std::string& fault_text() const { return fault_; } ///< empty: the plugin kept the rules
  const std::vector<std::string>& gaps() const { return gaps_; } ///< ids, without repetition
  /// Of these the ones that no cell names: rows may be missing because of them. What only makes
  /// cells unknown blocks whoever uses those cells, and nobody else.
  std::vector<std::string> row_gaps() const;
  bool out_of_time() const { return out_of_time_; } ///< the plugin was told to stop
  std::size_t row_count() const { return row_count_; }

private:
  const TableSpec* declared(std::string_view table) const;
  bool faulty() const { return !fault_.empty(); }

  const Manifest& manifest_;
  FactSink& sink_;
  Surroundings surroundings_;
  const TableSpec* table_ = nullptr; ///< of the open row
  std::vector<Cell> cells_;
  std::string missing_column_; ///< what the last column() did not find
  std::set<std::string, std::less<>> named_gaps_;
  std::vector<std::string> gaps_;
  std::string fault_;
  bool out_of_time_ = false;
  std::size_t row_count_ = 0;
  std::size_t rows_since_clock_ = 0;
};

} // namespace synfate
