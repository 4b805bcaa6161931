#include "platform/linux/processes/expected_processes.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>

namespace synfate {

namespace {

constexpr std::size_t group_size = 128;

} // namespace

void ExpectedProcesses::expect(std::vector<std::int32_t> pids) {
  groups_.clear();
  shared_.reset();
  processes_.clear();
  gaps_.clear();
  expected_ = std::move(pids);
  for (std::span<const std::int32_t> rest = expected_; !rest.empty();) {
    groups_.emplace_back().pids = rest.first(std::min(group_size, rest.size()));
    rest = rest.subspan(groups_.back().pids.size());
  }
}

ExpectedProcesses::Group* ExpectedProcesses::group_of(Int pid) {
  const auto found = std::ranges::lower_bound(expected_, pid);
  if (found == expected_.end() || *found != pid)
    return nullptr;
  return &groups_[static_cast<std::size_t>(found - expected_.begin()) / group_size];
}

void ExpectedProcesses::begin(Group& group, const ProcessSource& source) {
  if (!shared_) {
    const auto keep = [this](const Gap& gap) { gaps_.emplace(gap.id, gap); };
    HiddenProcesses here;
    shared_ = std::make_unique<Shared>(
        Shared{FileDescriptor(open(source.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
               read_surroundings(source, keep), ProcessRows(source, keep),
               !(source.hidden != nullptr ? *source.hidden : here).hides(source)});
  }
  group.readings.resize(group.pids.size());
  group.childless.resize(group.pids.size());
  group.work = std::make_unique<WorkAhead>(
      group.pids.size(), [&group, shared = std::as_const(shared_).get()](std::size_t at) {
        const auto pid = group.pids[at];
        auto& reading = group.readings[at];
        reading = read_one_process(shared->proc.get(), pid, shared->surroundings, std::nullopt);
        if (!reading || !shared->all_shown)
          return;
        const bool of_one_thread = reading->row.threads.value_or(0) == 1;
        const auto children = children_of(shared->proc.get(), pid, of_one_thread);
        group.childless[at] = children && children->empty() ? 1 : 0;
      });
}

void ExpectedProcesses::finish(Group& group, const ProcessSource& source) {
  if (std::exchange(group.done, true))
    return;
  if (!group.work)
    begin(group, source);
  const auto next =
      std::ranges::find_if(groups_, [](const Group& other) { return !other.done && !other.work; });
  group.work->finish();
  group.work.reset();
  if (next != groups_.end())
    begin(*next, source);
  for (auto& reading : group.readings)
    if (reading) {
      const Int pid = reading->row.pid.value_or(0);
      processes_.emplace(pid, shared_->rows.row(std::move(*reading)));
    }
  group.readings = std::vector<std::optional<ProcessReading>>();
  if (std::ranges::all_of(groups_, &Group::done))
    shared_->rows.report_denied();
}

std::optional<Process> ExpectedProcesses::take(Int pid, const ProcessSource& source) {
  Group* group = group_of(pid);
  if (group == nullptr)
    return std::nullopt;
  finish(*group, source);
  const auto found = processes_.extract(pid);
  return found.empty() ? std::nullopt : std::optional(std::move(found.mapped()));
}

bool ExpectedProcesses::childless(Int pid, const ProcessSource& source) {
  Group* group = group_of(pid);
  if (group == nullptr)
    return false;
  finish(*group, source);
  const auto at = std::ranges::lower_bound(group->pids, pid) - group->pids.begin();
  return group->childless[static_cast<std::size_t>(at)] != 0;
}

const Gap* ExpectedProcesses::gap(const std::string& id, const ProcessSource& source) {
  for (auto& group : groups_) // it counts all of them
    if (!gaps_.contains(id))
      finish(group, source);
  const auto found = gaps_.find(id);
  return found == gaps_.end() ? nullptr : &found->second;
}

} // namespace synfate
