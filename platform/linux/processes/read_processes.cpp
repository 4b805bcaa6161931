#include "platform/linux/processes/read_processes.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "platform/linux/file.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/parallel.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/process_links.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr std::string_view gap_user_names = "user_names";
constexpr std::string_view gap_boot_time = "boot_time";
constexpr std::string_view gap_cgroups = "cgroups";

/// What all processes of one collection share.
struct Surroundings {
  std::optional<Int> boot_time; ///< seconds since 1970
  Int ticks_per_second = 100;
  std::optional<std::map<std::int64_t, std::string>> users;
  bool own_numbers = false; ///< processes have the numbers here by which system calls know them
};

/// One process as read by a thread; what needs a shared cache is added later.
struct ProcessReading {
  Process row;
  CgroupPaths cgroups;
  bool denied = false;
};

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
       row.descriptor_limit, row.capabilities, row.seccomp, row.frozen, row.frozen_by);
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

/// /proc/PID/task/TID/children: "12 15 "; each thread has those it started. Nothing: the kernel
/// has no such files (CONFIG_PROC_CHILDREN).
std::optional<std::vector<std::int32_t>> children_of(int proc, Int parent,
                                                     bool of_one_thread = false) {
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

/// Reads processes for one request; lives for one call of read_processes.
class ProcessReader {
public:
  ProcessReader(const ProcessSource& source, const Delivery<Process>& delivery)
      : source_(source), delivery_(delivery) {}

  void read(const ProcessQuery& query) {
    if (!is_pid(query.pid) || !is_pid(query.parent))
      return; // no process has such a number
    const auto pid = query.pid;
    state_ = query.state;
    const FileDescriptor proc(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc.valid())
      return delivery_.gap(no_proc_gap("/proc cannot be opened"));
    const auto pids = processes(proc.get(), query);
    if (!pids)
      return delivery_.gap(no_proc_gap(to_string(pids.error())));
    if (!pids->empty())
      read_all(proc.get(), *pids);
    if (!pid || found_ == 0)
      report_hidden();
  }

  void read(std::span<const std::int32_t> pids) {
    const FileDescriptor proc(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc.valid())
      return delivery_.gap(no_proc_gap("/proc cannot be opened"));
    read_all(proc.get(), pids);
  }

private:
  static bool is_pid(const std::optional<Int>& number) {
    return !number || (*number > 0 && *number <= INT32_MAX);
  }

  static Result<std::vector<std::int32_t>> processes(int proc, const ProcessQuery& query) {
    if (query.pid)
      return std::vector{static_cast<std::int32_t>(*query.pid)};
    if (query.parent)
      if (auto children = children_of(proc, *query.parent))
        return std::move(*children);
    return read_numbers(proc, "."); // a kernel without CONFIG_PROC_CHILDREN
  }

  /// In the order of the processes; nothing for one that vanished.
  using Readings = std::vector<std::optional<ProcessReading>>;

  void learn_surroundings() {
    const auto statistics = read_file(source_.proc() + "/stat");
    if (statistics)
      surroundings_.boot_time = parse_boot_time(*statistics);
    if (!surroundings_.boot_time)
      delivery_.gap({Text(gap_boot_time), "the time the system was started",
                     statistics ? "/proc/stat has no line btime" : to_string(statistics.error()),
                     "it cannot be told when processes were started", "make /proc/stat readable"});
    const auto self = read_link_at(AT_FDCWD, (source_.proc() + "/self").c_str());
    surroundings_.own_numbers = source_.live() && self && *self == std::to_string(getpid());
    if (const long ticks = sysconf(_SC_CLK_TCK); ticks > 0)
      surroundings_.ticks_per_second = ticks;
    const auto users = read_file(source_.root + "/etc/passwd");
    if (users)
      surroundings_.users = parse_user_names(*users);
    else
      delivery_.gap({Text(gap_user_names), "the names of users", to_string(users.error()),
                     "users are shown by number", "make /etc/passwd readable"});
  }

  /// Some after others: what is read of thousands is not kept until the last was read.
  void read_all(int proc, std::span<const std::int32_t> pids) {
    constexpr std::size_t kept_at_once = 256;
    learn_surroundings();
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    FrozenCgroups frozen(mountinfo ? parse_cgroup_mounts(*mountinfo) : CgroupMounts{},
                         source_.root);
    for (auto rest = pids; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kept_at_once));
      rest = rest.subspan(some.size());
      if (!deliver(read_some(proc, some), frozen))
        return;
    }
    report_denied();
  }

  Readings read_some(int proc, std::span<const std::int32_t> pids) const {
    constexpr std::size_t at_once = 16;
    struct Nothing {};
    Readings readings(pids.size());
    for_each_in_parallel<Nothing>(pids.size(), at_once, [&](Nothing&, std::size_t at) {
      const auto name = std::to_string(pids[at]);
      const FileDescriptor directory(
          openat(proc, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (directory.valid())
        readings[at] = OneProcess(surroundings_, directory.get()).read(pids[at], state_);
      else if (errno == EACCES || errno == EPERM)
        readings[at] = hidden_process(pids[at]);
    });
    std::erase(readings, std::nullopt);
    return readings;
  }

  /// False: no more is wanted.
  bool deliver(Readings readings, FrozenCgroups& frozen) {
    for (auto& reading : readings) {
      ++found_;
      if (reading->denied)
        ++denied_;
      put_frozen(*reading, frozen);
      if (!delivery_.row(reading->row))
        return false;
    }
    return true;
  }

  void put_frozen(ProcessReading& reading, FrozenCgroups& frozen) {
    if (reading.row.frozen.unknown())
      return;
    const auto state = frozen.frozen_by(reading.cgroups);
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
    delivery_.gap({Text(gap_cgroups), "whether processes are frozen", to_string(state.error()),
                   "a paused container looks like a sleeping one",
                   "run it where the cgroup file systems are mounted"});
  }

  void report_denied() {
    if (denied_ == 0)
      return;
    delivery_.gap({Text(gap_owners), "details of other users' processes",
                   "executable, namespace and wait channel of " + std::to_string(denied_) + " of " +
                       std::to_string(found_) + " processes need CAP_SYS_PTRACE",
                   "it cannot be told in which network namespace they are",
                   "run it as root or with CAP_SYS_PTRACE"});
  }

  void report_hidden() {
    HiddenProcesses here;
    if ((source_.hidden != nullptr ? *source_.hidden : here).hides(source_))
      delivery_.gap(hidden_processes_gap());
  }

  const ProcessSource& source_;
  const Delivery<Process>& delivery_;
  Surroundings surroundings_;
  std::optional<std::string> state_;
  std::size_t found_ = 0;
  std::size_t denied_ = 0;
  bool cgroups_reported_ = false;
};

} // namespace

