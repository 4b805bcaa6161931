#include "core/report/render_nagios.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/report/words.h"

namespace synfate {
namespace {

std::string_view state_name(NagiosState state) {
  switch (state) {
  case NagiosState::ok:
    return "OK";
  case NagiosState::warning:
    return "WARNING";
  case NagiosState::critical:
    return "CRITICAL";
  case NagiosState::unknown:
    return "UNKNOWN";
  }
  return "";
}

/// Which of two states outweighs the other: OK, WARNING, UNKNOWN, CRITICAL.
int weight(NagiosState state) {
  switch (state) {
  case NagiosState::ok:
    return 0;
  case NagiosState::warning:
    return 1;
  case NagiosState::unknown:
    return 2;
  case NagiosState::critical:
    return 3;
  }
  return 2;
}

NagiosState state_of(const Report& report) {
  bool unsure = report.flows.empty();
  for (const auto& entry : report.flows) {
    const auto flow = standing(entry.fate);
    if (flow == Standing::not_open)
      return NagiosState::critical;
    unsure = unsure || flow == Standing::unsure;
  }
  if (unsure)
    return NagiosState::unknown;
  const bool warned = std::ranges::any_of(
      report.findings, [](const Finding& finding) { return finding.severity != Severity::note; });
  return warned ? NagiosState::warning : NagiosState::ok;
}

/// "|" separates the performance data: it must not appear in the text.
NagiosResult result(NagiosState state, std::string_view text, std::string_view performance) {
  auto clean = escape_for_terminal(text);
  std::ranges::replace(clean, '|', '/');
  return {state, fmt::format("SYNFATE {} - {} | {}\n", state_name(state), clean, performance)};
}

std::string summary(const Report& report) {
  auto text = verdict_line(report);
  if (!report.findings.empty())
    text += "; " + report.findings.front().title;
  return text;
}

} // namespace

NagiosResult render_nagios(std::span<const Report> reports) {
  auto state = reports.empty() ? NagiosState::unknown : NagiosState::ok;
  std::string text;
  std::size_t flows = 0;
  std::size_t open = 0;
  for (const auto& report : reports) {
    const auto one = state_of(report);
    if (weight(one) > weight(state))
      state = one;
    text += (text.empty() ? "" : "; ") + summary(report);
    flows += report.flows.size();
    open += static_cast<std::size_t>(
        std::ranges::count(report.flows, Standing::open,
                           [](const FlowReport& entry) { return standing(entry.fate); }));
  }
  return result(state, text.empty() ? "nothing was asked" : text,
                fmt::format("open={};;;0;{}", open, flows));
}

NagiosResult render_nagios(std::span<const WhoReport> reports) {
  auto state = reports.empty() ? NagiosState::unknown : NagiosState::ok;
  std::string text;
  std::size_t open = 0;
  std::size_t classes = 0;
  for (const auto& report : reports) {
    if (report.classes.empty() || !report.gaps.empty())
      state = NagiosState::unknown;
    const auto here = static_cast<std::size_t>(
        std::ranges::count(report.classes, Outcome::open, &SourceClass::outcome));
    text += fmt::format("{}{}: {} of {} classes of sources can connect", text.empty() ? "" : "; ",
                        target_words(report.target), here, report.classes.size());
    for (const auto& gap : report.gaps)
      text += fmt::format("; not seen: {}", gap.what);
    open += here;
    classes += report.classes.size();
  }
  return result(state, text.empty() ? "nothing was asked" : text,
                fmt::format("open={};;;0;{}", open, classes));
}

NagiosResult render_nagios(const AuditReport& report) {
  std::size_t failed = 0;
  std::size_t unknown = 0;
  std::string first;
  for (const auto& expectation : report.expectations) {
    failed += expectation.result == AuditResult::fails ? 1U : 0U;
    unknown += expectation.result == AuditResult::unknown ? 1U : 0U;
    if (expectation.result == report.result() && first.empty() &&
        expectation.result != AuditResult::holds)
      first = fmt::format("; {}: expected {}, found {}", expectation.name, expectation.expected,
                          expectation.found);
  }
  const auto state = failed > 0    ? NagiosState::critical
                     : unknown > 0 ? NagiosState::unknown
                                   : NagiosState::ok;
  const auto total = report.expectations.size();
  const auto text =
      fmt::format("{} of {} expectations hold{}", total - failed - unknown, total, first);
  return result(state, text,
                fmt::format("failed={};;;0;{} unknown={};;;0;{}", failed, total, unknown, total));
}

} // namespace synfate
