#include "core/command/explain.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <set>

#include <fmt/format.h>

#include "core/command/report_gaps.h"
#include "core/command/rules_command.h"
#include "core/command/who.h"
#include "core/facts/tables.h"
#include "core/model/owners.h"
#include "core/report/render_json.h"
#include "core/report/render_nagios.h"
#include "core/report/render_text.h"

namespace synfate {

std::vector<Flow> asked_flows(Inquiry& inquiry, Model& model, const Target& target,
                              std::span<const ZonedAddress> clients) {
  if (clients.empty())
    return model.plain_flows(inquiry, target);
  std::vector<Flow> flows;
  for (const auto& client : clients)
    for (auto& flow : model.flows_from(inquiry, target, client.address, client.zone))
      flows.push_back(std::move(flow));
  return flows;
}

namespace {

/// Not open, whichever of its branches comes true.
bool certainly_fails(const Fate& fate) {
  if (fate.outcome == Outcome::open)
    return false;
  if (fate.outcome != Outcome::unknown)
    return true;
  return !fate.alternatives.empty() &&
         std::ranges::all_of(fate.alternatives, [](const Alternative& alternative) {
           return alternative.outcome != Outcome::open && alternative.outcome != Outcome::unknown;
         });
}

int exit_status(const std::vector<Report>& reports) {
  bool unclear = false;
  for (const auto& report : reports) {
    unclear = unclear || report.flows.empty();
    for (const auto& flow : report.flows) {
      if (certainly_fails(flow.fate))
        return 1;
      unclear = unclear || flow.fate.outcome != Outcome::open;
    }
  }
  return unclear ? 3 : 0;
}

} // namespace

std::int64_t root_process_of(const std::string& netns) {
  constexpr std::string_view proc = "/proc/";
  constexpr std::string_view file = "/ns/net";
  std::string_view number = netns;
  if (number.starts_with(proc) && number.ends_with(file))
    number = number.substr(proc.size(), number.size() - proc.size() - file.size());
  std::int64_t pid = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), pid);
  return code == std::errc{} && end == number.data() + number.size() && pid > 0 ? pid : 0;
}

Result<std::vector<Target>> read_targets(const Program& program, const Options& options) {
  std::vector<Target> targets;
  for (const auto& word : options.words) {
    auto target = parse_target(word, program.names);
    if (!target) {
      Error error = std::move(target).error();
      if (const auto near = nearest_word(word, command_names()); near && targets.empty())
        error.hint = fmt::format("Did you mean the command '{}'? {}", *near, error.hint);
      return error;
    }
    target->root_pid = root_process_of(options.netns);
    targets.push_back(std::move(*target));
  }
  return targets;
}

Result<std::vector<Target>> read_called_targets(const Program& program, const Options& options) {
  SYNFATE_TRY(targets, read_targets(program, options));
  for (auto& target : targets)
    if (std::ranges::any_of(target.addresses, &IpAddress::is_unspecified))
      target.addresses.clear();
  return targets;
}

Result<std::optional<Identity>> read_identity(const Program& program, const Options& options) {
  if (options.as_user.empty())
    return std::optional<Identity>();
  SYNFATE_TRY(identity, program.names.identity_of(options.as_user));
  return std::optional<Identity>(std::move(identity));
}

Result<std::vector<ZonedAddress>> read_clients(const Options& options) {
  std::vector<ZonedAddress> clients;
  for (const auto& word : options.from) {
    SYNFATE_TRY(client, parse_zoned_address(word));
    if (client.address.is_unspecified())
      return Error{.code = ErrorCode::invalid_input,
                   .doing = "reading the options",
                   .where = "--from " + word,
                   .detail = "this is no address of one client",
                   .hint = "For all clients: synfate who TARGET."};
    clients.push_back(std::move(client));
  }
  return clients;
}

