#include "core/report/who_report.h"

#include <algorithm>
#include <cstddef>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

constexpr std::size_t sources_shown = 8;

std::string decided_by(const SourceClass& entry) {
  if (entry.culprit) {
    const auto stage = entry.stopped_at ? fmt::format("{}: ", to_string(*entry.stopped_at)) : "";
    return stage + culprit_words(*entry.culprit);
  }
  return entry.via.empty() ? "-" : fmt::format("{}", fmt::join(entry.via, ", "));
}

TableRow class_head() {
  return {{"sources", Style::faint},
          {"arrive on", Style::faint},
          {"to", Style::faint},
          {"outcome", Style::faint},
          {"decided by", Style::faint}};
}

TableRow class_row(const SourceClass& entry, std::string source) {
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
void add_class_rows(std::vector<TableRow>& rows, const SourceClass& entry, bool all) {
  const auto count = all ? entry.sources.size() : std::min(entry.sources.size(), sources_shown);
  if (count == 0)
    return;
  rows.push_back(class_row(entry, entry.sources.front().to_string()));
  for (std::size_t index = 1; index < count; ++index)
    rows.push_back({{entry.sources[index].to_string(), Style::plain}});
  if (count < entry.sources.size())
    rows.push_back({{fmt::format("and {} more", entry.sources.size() - count), Style::faint}});
}

std::vector<const SourceClass*> ordered(const WhoReport& report, bool with_martians) {
  std::vector<const SourceClass*> classes;
  for (const auto& entry : report.classes)
    if (with_martians || !entry.martian)
      classes.push_back(&entry);
  std::ranges::stable_sort(classes, {}, [](const SourceClass* entry) {
    return entry->outcome == Outcome::open ? 0 : 1;
  });
  return classes;
}

void write_classes(Page& page, const WhoReport& report) {
  std::vector<TableRow> rows{class_head()};
  for (const auto* entry : ordered(report, page.options().verbose))
    add_class_rows(rows, *entry, page.options().verbose);
  page.table(0, rows);
  const auto martians = std::ranges::count_if(report.classes, &SourceClass::martian);
  if (martians > 0 && !page.options().verbose)
    page.paragraph("",
                   fmt::format("Not shown: {} of sources that cannot arrive there (-v shows "
                               "them).",
                               martians == 1 ? "1 class" : fmt::format("{} classes", martians)),
                   Style::faint);
}

constexpr std::size_t sources_at_a_glance = 3;

/// Reads the same but for the sources.
bool same_fate(const SourceClass& one, const SourceClass& other) {
  return share_vantage(one, other) && one.outcome == other.outcome && one.icmp == other.icmp &&
         one.certainty == other.certainty && one.stopped_at == other.stopped_at &&
         one.culprit == other.culprit;
}

/// Sorts ranges, and makes one of those that follow upon each other.
void join_neighbours(std::vector<IpRange>& ranges) {
  std::ranges::sort(ranges, {}, &IpRange::first);
  std::vector<IpRange> joined;
  for (const auto& range : ranges)
    if (!joined.empty() && joined.back().last.next() == range.first)
      joined.back().last = range.last;
    else
      joined.push_back(range);
  ranges = std::move(joined);
}

/// One class for each fate; who lets them pass is not told.
std::vector<SourceClass> by_fate(std::span<const SourceClass> classes) {
  std::vector<SourceClass> joined;
  for (const auto& entry : classes) {
    if (entry.martian || !entry.to || entry.interface == "lo")
      continue;
    const auto like = std::ranges::find_if(
        joined, [&](const SourceClass& other) { return same_fate(entry, other); });
    if (like == joined.end()) {
      joined.push_back(entry);
      continue;
    }
    like->sources.insert(like->sources.end(), entry.sources.begin(), entry.sources.end());
    for (const auto& rule : entry.via)
      if (std::ranges::find(like->via, rule) == like->via.end())
        like->via.push_back(rule);
  }
  for (auto& entry : joined)
    join_neighbours(entry.sources);
  return joined;
}

double as_number(const IpAddress& address) {
  double number = 0;
  for (const auto byte : address.bytes())
    number = number * 256 + std::to_integer<int>(byte);
  return number;
}

/// How many addresses there are, near enough to tell which class is largest.
double size_of(const SourceClass& entry) {
  double size = 0;
  for (const auto& range : entry.sources)
    size += as_number(range.last) - as_number(range.first) + 1;
  return size;
}

std::string some_sources(const SourceClass& entry, std::size_t most) {
  std::string text;
  for (std::size_t at = 0; at < std::min(most, entry.sources.size()); ++at)
    text += (at > 0 ? ", " : "") + entry.sources[at].to_string();
  if (entry.sources.size() > most)
    text += fmt::format(" and {} more", entry.sources.size() - most);
  return text;
}

std::vector<TableRow> source_rows(const std::vector<SourceClass>& classes, std::size_t most) {
  std::vector<TableRow> rows{class_head()};
  for (const auto& entry : classes) {
    const bool largest = std::ranges::none_of(classes, [&](const SourceClass& other) {
      return share_vantage(entry, other) && size_of(other) > size_of(entry);
    });
    rows.push_back(class_row(entry, largest ? "all others" : some_sources(entry, most)));
  }
  return rows;
}

/// The fields of a class but for its sources, in their order: field(name, value) for each, where
/// the value is a text, a flag, a culprit, a list of texts, or nothing.
template <typename Field> void each_field(const SourceClass& entry, Field field) {
  constexpr std::nullptr_t nothing = nullptr;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (value.empty())
      field(name, nothing);
    else
      field(name, value);
  };
  text("interface", entry.interface);
  if (!entry.name.empty())
    text("name", entry.name);
  text("to", entry.to ? entry.to->to_string() : "");
  field("martian", entry.martian);
  text("outcome", to_string(entry.outcome));
  text("icmp", to_string(entry.icmp));
  text("certainty", to_string(entry.certainty));
  text("stopped_at", entry.stopped_at ? to_string(*entry.stopped_at) : "");
  if (entry.culprit)
    field("culprit", *entry.culprit);
  else
    field("culprit", nothing);
  field("via", entry.via);
}

