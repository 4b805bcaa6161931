// Answers requests by asking plugins: finds who provides a table, runs it in the right network
// namespace under the run's deadline, checks what it delivers, and records what is missing.
//
// Questions that are asked together go to their plugins side by side, to each plugin one after
// another, unless its manifest allows several at once; rows and gaps are taken over in the order of
// the questions, whoever was quicker.
//
// Whatever goes wrong in a plugin costs that plugin's facts and nothing else: the request is
// answered all the same, with a gap that says what happened. Tested by
// tests/unit/core/plugin/host_test.cpp.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/facts/fact_sink.h"
#include "core/plugin/checked_rows.h"
#include "core/plugin/collector.h"
#include "core/plugin/lanes.h"
#include "core/plugin/system.h"

namespace synfate {

/// What one request cost, for -v.
struct CollectionTiming {
  std::string request; ///< "socket where local_port = 8080"
  std::string plugin;
  double milliseconds = 0;
  std::size_t rows = 0;
  std::vector<std::string> gaps;
};

struct HostOptions {
  std::int64_t home_netns = 0;       ///< inode of the namespace this process is in
  std::int64_t deadline_ms = 10'000; ///< of the whole run, from the host's construction
  bool timed = true;                 ///< timings() are wanted
};

class Host {
public:
  /// `system` outlives the host.
  Host(std::vector<std::unique_ptr<Collector>> collectors, System& system, HostOptions options);

  /// Collects what the requests ask for. Afterwards each is answered, if need be with gaps. One
  /// plugin after another: what is collected goes straight into the sink.
  void collect(FactSink& facts, std::span<const Request> requests);
  /// The same, plugins side by side.
  void collect(Snapshot& snapshot, std::span<const Request> requests);
  void collect(Snapshot& snapshot, const Request& request) { collect(snapshot, {&request, 1}); }

  /// In the order of the collections.
  const std::vector<CollectionTiming>& timings() const { return timings_; }
  /// Milliseconds of the run that are left; 0 or less: the deadline passed.
  std::int64_t milliseconds_left() const;
  const std::vector<std::unique_ptr<Collector>>& collectors() const { return collectors_; }
  /// Inode of the namespace this process is in.
  std::int64_t home_netns() const { return options_.home_netns; }

private:
  struct Provider {
    Collector* collector = nullptr;
    std::atomic<bool> faulty = false; ///< broke the rules once: not asked again
  };
  /// One question to one plugin; without a provider: to none, for none has the table.
  struct Task {
    const Request* request = nullptr;
    Provider* provider = nullptr;
    bool last = true;                            ///< of its request
    std::unique_ptr<CheckedRows> rows = nullptr; ///< from the question to its conclusion
    Status status = Done{};
    double milliseconds = 0;
    bool broke_rules = false;
  };
  using Lane = std::vector<std::size_t>; ///< tasks that are done one after another

  std::vector<Task> tasks_of(std::span<const Request> requests);
  static std::vector<Lane> lanes_of(const std::vector<Task>& tasks);
  void collect_one_by_one(FactSink& facts, std::vector<Task>& tasks);
  void collect_side_by_side(FactSink& sink, std::vector<Task>& tasks,
                            const std::vector<Lane>& lanes);
  void note_namespaces(const Snapshot& snapshot);
  void perform(Task& task, FactSink& facts);
  std::vector<std::string> conclude(Task& task, FactSink& facts);
  static void blame(const Task& task);
  Status run(const Request& request, Collector& collector, RowReceiver& rows);
  std::int64_t netns_of(const Request& request) const;
  Gap timeout_gap() const;

  std::vector<std::unique_ptr<Collector>> collectors_;
  std::deque<Provider> providers_;
  System& system_;
  HostOptions options_;
  std::string root_;
  std::int64_t started_ms_ = 0;
  std::vector<CollectionTiming> timings_;
  Lanes lanes_;
};

} // namespace synfate
