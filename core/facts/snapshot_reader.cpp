// The reading side of snapshot_file.h.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/facts/cell_json.h"
#include "core/facts/snapshot_file.h"
#include "core/facts/snapshot_format.h"

namespace synfate {
namespace {

const std::string older_gap = "older-snapshot";

std::optional<std::string> scan_text(JsonScanner& scanner) {
  auto cell = scan_cell(scanner, ColumnType::text);
  if (!cell || !std::holds_alternative<std::string>(*cell))
    return std::nullopt;
  return std::get<std::string>(std::move(*cell));
}

/// Calls `member(key)` for each member; it returns false for what is not sound.
template <typename Member> bool scan_object(JsonScanner& scanner, Member member) {
  scanner.begin_object();
  while (const auto key = scanner.next_key())
    if (!member(*key))
      return false;
  return !scanner.failed();
}
template <typename Element> bool scan_array(JsonScanner& scanner, Element element) {
  scanner.begin_array();
  while (scanner.next_element())
    if (!element())
      return false;
  return !scanner.failed();
}

template <typename Value> bool assign(std::optional<Value> value, Value& target) {
  if (value)
    target = std::move(*value);
  return value.has_value();
}

/// Assigns the member of `object` that `names` gives for the key, if there is one.
template <typename Names, typename Object, typename Scan>
std::optional<bool> scan_named(const Names& names, std::string_view key, Object& object,
                               Scan scan) {
  for (const auto& [name, member] : names)
    if (name == key)
      return assign(scan(), object.*member);
  return std::nullopt;
}

bool scan_host(JsonScanner& scanner, HostFacts& host) {
  return scan_object(scanner, [&](const std::string& key) {
    if (const auto done = scan_named(host_texts, key, host, [&] { return scan_text(scanner); }))
      return *done;
    if (const auto done = scan_named(host_numbers, key, host, [&] { return scanner.integer(); }))
      return *done;
    if (key == initial_netns_name)
      return assign(scanner.boolean(), host.initial_netns);
    return scanner.skip();
  });
}

bool scan_column(JsonScanner& scanner, TableSpec& table) {
  ColumnSpec column;
  std::string type = "string";
  const bool sound = scan_object(scanner, [&](const std::string& key) {
    if (key == "name")
      return assign(scan_text(scanner), column.name);
    if (key == "type")
      return assign(scan_text(scanner), type);
    if (key == "unit")
      return assign(scan_text(scanner), column.unit);
    if (key == "meaning")
      return assign(scan_text(scanner), column.meaning);
    if (key == "refers_to")
      return assign(scan_text(scanner), column.refers_to);
    if (key == "key")
      return assign(scanner.boolean(), column.key);
    return scanner.skip();
  });
  const auto known = column_type_from(type);
  if (!sound || !known || column.name.empty() || table.column(column.name))
    return false;
  column.type = *known;
  table.columns.push_back(std::move(column));
  return true;
}

bool scan_table(JsonScanner& scanner, TableSpec& table) {
  return scan_object(scanner,
                     [&](const std::string& key) {
                       if (key == "name")
                         return assign(scan_text(scanner), table.name);
                       if (key == "meaning")
                         return assign(scan_text(scanner), table.meaning);
                       if (key == "columns")
                         return scan_array(scanner, [&] { return scan_column(scanner, table); });
                       return scanner.skip();
                     }) &&
         !table.name.empty();
}

bool scan_gap(JsonScanner& scanner, Gap& gap) {
  return scan_object(scanner,
                     [&](const std::string& key) {
                       if (const auto done =
                               scan_named(gap_texts, key, gap, [&] { return scan_text(scanner); }))
                         return *done;
                       return scanner.skip();
                     }) &&
         !gap.id.empty();
}

/// The type comes before the value.
bool scan_key(JsonScanner& scanner, Key& key) {
  std::string type;
  return scan_object(scanner, [&](const std::string& name) {
    if (name == "column")
      return assign(scan_text(scanner), key.column);
    if (name == "type")
      return assign(scan_text(scanner), type);
    if (name != "value")
      return scanner.skip();
    const auto known = column_type_from(type);
    if (!known && type != "none")
      return false;
    return assign(scan_cell(scanner, known.value_or(ColumnType::text)), key.value);
  });
}

bool scan_answer(JsonScanner& scanner, Request& request, std::vector<std::string>& gaps) {
  return scan_object(scanner,
                     [&](const std::string& key) {
                       if (key == "table")
                         return assign(scan_text(scanner), request.table);
                       if (key == "keys")
                         return scan_array(scanner, [&] {
                           return scan_key(scanner, request.keys.emplace_back());
                         });
                       if (key == "gaps")
                         return scan_array(scanner, [&] {
                           return assign(scanner.string(), gaps.emplace_back());
                         });
                       return scanner.skip();
                     }) &&
         !request.table.empty();
}

struct Counts {
  Int rows = 0;
  Int gaps = 0;
  Int answers = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

bool scan_end(JsonScanner& scanner, Counts& counts, std::string& sum) {
  return scan_object(scanner, [&](const std::string& key) {
    if (key == "sum")
      return assign(scan_text(scanner), sum);
    if (key == "rows")
      return assign(scanner.integer(), counts.rows);
    if (key == "gaps")
      return assign(scanner.integer(), counts.gaps);
    if (key == "answers")
      return assign(scanner.integer(), counts.answers);
    return scanner.skip();
  });
}

/// How the columns of a table in the file become ours.
struct FileTable {
  TableSpec file;                               ///< as the file describes it
  std::vector<std::optional<std::size_t>> ours; ///< for each column of the file, where it goes
  std::vector<Cell> blank;                      ///< a row of ours before the file's cells are put
};

class SnapshotReader {
public:
  SnapshotReader(std::istream& in, std::string where, const Schema& schema)
      : in_(in), where_(std::move(where)), schema_(schema) {}

