// Work in lanes: what is in one lane is done in its order, lanes are done side by side.
//
// The calling thread takes part, so that short work is done before a helper has woken up and costs
// nothing more. Helpers are started at the first work with more than one lane, and are then in the
// network namespace of the calling thread, as every new thread is.
// Tested by tests/unit/core/plugin/lanes_test.cpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace synfate {

class Lanes {
public:
  /// At most so many threads, the calling one included; nothing: as many as there are processors.
  explicit Lanes(std::size_t threads = 0);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  /// Calls work(lane) for 0 … lanes-1, each once, and returns when all are done. What one of them
  /// throws is thrown here, once the others are done. Always from the same thread.
  void run(std::size_t lanes, const std::function<void(std::size_t)>& work);

private:
  void start_helpers(std::size_t count);
  void help();
  void take_lanes(std::unique_lock<std::mutex>& lock);

  std::size_t threads_;
  std::mutex mutex_;
  std::condition_variable more_;     ///< there are lanes to take, or it is over
  std::condition_variable all_done_; ///< the last lane is done
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::size_t next_ = 0;    ///< lane
  std::size_t count_ = 0;   ///< lanes
  std::size_t running_ = 0; ///< lanes
  std::exception_ptr thrown_;
  bool over_ = false;
  std::vector<std::jthread> helpers_;
};

} // namespace synfate
