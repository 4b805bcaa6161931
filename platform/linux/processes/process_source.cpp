// hidepid: fs/proc/root.c, Linux 6.12: "hidepid=2" or "hidepid=invisible" among the mount's
// options; has_pid_permissions() in fs/proc/base.c exempts CAP_SYS_PTRACE (and one group, which we
// ignore).
#include "platform/linux/processes/process_source.h"

#include <fcntl.h>

#include "platform/linux/file.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_links.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr unsigned capability_ptrace = 19; // CAP_SYS_PTRACE

bool hides(std::string_view options) {
  const auto start = options.find("hidepid=");
  if (start == std::string_view::npos)
    return false;
  const auto mode = options.substr(start + 8, options.find(',', start) - start - 8);
  return mode == "2" || mode == "invisible" || mode == "4" || mode == "ptraceable";
}

} // namespace

bool may_trace(std::string_view status) {
  const auto bits =
      parse_number<std::uint64_t>(parse_process_status(status).effective_capabilities, 16);
  return bits && ((*bits >> capability_ptrace) & 1U) != 0;
}

bool hides_processes(std::string_view mountinfo, std::string_view status) {
  bool hidden = false;
  for_each_line(mountinfo, [&](std::string_view line) {
    const auto dash = line.find(" - proc ");
    if (dash == std::string_view::npos || line.find(" /proc ") == std::string_view::npos)
      return true;
    hidden = hides(line.substr(dash));
    return true; // the last mount is on top
  });
  return hidden && !may_trace(status);
}

bool HiddenProcesses::hides(const ProcessSource& source) {
  if (!hides_) {
    const auto mountinfo = read_file(source.proc() + "/self/mountinfo");
    const auto status = read_file(source.proc() + "/self/status");
    hides_ = mountinfo && status && hides_processes(*mountinfo, *status);
  }
  return *hides_;
}

bool sees_all_processes() {
  // include/linux/proc_ns.h: PROC_PID_INIT_INO, the same on every Linux since 3.8.
  constexpr std::int64_t first_pid_namespace = 0xEFFFFFFC;
  const auto link = read_link_at(AT_FDCWD, "/proc/self/ns/pid");
  return !link || parse_inode_link(*link, "pid") == first_pid_namespace;
}

Gap no_proc_gap(const std::string& why) {
  return {Text(gap_owners), "the processes", why, "processes are not named",
          "run it where /proc is mounted"};
}

Gap hidden_processes_gap() {
  return {Text(gap_hidden_processes), "processes of other users",
          "/proc is mounted with hidepid=, which hides them", "processes are not named",
          remedy_with("CAP_SYS_PTRACE")};
}

Gap outer_processes_gap() {
  return {Text(gap_hidden_processes), "processes outside this container",
          "this pid namespace shows its own processes only", "processes are not named",
          "run it on the host, with --netns for the container's namespace"};
}

} // namespace synfate
