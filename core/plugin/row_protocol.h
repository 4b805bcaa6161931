// The lines of the row protocol (worker.h) as values.
// Tested by tests/unit/core/plugin/worker_test.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/plugin/collector.h"

namespace synfate {

/// What a worker is asked.
struct WorkerRequest {
  Request request;
  std::int64_t netns = 0;
  std::int64_t milliseconds_left = 0;
  std::string root;
  std::map<std::string, std::string, std::less<>> parameters;
};

/// One line without a line break. Keys whose column the table does not have are left out: a plugin
/// may deliver more than it is asked for.
std::string render_request(const WorkerRequest& request, const TableSpec& table);
/// The types of keys come from the manifest's tables.
Result<WorkerRequest> parse_request(std::string_view line, const Manifest& manifest);

struct RowLine {
  std::string table;
  std::vector<std::pair<std::size_t, Cell>> cells; ///< by column
};
struct FailedLine {
  std::string why;
};
struct FaultLine {
  std::string what; ///< a library broke the rules of the C boundary
};
struct DoneLine {
  bool stopped = false; ///< it ran out of time
};
using WorkerLine = std::variant<RowLine, Gap, FailedLine, FaultLine, DoneLine>;

std::string render_row(const TableSpec& table, const std::vector<Cell>& cells);
std::string render_line(const Gap& gap);
std::string render_line(const FailedLine& line);
std::string render_line(const FaultLine& line);
std::string render_line(const DoneLine& line);

/// An error says what is wrong with the line, in words that follow "it".
Result<WorkerLine> parse_worker_line(std::string_view line, const Manifest& manifest);

} // namespace synfate
