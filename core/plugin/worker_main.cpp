// The other side of worker.h: the process that loads a site's library and answers one request.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>

#include "core/plugin/checked_rows.h"
#include "core/plugin/in_process.h"
#include "core/plugin/row_protocol.h"
#include "core/plugin/worker.h"

namespace synfate {
namespace {

/// Facts as lines on standard output.
class LineSink final : public FactSink {
public:
  explicit LineSink(std::ostream& out) : out_(out) {}

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override {
    out_ << render_row(table, cells) << '\n';
  }
  void add_gap(const Gap& gap) override {
    gaps_.insert(gap.id);
    out_ << render_line(gap) << '\n';
  }
  bool has_gap(std::string_view id) const override { return gaps_.contains(id); }
  void answered(const Request&, const std::vector<std::string>&) override {}

private:
  std::ostream& out_;
  std::set<std::string, std::less<>> gaps_;
};

Result<Manifest> manifest_beside(const std::string& library, Schema& schema) {
  const auto path = std::filesystem::path(library).parent_path() / "manifest.toml";
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  SYNFATE_TRY(manifest, parse_manifest(text, path.string()));
  SYNFATE_TRY(resolved, resolve_tables(manifest, schema));
  static_cast<void>(resolved);
  return manifest;
}

/// Milliseconds that are left of `milliseconds` from now on.
auto countdown(std::int64_t milliseconds) {
  return [milliseconds, began = std::chrono::steady_clock::now()] {
    return milliseconds - std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - began)
                              .count();
  };
}

void answer(Collector& collector, const WorkerRequest& asked, std::ostream& out) {
  LineSink sink(out);
  CheckedRows rows(collector.manifest(), sink, {asked.root, countdown(asked.milliseconds_left)});
  const Status status = collector.collect(asked.request, asked.netns, rows);
  rows.finish();
  if (!rows.fault_text().empty())
    out << render_line(FaultLine{rows.fault_text()}) << '\n';
  else if (!status && rows.gaps().empty())
    out << render_line(FailedLine{to_string(status.error())}) << '\n';
  else
    out << render_line(DoneLine{rows.out_of_time()}) << '\n';
}

Status work(const std::string& library, Schema& schema, std::istream& in, std::ostream& out) {
  std::string line;
  std::getline(in, line);
  SYNFATE_TRY(manifest, manifest_beside(library, schema));
  const bool only_check = line == R"({"check":true})";
  WorkerRequest asked;
  if (!only_check) {
    SYNFATE_TRY(request, parse_request(line, manifest));
    asked = std::move(request);
    manifest.parameters = asked.parameters;
  }
  const auto collector = library_collector(std::move(manifest), library, Origin::site);
  SYNFATE_TRY(loaded, collector->check());
  static_cast<void>(loaded);
  if (only_check)
    out << render_line(DoneLine{}) << '\n';
  else
    answer(*collector, asked, out);
  return Done{};
}

} // namespace

int run_plugin_worker(const std::string& library, Schema schema, std::istream& in,
                      std::ostream& out) {
  const Status status = work(library, schema, in, out);
  if (!status)
    out << render_line(FailedLine{to_string(status.error())}) << '\n';
  out.flush();
  return status && out ? 0 : 1;
}

} // namespace synfate
