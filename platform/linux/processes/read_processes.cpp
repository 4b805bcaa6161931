#include "platform/linux/processes/read_processes.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fcntl.h>

#include "platform/linux/file.h"
#include "platform/linux/processes/descriptors.h"
#include "platform/linux/processes/one_process.h"
#include "platform/linux/processes/parallel.h"
#include "platform/linux/processes/proc_pid.h"

namespace synfate {

namespace {

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
    asked_by_pid_ = pid.has_value();
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

  /// Some after others: what is read of thousands is not kept until the last was read.
  void read_all(int proc, std::span<const std::int32_t> pids) {
    constexpr std::size_t kept_at_once = 256;
    const auto surroundings = read_surroundings(source_, delivery_.gap);
    ProcessRows rows(source_, delivery_.gap);
    const bool count_children = asked_by_pid_ && !is_hiding();
    for (auto rest = pids; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kept_at_once));
      rest = rest.subspan(some.size());
      for (auto& reading : read_some(proc, some, surroundings)) {
        if (!reading)
          continue;
        ++found_;
        if (count_children)
          put_children(proc, reading->row);
        if (!delivery_.row(rows.row(std::move(*reading))))
          return;
      }
    }
    rows.report_denied();
  }

  /// In the order of the processes; nothing for one that vanished.
  std::vector<std::optional<ProcessReading>> read_some(int proc, std::span<const std::int32_t> pids,
                                                       const Surroundings& surroundings) const {
    constexpr std::size_t at_once = 16;
    struct Nothing {};
    std::vector<std::optional<ProcessReading>> readings(pids.size());
    for_each_in_parallel<Nothing>(pids.size(), at_once, [&](Nothing&, std::size_t at) {
      readings[at] = read_one_process(proc, pids[at], surroundings, state_);
    });
    return readings;
  }

  bool is_hiding() const {
    HiddenProcesses here;
    return (source_.hidden != nullptr ? *source_.hidden : here).hides(source_);
  }

  void report_hidden() {
    if (is_hiding())
      delivery_.gap(hidden_processes_gap());
  }

  const ProcessSource& source_;
  const Delivery<Process>& delivery_;
  std::optional<std::string> state_;
  bool asked_by_pid_ = false;
  std::size_t found_ = 0;
};

} // namespace

void read_processes(const ProcessQuery& query, const ProcessSource& source,
                    const Delivery<Process>& delivery) {
  ProcessReader(source, delivery).read(query);
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