namespace {

Error no_such_interface(const std::string& where, const std::string& zone,
                        const std::vector<Interface>& interfaces) {
  std::vector<std::string> names;
  for (const auto& interface : interfaces)
    names.push_back(interface.name.value_or(""));
  const auto near = nearest_word(zone, names);
  return {.code = ErrorCode::invalid_input,
          .doing = "reading the command line",
          .where = where,
          .detail = fmt::format("there is no interface '{}' here", zone),
          .hint = near ? fmt::format("Did you mean '{}'?", *near)
                       : fmt::format("Interfaces: {}.", fmt::join(names, ", "))};
}

/// The interface of a name or a number, by its name.
std::optional<std::string> name_of_interface(const std::vector<Interface>& interfaces,
                                             const std::string& zone) {
  Int index = 0;
  const auto [end, code] = std::from_chars(zone.data(), zone.data() + zone.size(), index);
  const bool is_number = code == std::errc() && end == zone.data() + zone.size();
  for (const auto& interface : interfaces)
    if (interface.name.is(zone))
      return zone;
  for (const auto& interface : interfaces)
    if (is_number && interface.index.is(index))
      return interface.name.value_or(zone);
  return std::nullopt;
}

} // namespace

Result<NamedEnds> resolve_zones(Session& session, std::vector<Target> targets,
                                std::vector<ZonedAddress> clients) {
  NamedEnds ends{std::move(targets), std::move(clients)};
  const auto zoned = [](const auto& each) { return !each.zone.empty(); };
  if (std::ranges::none_of(ends.targets, zoned) && std::ranges::none_of(ends.clients, zoned))
    return ends;
  bool complete = false;
  const auto interfaces = session.settle([&](Inquiry& inquiry) {
    auto rows = inquiry.rows<Interface>({{"netns", inquiry.snapshot().host().netns}});
    complete = !inquiry.incomplete();
    return rows;
  });
  if (!complete || interfaces.empty())
    return ends;
  const auto name = [&](std::string& zone, const auto& where) -> Status {
    if (zone.empty())
      return Done{};
    auto found = name_of_interface(interfaces, zone);
    if (!found)
      return no_such_interface(where(), zone, interfaces);
    zone = std::move(*found);
    return Done{};
  };
  for (auto& target : ends.targets)
    if (const Status named = name(target.zone, [&] { return fmt::format("'{}'", target.text); });
        !named)
      return named.error();
  for (auto& client : ends.clients)
    if (const Status named = name(
            client.zone,
            [&] { return fmt::format("--from {}%{}", client.address.to_string(), client.zone); });
        !named)
      return named.error();
  return ends;
}

namespace {

Status fit_together(const std::vector<Target>& targets, const Options& options) {
  if (!options.from.empty() &&
      std::ranges::find(targets, Proto::unix_socket, &Target::proto) != targets.end())
    return Error{.code = ErrorCode::invalid_input,
                 .doing = "reading the options",
                 .where = "--from",
                 .detail = "a Unix socket has no clients elsewhere",
                 .hint = "Name a local user: --as USER."};
  return Done{};
}

int print(const Program& program, const Options& options, Session& session,
          const std::vector<Report>& reports) {
  if (options.format == "text")
    program.out << render_text(session.snapshot(), reports, text_options(program, options));
  else if (options.format == "json")
    program.out << render_json(session.snapshot(), reports, JsonLayout::document);
  else if (options.format == "jsonl")
    program.out << render_json(session.snapshot(), reports, JsonLayout::lines);
  else {
    const NagiosResult result = render_nagios(reports);
    program.out << result.line;
    return static_cast<int>(result.state);
  }
  return exit_status(reports);
}

/// So many flows wait for facts at a time: what is read for them is mostly what the others lack.
constexpr std::size_t most_waiting = 8;

/// Walks the flows that are still open; those that lack facts stay so, and their needs are noted.
/// Once enough of them wait, the others are left for the next round.
void walk_round(Session& session, std::span<FlowReport> flows, std::vector<std::size_t>& open,
                RequestSet& needs) {
  std::size_t waiting = 0;
  std::erase_if(open, [&](std::size_t at) {
    if (waiting == most_waiting)
      return false;
    Inquiry inquiry(session.snapshot());
    session.attend(inquiry);
    flows[at].fate = session.model().walk(inquiry, flows[at].flow);
    if (!inquiry.pending()) {
      session.adopt(inquiry);
      return true;
    }
    for (const auto& need : inquiry.needs())
      needs.add(need);
    ++waiting;
    return false;
  });
}

/// Until each of these flows has its fate.
void settle_flows(Session& session, std::span<FlowReport> flows, std::vector<std::size_t> open) {
  for (int round = 0; !open.empty(); ++round) {
    RequestSet needs;
    const std::size_t before = open.size();
    walk_round(session, flows, open, needs);
    if (open.size() < before)
      round = 0;
    if (!needs.empty())
      session.collect(needs.list(), round);
  }
}

} // namespace

