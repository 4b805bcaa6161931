// Running a program: values for its variables in, one value out.
//
// Errors and unknowns are values. A function of an unknown is unknown (for all reasons of all its
// arguments), otherwise a function of an error is that error; && and || (and exists and all, which
// are made of them) ignore both when another operand decides. The budget bounds every evaluation.
// Tested by tests/unit/core/cel/evaluator_test.cpp.
#pragma once

#include "core/cel/program.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace synfate::cel {

/// Values by the full names of variables. A layer can refer to the one below it.
class Bindings {
public:
  explicit Bindings(const Bindings* below = nullptr) : below_(below) {}
  void set(std::string name, Value value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  const Value* find(std::string_view name) const;

private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, Value, Hash, std::equal_to<>> values_;
  const Bindings* below_;
};

/// The value each node had, for explanations. A node inside a macro keeps its last value.
class Trace {
public:
  void clear() { values_.clear(); }
  void record(NodeIndex node, const Value& value);
  /// Nothing for a node that was not evaluated.
  const Value* value(NodeIndex node) const;

private:
  std::vector<std::optional<Value>> values_;
};

struct EvaluateOptions {
  std::uint64_t step_limit = 20'000'000; ///< nodes visited, and work that grows with values
  std::optional<std::chrono::steady_clock::time_point> deadline;
  Trace* trace = nullptr; ///< filled when given
};

/// The value of `program`. Never throws and never runs on: past the budget the value is an error
/// with Failure::budget, which nothing absorbs.
Value evaluate(const Program& program, const Bindings& bindings,
               const EvaluateOptions& options = {});

} // namespace synfate::cel
