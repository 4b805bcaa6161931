// One run of a program: the state that evaluator.cpp and comprehension.cpp share.
#pragma once

#include "core/cel/evaluator.h"

#include <span>

namespace synfate::cel {

/// Gathers what a strict operation must return instead of a result: the union of all unknowns, or
/// else the first error.
class Strict {
public:
  /// Whether `value` can be used.
  bool see(const Value& value) {
    if (value.is_known())
      return true;
    keep(value);
    return false;
  }
  bool failed() const { return !kept_.is_known(); }
  Value take() { return std::move(kept_); }

private:
  void keep(const Value& value);
  Value kept_;
};

class Evaluation final : public CallContext {
public:
  Evaluation(const Program& program, const Bindings& bindings, const EvaluateOptions& options);
  Value run();

  void charge(std::size_t steps) override;
  std::shared_ptr<const Regex> regex(std::string_view pattern, std::string& problem) override;

private:
  friend class Loop;

  Value eval(NodeIndex index);
  Value dispatch(NodeIndex index);
  /// The node's value without a copy where that is possible.
  const Value& operand(NodeIndex index, Value& storage);
  const Value* stored(NodeIndex index) const;

  Value operation(NodeIndex index);
  Value logical(NodeIndex index, bool decisive);
  Value conditional(NodeIndex index);
  Value binary(NodeIndex index);
  Value select(NodeIndex index);
  Value select_from(NodeIndex index, const Value& value);
  Value has(NodeIndex index);
  Value has_in(NodeIndex index, const Value& value);
  std::optional<std::size_t> column(NodeIndex index, const RecordSet& records);
  Value call(NodeIndex index);
  Value invoke(NodeIndex index, std::span<const Value> arguments);
  Value list(NodeIndex index);
  Value map(NodeIndex index);
  Value bind(NodeIndex index);
  Value block(NodeIndex index);
  Value comprehension(NodeIndex index);
  Value optional_map(NodeIndex index);

  bool exhausted() const { return steps_left_ < 0; }
  void check_deadline();

  struct ColumnCache {
    const RecordType* type = nullptr;
    std::size_t column = 0;
  };

  const Program& program_;
  const Ast& ast_;
  const EvaluateOptions& options_;
  std::int64_t steps_left_;
  std::int64_t next_clock_check_;
  std::vector<const Value*> globals_;
  std::vector<Value> locals_;
  std::vector<ColumnCache> columns_;
  std::unordered_map<std::string, std::shared_ptr<const Regex>> regexes_;
};

} // namespace synfate::cel
