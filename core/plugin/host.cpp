#include "core/plugin/host.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "core/plugin/checked_rows.h"

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
    providers_.push_back({collector.get(), false});
}

std::int64_t Host::milliseconds_left() const {
  return started_ms_ + options_.deadline_ms - system_.now_ms();
}

void Host::collect(FactSink& facts, std::span<const Request> requests) {
  for (const auto& request : requests)
    answer(facts, request);
}

void Host::collect(Snapshot& snapshot, std::span<const Request> requests) {
  SnapshotSink sink(snapshot);
  collect(sink, requests);
}

void Host::answer(FactSink& facts, const Request& request) {
  std::vector<std::string> gaps;
  bool asked = false;
  for (auto& provider : providers_) {
    if (!provider.collector->manifest().provides(request.table))
      continue;
    asked = true;
    for (const auto& id : ask(facts, request, provider))
      note(gaps, id);
  }
  if (!asked) {
    const Gap gap = no_plugin_gap(request.table);
    facts.add_gap(gap);
    note(gaps, gap.id);
  }
  facts.answered(request, gaps);
}

std::vector<std::string> Host::ask(FactSink& facts, const Request& request, Provider& provider) {
  const Manifest& manifest = provider.collector->manifest();
  if (provider.faulty)
    return {"plugin." + manifest.id};
  CheckedRows rows(manifest, facts, {root_, [this] { return milliseconds_left(); }});
  const Stopwatch stopwatch;
  const Status status =
      rows.milliseconds_left() > 0 ? run(request, *provider.collector, rows) : Status(Done{});
  rows.finish();
  std::vector<std::string> gaps = rows.row_gaps();
  const auto add = [&](const Gap& gap) {
    facts.add_gap(gap);
    note(gaps, gap.id);
  };
  if (!rows.fault_text().empty()) {
    provider.faulty = true;
    add(fault_gap(manifest, rows.fault_text()));
  } else if (!status && (rows.gaps().empty() || status.error().code != ErrorCode::system)) {
    // A plugin that says it failed and has reported why needs no second gap.
    add(plugin_gap(manifest, to_string(status.error())));
  }
  if (rows.out_of_time())
    add(timeout_gap());
  timings_.push_back(
      {to_string(request), manifest.id, stopwatch.milliseconds(), rows.row_count(), gaps});
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
