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

/// The class with an empty array for its sources.
Json json_without_sources(const WhoClass& entry) {
  Json json;
  json["sources"] = Json::array();
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

/// Sets of firewalls leave hundreds of thousands of ranges: they are written as they come, in the
/// form that json_document() gives to everything else.
struct Layout {
  bool one_line = false;
  std::size_t depth = 0;

  Layout deeper() const { return {one_line, depth + 1}; }
  std::string line() const { return one_line ? "" : "\n" + std::string(depth * 2, ' '); }
};

void write_value(std::string& out, const Json& value, const Layout& layout) {
  const auto text = json_value(value, layout.one_line);
  for (const char each : text) {
    out += each;
    if (each == '\n')
      out.append(layout.depth * 2, ' ');
  }
}

/// An array of `count` values, written one by one.
template <typename Write>
void write_array(std::string& out, std::size_t count, const Layout& layout, Write write) {
  out += '[';
  for (std::size_t at = 0; at < count; ++at) {
    if (at > 0)
      out += ',';
    out += layout.deeper().line();
    write(at, layout.deeper());
  }
  if (count > 0)
    out += layout.line();
  out += ']';
}

void write_name(std::string& out, std::string_view name, bool first, const Layout& layout) {
  if (!first)
    out += ',';
  out += layout.line();
  out += '"';
  out += name;
  out += layout.one_line ? "\":" : "\": ";
}

void write_sources(std::string& out, const WhoClass& entry, const Layout& layout) {
  write_array(out, entry.sources.size(), layout, [&](std::size_t at, const Layout&) {
    out += '"';
    out += entry.sources[at].to_string();
    out += '"';
  });
}

void write_class(std::string& out, const WhoClass& entry, const Layout& layout) {
  const Json rest = json_without_sources(entry);
  out += '{';
  bool first = true;
  for (const auto& [name, value] : rest.items()) {
    write_name(out, name, first, layout.deeper());
    if (name == "sources")
      write_sources(out, entry, layout.deeper());
    else
      write_value(out, value, layout.deeper());
    first = false;
  }
  out += layout.line() + "}";
}

void write_report(std::string& out, const WhoReport& report, const Layout& layout) {
  const Layout inner = layout.deeper();
  out += '{';
  write_name(out, "schema", true, inner);
  out += "\"synfate.who/1\"";
  write_name(out, "target", false, inner);
  write_value(out, json_target(report.target), inner);
  write_name(out, "classes", false, inner);
  write_array(out, report.classes.size(), inner, [&](std::size_t at, const Layout& place) {
    write_class(out, report.classes[at], place);
  });
  write_name(out, "gaps", false, inner);
  write_value(out, json_gaps(report.gaps), inner);
  out += layout.line() + "}";
}

} // namespace

Json json_class(const WhoClass& entry) {
  Json json = json_without_sources(entry);
  for (const auto& source : entry.sources)
    json["sources"].push_back(source.to_string());
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

std::string render_who_json(std::span<const WhoReport> reports, bool lines) {
  std::string out;
  if (!lines && reports.size() != 1) {
    out = "[";
    for (std::size_t at = 0; at < reports.size(); ++at) {
      out += at > 0 ? ",\n  " : "\n  ";
      write_report(out, reports[at], Layout{false, 1});
    }
    return out + (reports.empty() ? "]\n" : "\n]\n");
  }
  for (const auto& report : reports) {
    write_report(out, report, Layout{lines, 0});
    out += '\n';
  }
  return out;
}

} // namespace synfate
