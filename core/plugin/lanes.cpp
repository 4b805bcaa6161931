#include "core/plugin/lanes.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace synfate {
namespace {

constexpr std::size_t most_threads = 4; // more plugins than that are hardly ever slow at once

std::size_t processors() {
  return std::max(1U, std::thread::hardware_concurrency());
}

} // namespace

Lanes::Lanes(std::size_t threads) : threads_(threads != 0 ? threads : processors()) {
  threads_ = std::min(threads_, most_threads);
}

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  more_.notify_all();
}

void Lanes::run(std::size_t lanes, const std::function<void(std::size_t)>& work) {
  if (lanes == 0)
    return;
  start_helpers(std::min(threads_, lanes) - 1);
  std::unique_lock lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = lanes;
  if (lanes > 1)
    more_.notify_all();
  take_lanes(lock);
  all_done_.wait(lock, [this] { return running_ == 0; });
  count_ = next_ = 0;
  if (thrown_)
    std::rethrow_exception(std::exchange(thrown_, nullptr));
}

void Lanes::start_helpers(std::size_t count) {
  try {
    while (helpers_.size() < count)
      helpers_.emplace_back([this] { help(); });
  } catch (const std::system_error&) {
    // The limit of processes is reached: those that there are, and the calling thread, do it.
  }
}

void Lanes::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return over_ || next_ < count_; });
    if (over_)
      return;
    take_lanes(lock);
  }
}

void Lanes::take_lanes(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    const std::size_t lane = next_++;
    ++running_;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      (*work_)(lane);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    if (thrown && !thrown_)
      thrown_ = thrown;
    if (--running_ == 0)
      all_done_.notify_one();
  }
}

} // namespace synfate
