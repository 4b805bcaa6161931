// Where the readers of processes look, and what of that is hidden from them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/facts/snapshot.h"

namespace synfate {

/// Gap id of what only the owner of a process, or CAP_SYS_PTRACE, may see of it.
inline constexpr std::string_view gap_owners = "owners";
/// Gap id of processes that do not show at all. An id of its own: rows are missing, where the
/// other one may only make cells unknown.
inline constexpr std::string_view gap_hidden_processes = "owners.hidden";

struct ProcessSource;

/// Whether /proc hides processes: found out once for many questions.
class HiddenProcesses {
public:
  bool hides(const ProcessSource& source);

private:
  std::optional<bool> hides_;
};

struct ProcessSource {
  std::string root; ///< before /proc, /etc, /run and the cgroup mounts
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
  HiddenProcesses* hidden = nullptr; ///< null: found out for each question

  std::string proc() const { return root + "/proc"; }
  /// The system that runs now, not a directory of recorded files.
  bool live() const { return root.empty(); }
};

/// True if /proc is mounted so that other users' processes cannot be seen (hidepid=) and we are not
/// exempt. Pure but for its two texts: /proc/self/mountinfo and /proc/self/status.
bool hides_processes(std::string_view mountinfo, std::string_view status);

/// True if every process of the machine has a number here: this is the first pid namespace.
bool sees_all_processes();

/// True if the text of /proc/self/status has CAP_SYS_PTRACE among the effective capabilities.
bool may_trace(std::string_view status);

/// The gap for /proc that cannot be listed.
Gap no_proc_gap(const std::string& why);
/// The gap for processes that do not show in /proc.
Gap hidden_processes_gap();
/// The gap for processes outside this container.
Gap outer_processes_gap();

} // namespace synfate
