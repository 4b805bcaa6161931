// The same work on all processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

namespace synfate {

/// Calls work(state, position) for 0 … count-1 in any order, on as many threads as there are
/// processors, `at_once` positions at a time; every thread has a State of its own. Returns the
/// states.
template <typename State, typename Work>
std::vector<State> for_each_in_parallel(std::size_t count, std::size_t at_once, const Work& work) {
  const std::size_t threads = std::clamp<std::size_t>(
      count / at_once, 1, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<State> states(threads);
  std::atomic<std::size_t> next{0};
  const auto run = [&](State& state) {
    for (std::size_t from = next.fetch_add(at_once); from < count; from = next.fetch_add(at_once))
      for (std::size_t position = from; position < std::min(from + at_once, count); ++position)
        work(state, position);
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t helper = 1; helper < threads; ++helper)
      helpers.emplace_back([&, helper] { run(states[helper]); });
    run(states[0]);
  } // the helpers are joined here
  return states;
}

} // namespace synfate
