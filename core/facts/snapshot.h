// Everything one run knows: tables of rows, gaps, and which questions were answered.
//
// A walk asks the snapshot. A question that was never answered is a need on a live host and a gap
// in a replay: a missing row only means "not there" when the question was answered completely.
// Tested by tests/unit/core/snapshot_test.cpp.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/facts/hash_index.h"
#include "core/facts/row.h"
#include "core/facts/schema.h"
#include "core/facts/table.h"

namespace synfate {

/// Something that could not be looked at.
struct Gap {
  std::string id;     ///< short and stable: "owners", "nft"
  std::string what;   ///< what was not read
  std::string why;    ///< the reason
  std::string effect; ///< what cannot be told because of it
  std::string remedy; ///< what the user can do

  friend bool operator==(const Gap&, const Gap&) = default;
};

/// column == value.
struct Key {
  std::string column;
  Cell value;

  friend bool operator==(const Key&, const Key&) = default;
};

/// Stands among the keys of a question without being a column: a plugin that can tells no more rows
/// than that, and reports a gap if there are more. The others tell all.
inline constexpr std::string_view limit_key = "limit";

/// A question: the rows of a table for which every key holds. Without keys: all rows. For a table
/// of a network namespace a key `netns` is always present.
struct Request {
  std::string table;
  std::vector<Key> keys;

  friend bool operator==(const Request&, const Request&) = default;
};

/// "socket where proto = tcp and local_port = 8080", for -v and for error messages.
std::string to_string(const Request& request);

/// Questions without repetition, in the order they came.
class RequestSet {
public:
  /// False if it was there already.
  bool add(const Request& request);
  const std::vector<Request>& list() const { return list_; }
  bool empty() const { return list_.empty(); }

private:
  std::vector<Request> list_;
  HashIndex index_; ///< of the list
};

/// Where and when the facts were read.
struct HostFacts {
  std::string name;
  std::string os;            ///< linux, windows
  std::string kernel;        ///< release
  std::string architecture;  ///< x86_64
  Int netns = 0;             ///< inode of the namespace the run looks at
  Int word_bits = 64;        ///< of the kernel whose bytes are in the tables
  std::string byte_order;    ///< little, big
  Int taken_at = 0;          ///< ms since 1970
  Int uid = 0;               ///< who looked
  bool initial_netns = true; ///< the namespace is the one the system was started in
  std::string container;     ///< what kind of container we are in; empty if in none we know of
};

/// The answer to a request that was collected.
struct Answered {
  Request request;
  std::vector<std::string> gaps; ///< ids of gaps that make the answer incomplete
};

class Snapshot {
public:
  explicit Snapshot(Schema schema) : schema_(std::move(schema)) {}

  const Schema& schema() const { return schema_; }
  const HostFacts& host() const { return host_; }
  void set_host(HostFacts host) { host_ = std::move(host); }

  /// The table, or null when no row was ever added.
  const Table* table(std::string_view name) const;
  /// Adds a row; false if it was there already or the table is not in the schema.
  bool add_row(std::string_view table, std::vector<Cell>&& cells);
  bool add_row(std::string_view table, const std::vector<Cell>& cells) {
    return add_row(table, std::vector<Cell>(cells));
  }
  template <typename Row> bool add(const Row& row) {
    return add_row(table_name<Row>(), to_cells(row));
  }

  const std::vector<Gap>& gaps() const { return gaps_; }
  const Gap* gap(std::string_view id) const;
  /// The first gap of an id stays.
  void add_gap(Gap gap);

  /// Records that a request was collected; `gaps` names what is missing from the answer.
  void answered(Request request, std::vector<std::string> gaps = {});
  /// The recorded answer that covers this request, or null. An answer covers every request that
  /// asks for the same or less.
  const Answered* answer(const Request& request) const;
  const std::vector<Answered>& answers() const { return answers_; }

  /// Rows for which every key holds or may hold (unknown cells match), by position.
  std::vector<std::size_t> find(const Request& request) const;
  /// The same of a request with the answer that answer() gave for it: walks ask the same again and
  /// again, and what was found for them is kept while no row is added to the table.
  std::vector<std::size_t> find(const Request& request, const Answered& answer) const;
  template <typename Row> std::vector<Row> rows(const Request& request) const {
    std::vector<Row> typed;
    if (const Table* from = table(request.table))
      for (const auto row : find(request))
        typed.push_back(read_row<Row>(*from, row));
    return typed;
  }

  /// True once the snapshot is a replay: nothing more can be collected.
  bool sealed() const { return sealed_; }
  void seal() { sealed_ = true; }

private:
  /// The answers whose requests have keys of the same columns.
  struct AnswerShape {
    std::vector<std::string> columns;
    std::vector<std::uint32_t> answers; ///< their places in answers_
    HashIndex by_values;                ///< of that list, by the values of the keys
  };
  /// Of one table.
  struct AnswerShapes {
    bool answers_only = false; ///< of the table
    std::vector<AnswerShape> list;
  };

  /// What was found for an answer's own request.
  struct Found {
    std::size_t answer = 0;     ///< its place in answers_
    std::size_t table_size = 0; ///< then; 0: nothing was found yet
    std::vector<std::size_t> rows;
  };

  Schema schema_;
  HostFacts host_;
  std::map<std::string, Table, std::less<>> tables_;
  std::vector<Gap> gaps_;
  std::vector<Answered> answers_;
  std::map<std::string, AnswerShapes, std::less<>> answers_of_table_;
  mutable std::vector<Found> found_; ///< the latest, each at a place of its own by its answer
  bool sealed_ = false;
};

} // namespace synfate
