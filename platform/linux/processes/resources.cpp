#include "platform/linux/processes/resources.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>

#include "platform/linux/capabilities.h"
#include "platform/linux/file.h"
#include "platform/linux/processes/cgroup.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/proc_pid.h"
#include "platform/linux/processes/text_fields.h"

namespace synfate {

namespace {

constexpr Int unlimited_from = Int{1} << 62; // PAGE_COUNTER_MAX in bytes is above
constexpr Int thousandths = 1000;

std::string_view first_word(std::string_view text) {
  auto line = text.substr(0, text.find('\n'));
  return take_word(line);
}

/// The number behind a word at the start of a line: "oom_kill 1".
std::optional<Int> number_after(std::string_view text, std::string_view word) {
  std::optional<Int> found;
  for_each_line(text, [&](std::string_view line) {
    if (take_word(line) != word)
      return true;
    found = parse_number<Int>(take_word(line));
    return false;
  });
  return found;
}

/// Who the process is, as far as RLIMIT_NPROC is concerned.
struct TaskLimit {
  std::optional<Int> user; ///< the real one
  std::optional<Int> limit;
  bool exempt = false;
};

/// The soft limit of "Max processes             63434                63434 processes".
std::optional<Int> parse_task_limit(std::string_view text) {
  constexpr std::string_view name = "Max processes ";
  std::optional<Int> limit;
  for_each_line(text, [&](std::string_view line) {
    if (!line.starts_with(name))
      return true;
    line.remove_prefix(name.size());
    limit = parse_number<Int>(take_word(line)); // nothing for "unlimited"
    return false;
  });
  return limit;
}

/// The fourth word of /proc/loadavg is "running/all" tasks of the machine.
std::optional<Int> parse_all_tasks(std::string_view text) {
  for (int skipped = 0; skipped < 3; ++skipped)
    take_word(text);
  const auto word = take_word(text);
  const auto slash = word.find('/');
  return slash == std::string_view::npos ? std::nullopt : parse_number<Int>(word.substr(slash + 1));
}

/// Reads for one request; lives for one call.
class ResourceReader {
public:
  ResourceReader(Int pid, const ProcessSource& source, const Delivery<Resource>& delivery)
      : pid_(pid), source_(source), delivery_(delivery),
        folder_(source.proc() + "/" + std::to_string(pid)) {}

  void read() {
    const auto cgroups = read_file(folder_ + "/cgroup");
    if (!cgroups) {
      if (cgroups.error().code == ErrorCode::denied)
        report("its cgroup", to_string(cgroups.error()));
      return; // otherwise it is gone
    }
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    if (!mountinfo)
      return report("the cgroup file systems", to_string(mountinfo.error()));
    paths_ = parse_cgroup(*cgroups);
    mounts_ = parse_cgroup_mounts(*mountinfo);
    each_level("pids", [&](const Level& level) { put_tasks(level); });
    each_level("memory", [&](const Level& level) { put_memory(level); });
    each_level("cpu", [&](const Level& level) { put_processors(level); });
    put_user_tasks();
  }

private:
  struct Level {
    std::string directory; ///< below the root
    std::string path;      ///< of the cgroup
    bool legacy = false;
  };

  /// The process's cgroup with this controller and those above it.
  template <typename Visit> void each_level(std::string_view controller, Visit visit) {
    const auto legacy = paths_.by_controller.find(controller);
    const bool is_legacy = legacy != paths_.by_controller.end();
    if (!is_legacy && !paths_.unified)
      return; // this kernel has no such controller
    const std::string path = is_legacy ? legacy->second : *paths_.unified;
    const auto mount = is_legacy ? mounts_.legacy(controller) : mounts_.unified;
    const auto directory = mount ? cgroup_directory(*mount, path) : std::nullopt;
    if (!directory || !file_exists(source_.root + *directory))
      return report("the cgroup " + path, "it cannot be seen from here");
    Level level{*directory, path, is_legacy};
    while (level.directory.size() > mount->point.size()) {
      visit(level);
      level.directory.resize(level.directory.rfind('/'));
      level.path.resize(level.path.rfind('/'));
    }
    if (level.path.empty())
      level.path = "/";
    visit(level); // inside a container this is its own cgroup, and has limits
  }

  std::optional<std::string> text(const Level& level, std::string_view name) {
    auto content = read_file(source_.root + level.directory + "/" + std::string(name));
    if (content)
      return std::move(*content);
    if (content.error().code == ErrorCode::denied)
      report(level.directory + "/" + std::string(name), to_string(content.error()));
    return std::nullopt; // the controller is not in use there
  }

  std::optional<Int> number(const Level& level, std::string_view name) {
    const auto content = text(level, name);
    return content ? parse_number<Int>(first_word(*content)) : std::nullopt;
  }

  /// A number of bytes or tasks; nothing if there is no limit.
  std::optional<Int> limit(const Level& level, std::string_view name) {
    const auto found = number(level, name);
    return found && *found >= 0 && *found < unlimited_from ? found : std::nullopt;
  }

  void put_tasks(const Level& level) {
    const auto most = limit(level, "pids.max");
    if (!most)
      return;
    Resource row = begin("tasks", level, "pids.max");
    row.limit = *most;
    set(row.used, number(level, "pids.current"));
    if (const auto events = text(level, "pids.events"))
      set(row.failures, number_after(*events, "max"));
    put(row);
  }

