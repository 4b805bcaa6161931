#include "core/rules/engine.h"

#include <algorithm>

#include "core/rules/findings.h"
#include "core/rules/rule_run.h"

namespace synfate::rules {
namespace {

constexpr std::int64_t no_clock = 0;

bool speaks_of_waivers(const Rule& rule) {
  return rule.for_each && rule.for_each->text().find("waivers") != std::string::npos;
}

/// What a server meets at bind() is no matter of rules about connections, nor the other way round.
bool fits_question(const Rule& rule, std::span<const FlowReport> flows) {
  const bool about_bind = rule.on && rule.on->bind;
  const bool asked_bind = !flows.empty() && flows.front().flow.bind.has_value();
  return about_bind == asked_bind;
}

} // namespace

class Evaluator::Engine {
public:
  Engine(const RuleSet& rules, const Schema& schema, const Options& options)
      : rules_(rules), options_(options), environment_(make_environment(schema, &facts_)),
        programs_(environment_) {}

  Evaluation run(Inquiry& inquiry, const Subject& subject) {
    facts_.turn_to(inquiry, subject.target, subject.flows);
    bindings_ = facts_.bindings();
    flows_ = subject.flows;
    Evaluation answer;
    std::vector<Finding> raw;
    decide(answer, raw, [&](const Rule& rule) {
      return !speaks_of_waivers(rule) && fits_question(rule, flows_);
    });
    answer.findings = fold(merge(std::move(raw)), rules_);
    std::vector<WaiverUse> uses = waive(answer);
    if (!uses.empty()) {
      bindings_.set("waivers", struct_list<WaiverUse>(waiver_type(), uses));
      raw.clear();
      decide(answer, raw, speaks_of_waivers);
      for (auto& finding : merge(std::move(raw)))
        answer.findings.push_back(std::move(finding));
    }
    answer.findings = order(std::move(answer.findings), flows_);
    return answer;
  }

private:
  template <typename Wanted>
  void decide(Evaluation& answer, std::vector<Finding>& findings, const Wanted& wanted) {
    for (const auto& rule : rules_.rules)
      if (rule.enabled && wanted(rule))
        answer.rules.push_back(RuleRun(rule, facts_, bindings_, programs_, options_).run(findings));
  }

  // The findings that waivers accept are moved aside.
  std::vector<WaiverUse> waive(Evaluation& answer) const {
    const std::int64_t now = facts_.host().taken_at;
    std::vector<WaiverUse> uses;
    for (const auto& waiver : rules_.waivers) {
      const std::string file = waiver.id.file == nullptr ? "" : waiver.id.file->name();
      WaiverUse use{waiver.id.text, waiver.reason, waiver.expires, file, false, false};
      use.expired = now != no_clock && now >= waiver.expires_at;
      const auto accepted = [&](const Finding& finding) {
        return finding.rule == waiver.id.text &&
               (waiver.culprit.empty() ||
                (finding.culprit && finding.culprit->id == waiver.culprit));
      };
      use.used = std::ranges::any_of(answer.findings, accepted);
      if (use.used && !use.expired) {
        std::ranges::copy_if(answer.findings, std::back_inserter(answer.waived), accepted);
        std::erase_if(answer.findings, accepted);
      }
      uses.push_back(std::move(use));
    }
    return uses;
  }

  const RuleSet& rules_;
  const Options options_;
  Facts facts_;
  cel::Environment environment_;
  Programs programs_;
  cel::Bindings bindings_;
  std::span<const FlowReport> flows_;
};

Evaluator::Evaluator(const RuleSet& rules, const Schema& schema, const Options& options)
    : engine_(std::make_unique<Engine>(rules, schema, options)) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

Evaluation Evaluator::evaluate(Inquiry& inquiry, const Subject& subject) {
  return engine_->run(inquiry, subject);
}

std::string_view to_string(RuleState state) {
  switch (state) {
  case RuleState::fires:
    return "fires";
  case RuleState::quiet:
    return "quiet";
  case RuleState::unknown:
    return "unknown";
  }
  return "";
}

Evaluation evaluate(Inquiry& inquiry, const RuleSet& rules, const Subject& subject,
                    const Options& options) {
  return Evaluator(rules, inquiry.snapshot().schema(), options).evaluate(inquiry, subject);
}

} // namespace synfate::rules
