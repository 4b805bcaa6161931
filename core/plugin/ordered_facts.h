// Facts that several threads collect at once, taken over in the order of their parts.
//
// A run's answer, and every replay of it, hangs on the order in which rows and gaps come, so this
// order must not hang on which thread is quicker. The part whose turn it is writes straight
// through; the later ones are kept until theirs comes. Tested by
// tests/unit/core/plugin/ordered_facts_test.cpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/facts/fact_sink.h"

namespace synfate {

class OrderedFacts {
public:
  /// `conclude` is called for each part when its turn ends, one after another, with everything that
  /// was written before in the sink; it may write to the sink itself.
  OrderedFacts(FactSink& sink, std::size_t parts, std::function<void(std::size_t)> conclude);
  ~OrderedFacts();

  /// Where one part writes to. One thread at a time; answered() is for `conclude` alone.
  FactSink& part(std::size_t at);
  /// The part is written. Its turn ends at once or when the ones before it are written as well.
  void written(std::size_t at);

private:
  class Part;

  FactSink& sink_;
  std::function<void(std::size_t)> conclude_;
  std::atomic<std::size_t> turn_{0};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Part>> parts_;
};

} // namespace synfate
