#include "platform/linux/processes/one_process.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "platform/linux/file.h"
#include "platform/linux/privilege.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_links.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr std::string_view gap_user_names = "user_names";
constexpr std::string_view gap_boot_time = "boot_time";
constexpr std::string_view gap_cgroups = "cgroups";

/// Not to be seen without privileges.
constexpr auto hide = [](auto&... cells) { ((cells = Unknown{Text(gap_owners)}), ...); };

/// A process of which only its number shows (hidepid=noaccess).
ProcessReading hidden_process(Int pid) {
  ProcessReading reading;
  auto& row = reading.row;
  row.pid = pid;
  hide(row.name, row.command_line, row.executable, row.executable_deleted, row.uid, row.gid,
       row.user, row.state, row.parent_pid, row.tracer_pid, row.started_at, row.threads,
       row.wait_channel, row.cgroup, row.unit, row.container, row.netns, row.descriptors,
       row.descriptor_limit, row.capabilities, row.seccomp, row.frozen, row.frozen_by,
       row.children);
  reading.denied = true;
  return reading;
}

/// Reads the files of one process.
class OneProcess {
public:
  OneProcess(const Surroundings& surroundings, int directory)
      : surroundings_(surroundings), directory_(directory) {}

  /// Nothing if the process vanished, or is in another state than the wanted one.
  std::optional<ProcessReading> read(Int pid, const std::optional<std::string>& wanted_state) {
    const auto text = read_record_at(directory_, "stat");
    if (!text && text.error().code == ErrorCode::denied)
      return hidden_process(pid);
    const auto stat = text ? parse_process_stat(*text) : std::nullopt;
    if (!stat || (wanted_state && !stat->state.empty() && stat->state != *wanted_state))
      return std::nullopt;
    put_stat(*stat);
    put_status();
    put_command();
    put_links();
    put_cgroups();
    put_descriptors();
    return std::move(reading_);
  }

private:
  void put_stat(const ProcessStat& stat) {
    auto& row = reading_.row;
    row.pid = stat.pid;
    row.name = stat.name;
    if (!stat.state.empty())
      row.state = Text(stat.state);
    row.parent_pid = stat.parent;
    row.threads = stat.threads;
    constexpr Int milliseconds = 1000;
    if (surroundings_.boot_time)
      row.started_at = *surroundings_.boot_time * milliseconds +
                       stat.start_ticks * milliseconds / surroundings_.ticks_per_second;
    else
      row.started_at = Unknown{Text(gap_boot_time)};
  }

  void put_status() {
    auto& row = reading_.row;
    const auto text = read_record_at(directory_, "status");
    if (!text)
      return hide(row.uid, row.gid, row.user, row.tracer_pid, row.seccomp, row.capabilities);
    const auto status = parse_process_status(*text);
    if (status.effective_uid)
      put_user(*status.effective_uid);
    if (status.effective_gid)
      row.gid = *status.effective_gid;
    if (status.tracer && *status.tracer != 0)
      row.tracer_pid = *status.tracer;
    if (status.seccomp)
      row.seccomp = *status.seccomp;
    if (!status.effective_capabilities.empty())
      row.capabilities = status.effective_capabilities;
  }

  void put_user(Int uid) {
    reading_.row.uid = uid;
    if (!surroundings_.users) {
      reading_.row.user = Unknown{Text(gap_user_names)};
      return;
    }
    if (const auto name = surroundings_.users->find(uid); name != surroundings_.users->end())
      reading_.row.user = name->second;
  }

  void put_command() {
    if (const auto text = read_record_at(directory_, "cmdline"); text && !text->empty())
      reading_.row.command_line = parse_command_line(*text);
  }

  void put_links() {
    auto& row = reading_.row;
    const auto executable = read_link_at(directory_, "exe");
    if (executable) {
      auto parsed = parse_executable(*executable);
      row.executable = std::move(parsed.path);
      row.executable_deleted = parsed.deleted;
    } else if (executable.error().code == ErrorCode::denied) {
      hide(row.executable, row.executable_deleted);
    } // a kernel thread and a zombie run no file
    const auto network = read_link_at(directory_, "ns/net");
    if (network) {
      if (const auto inode = parse_inode_link(*network, "net"))
        row.netns = *inode;
    } else if (network.error().code == ErrorCode::denied) {
      reading_.denied = true;
      hide(row.netns);
    }
    put_wait_channel();
  }

