// Rules over facts and walked flows: findings, or the facts to read first.
//
//   Evaluation answer = evaluate(inquiry, rules, {target, flows});
//   if (inquiry.pending()) collect inquiry.needs(), and evaluate again
//
// Pure: the same snapshot gives the same findings. A rule fires, stays quiet, or is unknown because
// of gaps; what could not be read never counts as "not there". Tested by
// tests/unit/core/rules/engine_test.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model/model.h"
#include "core/report/report.h"
#include "core/rules/pack.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {

enum class RuleState : std::uint8_t { fires, quiet, unknown };
std::string_view to_string(RuleState state);

struct RuleStatus {
  std::string id;
  RuleState state = RuleState::quiet;
  std::vector<std::string> gaps; ///< why it is unknown
  std::string reason;            ///< what else went wrong: "budget", a run-time error
};

/// Bounds for one rule: past them it is unknown, with the reason "budget".
struct Budget {
  std::uint64_t steps = 5'000'000; ///< of one expression
  std::chrono::milliseconds time{200};
};

/// What the rules are asked about.
struct Subject {
  const Target& target;
  std::span<const FlowReport> flows;
};

/// Watches conditions while they are decided, for explanations and coverage.
class Observer {
public:
  virtual ~Observer() = default;
  /// The condition of `rule` for one element; `element` is null for a rule without any.
  virtual void decided(const Rule& rule, const cel::Value& element, const cel::Program& program,
                       const cel::Trace& trace, const cel::Value& value) = 0;
  /// The value of a `let`.
  virtual void named(const Rule& rule, const std::string& name, const cel::Value& value) = 0;
};

struct Options {
  Budget budget;
  Observer* observer = nullptr;
};

struct Evaluation {
  std::vector<Finding> findings; ///< ordered as the contract has it
  std::vector<Finding> waived;   ///< accepted by a waiver that holds
  std::vector<RuleStatus> rules; ///< of every enabled rule, in their order
};

/// Rules made ready once, for evaluations one after the other. The rules and the schema must
/// outlive it.
class Evaluator {
public:
  Evaluator(const RuleSet& rules, const Schema& schema, const Options& options = {});
  Evaluator(Evaluator&&) noexcept;
  ~Evaluator();

  /// Decides every rule. Meaningless while inquiry.pending() afterwards.
  Evaluation evaluate(Inquiry& inquiry, const Subject& subject);

private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

/// The same for one evaluation alone.
Evaluation evaluate(Inquiry& inquiry, const RuleSet& rules, const Subject& subject,
                    const Options& options = {});

} // namespace synfate::rules
