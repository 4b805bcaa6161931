// What a process may use and what of it is used, as a table.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// One limit that holds for a process, and how near it is.
struct Resource {
  Fact<Int> pid;
  Fact<Text> name;
  Fact<Text> scope;
  Fact<Text> file;
  Fact<Int> used;
  Fact<Int> limit;
  Fact<Int> failures;
  Fact<Int> attempts;
};

template <>
inline constexpr auto description_of<Resource> = describe_answers(
    "resource", "A limit of a process's cgroup, of one above it, or of its user.",
    key(column(&Resource::pid, "pid", "", "Asked: the process.", "process.pid")),
    key(column(&Resource::name, "name", "",
               "tasks, memory, cpu and tcp_memory (of a cgroup), user_tasks (RLIMIT_NPROC).")),
    key(column(&Resource::scope, "scope", "",
               "Who shares it: the path of the cgroup, or the user's id.")),
    column(&Resource::file, "file", "", "The file that says the limit."),
    column(&Resource::used, "used", "",
           "Tasks or bytes in use; absent for cpu, and for user_tasks where the whole machine has "
           "fewer tasks than the limit."),
    column(&Resource::limit, "limit", "",
           "Tasks, bytes, or thousandths of a processor; absent if there is none."),
    column(&Resource::failures, "failures", "",
           "So far: forks refused, processes killed for want of memory, periods with throttling."),
    column(&Resource::attempts, "attempts", "", "cpu: periods in which it wanted to run."));

} // namespace synfate