  /// "0" for a process that runs, and for everybody's when it may not be seen (proc_pid_wchan()).
  void put_wait_channel() {
    if (reading_.denied)
      return hide(reading_.row.wait_channel);
    const auto text = read_record_at(directory_, "wchan");
    if (text && !text->empty() && *text != "0")
      reading_.row.wait_channel = *text;
  }

  void put_cgroups() {
    const auto text = read_record_at(directory_, "cgroup");
    if (!text)
      return; // a kernel without cgroups
    reading_.cgroups = parse_cgroup(*text);
    auto names = names_of(reading_.cgroups);
    auto& row = reading_.row;
    if (auto path = reading_.cgroups.main(); !path.empty())
      row.cgroup = std::move(path);
    if (!names.unit.empty())
      row.unit = std::move(names.unit);
    if (!names.container.empty())
      row.container = std::move(names.container);
  }

  void put_descriptors() {
    auto& row = reading_.row;
    if (const auto limit = descriptor_limit(); limit && *limit >= 0)
      row.descriptor_limit = *limit;
    const auto count = count_descriptors(directory_);
    if (count && row.descriptor_limit.known() && *count >= row.descriptor_limit.value())
      row.descriptors = descriptors_below(row.descriptor_limit.value(), *count);
    else if (count)
      row.descriptors = *count;
    else if (count.error().code == ErrorCode::denied)
      hide(row.descriptors);
  }

  /// The system call says in a tenth of the time what the text says, to those who may ask it.
  std::optional<Int> descriptor_limit() const {
    rlimit limit{};
    if (surroundings_.own_numbers && prlimit(static_cast<pid_t>(reading_.row.pid.value_or(0)),
                                             RLIMIT_NOFILE, nullptr, &limit) == 0)
      return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<Int>(limit.rlim_cur);
    const auto text = read_record_at(directory_, "limits");
    return text ? parse_descriptor_limit(*text) : std::nullopt;
  }

  /// Of a process at its limit only what really keeps it from a further descriptor: those below the
  /// limit, without the one that a thread blocked in accept() has reserved. __sys_accept4_file() in
  /// net/socket.c takes it before it waits; proc_readfd_count() in fs/proc/fd.c counts it, and the
  /// directory does not show it (Linux 6.12).
  Int descriptors_below(Int limit, Int otherwise) const {
    const auto numbers = read_numbers(directory_, "fd");
    if (!numbers)
      return otherwise;
    return std::ranges::count_if(*numbers, [&](std::int32_t number) { return number < limit; });
  }

  const Surroundings& surroundings_;
  int directory_;
  ProcessReading reading_;
};

