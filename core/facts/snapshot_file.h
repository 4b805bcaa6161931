// The snapshot file: all facts of a run as JSON Lines, to be explained later on any machine.
//
//   {"format":"synfate.snapshot/1","tool":"1.0.0","host":{"name":"web-3","kernel":"6.18.44",…},
//    "tables":[{"name":"socket","meaning":"…","columns":[{"name":"netns","type":"int",…},…]},…]}
//   {"gap":{"id":"owners","what":"…","why":"…","effect":"…","remedy":"…"}}
//   {"row":"socket","cells":[4026531840,"tcp","listen","0.0.0.0",8080]}
//   {"answered":{"table":"socket","keys":[{"column":"local_port","type":"int","value":8080}],
//    "gaps":["owners"]}}
//   {"end":{"rows":1,"gaps":1,"answers":1,"sum":"9e3779b97f4a7c15"}}
//
// One line at a time, so that neither side needs the whole in memory. Lines between the first and
// the last come in any order; those of one table keep theirs. Cells are those of cell_json.h, in
// the order of the columns in the first line, absent ones at the end left out. The last line's
// counts show a truncated file, and its sum (FNV-1a of all bytes before that line) a damaged one;
// whoever edits a file on purpose takes the sum out. Considered and rejected: one JSON document
// (must be held whole, a truncated one is lost), SQLite (a dependency, no stream through ssh), a
// binary format (nobody could look into what is sent away).
//
// A reader refuses another number behind the slash. Within it, unknown members, tables and columns
// are tolerated; columns that the file does not have are unknown, never absent.
// Tested by tests/unit/core/snapshot_file_test.cpp, fuzzed by tests/fuzz/fuzz_snapshot.cpp.
#pragma once

#include <iosfwd>
#include <memory>
#include <set>
#include <string>

#include "core/facts/fact_sink.h"
#include "core/facts/snapshot_format.h"

namespace synfate {

/// What the first line says.
struct SnapshotHeader {
  std::string tool; ///< version of the program that writes
  HostFacts host;
};

/// Writes facts as they come.
class SnapshotWriter final : public FactSink {
public:
  /// Writes the first line. `out` outlives the writer.
  SnapshotWriter(std::ostream& out, const Schema& schema, const SnapshotHeader& header);

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override;
  /// The first gap of an id is written.
  void add_gap(const Gap& gap) override;
  bool has_gap(std::string_view id) const override { return gaps_.contains(id); }
  void answered(const Request& request, const std::vector<std::string>& gaps) override;
  /// Writes the last line. An error if anything could not be written.
  Status finish();

private:
  void flush();
  void flush_if_large();

  std::ostream& out_;
  std::string buffer_;
  SnapshotSum sum_;
  std::set<std::string, std::less<>> gaps_;
  std::size_t rows_ = 0;
  std::size_t answers_ = 0;
};

/// Hands everything in a snapshot to a sink: tables by name, rows in their order.
void copy_facts(const Snapshot& snapshot, FactSink& sink);

/// A file that appears whole or not at all: written beside its place, readable by its owner only
/// (mode 0600), and renamed at the end. What is no regular file (a pipe, /dev/stdout) is written
/// directly.
class NewFile {
public:
  static Result<std::unique_ptr<NewFile>> create(const std::string& path);
  /// Removes what was not committed.
  virtual ~NewFile() = default;
  virtual std::ostream& stream() = 0;
  virtual Status commit() = 0;
};

/// --save: the snapshot as a file.
Status save_snapshot(const Snapshot& snapshot, const std::string& tool, const std::string& path);

/// Reads a snapshot for a replay: it is sealed, and its answers, rows and gaps are those that were
/// written. `schema` holds the tables this program knows; errors name `where`:line.
Result<Snapshot> parse_snapshot(std::istream& in, const std::string& where, const Schema& schema);
/// "-" is not standard input here: the caller opens that.
Result<Snapshot> read_snapshot(const std::string& path, const Schema& schema);

} // namespace synfate
