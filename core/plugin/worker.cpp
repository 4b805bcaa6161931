#include "core/plugin/worker.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/plugin/row_protocol.h"

namespace synfate {
namespace {

/// One process of a plugin at work: hands its lines to the receiver until it is done.
class Conversation {
public:
  Conversation(const Manifest& manifest, WorkerProcess& process, RowReceiver& rows,
               std::int64_t milliseconds)
      : manifest_(manifest), process_(process), rows_(rows), milliseconds_(milliseconds) {}

  Status listen() {
    while (!over_) {
      auto line = process_.read_line(remaining());
      if (!line)
        return line.error().code == ErrorCode::timed_out ? too_slow() : broken(line.error().detail);
      if (!*line)
        return ended();
      auto parsed = parse_worker_line(**line, manifest_);
      if (!parsed) {
        rows_.fault("it " + parsed.error().detail);
        return Done{};
      }
      std::visit([this](auto&& part) { take(std::move(part)); }, std::move(*parsed));
    }
    return status_;
  }

private:
  std::int64_t remaining() const {
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::steady_clock::now() - began_)
                           .count();
    return std::max<std::int64_t>(0, milliseconds_ - spent);
  }

  std::string own(const std::string& gap) const { return manifest_.id + "." + gap; }

  void take(RowLine line) {
    bool wanted = rows_.begin_row(line.table);
    for (auto& [column, cell] : line.cells) {
      if (auto* unknown = std::get_if<Unknown>(&cell))
        unknown->gap = own(unknown->gap);
      wanted = wanted && rows_.put(column, std::move(cell));
    }
    wanted = wanted && rows_.end_row();
    over_ = !wanted;
  }
  void take(Gap gap) {
    if (!gap.id.empty())
      gap.id = own(gap.id);
    rows_.gap(std::move(gap));
  }
  void take(FailedLine line) {
    status_ = broken("it says: " + line.why);
    over_ = true;
  }
  void take(FaultLine line) {
    rows_.fault(std::move(line.what));
    over_ = true;
  }
  void take(DoneLine line) {
    if (line.stopped)
      status_ = too_slow();
    over_ = true;
  }

  Error broken(std::string detail) const {
    return {.code = ErrorCode::damaged,
            .doing = "running the plugin " + manifest_.id,
            .detail = std::move(detail)};
  }
  Error too_slow() {
    if (rows_.milliseconds_left() <= 0)
      return {.code = ErrorCode::timed_out,
              .doing = "running the plugin " + manifest_.id,
              .detail = "it was stopped at the run's deadline"};
    return {.code = ErrorCode::timed_out,
            .doing = "running the plugin " + manifest_.id,
            .detail = fmt::format("it ran longer than its limit of {} s and was stopped",
                                  manifest_.limit_seconds),
            .hint = "Raise `seconds` in [limits] of its manifest."};
  }
  Error ended() const {
    std::string detail = fmt::format("its process ended before it was done ({})", process_.end());
    if (const auto words = process_.last_words(); !words.empty())
      detail += ": " + words;
    return broken(std::move(detail));
  }

  const Manifest& manifest_;
  WorkerProcess& process_;
  RowReceiver& rows_;
  std::int64_t milliseconds_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  Status status_ = Done{};
  bool over_ = false;
};

class WorkerCollector final : public Collector {
public:
  WorkerCollector(Manifest manifest, std::vector<std::string> words, WorkerLauncher& launcher)
      : manifest_(std::move(manifest)), words_(std::move(words)), launcher_(launcher) {}

  const Manifest& manifest() const override { return manifest_; }
  Origin origin() const override { return Origin::site; }

  Status check() override;

  Status collect(const Request& request, std::int64_t netns, RowReceiver& rows) override {
    const auto left =
        std::min<std::int64_t>(rows.milliseconds_left(), manifest_.limit_seconds * 1000);
    return converse(render_request({request, netns, left, rows.root(), manifest_.parameters},
                                   spec_of_table(request.table)),
                    left, rows);
  }

private:
  const TableSpec& spec_of_table(std::string_view name) const {
    return std::ranges::find(manifest_.tables, name,
                             [](const ManifestTable& entry) { return entry.spec.name; })
        ->spec;
  }

  Status converse(const std::string& request, std::int64_t milliseconds, RowReceiver& rows) {
    SYNFATE_TRY(process, launcher_.start({words_, manifest_.limit_memory_mib}));
    // A program that does not read its input may be gone already: what it wrote counts.
    const Status sent = process->send(request + "\n");
    static_cast<void>(sent);
    return Conversation(manifest_, *process, rows, milliseconds).listen();
  }

  Manifest manifest_;
  std::vector<std::string> words_;
  WorkerLauncher& launcher_;
};

/// Takes what a check delivers, which should be nothing.
class NoRows final : public RowReceiver {
public:
  explicit NoRows(std::int64_t milliseconds) : milliseconds_(milliseconds) {}
  std::optional<std::size_t> column(std::string_view, std::string_view) override {
    return std::nullopt;
  }
  bool begin_row(std::string_view) override { return false; }
  bool put(std::optional<std::size_t>, Cell) override { return false; }
  bool end_row() override { return false; }
  void gap(Gap) override {}
  void fault(std::string what) override { fault_ = std::move(what); }
  std::int64_t milliseconds_left() override { return milliseconds_; }
  const std::string& root() const override { return root_; }

  const std::string& fault_text() const { return fault_; }

private:
  std::int64_t milliseconds_;
  std::string root_;
  std::string fault_;
};

/// A library is loaded by its worker and compared with the manifest; no request follows. There is
/// no way to ask a program for less than rows, so it is only looked at.
Status WorkerCollector::check() {
  if (!manifest_.executable.empty())
    return Done{};
  const auto milliseconds = manifest_.limit_seconds * 1000;
  NoRows rows(milliseconds);
  Status status = converse(R"({"check":true})", milliseconds, rows);
  if (status && !rows.fault_text().empty())
    return Error{.code = ErrorCode::damaged,
                 .doing = "loading the plugin " + manifest_.id,
                 .detail = rows.fault_text()};
  return status;
}

} // namespace

WorkerFactory worker_factory(std::string program, WorkerLauncher& launcher) {
  return [program = std::move(program),
          &launcher](Manifest manifest, const std::string& file) -> std::unique_ptr<Collector> {
    auto words = manifest.executable.empty()
                     ? std::vector<std::string>{program, "plugin-worker", file}
                     : std::vector<std::string>{file};
    return std::make_unique<WorkerCollector>(std::move(manifest), std::move(words), launcher);
  };
}

} // namespace synfate
