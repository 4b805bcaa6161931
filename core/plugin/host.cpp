#include "core/plugin/host.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "core/plugin/ordered_facts.h"

namespace synfate {
namespace {

Gap no_plugin_gap(const std::string& table) {
  return {"no-plugin." + table, "the table " + table, "no plugin that is loaded provides it",
          "what depends on this table cannot be told",
          "look at `synfate plugins check`; install the plugin that provides it or name its "
          "directory with --plugins DIR"};
}

Gap plugin_gap(const Manifest& manifest, std::string why) {
  return {"plugin." + manifest.id, "facts of the plugin " + manifest.id, std::move(why),
          "what depends on its tables cannot be told", "look at `synfate plugins check`"};
}

Gap fault_gap(const Manifest& manifest, const std::string& fault) {
  Gap gap = plugin_gap(manifest, "the plugin is faulty: " + fault);
  gap.remedy = fmt::format("report it to the author of {} {}", manifest.id, manifest.version);
  return gap;
}

void note(std::vector<std::string>& ids, const std::string& id) {
  if (std::ranges::find(ids, id) == ids.end())
    ids.push_back(id);
}

/// Real time, for -v only; the deadline goes by the system's clock.
class Stopwatch {
public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_)
        .count();
  }

private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace

Host::Host(std::vector<std::unique_ptr<Collector>> collectors, System& system, HostOptions options)
    : collectors_(std::move(collectors)), system_(system), options_(options), root_(system.root()),
      started_ms_(system.now_ms()) {
  for (const auto& collector : collectors_)
    providers_.emplace_back(collector.get());
}

std::int64_t Host::milliseconds_left() const {
  return started_ms_ + options_.deadline_ms - system_.now_ms();
}

void Host::collect(FactSink& facts, std::span<const Request> requests) {
  std::vector<Task> tasks = tasks_of(requests);
  collect_one_by_one(facts, tasks);
}

void Host::collect_one_by_one(FactSink& facts, std::vector<Task>& tasks) {
  std::vector<std::string> gaps;
  for (auto& task : tasks) {
    perform(task, facts);
    for (const auto& id : conclude(task, facts))
      note(gaps, id);
    if (task.last)
      facts.answered(*task.request, std::exchange(gaps, {}));
    blame(task);
  }
}

void Host::collect(Snapshot& snapshot, std::span<const Request> requests) {
  SnapshotSink sink(snapshot);
  std::vector<Task> tasks = tasks_of(requests);
  const auto lanes = lanes_of(tasks);
  if (lanes.size() < 2)
    collect_one_by_one(sink, tasks);
  else
    collect_side_by_side(sink, tasks, lanes);
  if (std::ranges::find(requests, table_name<NetworkNamespace>(), &Request::table) !=
      requests.end())
    note_namespaces(snapshot);
}

/// Where the namespaces were found: they need not be looked for again.
void Host::note_namespaces(const Snapshot& snapshot) {
  const Table* table = snapshot.table(table_name<NetworkNamespace>());
  for (std::size_t row = 0; table != nullptr && row < table->size(); ++row)
    if (const auto found = read_row<NetworkNamespace>(*table, row);
        found.inode.known() && found.path.known())
      system_.note_netns_file(found.inode.value(), found.path.value());
}

void Host::collect_side_by_side(FactSink& sink, std::vector<Task>& tasks,
                                const std::vector<Lane>& lanes) {
  std::vector<std::string> gaps;
  OrderedFacts facts(sink, tasks.size(), [&](std::size_t at) {
    for (const auto& id : conclude(tasks[at], facts.part(at)))
      note(gaps, id);
    if (tasks[at].last)
      facts.part(at).answered(*tasks[at].request, std::exchange(gaps, {}));
  });
  lanes_.run(lanes.size(), [&](std::size_t lane) {
    for (const std::size_t at : lanes[lane]) {
      perform(tasks[at], facts.part(at));
      facts.written(at);
    }
  });
  std::ranges::for_each(tasks, blame);
}

/// A plugin at fault is not asked again.
void Host::blame(const Task& task) {
  if (task.broke_rules)
    task.provider->faulty = true;
}

std::vector<Host::Task> Host::tasks_of(std::span<const Request> requests) {
  std::vector<Task> tasks;
  for (const auto& request : requests) {
    const std::size_t before = tasks.size();
    for (auto& provider : providers_)
      if (provider.collector->manifest().provides(request.table))
        tasks.push_back({.request = &request, .provider = &provider, .last = false});
    if (tasks.size() == before)
      tasks.push_back({.request = &request});
    tasks.back().last = true;
  }
  return tasks;
}

std::vector<Host::Lane> Host::lanes_of(const std::vector<Task>& tasks) {
  std::vector<Lane> lanes;
  std::map<const Provider*, std::size_t> lane_of; ///< of plugins that are asked one by one
  for (std::size_t at = 0; at < tasks.size(); ++at) {
    const Provider* provider = tasks[at].provider;
    const bool parallel = provider != nullptr && provider->collector->manifest().parallel;
    const std::size_t lane =
        parallel ? lanes.size() : lane_of.try_emplace(provider, lanes.size()).first->second;
    if (lane == lanes.size())
      lanes.emplace_back();
    lanes[lane].push_back(at);
  }
  return lanes;
}

/// Asks the plugin; what it delivered is judged by conclude().
void Host::perform(Task& task, FactSink& facts) {
  if (task.provider == nullptr || task.provider->faulty)
    return;
  const Stopwatch stopwatch;
  task.rows = std::make_unique<CheckedRows>(
      task.provider->collector->manifest(), facts,
      CheckedRows::Surroundings{root_, [this] { return milliseconds_left(); }});
  if (task.rows->milliseconds_left() > 0)
    task.status = run(*task.request, *task.provider->collector, *task.rows);
  task.milliseconds = stopwatch.milliseconds();
  if (!task.rows->fault_text().empty())
    task.provider->faulty = true;
}

/// The gaps because of which rows may be missing.
std::vector<std::string> Host::conclude(Task& task, FactSink& facts) {
  if (task.provider == nullptr) {
    const Gap gap = no_plugin_gap(task.request->table);
    facts.add_gap(gap);
    return {gap.id};
  }
  const Manifest& manifest = task.provider->collector->manifest();
  if (!task.rows)
    return {"plugin." + manifest.id};
  CheckedRows& rows = *task.rows;
  rows.finish();
  std::vector<std::string> gaps = rows.row_gaps();
  const auto add = [&](const Gap& gap) {
    facts.add_gap(gap);
    note(gaps, gap.id);
  };
  if (!rows.fault_text().empty()) {
    task.broke_rules = true;
    add(fault_gap(manifest, rows.fault_text()));
  } else if (!task.status &&
             (rows.gaps().empty() || task.status.error().code != ErrorCode::system)) {
    // A plugin that says it failed and has reported why needs no second gap.
    add(plugin_gap(manifest, to_string(task.status.error())));
  }
  if (rows.out_of_time())
    add(timeout_gap());
  if (options_.timed)
    timings_.push_back(
        {to_string(*task.request), manifest.id, task.milliseconds, rows.row_count(), gaps});
  task.rows.reset(); // with the last row's cells, and there may be thousands of tasks
  return gaps;
}

Status Host::run(const Request& request, Collector& collector, RowReceiver& rows) {
  const auto netns = netns_of(request);
  if (netns == options_.home_netns)
    return collector.collect(request, netns, rows);
  Status status = Done{};
  Status entered =
      system_.run_in_netns(netns, [&] { status = collector.collect(request, netns, rows); });
  if (entered)
    return status;
  if (netns != 0 && entered.error().code == ErrorCode::not_found)
    return Done{}; // it has gone since it was found: nothing is in it any more
  rows.gap({fmt::format("netns.{}", netns), fmt::format("the network namespace {}", netns),
            to_string(entered.error()), "what happens inside of it cannot be told",
            "run as root, and while a process of that namespace exists"});
  return Done{};
}

std::int64_t Host::netns_of(const Request& request) const {
  const auto key = std::ranges::find(request.keys, std::string_view("netns"), &Key::column);
  if (key == request.keys.end())
    return options_.home_netns;
  const auto* inode = std::get_if<Int>(&key->value);
  return inode == nullptr ? options_.home_netns : *inode;
}

Gap Host::timeout_gap() const {
  return {"timeout", "facts that were still to be read",
          fmt::format("the run's deadline of {} s passed",
                      static_cast<double>(options_.deadline_ms) / 1000),
          "what depends on them cannot be told", "give it more time: --timeout SECONDS"};
}

} // namespace synfate
