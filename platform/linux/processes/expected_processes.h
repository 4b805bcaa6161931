// Processes that will be asked for one by one, as the holders of many listeners are.
//
// One by one they would take as long as the search that found them: from the first question on,
// the other processors read the rest, while the caller has to do with those that it got. What
// nobody has asked for yet is bounded, since a process is large. Tested by
// tests/unit/platform/linux/processes/expected_processes_test.cpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "platform/linux/file.h"
#include "platform/linux/processes/one_process.h"

namespace synfate {

class ExpectedProcesses {
public:
  /// These will be asked for, each in a request of its own; ascending. Nothing is read before.
  void expect(std::vector<std::int32_t> pids);

  /// The process, if it is one of them and there still. It is handed out once: whoever asks keeps
  /// it.
  std::optional<Process> take(Int pid, const ProcessSource& source);
  /// What was said of them all; null: nothing of that kind.
  const Gap* gap(const std::string& id, const ProcessSource& source);

private:
  /// So many may have been read and not been asked for.
  static constexpr std::size_t most_waiting = 128;

  enum class Progress : char { unread, being_read, read };
  struct Expected {
    std::int32_t pid = 0;
    Progress progress = Progress::unread;
    bool counted = false; ///< its row is complete: it has been through Shared::rows
    std::unique_ptr<ProcessReading> reading; ///< null: not read, gone, or handed out
  };
  /// What the reading of all of them needs.
  struct Shared {
    FileDescriptor proc;
    Surroundings surroundings;
    ProcessRows rows;
    bool all_shown = false; ///< no process is hidden from us
  };

  /// Null: nobody expected it. Otherwise it has been read, by whoever was first.
  Expected* read(Int pid, const ProcessSource& source);
  void begin(const ProcessSource& source);
  void stop();
  /// Reads one that nobody reads; the lock is released meanwhile.
  void read_one(Expected& one, std::unique_lock<std::mutex>& lock);
  bool has_room() const { return all_wanted_ || waiting_ < most_waiting; }
  /// Null: all of them are read or being read.
  Expected* first_unread();
  /// What the other processors do: one after the other, as long as not too many lie about.
  void read_ahead(const std::stop_token& stopped);
  void complete(Expected& one);
  /// What is said of all of them can be said when they all have been read.
  void count_all(const ProcessSource& source);

  std::unique_ptr<Shared> shared_;
  std::map<std::string, Gap> gaps_;
  bool all_counted_ = false;
  std::mutex mutex_; ///< of what follows
  std::condition_variable_any changed_;
  std::vector<Expected> expected_;    ///< ascending
  std::size_t next_ = 0;              ///< before it all are read or being read
  std::size_t waiting_ = 0;           ///< read by others, and not handed out
  bool all_wanted_ = false;           ///< they may be as many as they are
  std::vector<std::jthread> helpers_; ///< the last: they use the others
};

} // namespace synfate
