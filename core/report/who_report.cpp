#include "core/report/who_report.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

constexpr std::size_t sources_shown = 8;

std::string decided_by(const WhoClass& entry) {
  if (entry.culprit) {
    const auto stage = entry.stopped_at ? fmt::format("{}: ", to_string(*entry.stopped_at)) : "";
    return stage + culprit_words(*entry.culprit);
  }
  return fmt::format("{}", fmt::join(entry.via, ", "));
}

TableRow class_row(const WhoClass& entry, std::string source) {
  auto outcome = outcome_words(entry.outcome, entry.icmp);
  if (entry.certainty != Certainty::certain)
    outcome += fmt::format(", {}", to_string(entry.certainty));
  return {{std::move(source), Style::plain},
          {entry.interface, Style::plain},
          {entry.to ? entry.to->to_string() : "-", Style::plain},
          {std::move(outcome), outcome_style(entry.outcome)},
          {decided_by(entry), Style::plain}};
}

/// The class beside its first source, its other sources below.
void add_class_rows(std::vector<TableRow>& rows, const WhoClass& entry, bool all) {
  const auto count = all ? entry.sources.size() : std::min(entry.sources.size(), sources_shown);
  if (count == 0)
    return;
  rows.push_back(class_row(entry, entry.sources.front().to_string()));
  for (std::size_t index = 1; index < count; ++index)
    rows.push_back({{entry.sources[index].to_string(), Style::plain}});
  if (count < entry.sources.size())
    rows.push_back({{fmt::format("and {} more", entry.sources.size() - count), Style::faint}});
}

std::vector<const WhoClass*> ordered(const WhoReport& report, bool with_martians) {
  std::vector<const WhoClass*> classes;
  for (const auto& entry : report.classes)
    if (with_martians || !entry.martian)
      classes.push_back(&entry);
  std::ranges::stable_sort(
      classes, {}, [](const WhoClass* entry) { return entry->outcome == Outcome::open ? 0 : 1; });
  return classes;
}

void write_classes(Page& page, const WhoReport& report) {
  std::vector<TableRow> rows{{{"sources", Style::faint},
                              {"arrive on", Style::faint},
                              {"to", Style::faint},
                              {"outcome", Style::faint},
                              {"decided by", Style::faint}}};
  for (const auto* entry : ordered(report, page.options().verbose))
    add_class_rows(rows, *entry, page.options().verbose);
  page.table(0, rows);
  const auto martians = std::ranges::count_if(report.classes, &WhoClass::martian);
  if (martians > 0 && !page.options().verbose)
    page.paragraph("",
                   fmt::format("Not shown: {} of sources that cannot arrive there (-v shows "
                               "them).",
                               martians == 1 ? "1 class" : fmt::format("{} classes", martians)),
                   Style::faint);
}

} // namespace

Json json_class(const WhoClass& entry) {
  Json json;
  json["sources"] = Json::array();
  for (const auto& source : entry.sources)
    json["sources"].push_back(source.to_string());
  json["interface"] = json_text_or_null(entry.interface);
  if (!entry.name.empty())
    json["name"] = json_text(entry.name);
  json["to"] = entry.to ? Json(entry.to->to_string()) : Json();
  json["martian"] = entry.martian;
  json["outcome"] = to_string(entry.outcome);
  json["icmp"] = json_text_or_null(to_string(entry.icmp));
  json["certainty"] = to_string(entry.certainty);
  json["stopped_at"] = entry.stopped_at ? Json(to_string(*entry.stopped_at)) : Json();
  json["culprit"] = json_culprit(entry.culprit);
  json["via"] = Json::array();
  for (const auto& rule : entry.via)
    json["via"].push_back(json_text(rule));
  return json;
}

std::string render_who_text(const WhoReport& report, const TextOptions& options) {
  Page page(options);
  auto head = "who reaches " + target_words(report.target);
  if (!report.host.name.empty())
    head += " on " + report.host.name;
  page.paragraph("", head, Style::strong);
  page.blank();
  if (report.classes.empty())
    page.paragraph("", "It cannot be told: no source could be examined.", Style::doubtful);
  else
    write_classes(page, report);
  if (!report.gaps.empty() || !report.host.initial_netns || !report.host.container.empty())
    page.blank();
  write_gaps(page, report.gaps);
  write_outer_host(page, report.host);
  return page.text();
}

std::string render_who_json(const WhoReport& report, bool one_line) {
  Json json;
  json["schema"] = "synfate.who/1";
  json["target"] = json_target(report.target);
  json["classes"] = Json::array();
  for (const auto& entry : report.classes)
    json["classes"].push_back(json_class(entry));
  json["gaps"] = json_gaps(report.gaps);
  return json_document(json, one_line);
}

} // namespace synfate