  Result<Snapshot> read() {
    Status status = read_header();
    while (status && !ended_ && next_line()) {
      status = read_line();
      if (!ended_)
        add_to_sum();
    }
    if (!status)
      return std::move(status).error();
    if (!ended_)
      return error(fmt::format("it ends after {} rows without its last line: it was cut short",
                               counts_.rows),
                   "Write or copy it again.");
    if (next_line())
      return damaged("there is something behind the last line");
    if (counts_ != promised_)
      return error(fmt::format("it has {} rows, {} gaps and {} answers where its last line counts "
                               "{}, {} and {}",
                               counts_.rows, counts_.gaps, counts_.answers, promised_.rows,
                               promised_.gaps, promised_.answers),
                   "Lines are missing or repeated: write or copy it again.");
    if (!promised_sum_.empty() && promised_sum_ != fmt::format("{:016x}", sum_.value()))
      return error("bytes of it have changed since it was written",
                   "Copy it again. To read a file that was edited on purpose, take \"sum\" out of "
                   "its last line.");
    add_older_gap();
    snapshot_->seal();
    return std::move(*snapshot_);
  }

private:
  void add_to_sum() {
    sum_.add(line_);
    sum_.add("\n");
  }

  bool next_line() {
    ++line_number_;
    return static_cast<bool>(std::getline(in_, line_));
  }

  Error error(std::string detail, std::string hint = {},
              ErrorCode code = ErrorCode::damaged) const {
    return {.code = code,
            .doing = "reading a snapshot",
            .where = where_,
            .detail = std::move(detail),
            .hint = std::move(hint)};
  }
  Error damaged(std::string detail) const {
    Error at_line = error(std::move(detail), "Write or copy it again.");
    at_line.where = fmt::format("{}:{}", where_, line_number_);
    return at_line;
  }
  Error damaged_at(const JsonScanner& scanner) const {
    return damaged(fmt::format("the line is damaged near byte {}", scanner.position() + 1));
  }

  Status read_header() {
    if (!next_line())
      return error("it is empty", "Write or copy it again.");
    add_to_sum();
    JsonScanner scanner(line_);
    HostFacts host;
    std::string format;
    std::vector<TableSpec> tables;
    const bool sound = scan_object(scanner, [&](const std::string& key) {
      if (key == "format")
        return assign(scan_text(scanner), format) && format == snapshot_format;
      if (key == "tool")
        return assign(scan_text(scanner), tool_);
      if (key == "host")
        return scan_host(scanner, host);
      if (key == "tables")
        return scan_array(scanner, [&] { return scan_table(scanner, tables.emplace_back()); });
      return scanner.skip();
    });
    Status known = check_format(format);
    if (!known)
      return known;
    if (!sound || !scanner.at_end())
      return damaged_at(scanner);
    Status adopted = adopt_tables(tables);
    if (!adopted)
      return adopted;
    snapshot_.emplace(schema_);
    snapshot_->set_host(std::move(host));
    return Done{};
  }

  Status check_format(const std::string& format) const {
    if (format == snapshot_format)
      return Done{};
    if (!format.starts_with(snapshot_family))
      return error("it is no snapshot of synfate", "`synfate snapshot -o FILE` writes one.",
                   ErrorCode::invalid_input);
    return error(fmt::format("its format is {}, this program reads {}", escape_for_terminal(format),
                             snapshot_format),
                 "Use the version of synfate that wrote it, or a later one.",
                 ErrorCode::unsupported);
  }

  Status adopt_tables(std::vector<TableSpec>& tables) {
    for (auto& table : tables) {
      if (schema_.find(table.name) == nullptr) {
        Status added = schema_.add(table);
        if (!added)
          return added;
      }
      Status mapped = map_table(std::move(table));
      if (!mapped)
        return mapped;
    }
    return Done{};
  }

