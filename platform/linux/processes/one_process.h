// What /proc tells of one process, and what the rows of many have in common.
//
// Tested by tests/unit/platform/linux/processes/read_processes_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/facts/tables.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/process_source.h"

namespace synfate {

/// What all processes share.
struct Surroundings {
  std::optional<Int> boot_time; ///< seconds since 1970
  Int ticks_per_second = 100;
  std::optional<std::map<std::int64_t, std::string>> users;
  bool own_numbers = false; ///< processes have the numbers here by which system calls know them
};
Surroundings read_surroundings(const ProcessSource& source,
                               const std::function<void(const Gap&)>& gap);

/// One process as read by a thread; what needs a shared cache is added by ProcessRows.
struct ProcessReading {
  Process row;
  CgroupPaths cgroups;
  bool denied = false;
};

/// `proc`: the open directory /proc. Nothing if the process is gone, or is in another state than
/// the wanted one.
std::optional<ProcessReading> read_one_process(int proc, std::int32_t pid,
                                               const Surroundings& surroundings,
                                               const std::optional<std::string>& wanted_state);

/// The children of all its threads, ascending; `of_one_thread`: there is only the first. Nothing:
/// the kernel does not tell them (CONFIG_PROC_CHILDREN).
std::optional<std::vector<std::int32_t>> children_of(int proc, Int parent,
                                                     bool of_one_thread = false);

/// Counts its children, where the kernel tells them and its threads are not very many. Only for
/// where no process is hidden from us.
void put_children(int proc, Process& row);

/// Makes rows of readings, and counts what was denied.
class ProcessRows {
public:
  ProcessRows(const ProcessSource& source, std::function<void(const Gap&)> gap);

  Process row(ProcessReading reading);
  /// The gap for what could not be read, if there is any.
  void report_denied() const;

private:
  void put_frozen(ProcessReading& reading);

  FrozenCgroups frozen_;
  std::function<void(const Gap&)> gap_;
  std::size_t found_ = 0;
  std::size_t denied_ = 0;
  bool cgroups_reported_ = false;
};

} // namespace synfate
