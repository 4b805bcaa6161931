#include "core/report/audit_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"

namespace synfate {
namespace {

Style result_style(AuditResult result) {
  switch (result) {
  case AuditResult::holds:
    return Style::good;
  case AuditResult::fails:
    return Style::bad;
  case AuditResult::unknown:
    return Style::doubtful;
  }
  return Style::plain;
}

void write_expectation(Page& page, const Snapshot& snapshot, const Expectation& expectation) {
  page.paragraph(fmt::format("{:<8}", to_string(expectation.result)),
                 fmt::format("{}: {}", expectation.name, expectation.expected), Style::plain,
                 result_style(expectation.result));
  if (expectation.result == AuditResult::holds && !page.options().verbose)
    return;
  page.paragraph("        ", fmt::format("found {} ({})", expectation.found, expectation.where));
  for (const auto& finding : expectation.findings)
    write_finding(page, snapshot, finding);
}

std::ptrdiff_t count(const AuditReport& report, AuditResult result) {
  return std::ranges::count(report.expectations, result, &Expectation::result);
}

} // namespace

std::string_view to_string(AuditResult result) {
  switch (result) {
  case AuditResult::holds:
    return "holds";
  case AuditResult::fails:
    return "fails";
  case AuditResult::unknown:
    return "unknown";
  }
  return "";
}

AuditResult AuditReport::result() const {
  if (count(*this, AuditResult::fails) > 0)
    return AuditResult::fails;
  return count(*this, AuditResult::unknown) > 0 ? AuditResult::unknown : AuditResult::holds;
}

std::string render_audit_text(const Snapshot& snapshot, const AuditReport& report,
                              const TextOptions& options) {
  Page page(options);
  for (const auto& expectation : report.expectations)
    write_expectation(page, snapshot, expectation);
  page.blank();
  page.paragraph("",
                 fmt::format("{} hold, {} fail, {} cannot be told",
                             count(report, AuditResult::holds), count(report, AuditResult::fails),
                             count(report, AuditResult::unknown)),
                 result_style(report.result()));
  write_gaps(page, report.gaps);
  return page.text();
}

std::string render_audit_json(const Snapshot& snapshot, const AuditReport& report, bool one_line) {
  Json json;
  json["schema"] = "synfate.audit/1";
  json["result"] = to_string(report.result());
  json["expectations"] = Json::array();
  for (const auto& expectation : report.expectations) {
    Json entry;
    entry["name"] = json_text(expectation.name);
    entry["where"] = json_text(expectation.where);
    entry["expected"] = json_text(expectation.expected);
    entry["found"] = json_text(expectation.found);
    entry["result"] = to_string(expectation.result);
    entry["findings"] = json_findings(snapshot, expectation.findings);
    json["expectations"].push_back(std::move(entry));
  }
  json["gaps"] = json_gaps(report.gaps);
  return json_document(json, one_line);
}

} // namespace synfate
