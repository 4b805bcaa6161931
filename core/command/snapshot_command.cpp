#include "core/command/snapshot_command.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <set>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/command/overview.h"
#include "core/command/rules_command.h"
#include "core/facts/redact.h"
#include "core/facts/snapshot_file.h"
#include "core/facts/tables.h"

namespace synfate {
namespace {

/// Passes facts on and keeps what is missing from them.
class GapKeeper final : public FactSink {
public:
  explicit GapKeeper(FactSink& next) : next_(next) {}

  void add_row(const TableSpec& table, std::vector<Cell>&& cells) override {
    next_.add_row(table, std::move(cells));
  }
  void add_gap(const Gap& gap) override {
    if (ids_.insert(gap.id).second)
      gaps_.push_back(gap);
    next_.add_gap(gap);
  }
  bool has_gap(std::string_view id) const override { return ids_.contains(id); }
  void answered(const Request& request, const std::vector<std::string>& gaps) override {
    next_.answered(request, gaps);
  }
  const std::vector<Gap>& gaps() const { return gaps_; }

private:
  FactSink& next_;
  std::set<std::string, std::less<>> ids_;
  std::vector<Gap> gaps_;
};

/// Every table that some plugin fills and that can be read as a whole.
std::vector<Request> whole_tables(const Schema& schema, const Host& host) {
  std::vector<Request> requests;
  for (const auto& [name, spec] : schema.tables()) {
    const bool provided =
        std::ranges::any_of(host.collectors(), [&](const std::unique_ptr<Collector>& collector) {
          return collector->manifest().provides(name);
        });
    if (!provided || spec.answers_only)
      continue;
    Request request{name, {}};
    if (spec.per_namespace())
      request.keys.push_back({"netns", host.home_netns()});
    requests.push_back(std::move(request));
  }
  return requests;
}

/// The names that a Unix client may call: those of listeners and of datagram sockets.
std::vector<Target> unix_targets(Session& session) {
  return session.settle([&](Inquiry& inquiry) {
    std::vector<Target> targets;
    for (const auto& socket :
         inquiry.rows<UnixSocket>({{"netns", session.snapshot().host().netns}})) {
      if (!socket.path.known() || (!socket.state.is("listen") && !socket.type.is("dgram")))
        continue;
      Target target;
      target.proto = Proto::unix_socket;
      target.path = socket.path.value();
      target.abstract = socket.abstract.value_or(false);
      targets.push_back(std::move(target));
    }
    return targets;
  });
}

void walk_unix_sockets(Session& session) {
  for (const auto& target : unix_targets(session)) {
    const auto flows = session.settle(
        [&](Inquiry& inquiry) { return session.model().plain_flows(inquiry, target); });
    for (const auto& flow : flows)
      session.settle([&](Inquiry& inquiry) { return session.model().walk(inquiry, flow); });
  }
}

/// Has the facts read that calls for the listeners would ask for one by one.
Status walk_everything(const Program& program, const Options& options, Session& session) {
  SYNFATE_TRY(rules, load_rules(program, options, session.snapshot().schema()));
  build_overview(session, rules, {}, true);
  walk_unix_sockets(session);
  return Done{};
}

Result<std::vector<Gap>> write(const Program& program, const Options& options, Session& session) {
  SYNFATE_TRY(file, NewFile::create(options.output_file));
  const Snapshot& snapshot = session.snapshot();
  std::optional<Pseudonyms> pseudonyms;
  if (options.redact)
    pseudonyms.emplace(Pseudonyms::random_key());
  const HostFacts host = pseudonyms ? redacted(snapshot.host(), *pseudonyms) : snapshot.host();
  SnapshotWriter writer(file->stream(), snapshot.schema(), {program.version, host});
  std::optional<RedactingSink> redacting;
  if (pseudonyms)
    redacting.emplace(writer, *pseudonyms);
  GapKeeper sink(redacting ? static_cast<FactSink&>(*redacting) : writer);
  copy_facts(snapshot, sink);
  if (session.host() != nullptr)
    session.host()->collect(sink, whole_tables(snapshot.schema(), *session.host()));
  SYNFATE_TRY(finished, writer.finish());
  SYNFATE_TRY(committed, file->commit());
  (void)finished, (void)committed;
  return sink.gaps();
}

} // namespace

int run_snapshot(const Program& program, const Options& options) {
  if (options.output_file.empty())
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command line",
                                  .where = "snapshot",
                                  .detail = "there is no file to write",
                                  .hint = "Write: synfate snapshot -o FILE"});
  auto session = Session::open(program, options);
  if (!session)
    return report_error(program, session.error());
  if ((*session)->live())
    if (const Status walked = walk_everything(program, options, **session); !walked)
      return report_error(program, walked.error());
  const auto gaps = write(program, options, **session);
  if (!gaps)
    return report_error(program, gaps.error());
  if (options.verbose)
    program.err << (*session)->timings();
  for (const auto& gap : *gaps)
    program.err << escape_for_terminal(fmt::format("synfate: not in the snapshot: {} ({}). {}",
                                                   gap.what, gap.why, gap.remedy))
                << "\n";
  return gaps->empty() ? 0 : 3;
}

} // namespace synfate