  void put_memory(const Level& level) {
    const std::string_view file = level.legacy ? "memory.limit_in_bytes" : "memory.max";
    const auto most = limit(level, file);
    const auto events = text(level, level.legacy ? "memory.oom_control" : "memory.events");
    const auto killed = events ? number_after(*events, "oom_kill") : std::nullopt;
    const bool of_all = level.legacy && level.path == "/"; // v1 counts for the root, too
    const bool any_killed = killed && *killed > 0;
    if (most || (any_killed && !of_all)) {
      Resource row = begin("memory", level, file);
      set(row.limit, most);
      set(row.used, number(level, level.legacy ? "memory.usage_in_bytes" : "memory.current"));
      set(row.failures, killed);
      put(row);
    }
    if (level.legacy)
      put_tcp_memory(level);
  }

  void put_tcp_memory(const Level& level) {
    const auto most = limit(level, "memory.kmem.tcp.limit_in_bytes");
    if (!most)
      return;
    Resource row = begin("tcp_memory", level, "memory.kmem.tcp.limit_in_bytes");
    row.limit = *most;
    set(row.used, number(level, "memory.kmem.tcp.usage_in_bytes"));
    put(row);
  }

  void put_processors(const Level& level) {
    std::optional<Int> quota, period;
    if (level.legacy) {
      quota = number(level, "cpu.cfs_quota_us");
      period = number(level, "cpu.cfs_period_us");
    } else if (const auto both = text(level, "cpu.max")) {
      std::string_view rest = std::string_view(*both).substr(0, both->find('\n'));
      quota = parse_number<Int>(take_word(rest));
      period = parse_number<Int>(take_word(rest));
    }
    if (!quota || *quota <= 0 || !period || *period <= 0)
      return;
    Resource row = begin("cpu", level, level.legacy ? "cpu.cfs_quota_us" : "cpu.max");
    row.limit = *quota * thousandths / *period;
    if (const auto statistics = text(level, "cpu.stat")) {
      set(row.attempts, number_after(*statistics, "nr_periods"));
      set(row.failures, number_after(*statistics, "nr_throttled"));
    }
    put(row);
  }

  void put_user_tasks() {
    const auto who = task_limit();
    if (!who.user || !who.limit || who.exempt)
      return;
    Resource row;
    row.pid = pid_;
    row.name = Text("user_tasks");
    row.scope = std::to_string(*who.user);
    row.file = "/proc/" + std::to_string(pid_) + "/limits";
    row.limit = *who.limit;
    const auto load = read_file(source_.proc() + "/loadavg");
    const auto all = load ? parse_all_tasks(*load) : std::nullopt;
    if (!all || *all >= *who.limit)
      count_tasks(row, *who.user);
    put(row);
  }

  TaskLimit task_limit() const {
    TaskLimit who;
    const auto limits = read_file(folder_ + "/limits");
    const auto status = read_file(folder_ + "/status");
    if (!limits || !status)
      return who;
    constexpr unsigned cap_sys_admin = 21, cap_sys_resource = 24;
    who.limit = parse_task_limit(*limits);
    who.user = number_after(*status, "Uid:");
    const auto capabilities = parse_process_status(*status).effective_capabilities;
    who.exempt = who.user == 0 || has_capability(capabilities, cap_sys_admin) ||
                 has_capability(capabilities, cap_sys_resource);
    return who;
  }

  void count_tasks(Resource& row, Int user) {
    const FileDescriptor proc(open(source_.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto pids = read_numbers(proc.get(), ".");
    const auto mountinfo = read_file(source_.proc() + "/self/mountinfo");
    const auto own = read_file(source_.proc() + "/self/status");
    if (!proc.valid() || !pids || (mountinfo && own && hides_processes(*mountinfo, *own))) {
      row.used = Unknown{Text(gap_hidden_processes)};
      return delivery_.gap(hidden_processes_gap());
    }
    Int tasks = 0;
    for (const auto pid : *pids) {
      const auto status = read_file_at(proc.get(), (std::to_string(pid) + "/status").c_str());
      if (status && number_after(*status, "Uid:") == user)
        tasks += number_after(*status, "Threads:").value_or(1);
    }
    row.used = tasks;
  }

  Resource begin(const char* name, const Level& level, std::string_view file) const {
    Resource row;
    row.pid = pid_;
    row.name = Text(name);
    row.scope = level.path;
    row.file = level.directory + "/" + std::string(file);
    return row;
  }

  static void set(Fact<Int>& cell, const std::optional<Int>& value) {
    if (value)
      cell = *value;
  }

  void put(const Resource& row) { wanted_ = wanted_ && delivery_.row(row); }

  void report(const std::string& what, std::string why) {
    if (std::exchange(reported_, true))
      return;
    delivery_.gap({"resources", "limits of process " + std::to_string(pid_) + ": " + what,
                   std::move(why),
                   "whether it may start another task or has memory left is not known",
                   "run it as root, where the cgroup file systems are mounted"});
  }

  Int pid_;
  const ProcessSource& source_;
  const Delivery<Resource>& delivery_;
  std::string folder_;
  CgroupPaths paths_;
  CgroupMounts mounts_;
  bool wanted_ = true;
  bool reported_ = false;
};

} // namespace

void read_resources(Int pid, const ProcessSource& source, const Delivery<Resource>& delivery) {
  ResourceReader(pid, source, delivery).read();
}

} // namespace synfate
