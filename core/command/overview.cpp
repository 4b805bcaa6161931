#include "core/command/overview.h"

#include <algorithm>
#include <iterator>
#include <ostream>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/command/explain.h"
#include "core/command/report_gaps.h"
#include "core/command/rules_command.h"
#include "core/command/who.h"
#include "core/facts/tables.h"
#include "core/model/owners.h"

namespace synfate {
namespace {

constexpr std::string_view nat_gap = "nat.ports";
constexpr std::string_view late_gap = "timeout.ports";
/// Of more listeners only one client of each network is told.
constexpr std::size_t listeners_at_a_glance = 64;
/// So many are walked before what is no longer needed of them is forgotten.
constexpr std::size_t entries_at_once = 64;

/// What is needed of a listening socket: the whole row is forty times as large.
struct ListeningSocket {
  HeldSocket held;
  bool v6only = false;
};

/// A listener, its sockets (several in a group of SO_REUSEPORT), and where its flows are.
struct Entry {
  Listener listener;
  std::vector<ListeningSocket> sockets;
  std::size_t first_flow = 0;
  std::size_t flows = 0;
};

/// Calls visit(socket) for each, one row in memory at a time.
template <typename Visit>
void for_each_listening(Inquiry& inquiry, const char* proto, const char* state, Visit visit) {
  const Int netns = inquiry.snapshot().host().netns;
  for (const auto row :
       inquiry.find({std::string(table_name<Socket>()),
                     {{"netns", netns}, {"proto", Text(proto)}, {"state", Text(state)}}}))
    visit(read_row<Socket>(*inquiry.snapshot().table(table_name<Socket>()), row));
}

auto order_of(const Listener& listener) {
  const IpAddress address = listener.address.value_or(IpAddress());
  return std::tuple(listener.proto, listener.port, address.is_v6(), address.to_string(),
                    listener.interface);
}

/// In the order of the listeners; each is looked at once, not at every comparison.
void sort_by_listener(std::vector<Entry>& entries) {
  std::vector<decltype(order_of(std::declval<Listener>()))> orders;
  std::vector<std::size_t> places;
  orders.reserve(entries.size());
  places.reserve(entries.size());
  for (const auto& entry : entries) {
    places.push_back(orders.size());
    orders.push_back(order_of(entry.listener));
  }
  std::ranges::stable_sort(places, {}, [&](std::size_t at) -> const auto& { return orders[at]; });
  std::vector<Entry> sorted;
  sorted.reserve(entries.size());
  for (const auto place : places)
    sorted.push_back(std::move(entries[place]));
  entries = std::move(sorted);
}

Target target_of(const Listener& listener) {
  Target target;
  target.proto = listener.proto;
  target.port = listener.port;
  if (listener.address && !listener.address->is_unspecified())
    target.addresses.push_back(*listener.address);
  target.text = fmt::format("{}/{}", to_string(target.proto), target.port);
  return target;
}

bool same_listener(const Entry& entry, const Listener& listener) {
  const Listener& own = entry.listener;
  return own.proto == listener.proto && own.port == listener.port &&
         own.address.value_or(IpAddress()) == listener.address.value_or(IpAddress()) &&
         own.interface == listener.interface;
}

std::vector<Entry> listeners_of(Inquiry& inquiry) {
  std::vector<Entry> entries;
  for (const auto& [proto, words] : {std::pair{Proto::tcp, std::pair{"tcp", "listen"}},
                                     std::pair{Proto::udp, std::pair{"udp", "unconnected"}}})
    for_each_listening(inquiry, words.first, words.second, [&](const Socket& socket) {
      if (!socket.local_port.known() || socket.local_port.is(0))
        return;
      Listener listener;
      listener.proto = proto;
      listener.port = static_cast<std::uint16_t>(socket.local_port.value());
      if (socket.local_address.known())
        listener.address = socket.local_address.value();
      listener.interface = socket.interface.value_or("");
      entries.push_back({std::move(listener), {{held_socket(socket), socket.v6only.is(true)}}});
    });
  sort_by_listener(entries);
  std::vector<Entry> grouped;
  for (auto& entry : entries)
    if (!grouped.empty() && same_listener(grouped.back(), entry.listener))
      grouped.back().sockets.push_back(entry.sockets.front());
    else
      grouped.push_back(std::move(entry));
  return grouped;
}

/// Ports that only NAT rules name: what becomes of them is seen when they are walked.
std::vector<Entry> nat_entries(const NatPorts& ports, const std::vector<Entry>& listeners) {
  std::vector<Entry> entries;
  for (const auto& port : ports.ports) {
    Listener listener;
    listener.proto = port.proto;
    listener.port = port.port;
    listener.address = port.address;
    const bool listens = std::ranges::any_of(
        listeners, [&](const Entry& entry) { return same_listener(entry, listener); });
    if (!listens)
      entries.push_back({listener, {}});
  }
  return entries;
}

// Owners ---------------------------------------------------------------------------------------

/// The processes that hold any of the sockets, without repetition.
std::vector<Int> holders_of(Inquiry& inquiry, const std::vector<ListeningSocket>& sockets,
                            std::string& hidden) {
  std::vector<Int> pids;
  for (const auto& socket : sockets) {
    if (socket.held.inode == 0)
      continue;
    for (const auto row : find_owners(inquiry, socket.held, false)) {
      const auto& table = *inquiry.snapshot().table(table_name<SocketOwner>());
      const Fact<Int> pid = read_row<SocketOwner>(table, row).pid;
      if (pid.known() && std::ranges::find(pids, pid.value()) == pids.end())
        pids.push_back(pid.value());
    }
    if (inquiry.incomplete())
      hidden = inquiry.gaps().back();
  }
  return pids;
}

std::optional<Process> process_of(Inquiry& inquiry, Int pid) {
  auto rows = inquiry.rows<Process>({{"pid", pid}});
  return rows.empty() ? std::nullopt : std::optional(std::move(rows.front()));
}

/// systemd keeps a copy of the sockets it activates; who serves them is the one to name.
const Process* one_to_name(const std::vector<Process>& processes) {
  const auto serves = std::ranges::find_if(
      processes, [](const Process& process) { return !process.name.is("systemd"); });
  if (serves != processes.end())
    return &*serves;
  return processes.empty() ? nullptr : &processes.front();
}

void name_owner(Inquiry& inquiry, Entry& entry) {
  Listener& listener = entry.listener;
  if (listener.proto == Proto::udp && listener.address.value_or(IpAddress()).is_unspecified())
    if (auto link = kernel_link(inquiry, inquiry.snapshot().host().netns, listener.port);
        !link.empty()) {
      listener.kernel = listener.holders_complete = true;
      listener.service = std::move(link);
      return;
    }
  std::string hidden;
  listener.holders = holders_of(inquiry, entry.sockets, hidden);
  listener.holders_complete =
      std::ranges::all_of(entry.sockets, [&](const ListeningSocket& socket) {
        return holders_complete(inquiry.snapshot(), socket.held);
      });
  std::vector<Process> processes;
  for (const Int pid : listener.holders) {
    auto process = process_of(inquiry, pid);
    // The walk looks for those who accept among them: asked here, it need not begin twice.
    if (process && !process->children.is(0))
      inquiry.find({std::string(table_name<Process>()), {{"parent_pid", pid}}});
    if (process)
      processes.push_back(std::move(*process));
  }
  const Process* owner = one_to_name(processes);
  if (owner == nullptr) {
    listener.owner = hidden.empty() ? Fact<ListenerOwner>() : Unknown{hidden};
    return;
  }
  listener.owner =
      ListenerOwner{owner->pid.value_or(0), owner->name.value_or("?"), owner->user.value_or("")};
  listener.service = owner->container.known() ? owner->container.value() : owner->unit.value_or("");
}

/// All sockets that listen, and then the ports that NAT leads in, each part in order. The search
/// for the owners is made for all at once; who they are is asked later, of some at a time.
std::vector<Entry> read_listeners(Session& session, bool all_holders) {
  auto entries = session.settle([](Inquiry& inquiry) { return listeners_of(inquiry); });
  session.settle([&](Inquiry& inquiry) {
    if (!entries.empty())
      inquiry.find(owners_of_listeners(inquiry.snapshot().host().netns, all_holders));
    return true;
  });
  const auto ports =
      session.settle([&](Inquiry& inquiry) { return session.model().nat_ports(inquiry); });
  if (!ports.unlisted.empty())
    session.snapshot().add_gap(
        {std::string(nat_gap), "some ports that NAT leads in",
         fmt::format("these rules take them from a set, a map or a large range: {}",
                     fmt::join(ports.unlisted, ", ")),
         "they are missing from this list", "ask for a port of such a rule: synfate PORT"});
  auto of_nat = nat_entries(ports, entries);
  sort_by_listener(of_nat);
  std::ranges::move(of_nat, std::back_inserter(entries));
  return entries;
}

/// What has been told of some can be forgotten before the next are looked at.
std::vector<std::vector<Entry>> in_parts(std::vector<Entry> entries) {
  std::vector<std::vector<Entry>> parts;
  for (std::span<Entry> rest(entries); !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), entries_at_once));
    rest = rest.subspan(some.size());
    parts.emplace_back(std::move_iterator(some.begin()), std::move_iterator(some.end()));
  }
  return parts;
}

