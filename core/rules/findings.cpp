#include "core/rules/findings.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace synfate::rules {
namespace {

bool same_subject(const Finding& left, const Finding& right) {
  if (left.rule != right.rule || left.culprit.has_value() != right.culprit.has_value())
    return false;
  if (!left.culprit)
    return left.title == right.title;
  return left.culprit->kind == right.culprit->kind && left.culprit->id == right.culprit->id;
}

void absorb(Finding& into, const Finding& other) {
  for (const auto flow : other.flows)
    if (std::ranges::find(into.flows, flow) == into.flows.end())
      into.flows.push_back(flow);
  std::ranges::sort(into.flows);
  into.certainty = std::max(into.certainty, other.certainty);
  for (const auto& evidence : other.evidence) {
    const auto same = [&](const Evidence& known) {
      return known.table == evidence.table && known.row == evidence.row;
    };
    if (std::ranges::none_of(into.evidence, same))
      into.evidence.push_back(evidence);
  }
}

/// Everything that `rule` folds, through others too.
std::set<std::string> folded_by(const std::string& rule, const RuleSet& rules) {
  std::set<std::string> all;
  std::vector<std::string> open{rule};
  while (!open.empty()) {
    const Rule* known = rules.find(open.back());
    open.pop_back();
    for (const auto& id : known == nullptr ? std::vector<Words>() : known->folds)
      if (all.insert(id.text).second)
        open.push_back(id.text);
  }
  return all;
}

/// Whether nothing of `finding` is left once `cause` explains its flows.
bool loses_all(Finding& finding, const Finding& cause) {
  if (finding.flows.empty())
    return true;
  std::erase_if(finding.flows, [&](std::size_t flow) {
    return std::ranges::find(cause.flows, flow) != cause.flows.end();
  });
  return finding.flows.empty();
}

/// 0: names what stops a flow; then other errors, warnings, notes.
int rank(const Finding& finding, std::span<const FlowReport> flows) {
  if (finding.severity != Severity::error)
    return finding.severity == Severity::warning ? 3 : 4;
  const auto names_cause = [&](std::size_t index) {
    const Fate& fate = flows[index].fate;
    if (fate.outcome == Outcome::open)
      return false;
    const bool same_culprit = fate.culprit && finding.culprit &&
                              fate.culprit->kind == finding.culprit->kind &&
                              fate.culprit->id == finding.culprit->id;
    return same_culprit || (finding.stage && fate.stopped_at == finding.stage);
  };
  if (std::ranges::any_of(finding.flows, names_cause))
    return 0;
  return finding.flows.empty() ? 2 : 1;
}

} // namespace

std::vector<Finding> merge(std::vector<Finding> findings) {
  std::vector<Finding> merged;
  for (auto& finding : findings) {
    const auto at = std::ranges::find_if(
        merged, [&](const Finding& other) { return same_subject(other, finding); });
    if (at == merged.end())
      merged.push_back(std::move(finding));
    else
      absorb(*at, finding);
  }
  return merged;
}

std::vector<Finding> fold(std::vector<Finding> findings, const RuleSet& rules) {
  std::vector<bool> gone(findings.size(), false);
  const std::vector<Finding> causes = findings;
  for (std::size_t cause = 0; cause < causes.size(); ++cause) {
    const auto folded = folded_by(causes[cause].rule, rules);
    for (std::size_t at = 0; at < findings.size(); ++at) {
      if (at == cause || gone[at] || !folded.contains(findings[at].rule) ||
          !loses_all(findings[at], causes[cause]))
        continue;
      gone[at] = true;
      auto& names = findings[cause].folded;
      if (std::ranges::find(names, findings[at].rule) == names.end())
        names.push_back(findings[at].rule);
    }
  }
  std::vector<Finding> left;
  for (std::size_t at = 0; at < findings.size(); ++at)
    if (!gone[at])
      left.push_back(std::move(findings[at]));
  return left;
}

std::vector<Finding> order(std::vector<Finding> findings, std::span<const FlowReport> flows) {
  const auto key = [&](const Finding& finding) {
    const std::size_t flow = finding.flows.empty() ? flows.size() : finding.flows.front();
    return std::tuple(rank(finding, flows), finding.certainty, flow);
  };
  std::ranges::stable_sort(findings, {}, key);
  return findings;
}

} // namespace synfate::rules
