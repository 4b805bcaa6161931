// Where collected facts go: into a snapshot in memory, or straight into a snapshot file.
#pragma once

#include "core/facts/snapshot.h"

namespace synfate {

/// Rows, and what is known about their completeness.
class FactSink : public RowSink {
public:
  virtual void add_gap(const Gap& gap) = 0;
  /// True if a gap of this id was added before.
  virtual bool has_gap(std::string_view id) const = 0;
  virtual void answered(const Request& request, const std::vector<std::string>& gaps) = 0;
};

class SnapshotSink final : public FactSink {
public:
  explicit SnapshotSink(Snapshot& snapshot) : snapshot_(snapshot) {}

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override {
    snapshot_.add_row(table.name, std::move(cells));
  }
  void add_gap(const Gap& gap) override { snapshot_.add_gap(gap); }
  bool has_gap(std::string_view id) const override { return snapshot_.gap(id) != nullptr; }
  void answered(const Request& request, const std::vector<std::string>& gaps) override {
    snapshot_.answered(request, gaps);
  }

private:
  Snapshot& snapshot_;
};

} // namespace synfate