void read_processes(const ProcessQuery& query, const ProcessSource& source,
                    const Delivery<Process>& delivery) {
  ProcessReader(source, delivery).read(query);
}

void read_processes(std::span<const std::int32_t> pids, const ProcessSource& source,
                    const Delivery<Process>& delivery) {
  ProcessReader(source, delivery).read(pids);
}

std::vector<std::int32_t> childless_processes(std::span<const std::int32_t> pids,
                                              std::span<const std::int32_t> of_one_thread,
                                              const ProcessSource& source) {
  constexpr std::size_t at_once = 64;
  const FileDescriptor proc(open(source.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  HiddenProcesses here;
  if (!proc.valid() || (source.hidden != nullptr ? *source.hidden : here).hides(source))
    return {};
  auto parts = for_each_in_parallel<std::vector<std::int32_t>>(
      pids.size(), at_once, [&](std::vector<std::int32_t>& childless, std::size_t at) {
        const bool single = std::ranges::binary_search(of_one_thread, pids[at]);
        const auto children = children_of(proc.get(), pids[at], single);
        if (children && children->empty())
          childless.push_back(pids[at]);
      });
  std::vector<std::int32_t> all;
  for (const auto& part : parts)
    all.insert(all.end(), part.begin(), part.end());
  std::ranges::sort(all);
  return all;
}

void read_service_names(const ProcessSource& source, const Delivery<ServiceName>& delivery) {
  const auto text = read_file(source.root + "/etc/services");
  if (!text)
    return delivery.gap({"service_names", "the services database", to_string(text.error()),
                         "ports have no names", "install it (netbase on Debian, setup on Fedora)"});
  for (const auto& entry : parse_services(*text)) {
    ServiceName row;
    row.name = entry.name;
    row.proto = entry.proto;
    row.port = entry.port;
    if (!delivery.row(row))
      return;
  }
}

} // namespace synfate