  Status map_table(TableSpec file) {
    const TableSpec& ours = *schema_.find(file.name);
    FileTable mapped{.file = std::move(file), .ours = {}, .blank = {}};
    for (const auto& column : mapped.file.columns) {
      const auto position = ours.column(column.name);
      if (!position && column.key)
        return newer(fmt::format("rows of '{}' are told apart by '{}'", ours.name, column.name));
      if (position && ours.columns[*position].type != column.type)
        return newer(
            fmt::format("'{}' of '{}' holds {}", column.name, ours.name, to_string(column.type)));
      mapped.ours.push_back(position);
    }
    for (const auto& column : ours.columns) {
      const bool missing = !mapped.file.column(column.name);
      mapped.blank.push_back(missing ? Cell(Unknown{older_gap}) : Cell(Absent{}));
      if (missing)
        missing_columns_.push_back(ours.name + "." + column.name);
    }
    std::string name = mapped.file.name;
    tables_.insert_or_assign(std::move(name), std::move(mapped));
    return Done{};
  }

  Error newer(const std::string& what) const {
    return error(fmt::format("version {} of synfate wrote it, where {}, which this version does "
                             "not understand",
                             escape_for_terminal(tool_), what),
                 "Use the version of synfate that wrote it, or a later one.",
                 ErrorCode::unsupported);
  }

  Status read_line() {
    JsonScanner scanner(line_);
    const bool sound =
        scan_object(scanner, [&](const std::string& key) { return read_member(scanner, key); });
    if (!sound || !scanner.at_end() || row_table_ != nullptr)
      return damaged_at(scanner);
    return Done{};
  }

  bool read_member(JsonScanner& scanner, const std::string& key) {
    if (key == "row")
      return read_row_table(scanner);
    if (key == "cells")
      return read_cells(scanner);
    if (key == "gap")
      return read_gap(scanner);
    if (key == "answered")
      return read_answer(scanner);
    if (key == "end") {
      ended_ = true;
      return scan_end(scanner, promised_, promised_sum_);
    }
    return scanner.skip();
  }

  /// The name of the table comes before the cells.
  bool read_row_table(JsonScanner& scanner) {
    const auto name = scanner.string();
    const auto at = name ? tables_.find(*name) : tables_.end();
    row_table_ = at == tables_.end() ? nullptr : &at->second;
    return row_table_ != nullptr;
  }

  bool read_cells(JsonScanner& scanner) {
    if (row_table_ == nullptr)
      return false;
    const FileTable& table = *std::exchange(row_table_, nullptr);
    cells_ = table.blank;
    std::size_t column = 0;
    const bool sound = scan_array(scanner, [&] {
      if (column >= table.file.columns.size())
        return false;
      auto cell = scan_cell(scanner, table.file.columns[column].type);
      const auto ours = table.ours[column++];
      if (cell && ours)
        cells_[*ours] = std::move(*cell);
      return cell.has_value();
    });
    ++counts_.rows;
    if (sound)
      snapshot_->add_row(table.file.name, std::move(cells_));
    return sound;
  }

  bool read_gap(JsonScanner& scanner) {
    Gap gap;
    if (!scan_gap(scanner, gap))
      return false;
    ++counts_.gaps;
    snapshot_->add_gap(std::move(gap));
    return true;
  }

  bool read_answer(JsonScanner& scanner) {
    Request request;
    std::vector<std::string> gaps;
    if (!scan_answer(scanner, request, gaps))
      return false;
    ++counts_.answers;
    snapshot_->answered(std::move(request), std::move(gaps));
    return true;
  }

  void add_older_gap() {
    if (missing_columns_.empty())
      return;
    std::string columns;
    for (const auto& column : missing_columns_)
      columns += (columns.empty() ? "" : ", ") + column;
    snapshot_->add_gap({older_gap, columns,
                        "version " + tool_ +
                            " of synfate, which wrote the snapshot, did not "
                            "record it",
                        "what depends on it cannot be told from this snapshot",
                        "take a snapshot with this version"});
  }

  std::istream& in_;
  std::string where_;
  Schema schema_;
  std::string tool_;
  std::string line_;
  std::size_t line_number_ = 0;
  SnapshotSum sum_;
  std::string promised_sum_;
  std::map<std::string, FileTable, std::less<>> tables_;
  const FileTable* row_table_ = nullptr; ///< of the row whose cells come next
  std::vector<Cell> cells_;
  std::vector<std::string> missing_columns_;
  Counts counts_;
  Counts promised_;
  bool ended_ = false;
  std::optional<Snapshot> snapshot_;
};

} // namespace

Result<Snapshot> parse_snapshot(std::istream& in, const std::string& where, const Schema& schema) {
  return SnapshotReader(in, where, schema).read();
}

Result<Snapshot> read_snapshot(const std::string& path, const Schema& schema) {
  std::error_code ignored; // what cannot be looked at cannot be opened either
  if (std::filesystem::is_directory(path, ignored))
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading a snapshot",
                 .where = path,
                 .detail = "it is a directory"};
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open())
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading a snapshot",
                 .where = path,
                 .os_error = errno};
  return parse_snapshot(file, path, schema);
}

} // namespace synfate