// Who reaches it -------------------------------------------------------------------------------

const PathStep* lookup_step(const Fate& fate) {
  const auto step = std::ranges::find_if(fate.path, [](const PathStep& each) {
    return each.stage == Stage::socket_lookup && each.by && each.packet != Packet::synack;
  });
  return step == fate.path.end() ? nullptr : &*step;
}

/// NAT sent the flow somewhere else than the client asked for.
bool led_elsewhere(const FlowReport& flow, Int netns) {
  const Fate& fate = flow.fate;
  const bool same = fate.final_address == flow.flow.to && fate.final_port == flow.flow.port;
  return fate.final_port != 0 && (!same || fate.final_netns != netns);
}

/// A flow that ends at another socket (a more specific one, or behind NAT) says nothing of this.
bool concerns(const Entry& entry, const FlowReport& flow, Int netns) {
  if (entry.sockets.empty())
    return led_elsewhere(flow, netns);
  const PathStep* step = lookup_step(flow.fate);
  if (step == nullptr || step->verdict == Verdict::stop)
    return true;
  const IpAddress address = entry.listener.address.value_or(IpAddress());
  const std::string id =
      fmt::format(fmt::runtime(address.is_v6() ? "{}/[{}]:{}" : "{}/{}:{}"),
                  to_string(entry.listener.proto), address.to_string(), entry.listener.port);
  return step->by->id == id;
}

