#include "platform/linux/processes/expected_processes.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>

namespace synfate {

namespace {

/// It takes so many before another processor is worth its start.
constexpr std::size_t few = 16;
/// More of them would wait for each other: the kernel's locks, and the reader's own.
constexpr std::size_t most_threads = 8;

} // namespace

void ExpectedProcesses::stop() {
  for (auto& helper : helpers_)
    helper.request_stop();
  helpers_.clear(); // they are joined
}

void ExpectedProcesses::expect(std::vector<std::int32_t> pids) {
  stop();
  shared_.reset();
  gaps_.clear();
  expected_ = std::vector<Expected>(pids.size());
  for (std::size_t at = 0; at < pids.size(); ++at)
    expected_[at].pid = pids[at];
  next_ = waiting_ = 0;
  all_wanted_ = all_counted_ = false;
}

void ExpectedProcesses::begin(const ProcessSource& source) {
  const auto keep = [this](const Gap& gap) { gaps_.emplace(gap.id, gap); };
  HiddenProcesses here;
  shared_ = std::make_unique<Shared>(
      Shared{FileDescriptor(open(source.proc().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
             read_surroundings(source, keep), ProcessRows(source, keep),
             !(source.hidden != nullptr ? *source.hidden : here).hides(source)});
  const std::size_t threads = std::min<std::size_t>(
      {expected_.size() / few, std::thread::hardware_concurrency(), most_threads});
  for (std::size_t helper = 1; helper < threads; ++helper)
    helpers_.emplace_back([this](const std::stop_token& stopped) { read_ahead(stopped); });
}

void ExpectedProcesses::read_one(Expected& one, std::unique_lock<std::mutex>& lock) {
  one.progress = Progress::being_read;
  lock.unlock();
  auto reading = read_one_process(shared_->proc.get(), one.pid, shared_->surroundings, {});
  if (reading && shared_->all_shown)
    put_children(shared_->proc.get(), reading->row);
  auto kept = reading ? std::make_unique<ProcessReading>(std::move(*reading)) : nullptr;
  lock.lock();
  one.reading = std::move(kept);
  one.progress = Progress::read;
  waiting_ += one.reading ? 1 : 0;
  changed_.notify_all();
}

ExpectedProcesses::Expected* ExpectedProcesses::first_unread() {
  while (next_ < expected_.size() && expected_[next_].progress != Progress::unread)
    ++next_;
  return next_ < expected_.size() ? &expected_[next_] : nullptr;
}

void ExpectedProcesses::read_ahead(const std::stop_token& stopped) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stopped, [&] { return has_room(); })) {
    Expected* const one = first_unread();
    if (one == nullptr || stopped.stop_requested())
      return;
    read_one(*one, lock);
  }
}

ExpectedProcesses::Expected* ExpectedProcesses::read(Int pid, const ProcessSource& source) {
  const auto found = std::ranges::lower_bound(expected_, pid, {}, &Expected::pid);
  if (found == expected_.end() || found->pid != pid)
    return nullptr;
  if (!shared_)
    begin(source);
  std::unique_lock lock(mutex_);
  while (found->progress != Progress::read) {
    // While another reads this one, there is time for the next.
    Expected* const one = found->progress == Progress::unread ? &*found
                          : has_room()                        ? first_unread()
                                                              : nullptr;
    if (one != nullptr)
      read_one(*one, lock);
    else
      changed_.wait(lock);
  }
  return &*found;
}

void ExpectedProcesses::complete(Expected& one) {
  if (one.reading && !std::exchange(one.counted, true))
    one.reading->row = shared_->rows.row(std::move(*one.reading));
}

std::optional<Process> ExpectedProcesses::take(Int pid, const ProcessSource& source) {
  Expected* one = read(pid, source);
  if (one == nullptr || !one->reading)
    return std::nullopt;
  complete(*one);
  const auto reading = std::move(one->reading);
  const std::scoped_lock lock(mutex_);
  --waiting_;
  changed_.notify_all();
  return std::move(reading->row);
}

void ExpectedProcesses::count_all(const ProcessSource& source) {
  if (expected_.empty() || std::exchange(all_counted_, true))
    return;
  {
    const std::scoped_lock lock(mutex_);
    all_wanted_ = true;
    changed_.notify_all();
  }
  for (const auto& one : expected_)
    complete(*read(one.pid, source));
  shared_->rows.report_denied();
}

const Gap* ExpectedProcesses::gap(const std::string& id, const ProcessSource& source) {
  if (!gaps_.contains(id))
    count_all(source);
  const auto found = gaps_.find(id);
  return found == gaps_.end() ? nullptr : &found->second;
}

} // namespace synfate