std::vector<HeldSocket> sockets_met(const Snapshot& snapshot, std::span<const FlowReport> flows) {
  std::vector<HeldSocket> sockets;
  for (const auto& flow : flows)
    for (const auto& item : flow.fate.evidence) {
      if (item.table != table_name<Socket>())
        continue;
      const auto row = read_row<Socket>(*snapshot.table(item.table), item.row);
      auto socket = held_socket(row);
      socket.for_a_link = !kernel_link(snapshot, row).empty();
      if (socket.inode != 0 &&
          std::ranges::find(sockets, socket.inode, &HeldSocket::inode) == sockets.end())
        sockets.push_back(socket);
    }
  return sockets;
}

namespace {

/// Who holds the listeners. A search for all holders comes before the rules, which then see them.
void name_holders(Session& session, Report& report, bool all) {
  const auto sockets = sockets_met(session.snapshot(), report.flows);
  std::set<std::int64_t> pids;
  session.settle([&](Inquiry& inquiry) {
    pids.clear();
    for (const auto& socket : sockets)
      for (const auto row : find_owners(inquiry, socket, all)) {
        const Table& owners = *inquiry.snapshot().table(table_name<SocketOwner>());
        if (const Fact<Int> pid = read_row<SocketOwner>(owners, row).pid; pid.known())
          pids.insert(pid.value());
      }
    return true;
  });
  report.holders.assign(pids.begin(), pids.end());
  report.holders_complete =
      !sockets.empty() && std::ranges::all_of(sockets, [&](const HeldSocket& socket) {
        return holders_complete(session.snapshot(), socket);
      });
}

/// A plain call tells all sources, where that costs no more than the flows do.
void tell_sources(Session& session, Report& report, const std::optional<Identity>& as) {
  if (report.target.proto == Proto::unix_socket)
    return;
  auto glance = who_at_a_glance(session, report.target, as);
  // Only of the addresses that the flows call: a family without a listener is not asked about.
  std::erase_if(glance.classes, [&](const SourceClass& entry) {
    return std::ranges::none_of(report.flows, [&](const FlowReport& each) {
      return entry.to == each.flow.to && entry.interface == each.flow.from_interface;
    });
  });
  report.sources = std::move(glance.classes);
  if (!report.sources.empty())
    add_gaps(report.gaps, session.snapshot(), glance.gaps);
  report.sources_left_out = glance.too_much;
}

/// The first flow between each two addresses, then those that differ from them in the port alone.
std::pair<std::vector<std::size_t>, std::vector<std::size_t>>
others_by_ends(std::span<const FlowReport> flows) {
  std::set<std::pair<IpAddress, IpAddress>> seen;
  std::vector<std::size_t> leading;
  std::vector<std::size_t> following;
  for (std::size_t at = 0; at < flows.size(); ++at) {
    const bool first = seen.emplace(flows[at].flow.from, flows[at].flow.to).second;
    if (at > 0)
      (first ? leading : following).push_back(at);
  }
  return {std::move(leading), std::move(following)};
}

} // namespace

