// Processes that will be asked for one by one, as the holders of many listeners are.
//
// One by one they would take as long as the search that found them, and all at once much memory:
// they are read some hundred at a time, and while the caller has to do with some of them the next
// are read. Tested by tests/unit/platform/linux/processes/expected_processes_test.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "platform/linux/file.h"
#include "platform/linux/processes/one_process.h"
#include "platform/linux/processes/parallel.h"

namespace synfate {

class ExpectedProcesses {
public:
  /// These will be asked for, each in a request of its own; ascending. Nothing is read before.
  void expect(std::vector<std::int32_t> pids);

  /// The process, if it is one of them and there still. It is handed out once: whoever asks keeps
  /// it.
  std::optional<Process> take(Int pid, const ProcessSource& source);
  /// True of one of them that is known to have no children.
  bool childless(Int pid, const ProcessSource& source);
  /// What was said of them all; null: nothing of that kind.
  const Gap* gap(const std::string& id, const ProcessSource& source);

private:
  /// Some that follow each other among the expected ones, and what was read of them.
  struct Group {
    std::span<const std::int32_t> pids;
    std::vector<std::optional<ProcessReading>> readings; ///< in their order
    std::vector<char> childless;                         ///< likewise
    std::unique_ptr<WorkAhead> work;                     ///< null: not begun, or done
    bool done = false;
  };
  /// What the reading of all of them needs.
  struct Shared {
    FileDescriptor proc;
    Surroundings surroundings;
    ProcessRows rows;
    bool all_shown = false; ///< no process is hidden from us: one without children has none
  };

  /// Null: nobody expected it.
  Group* group_of(Int pid);
  void begin(Group& group, const ProcessSource& source);
  /// The group is read, and the next one is begun.
  void finish(Group& group, const ProcessSource& source);

  std::vector<std::int32_t> expected_;
  std::unique_ptr<Shared> shared_;
  std::unordered_map<Int, Process> processes_;
  std::map<std::string, Gap> gaps_;
  std::vector<Group> groups_; ///< the last: their threads use the others
};

} // namespace synfate