/// The directory has a link for each thread beside its own two (proc_task_getattr() in
/// fs/proc/base.c, Linux 6.12): of most processes the only thread is known without a listing.
Result<std::vector<std::int32_t>> threads_of(int proc, Int pid, const std::string& tasks) {
  constexpr nlink_t of_one_thread = 3;
  struct stat status{};
  struct statfs system{};
  if (fstatat(proc, tasks.c_str(), &status, 0) == 0 && status.st_nlink == of_one_thread &&
      fstatfs(proc, &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
    return std::vector{static_cast<std::int32_t>(pid)};
  return read_numbers(proc, tasks.c_str());
}

} // namespace

Surroundings read_surroundings(const ProcessSource& source,
                               const std::function<void(const Gap&)>& gap) {
  Surroundings surroundings;
  const auto statistics = read_file(source.proc() + "/stat");
  if (statistics)
    surroundings.boot_time = parse_boot_time(*statistics);
  if (!surroundings.boot_time)
    gap({Text(gap_boot_time), "the time the system was started",
         statistics ? "/proc/stat has no line btime" : to_string(statistics.error()),
         "it cannot be told when processes were started", "make /proc/stat readable"});
  const auto self = read_link_at(AT_FDCWD, (source.proc() + "/self").c_str());
  surroundings.own_numbers = source.live() && self && *self == std::to_string(getpid());
  if (const long ticks = sysconf(_SC_CLK_TCK); ticks > 0)
    surroundings.ticks_per_second = ticks;
  const auto users = read_file(source.root + "/etc/passwd");
  if (users)
    surroundings.users = parse_user_names(*users);
  else
    gap({Text(gap_user_names), "the names of users", to_string(users.error()),
         "users are shown by number", "make /etc/passwd readable"});
  return surroundings;
}

std::optional<ProcessReading> read_one_process(int proc, std::int32_t pid,
                                               const Surroundings& surroundings,
                                               const std::optional<std::string>& wanted_state) {
  const auto name = std::to_string(pid);
  const FileDescriptor directory(openat(proc, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid())
    return OneProcess(surroundings, directory.get()).read(pid, wanted_state);
  if (errno == EACCES || errno == EPERM)
    return hidden_process(pid);
  return std::nullopt;
}

/// /proc/PID/task/TID/children: "12 15 "; each thread has those it started. Nothing: the kernel
/// has no such files (CONFIG_PROC_CHILDREN).
std::optional<std::vector<std::int32_t>> children_of(int proc, Int parent, bool of_one_thread) {
  const std::string tasks = std::to_string(parent) + "/task";
  const auto threads =
      of_one_thread
          ? Result<std::vector<std::int32_t>>(std::vector{static_cast<std::int32_t>(parent)})
          : threads_of(proc, parent, tasks);
  if (!threads)
    return std::vector<std::int32_t>(); // it is gone
  std::vector<std::int32_t> children;
  for (const auto thread : *threads) {
    const auto text =
        read_file_at(proc, (tasks + "/" + std::to_string(thread) + "/children").c_str());
    if (!text && text.error().code == ErrorCode::not_found && thread == parent)
      return std::nullopt;
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty())
      if (const auto child = parse_number<std::int32_t>(take_word(rest)))
        children.push_back(*child);
  }
  std::ranges::sort(children);
  return children;
}

void put_children(int proc, Process& row) {
  constexpr Int many = 64;
  const Int threads = row.threads.value_or(0);
  if (threads == 0 || threads > many)
    return;
  if (const auto children = children_of(proc, row.pid.value_or(0), threads == 1))
    row.children = static_cast<Int>(children->size());
}

namespace {

CgroupMounts cgroup_mounts(const ProcessSource& source) {
  const auto mountinfo = read_file(source.proc() + "/self/mountinfo");
  return mountinfo ? parse_cgroup_mounts(*mountinfo) : CgroupMounts{};
}

} // namespace

ProcessRows::ProcessRows(const ProcessSource& source, std::function<void(const Gap&)> gap)
    : frozen_(cgroup_mounts(source), source.root), gap_(std::move(gap)) {}

Process ProcessRows::row(ProcessReading reading) {
  ++found_;
  if (reading.denied)
    ++denied_;
  put_frozen(reading);
  return std::move(reading.row);
}

void ProcessRows::put_frozen(ProcessReading& reading) {
  if (reading.row.frozen.unknown())
    return;
  const auto state = frozen_.frozen_by(reading.cgroups);
  if (state) {
    reading.row.frozen = !state->empty();
    if (!state->empty())
      reading.row.frozen_by = *state;
    return;
  }
  reading.row.frozen = Unknown{Text(gap_cgroups)};
  reading.row.frozen_by = Unknown{Text(gap_cgroups)};
  if (std::exchange(cgroups_reported_, true))
    return;
  gap_({Text(gap_cgroups), "whether processes are frozen", to_string(state.error()),
        "a paused container looks like a sleeping one",
        "run it where the cgroup file systems are mounted"});
}

void ProcessRows::report_denied() const {
  if (denied_ == 0)
    return;
  gap_({Text(gap_owners), "details of other users' processes",
        "executable, namespace and wait channel of " + std::to_string(denied_) + " of " +
            std::to_string(found_) + " processes need CAP_SYS_PTRACE",
        "it cannot be told in which network namespace they are", remedy_with("CAP_SYS_PTRACE")});
}

} // namespace synfate