void walk_flows(Session& session, std::span<FlowReport> flows) {
  if (flows.empty())
    return;
  // The first alone: most of what it needs is what all of them need.
  settle_flows(session, flows, {0});
  auto [leading, following] = others_by_ends(flows);
  settle_flows(session, flows, std::move(leading));
  settle_flows(session, flows, std::move(following));
}

Report explain_target(Session& session, const Target& target, const rules::RuleSet& rules,
                      std::span<const ZonedAddress> clients, const std::optional<Identity>& as,
                      bool all_holders) {
  Report report;
  report.host = session.snapshot().host();
  report.target = target;
  const auto flows = session.settle(
      [&](Inquiry& inquiry) { return asked_flows(inquiry, session.model(), target, clients); });
  for (auto flow : flows) {
    flow.identity = as;
    report.flows.push_back({std::move(flow), {}});
  }
  walk_flows(session, report.flows);
  name_holders(session, report, all_holders);
  if (all_holders) // a replay knows all of them from the beginning
    walk_flows(session, report.flows);
  rules::Evaluator evaluator(rules, session.snapshot().schema());
  auto evaluation = session.settle(
      [&](Inquiry& inquiry) { return evaluator.evaluate(inquiry, {report.target, report.flows}); });
  report.findings = std::move(evaluation.findings);
  for (const auto& rule : evaluation.rules)
    if (rule.state == rules::RuleState::unknown)
      report.unknown_rules.push_back(rule.id);
  add_gaps(report.gaps, session.snapshot(), report.flows);
  return report;
}

namespace {

std::vector<Report> explain_targets(Session& session, const std::vector<Target>& targets,
                                    const rules::RuleSet& rules,
                                    std::span<const ZonedAddress> clients,
                                    const std::optional<Identity>& as, const Options& options) {
  std::vector<Report> reports;
  for (const auto& target : targets) {
    reports.push_back(explain_target(session, target, rules, clients, as, options.all_holders));
    if (clients.empty() && options.format == "text")
      tell_sources(session, reports.back(), as);
  }
  return reports;
}

} // namespace

int run_explain(const Program& program, const Options& options) {
  if (options.format != "text" && options.format != "json" && options.format != "jsonl" &&
      options.format != "nagios")
    return report_error(program, unknown_format(options.format, "text, json, jsonl, nagios"));
  if (options.words.empty())
    return report_error(program, {.code = ErrorCode::invalid_input,
                                  .doing = "reading the command line",
                                  .where = "explain",
                                  .detail = "no target is named",
                                  .hint = "For instance: synfate explain 8080"});
  const auto targets = read_called_targets(program, options);
  if (!targets)
    return report_error(program, targets.error());
  if (const Status fitting = fit_together(*targets, options); !fitting)
    return report_error(program, fitting.error());
  const auto clients = read_clients(options);
  if (!clients)
    return report_error(program, clients.error());
  const auto as = read_identity(program, options);
  if (!as)
    return report_error(program, as.error());
  std::vector<Report> reports;
  const auto session = Session::answer(program, options, [&](Session& opened) -> Status {
    SYNFATE_TRY(rules, load_rules(program, options, opened.snapshot().schema()));
    SYNFATE_TRY(ends, resolve_zones(opened, *targets, *clients));
    reports = explain_targets(opened, ends.targets, rules, ends.clients, *as, options);
    return Done{};
  });
  if (!session)
    return report_error(program, session.error());
  const int status = print(program, options, **session, reports);
  if (const Status saved = (*session)->save(program, options); !saved)
    return report_error(program, saved.error());
  if (options.verbose)
    program.err << (*session)->timings();
  return status;
}

} // namespace synfate
