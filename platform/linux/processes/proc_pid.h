// The files of one process below /proc, decoded. All of it is text of the kernel that a process can
// partly choose (its name, its arguments, its cgroup's name): any byte may come.
//
//   stat    1234 (a) b) S 1 1234 1234 0 -1 4194560 …   the name ends at the LAST ')'
//   status  Uid:\t0\t33\t33\t33  TracerPid:\t0  CapEff:\t00000000a80425fb  Seccomp:\t2
//   limits  Max open files            1024                 524288               files
//
// (do_task_stat(), proc_pid_status() in fs/proc/array.c, proc_pid_limits() in fs/proc/base.c, Linux
// 6.12.) Tested by tests/unit/platform/linux/processes/proc_pid_test.cpp, fuzzed by
// tests/fuzz/fuzz_proc_pid.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synfate {

/// /proc/PID/stat.
struct ProcessStat {
  std::int64_t pid = 0;
  std::string name;
  std::string_view state; ///< the table's word
  std::int64_t parent = 0;
  std::int64_t threads = 0;
  std::int64_t start_ticks = 0; ///< since boot, in clock ticks
};
std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// The word of the table for a state letter; empty for an unknown one.
std::string_view process_state_word(char letter);

/// /proc/PID/status; what the kernel does not print is not set.
struct ProcessStatus {
  std::optional<std::int64_t> effective_uid;
  std::optional<std::int64_t> effective_gid;
  std::optional<std::int64_t> tracer; ///< 0: none
  std::optional<std::int64_t> seccomp;
  std::optional<std::int64_t> descriptor_slots; ///< FDSize: above the highest descriptor
  std::string effective_capabilities;           ///< hexadecimal; empty if not printed
};
ProcessStatus parse_process_status(std::string_view text);

/// The soft limit "Max open files" of /proc/PID/limits; -1 for unlimited.
std::optional<std::int64_t> parse_descriptor_limit(std::string_view text);

/// The arguments of /proc/PID/cmdline, joined by blanks.
std::string parse_command_line(std::string_view text);

/// Where an "exe" link leads, and whether the kernel says that the file is gone.
struct Executable {
  std::string path;
  bool deleted = false;
};
Executable parse_executable(std::string_view link);

/// "socket:[1234]" or "net:[4026531840]": the number; nothing for other links.
std::optional<std::int64_t> parse_inode_link(std::string_view link, std::string_view kind);

/// "btime" of /proc/stat: seconds since 1970.
std::optional<std::int64_t> parse_boot_time(std::string_view text);

/// User names by id, from /etc/passwd; the first line of an id counts.
std::map<std::int64_t, std::string> parse_user_names(std::string_view text);

/// One entry of /etc/services.
struct ServiceEntry {
  std::string name;
  std::string proto;
  std::int64_t port = 0;
};
/// Aliases are entries of their own; comments and broken lines are left out.
std::vector<ServiceEntry> parse_services(std::string_view text);

} // namespace synfate