bool family_fits(const Entry& entry, const Flow& flow) {
  if (entry.sockets.empty() || !entry.listener.address)
    return true;
  const IpAddress& address = *entry.listener.address;
  if (address.is_v4() || address.is_v4_mapped())
    return flow.to.is_v4();
  return flow.to.is_v6() || (address.is_unspecified() && !entry.sockets.front().v6only);
}

SourceClass class_of(const FlowReport& report) {
  SourceClass one;
  one.sources.emplace_back(report.flow.from, report.flow.from);
  one.interface = report.flow.from_interface;
  one.name = report.flow.local ? "" : report.flow.name;
  one.to = report.flow.to;
  one.outcome = report.fate.outcome;
  one.icmp = report.fate.icmp;
  one.certainty = report.fate.certainty;
  one.stopped_at = report.fate.stopped_at;
  one.culprit = report.fate.culprit;
  return one;
}

/// The flows of some entries, in their order. Those of all at once would take more memory than all
/// that was read.
std::vector<FlowReport> flows_of(Session& session, std::span<Entry> entries,
                                 std::span<const ZonedAddress> clients, bool near_misses) {
  std::vector<FlowReport> reports;
  session.settle([&](Inquiry& inquiry) {
    reports.clear();
    for (auto& entry : entries) {
      entry.first_flow = reports.size();
      const Target target = target_of(entry.listener);
      for (auto& flow : asked_flows(inquiry, session.model(), target, clients))
        if (family_fits(entry, flow)) {
          flow.near_misses = near_misses;
          reports.push_back({std::move(flow), {}});
        }
      entry.flows = reports.size() - entry.first_flow;
    }
    return true;
  });
  return reports;
}

/// What all flows hang on is read before any of them is walked: once for the ports of one address.
void read_for_flows(Session& session, std::span<const Entry> entries,
                    std::span<const ZonedAddress> clients) {
  session.settle([&](Inquiry& inquiry) {
    std::set<std::pair<Proto, IpAddress>> asked;
    for (const auto& entry : entries) {
      const Target target = target_of(entry.listener);
      if (target.addresses.empty() || asked.emplace(target.proto, target.addresses.front()).second)
        asked_flows(inquiry, session.model(), target, clients);
    }
    return true;
  });
}

void judge(Entry& entry, std::span<const FlowReport> flows, Int netns) {
  for (const auto& report : flows) {
    if (!concerns(entry, report, netns))
      continue;
    entry.listener.reachable_from.push_back(class_of(report));
    if (entry.sockets.empty() && entry.listener.led_to.empty())
      entry.listener.led_to =
          fmt::format(fmt::runtime(report.fate.final_address.is_v6() ? "[{}]:{}" : "{}:{}"),
                      report.fate.final_address.to_string(), report.fate.final_port);
  }
}

