// The rules see one flow with `bind` per address that would be bound: `open`, or `denied` with the
// errno of bind(). Tested by tests/lab/cases_bind.py and tests/twin/bind.py.
#include "core/command/bind_command.h"

#include <algorithm>
#include <ostream>
#include <set>

#include <fmt/format.h>

#include "core/command/explain.h"
#include "core/command/report_gaps.h"
#include "core/command/rules_command.h"
#include "core/facts/tables.h"
#include "core/report/page.h"

namespace synfate {
namespace {

BindRequest request_of(const Options& options, std::optional<Identity> identity) {
  return {.flags = {.reuse_address = options.reuse_address,
                    .reuse_port = options.reuse_port,
                    .v6only = options.v6only,
                    .interface = options.interface},
          .identity = std::move(identity)};
}

/// The attempt that the answer is about: one that fails, else one that cannot be told.
const FlowReport& deciding(const std::vector<FlowReport>& attempts) {
  for (const Outcome outcome : {Outcome::denied, Outcome::unknown})
    for (const auto& attempt : attempts)
      if (attempt.fate.outcome == outcome)
        return attempt;
  return attempts.front();
}

Certainty weakest(const std::vector<FlowReport>& attempts) {
  Certainty certainty = Certainty::certain;
  for (const auto& attempt : attempts)
    certainty = std::max(certainty, attempt.fate.certainty);
  return certainty;
}

void decide(BindReport& report, const std::vector<FlowReport>& attempts) {
  const FlowReport& told = deciding(attempts);
  if (told.fate.outcome != Outcome::unknown)
    report.would_bind = told.fate.outcome == Outcome::open;
  report.error = told.fate.error;
  report.certainty = report.would_bind.value_or(false) ? weakest(attempts) : told.fate.certainty;
  report.culprit = told.fate.culprit;
  for (const auto& attempt : attempts) {
    BindAttempt row;
    row.flow = attempt.flow;
    if (attempt.fate.outcome != Outcome::unknown)
      row.would_bind = attempt.fate.outcome == Outcome::open;
    row.error = attempt.fate.error;
    row.certainty = attempt.fate.certainty;
    row.culprit = attempt.fate.culprit;
    row.alternatives = attempt.fate.alternatives;
    report.attempts.push_back(std::move(row));
  }
}

/// Who has to go before the port is free: every holder, where a socket is in the way. What cannot
/// be seen of them is a gap.
void name_holders(Session& session, BindReport& report, const std::vector<FlowReport>& attempts) {
  constexpr std::size_t most = 16;
  if (std::ranges::none_of(attempts, [](const FlowReport& attempt) {
        return attempt.fate.error == "EADDRINUSE" && attempt.fate.outcome == Outcome::denied;
      }))
    return;
  auto sockets = sockets_met(session.snapshot(), attempts);
  sockets.resize(std::min(sockets.size(), most));
  std::set<std::int64_t> pids;
  std::vector<std::string> gaps;
  session.settle([&](Inquiry& inquiry) {
    pids.clear();
    for (const auto& socket : sockets)
      for (const auto row : find_owners(inquiry, socket, true)) {
        const Table& owners = *inquiry.snapshot().table(table_name<SocketOwner>());
        if (const Fact<Int> pid = read_row<SocketOwner>(owners, row).pid; pid.known())
          pids.insert(pid.value());
      }
    gaps = inquiry.gaps();
    return true;
  });
  report.holders.assign(pids.begin(), pids.end());
  add_gaps(report.gaps, session.snapshot(), gaps);
}

std::string join_documents(const std::vector<std::string>& documents) {
  std::string text = "[\n";
  for (std::size_t at = 0; at < documents.size(); ++at)
    text += documents[at].substr(0, documents[at].find_last_not_of('\n') + 1) +
            (at + 1 < documents.size() ? ",\n" : "\n");
  return text + "]\n";
}

void print(const Program& program, const Options& options, const Session& session,
           const std::vector<BindReport>& reports) {
  const Snapshot& snapshot = session.snapshot();
  std::vector<std::string> documents;
  for (const auto& report : reports)
    documents.push_back(options.format == "text"
                            ? render_bind_text(snapshot, report, text_options(program, options))
                            : render_bind_json(snapshot, report, options.format == "jsonl"));
  if (options.format == "json" && documents.size() > 1) {
    program.out << join_documents(documents);
    return;
  }
  for (std::size_t at = 0; at < documents.size(); ++at)
    program.out << (at > 0 && options.format == "text" ? "\n" : "") << documents[at];
}

int exit_status(const std::vector<BindReport>& reports) {
  bool unclear = false;
  for (const auto& report : reports) {
    if (report.would_bind && !*report.would_bind)
      return 1;
    unclear = unclear || !report.would_bind;
  }
  return unclear ? 3 : 0;
}

} // namespace

BindReport bind_target(Session& session, const Target& target, const BindRequest& request,
                       const rules::RuleSet& rules) {
  BindReport report;
  report.host = session.snapshot().host();
  report.target = target;
  const auto attempts = session.settle(
      [&](Inquiry& inquiry) { return session.model().bind(inquiry, target, request); });
  name_holders(session, report, attempts);
  rules::Evaluator evaluator(rules, session.snapshot().schema());
  auto evaluation = session.settle(
      [&](Inquiry& inquiry) { return evaluator.evaluate(inquiry, {target, attempts}); });
  decide(report, attempts);
  report.findings = std::move(evaluation.findings);
  add_gaps(report.gaps, session.snapshot(), attempts);
  return report;
}

int run_bind(const Program& program, const Options& options) {
  if (options.format != "text" && options.format != "json" && options.format != "jsonl")
    return report_error(program, unknown_format(options.format, "text, json, jsonl"));
  if (options.words.empty())
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command",
                                  .where = "bind",
                                  .detail = "the target is missing",
                                  .hint = "For instance: synfate bind 8080"});
  const auto targets = read_targets(program, options);
  if (!targets)
    return report_error(program, targets.error());
  const auto as = read_identity(program, options);
  if (!as)
    return report_error(program, as.error());
  auto session = Session::open(program, options);
  if (!session)
    return report_error(program, session.error());
  const auto rules = load_rules(program, options, (*session)->snapshot().schema());
  if (!rules)
    return report_error(program, rules.error());
  std::vector<BindReport> reports;
  for (const auto& target : *targets)
    reports.push_back(bind_target(**session, target, request_of(options, *as), *rules));
  print(program, options, **session, reports);
  if (const Status saved = (*session)->save(program, options); !saved)
    return report_error(program, saved.error());
  if (options.verbose)
    program.err << (*session)->timings();
  return exit_status(reports);
}

} // namespace synfate