Json json_field(std::nullptr_t) {
  return {};
}
Json json_field(bool flag) {
  return flag;
}
Json json_field(std::string_view text) {
  return json_text(text);
}
Json json_field(const Culprit& culprit) {
  return json_culprit(culprit);
}
Json json_field(const std::vector<std::string>& texts) {
  return json_texts(texts);
}

/// Sets of firewalls leave hundreds of thousands of ranges: they are written as they come, in the
/// form that json_document() gives to everything else.
struct Layout {
  bool one_line = false;
  std::size_t depth = 0;

  Layout deeper() const { return {one_line, depth + 1}; }
};

void break_line(std::string& out, const Layout& layout) {
  if (layout.one_line)
    return;
  out += '\n';
  out.append(layout.depth * 2, ' ');
}

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
  const Layout inner = layout.deeper();
  out += '[';
  for (std::size_t at = 0; at < count; ++at) {
    if (at > 0)
      out += ',';
    break_line(out, inner);
    write(at, inner);
  }
  if (count > 0)
    break_line(out, layout);
  out += ']';
}

void write_name(std::string& out, std::string_view name, bool first, const Layout& layout) {
  if (!first)
    out += ',';
  break_line(out, layout);
  out += '"';
  out += name;
  out += layout.one_line ? "\":" : "\": ";
}

void write_sources(std::string& out, const SourceClass& entry, const Layout& layout) {
  write_array(out, entry.sources.size(), layout, [&](std::size_t at, const Layout&) {
    out += '"';
    out += entry.sources[at].to_string();
    out += '"';
  });
}

/// A field of a class, in the form that write_value() gives to its value.
class FieldWriter {
public:
  FieldWriter(std::string& out, const Layout& layout) : out_(out), layout_(layout) {}

  void write(std::nullptr_t) { out_ += "null"; }
  void write(bool flag) { out_ += flag ? "true" : "false"; }
  void write(const std::string& text) { write(std::string_view(text)); }
  void write(std::string_view text) {
    constexpr auto is_plain = [](char letter) {
      return letter >= ' ' && letter < '\x7f' && letter != '"' && letter != '\\';
    };
    if (!std::ranges::all_of(text, is_plain))
      return write_value(out_, json_text(text), layout_);
    out_ += '"';
    out_ += text;
    out_ += '"';
  }
  void write(const Culprit& culprit) {
    const Layout inner = layout_.deeper();
    out_ += '{';
    write_name(out_, "kind", true, inner);
    write(culprit.kind);
    write_name(out_, "id", false, inner);
    write(culprit.id);
    break_line(out_, layout_);
    out_ += '}';
  }
  void write(const std::vector<std::string>& texts) {
    write_array(out_, texts.size(), layout_, [&](std::size_t at, const Layout& inner) {
      FieldWriter(out_, inner).write(texts[at]);
    });
  }

private:
  std::string& out_;
  Layout layout_;
};

void write_class(std::string& out, const SourceClass& entry, const Layout& layout) {
  const Layout inner = layout.deeper();
  out += '{';
  write_name(out, "sources", true, inner);
  write_sources(out, entry, inner);
  each_field(entry, [&](std::string_view name, const auto& value) {
    write_name(out, name, false, inner);
    FieldWriter(out, inner).write(value);
  });
  break_line(out, layout);
  out += '}';
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
  break_line(out, layout);
  out += '}';
}

} // namespace

bool share_vantage(const SourceClass& one, const SourceClass& other) {
  return one.interface == other.interface && one.to == other.to;
}

std::vector<SourceClass> told_apart(std::span<const SourceClass> classes) {
  auto told = by_fate(classes);
  const auto alone = [&](const SourceClass& entry) {
    return std::ranges::count_if(
               told, [&](const SourceClass& other) { return share_vantage(entry, other); }) == 1;
  };
  std::vector<SourceClass> apart;
  std::ranges::copy_if(told, std::back_inserter(apart),
                       [&](const SourceClass& entry) { return !alone(entry); });
  return apart;
}

void write_sources(Page& page, std::span<const SourceClass> classes) {
  auto shown = told_apart(classes);
  if (shown.empty())
    return;
  std::ranges::stable_sort(shown, [](const SourceClass& one, const SourceClass& other) {
    return std::tuple(one.interface, one.to->to_string(), size_of(one)) <
           std::tuple(other.interface, other.to->to_string(), size_of(other));
  });
  page.blank();
  auto rows = source_rows(shown, sources_at_a_glance);
  if (page.options().width > 0 && table_width(rows) > page.options().width)
    rows = source_rows(shown, 1);
  page.table(2, rows);
}

Json json_class(const SourceClass& entry) {
  Json json;
  json["sources"] = Json::array();
  for (const auto& source : entry.sources)
    json["sources"].push_back(source.to_string());
  each_field(entry, [&](std::string_view name, const auto& value) {
    json[std::string(name)] = json_field(value);
  });
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
