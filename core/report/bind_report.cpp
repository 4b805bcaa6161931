#include "core/report/bind_report.h"

#include <fmt/format.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

std::string bind_verdict(const BindReport& report) {
  auto line = target_words(report.target);
  if (!report.host.name.empty())
    line += " on " + report.host.name;
  if (!report.would_bind)
    return line + ": it cannot be told whether bind() would succeed";
  const auto* const hedge = report.certainty == Certainty::certain  ? "would"
                            : report.certainty == Certainty::likely ? "would likely"
                                                                    : "would possibly";
  if (*report.would_bind)
    return line + fmt::format(": bind() and listen() {} succeed", hedge);
  return line + fmt::format(": bind() {} fail{}", hedge,
                            report.error.empty() ? "" : " with " + report.error);
}

std::string attempt_words(const BindAttempt& attempt) {
  const std::string name = callee_words(attempt.flow);
  if (!attempt.would_bind)
    return name + ": it cannot be told";
  return name + (*attempt.would_bind ? ": succeeds" : ": fails with " + attempt.error);
}

/// Each address, where they fare differently, and what else may happen.
void write_attempts(Page& page, const BindReport& report) {
  for (const auto& attempt : report.attempts) {
    if (report.attempts.size() > 1)
      page.paragraph("  ", attempt_words(attempt));
    for (const auto& other : attempt.alternatives)
      page.paragraph("  but ",
                     fmt::format("{} if {}",
                                 other.outcome == Outcome::open ? "it succeeds" : "it fails",
                                 other.when));
  }
}

Json json_attempts(const BindReport& report) {
  Json list = Json::array();
  for (const auto& attempt : report.attempts) {
    Json one;
    const bool is_unix = attempt.flow.proto == Proto::unix_socket;
    one["address"] = is_unix ? Json() : Json(attempt.flow.to.to_string());
    one["would_bind"] = attempt.would_bind ? Json(*attempt.would_bind) : Json();
    one["errno"] = json_text_or_null(attempt.error);
    one["certainty"] = to_string(attempt.certainty);
    one["culprit"] = json_culprit(attempt.culprit, true);
    one["alternatives"] = Json::array();
    for (const auto& other : attempt.alternatives)
      one["alternatives"].push_back(
          {{"would_bind", other.outcome == Outcome::open}, {"when", json_text(other.when)}});
    list.push_back(std::move(one));
  }
  return list;
}

} // namespace

std::string render_bind_text(const Snapshot& snapshot, const BindReport& report,
                             const TextOptions& options) {
  Page page(options);
  const auto style = !report.would_bind   ? Style::doubtful
                     : *report.would_bind ? Style::good
                                          : Style::bad;
  page.paragraph("", bind_verdict(report), style);
  write_attempts(page, report);
  for (const auto& finding : report.findings) {
    page.blank();
    write_finding(page, snapshot, finding);
  }
  if (report.findings.empty() && report.culprit)
    page.paragraph("  because of ",
                   culprit_words(*report.culprit) +
                       (report.culprit->text.empty() ? "" : ": " + report.culprit->text));
  if (!report.gaps.empty())
    page.blank();
  write_gaps(page, report.gaps);
  if (report.would_bind.value_or(false))
    page.paragraph("", "If a service still fails to bind, a sandbox of its own forbids it, which "
                       "cannot be seen from here: SocketBindDeny=, seccomp, Landlock, SELinux.");
  return page.text();
}

std::string render_bind_json(const Snapshot& snapshot, const BindReport& report, bool one_line) {
  Json json;
  json["schema"] = "synfate.bind/1";
  json["target"] = json_target(report.target);
  json["would_bind"] = report.would_bind ? Json(*report.would_bind) : Json();
  json["errno"] = json_text_or_null(report.error);
  json["certainty"] = to_string(report.certainty);
  json["culprit"] = json_culprit(report.culprit, true);
  json["attempts"] = json_attempts(report);
  json["holders"] = report.holders;
  json["findings"] = json_findings(snapshot, report.findings);
  json["gaps"] = json_gaps(report.gaps);
  return json_document(json, one_line);
}

} // namespace synfate
