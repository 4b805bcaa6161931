// The seam behind which plugins run: in this process, linked into the program, or in a worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/facts/cell.h"
#include "core/facts/snapshot.h"
#include "core/plugin/manifest.h"

namespace synfate {

/// Takes what one collection delivers. Whoever implements it checks every call; a collector just
/// hands on what the plugin says. `false` or nothing: the plugin is at fault or no more is wanted.
class RowReceiver {
public:
  virtual ~RowReceiver() = default;

  /// The position of a column of a declared table.
  virtual std::optional<std::size_t> column(std::string_view table, std::string_view name) = 0;
  virtual bool begin_row(std::string_view table) = 0;
  /// Nothing for a column that does not exist.
  virtual bool put(std::optional<std::size_t> column, Cell cell) = 0;
  virtual bool end_row() = 0;
  virtual void gap(Gap gap) = 0;
  /// The plugin broke the boundary's rules; its rows are dropped from now on.
  virtual void fault(std::string what) = 0;
  /// Until the deadline of the collection; 0 or less: stop.
  virtual std::int64_t milliseconds_left() = 0;
  /// The file system root under which the system's files are read.
  virtual const std::string& root() const = 0;
};

/// Where a plugin comes from.
enum class Origin : std::uint8_t {
  built_in, ///< a shared library installed with the program
  linked,   ///< linked into the program
  site,     ///< anything else: runs in a worker
};
std::string_view to_string(Origin origin);

/// A plugin that can be asked.
class Collector {
public:
  virtual ~Collector() = default;

  virtual const Manifest& manifest() const = 0;
  virtual Origin origin() const = 0;
  /// Loads what there is to load and compares it with the manifest. Without it the first collect
  /// does so.
  virtual Status check() = 0;
  /// Answers one request on a thread that is in the right network namespace. An error is a failure
  /// of the plugin as a whole; what it could not read it reports as gaps.
  virtual Status collect(const Request& request, std::int64_t netns, RowReceiver& rows) = 0;
};

} // namespace synfate