/// What one client of each route cannot show: routes alone do not set the members of a network
/// apart.
bool by_more_than_routes(std::span<const SourceClass> apart, const SourceClass& at) {
  const auto routed = [&](const SourceClass& entry) {
    return entry.stopped_at == Stage::route || entry.stopped_at == Stage::reply_route;
  };
  return std::ranges::count_if(apart, [&](const SourceClass& entry) {
           return share_vantage(entry, at) && !routed(entry);
         }) > 1;
}

bool reached(const Listener& listener) {
  return std::ranges::any_of(listener.reachable_from, [](const SourceClass& one) {
    return one.outcome == Outcome::open || one.outcome == Outcome::unknown;
  });
}

/// Why nobody gets through, for the listeners of which that is so.
void explain_unreached(Session& session, rules::Evaluator& evaluator, Entry& entry,
                       std::span<const FlowReport> flows) {
  if (flows.empty() || entry.listener.reachable_from.empty() || reached(entry.listener))
    return;
  const Target target = target_of(entry.listener);
  auto evaluation = session.settle(
      [&](Inquiry& inquiry) { return evaluator.evaluate(inquiry, {target, flows}); });
  entry.listener.findings = std::move(evaluation.findings);
}

/// Those of the flows, and of what was read for all of them.
void add_all_gaps(Overview& overview, const Snapshot& snapshot,
                  const std::vector<std::string>& of_flows) {
  add_gaps(overview.gaps, snapshot, of_flows);
  for (const auto& answer : snapshot.answers())
    if (answer.request.table == table_name<Socket>() ||
        answer.request.table == table_name<SocketOwner>())
      add_gaps(overview.gaps, snapshot, answer.gaps);
  for (const auto& gap : snapshot.gaps())
    if (gap.id == nat_gap || is_of_plugin(gap))
      add_gap(overview.gaps, gap);
}

/// Where rules or sets tell the sources apart, all of them stand in the place of the one client
/// that was walked.
void tell_sources(Session& session, Entry& entry, Overview& overview) {
  auto& reached = entry.listener.reachable_from;
  const auto glance = who_at_a_glance(session, target_of(entry.listener), std::nullopt);
  overview.sources_left_out = overview.sources_left_out || glance.too_much;
  const auto all = told_apart(glance.classes);
  std::vector<SourceClass> apart;
  std::ranges::copy_if(all, std::back_inserter(apart), [&](const SourceClass& told) {
    return by_more_than_routes(all, told) &&
           std::ranges::any_of(reached,
                               [&](const SourceClass& one) { return share_vantage(one, told); });
  });
  if (apart.empty())
    return;
  std::erase_if(reached, [&](const SourceClass& one) {
    return std::ranges::any_of(apart,
                               [&](const SourceClass& told) { return share_vantage(one, told); });
  });
  std::ranges::move(apart, std::back_inserter(reached));
  add_gaps(overview.gaps, session.snapshot(), glance.gaps);
}

/// An overview while it is made.
struct Draft {
  Overview overview;
  std::span<const ZonedAddress> clients; ///< none: those of a plain question
  bool few = true;                       ///< listeners: all sources are told
  bool near_misses = true;               ///< are looked for: not for thousands of listeners
  std::vector<std::string> gaps;         ///< that mattered to a flow
};

void note_gaps(Draft& draft, std::span<const FlowReport> flows) {
  for (const auto& report : flows)
    for (const auto& id : report.fate.gaps)
      if (std::ranges::find(draft.gaps, id) == draft.gaps.end())
        draft.gaps.push_back(id);
}

void tell_entries(Session& session, rules::Evaluator& evaluator, std::span<Entry> entries,
                  Draft& draft) {
  auto& overview = draft.overview;
  session.settle([&](Inquiry& inquiry) {
    for (auto& entry : entries)
      name_owner(inquiry, entry);
    return true;
  });
  auto reports = flows_of(session, entries, draft.clients, draft.near_misses);
  walk_flows(session, reports);
  for (auto& entry : entries) {
    const auto flows = std::span<const FlowReport>(reports).subspan(entry.first_flow, entry.flows);
    judge(entry, flows, overview.host.netns);
    if (draft.few)
      tell_sources(session, entry, overview);
    explain_unreached(session, evaluator, entry, flows);
    note_gaps(draft, flows);
  }
}

