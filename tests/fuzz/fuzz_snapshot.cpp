// Feeds snapshot files and the lines of plugins: nothing may crash or hang, and a snapshot that was
// accepted is written and read again to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "core/facts/snapshot_file.h"
#include "core/facts/tables.h"
#include "core/plugin/row_protocol.h"

namespace {

using namespace synfate;

std::string written(const Snapshot& snapshot) {
  std::ostringstream out;
  SnapshotWriter writer(out, snapshot.schema(), {"1", snapshot.host()});
  copy_facts(snapshot, writer);
  if (!writer.finish())
    std::abort();
  return out.str();
}

/// The header takes a fuzzer long to find: it is given, and what follows is fuzzed.
/// Made once: it takes longer than most inputs.
const Schema& core_schema() {
  static const Schema schema = [] {
    Schema tables;
    if (!add_core_tables(tables))
      std::abort();
    return tables;
  }();
  return schema;
}

const std::string& sound_header() {
  static const std::string header = [] {
    const std::string text = written(Snapshot(core_schema()));
    return text.substr(0, text.find('\n') + 1);
  }();
  return header;
}

void fuzz_snapshot(const std::string& text) {
  Schema schema = core_schema();
  std::istringstream in(text);
  const auto snapshot = parse_snapshot(in, "fuzz", schema);
  if (!snapshot)
    return;
  const std::string once = written(*snapshot);
  std::istringstream again(once);
  const auto replay = parse_snapshot(again, "fuzz", schema);
  if (!replay || written(*replay) != once)
    std::abort();
}

void fuzz_line(std::string_view line) {
  Manifest manifest;
  manifest.tables.push_back({spec_of<Socket>(), false, ""});
  const auto parsed = parse_worker_line(line, manifest);
  if (parsed)
    if (const auto* row = std::get_if<RowLine>(&*parsed))
      for (const auto& [column, cell] : row->cells)
        if (!fits(cell, manifest.tables[0].spec.columns.at(column).type))
          std::abort();
  const auto request = parse_request(line, manifest);
  if (request && !parse_request(render_request(*request, manifest.tables[0].spec), manifest))
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz_snapshot(text);
  fuzz_snapshot(sound_header() + text);
  fuzz_line(text);
  return 0;
}
