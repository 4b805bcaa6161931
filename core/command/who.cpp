// A class walk stops at the first fact it lacks and starts again once it is there. A few single
// clients are walked first: they need nearly the same facts, and ask for them faster.
#include "core/command/who.h"

#include <algorithm>
#include <ostream>

#include "core/command/explain.h"
#include "core/command/report_gaps.h"
#include "core/facts/tables.h"
#include "core/report/render_nagios.h"

namespace synfate {
namespace {

bool is_asked(const SourceClass& told, std::span<const ZonedAddress> clients) {
  return clients.empty() || std::ranges::any_of(clients, [&](const ZonedAddress& client) {
           return (client.zone.empty() || client.zone == told.interface) &&
                  std::ranges::any_of(told.sources, [&](const IpRange& range) {
                    return range.contains(client.address);
                  });
         });
}

/// Only addresses of this host: nobody else can have them, whatever becomes of such packets.
bool are_own(const std::vector<Address>& own, const SourceClass& told) {
  return std::ranges::all_of(told.sources, [&](const IpRange& range) {
    return range.first == range.last && std::ranges::any_of(own, [&](const Address& address) {
             return address.address.is(range.first);
           });
  });
}

void look_ahead(Session& session, const Target& target, const std::optional<Identity>& as) {
  if (!session.live())
    return;
  auto flows = session.settle(
      [&](Inquiry& inquiry) { return session.model().plain_flows(inquiry, target); });
  std::vector<FlowReport> looks;
  for (auto& flow : flows) {
    flow.identity = as;
    looks.push_back({std::move(flow), {}});
  }
  walk_flows(session, looks);
}

void add_gaps(WhoReport& report, const Snapshot& snapshot, const std::vector<std::string>& ids) {
  for (const auto& gap : snapshot.gaps())
    if (is_of_plugin(gap) || std::ranges::find(ids, gap.id) != ids.end())
      report.gaps.push_back(gap);
}

int print(const Program& program, const Options& options, const std::vector<WhoReport>& reports) {
  if (options.format == "text") {
    for (std::size_t at = 0; at < reports.size(); ++at)
      program.out << (at > 0 ? "\n" : "")
                  << render_who_text(reports[at], text_options(program, options));
  } else if (options.format == "nagios") {
    const NagiosResult result = render_nagios(std::span(reports));
    program.out << result.line;
    return static_cast<int>(result.state);
  } else {
    program.out << render_who_json(std::span(reports), options.format == "jsonl");
  }
  const bool complete = std::ranges::all_of(reports, [](const WhoReport& report) {
    return report.gaps.empty() && !report.classes.empty();
  });
  return complete ? 0 : 3;
}

Error target_missing() {
  return {.code = ErrorCode::invalid_input,
          .doing = "reading the command line",
          .where = "who",
          .detail = "no target is named",
          .hint = "For instance: synfate who 8080"};
}

Error no_unix_sockets() {
  return {.code = ErrorCode::unsupported,
          .doing = "reading the target",
          .where = "who",
          .detail = "clients of a Unix socket have no addresses",
          .hint = "Ask for one user: synfate explain unix:PATH --as USER"};
}

} // namespace

WhoReport who_reaches(Session& session, const Target& target, std::span<const ZonedAddress> clients,
                      const std::optional<Identity>& as) {
  WhoReport report;
  report.host = session.snapshot().host();
  report.target = target;
  look_ahead(session, target, as);
  std::vector<std::string> gaps;
  auto classes = session.settle([&](Inquiry& inquiry) {
    session.attend(inquiry);
    auto told = session.model().partition(inquiry, target, as);
    gaps = inquiry.gaps();
    return told;
  });
  for (auto& told : classes)
    if (is_asked(told, clients))
      report.classes.push_back(std::move(told));
  add_gaps(report, session.snapshot(), gaps);
  return report;
}

WhoGlance who_at_a_glance(Session& session, const Target& target,
                          const std::optional<Identity>& as) {
  WhoGlance glance;
  auto told = session.settle(
      [&](Inquiry& inquiry) {
        auto classes = session.model().partition(inquiry, target, as);
        glance.too_much = inquiry.too_much();
        glance.gaps = inquiry.gaps();
        return classes;
      },
      Depth::glance);
  const auto is_known = [](const SourceClass& part) { return part.outcome != Outcome::unknown; };
  if (glance.too_much || std::ranges::none_of(told, is_known)) // the flows say why
    return {{}, glance.too_much, {}};
  const auto own = session.snapshot().rows<Address>({std::string(table_name<Address>()), {}});
  for (auto& part : told)
    if (!are_own(own, part))
      glance.classes.push_back(std::move(part));
  return glance;
}

int run_who(const Program& program, const Options& options) {
  if (options.format != "text" && options.format != "json" && options.format != "jsonl" &&
      options.format != "nagios")
    return report_error(program, unknown_format(options.format, "text, json, jsonl, nagios"));
  if (options.words.empty())
    return report_error(program, target_missing());
  const auto targets = read_called_targets(program, options);
  if (!targets)
    return report_error(program, targets.error());
  const auto clients = read_clients(options);
  if (!clients)
    return report_error(program, clients.error());
  if (std::ranges::find(*targets, Proto::unix_socket, &Target::proto) != targets->end())
    return report_error(program, no_unix_sockets());
  const auto as = read_identity(program, options);
  if (!as)
    return report_error(program, as.error());
  std::vector<WhoReport> reports;
  const auto session = Session::answer(program, options, [&](Session& opened) -> Status {
    reports.clear();
    SYNFATE_TRY(ends, resolve_zones(opened, *targets, *clients));
    for (const auto& target : ends.targets)
      reports.push_back(who_reaches(opened, target, ends.clients, *as));
    return Done{};
  });
  if (!session)
    return report_error(program, session.error());
  const int status = print(program, options, reports);
  if (const Status saved = (*session)->save(program, options); !saved)
    return report_error(program, saved.error());
  if (options.verbose)
    program.err << (*session)->timings();
  return status;
}

} // namespace synfate