/// What is said of listeners for which no time was left: who they are, if that is known, and that
/// it cannot be told who reaches them.
void leave_untold(Session& session, std::span<Entry> entries) {
  SourceClass anybody;
  for (const auto& [first, last] : {std::pair{"0.0.0.0", "255.255.255.255"},
                                    std::pair{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}})
    anybody.sources.emplace_back(*IpAddress::parse(first), *IpAddress::parse(last));
  anybody.name = "anybody";
  for (auto& entry : entries) {
    Inquiry inquiry(session.snapshot());
    name_owner(inquiry, entry);
    if (inquiry.pending()) {
      entry.listener.owner = Unknown{std::string(late_gap)};
      entry.listener.holders_complete = false;
    }
    entry.listener.reachable_from.push_back(anybody);
  }
}

/// Listeners were told before the ports of NAT, in case that there is not time for all.
void put_in_order(std::vector<Listener>& listeners) {
  const auto of_nat = std::ranges::find_if(
      listeners, [](const Listener& listener) { return !listener.led_to.empty(); });
  std::ranges::inplace_merge(listeners, of_nat, {}, order_of);
}

void note_lateness(Session& session, Overview& overview, std::size_t untold) {
  Gap gap{
      std::string(late_gap), fmt::format("who reaches {} of the ports", untold),
      "the run's deadline passed before they were examined",
      "it cannot be told whether they can be reached; those that only NAT rules name are missing",
      "give it more time: --timeout SECONDS, or ask for one port: synfate PORT"};
  session.snapshot().add_gap(gap);
  add_gap(overview.gaps, gap);
}

/// Without the ports that NAT leads nowhere.
void keep_told(std::vector<Entry> entries, std::vector<Listener>& listeners) {
  for (auto& entry : entries)
    if (!entry.sockets.empty() || !entry.listener.led_to.empty())
      listeners.push_back(std::move(entry.listener));
}

} // namespace

Overview build_overview(Session& session, const rules::RuleSet& rules,
                        std::span<const ZonedAddress> clients, bool all_holders) {
  Draft draft;
  draft.clients = clients;
  draft.overview.clients_named = !clients.empty();
  auto& overview = draft.overview;
  overview.host = session.snapshot().host();
  auto entries = read_listeners(session, all_holders);
  if (entries.size() > entries_at_once)
    read_for_flows(session, entries, clients);
  draft.near_misses = entries.size() <= listeners_at_a_glance;
  draft.few = clients.empty() && draft.near_misses;
  overview.sources_left_out = clients.empty() && !draft.few;
  overview.listeners.reserve(entries.size());
  rules::Evaluator evaluator(rules, session.snapshot().schema());
  std::size_t untold = 0;
  for (auto& some : in_parts(std::move(entries))) {
    if (session.late()) {
      leave_untold(session, some);
      untold += some.size();
    } else {
      tell_entries(session, evaluator, some, draft);
    }
    keep_told(std::move(some), overview.listeners);
  }
  put_in_order(overview.listeners);
  if (untold > 0)
    note_lateness(session, overview, untold);
  add_all_gaps(overview, session.snapshot(), draft.gaps);
  return std::move(overview);
}

int run_overview(const Program& program, const Options& options) {
  if (options.format != "text" && options.format != "json" && options.format != "jsonl")
    return report_error(program, unknown_format(options.format, "text, json, jsonl"));
  const auto clients = read_clients(options);
  if (!clients)
    return report_error(program, clients.error());
  auto session = Session::open(program, options);
  if (!session)
    return report_error(program, session.error());
  const auto rules = load_rules(program, options, (*session)->snapshot().schema());
  if (!rules)
    return report_error(program, rules.error());
  const auto ends = resolve_zones(**session, {}, *clients);
  if (!ends)
    return report_error(program, ends.error());
  const Overview overview = build_overview(**session, *rules, ends->clients, options.all_holders);
  const Snapshot& snapshot = (*session)->snapshot();
  program.out << (options.format == "text"
                      ? render_overview_text(snapshot, overview, text_options(program, options))
                      : render_overview_json(snapshot, overview, options.format == "jsonl"));
  if (const Status saved = (*session)->save(program, options); !saved)
    return report_error(program, saved.error());
  if (options.verbose)
    program.err << (*session)->timings();
  return overview.gaps.empty() ? 0 : 3;
}

} // namespace synfate
