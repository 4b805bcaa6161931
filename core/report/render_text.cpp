#include "core/report/render_text.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include <fmt/format.h>

#include "core/facts/tables.h"
#include "core/report/evidence_text.h"
#include "core/report/text_parts.h"
#include "core/report/who_report.h"
#include "core/report/words.h"

namespace synfate {
namespace {

/// More flows than this are shown with like ones merged, unless -v is given.
constexpr std::size_t flows_shown_singly = 12;
constexpr std::size_t servers_shown = 2;

bool has_finding(const Report& report, std::size_t flow) {
  return std::ranges::any_of(report.findings, [flow](const Finding& finding) {
    return finding.severity == Severity::error &&
           std::ranges::find(finding.flows, flow) != finding.flows.end();
  });
}

/// Which of the flows a finding is about, when it is not about all of them.
std::string affected(const Report& report, const Finding& finding) {
  if (finding.flows.empty() || finding.flows.size() >= report.flows.size())
    return "";
  std::string text;
  std::set<std::string> named;
  for (const auto flow : finding.flows) {
    const auto name = client_words(report.flows.at(flow).flow);
    if (!named.insert(name).second)
      continue;
    if (named.size() > 4)
      return fmt::format("{} of the {} sources below", finding.flows.size(), report.flows.size());
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

bool says_the_same(const Finding& one, const Finding& other) {
  return one.rule == other.rule && one.severity == other.severity &&
         one.certainty == other.certainty && one.title == other.title &&
         one.explain == other.explain && one.fix == other.fix;
}

/// Findings that read alike become one, about all their flows, with the proofs of all.
std::vector<Finding> told_once(const std::vector<Finding>& findings) {
  std::vector<Finding> told;
  for (const auto& finding : findings) {
    const auto like = std::ranges::find_if(
        told, [&](const Finding& earlier) { return says_the_same(earlier, finding); });
    if (like == told.end()) {
      told.push_back(finding);
      continue;
    }
    like->flows.insert(like->flows.end(), finding.flows.begin(), finding.flows.end());
    like->evidence.insert(like->evidence.end(), finding.evidence.begin(), finding.evidence.end());
  }
  return told;
}

void write_findings(Page& page, const Snapshot& snapshot, const Report& report) {
  for (const auto& finding : told_once(report.findings)) {
    page.blank();
    write_finding(page, snapshot, finding, affected(report, finding));
  }
}

std::string culprit_text(const Culprit& culprit) {
  return culprit.text.empty() ? culprit_words(culprit)
                              : culprit_words(culprit) + ": " + culprit.text;
}

/// What stops the flows for which no rule has words: the model's own facts.
void write_unexplained(Page& page, const Report& report) {
  std::set<std::string> said;
  for (std::size_t index = 0; index < report.flows.size(); ++index) {
    const auto& fate = report.flows[index].fate;
    if (fate.outcome == Outcome::open || has_finding(report, index))
      continue;
    std::string text = outcome_words(fate.outcome, fate.icmp);
    if (fate.stopped_at)
      text += fmt::format(" at {}", to_string(*fate.stopped_at));
    if (fate.culprit)
      text += " by " + culprit_text(*fate.culprit);
    if (!said.insert(text).second)
      continue;
    if (fate.outcome != Outcome::unknown)
      text += " (no rule explains it)";
    page.blank();
    page.paragraph(fate.outcome == Outcome::unknown ? "? " : page.mark("✗ ", "x "), text,
                   Style::strong, outcome_style(fate.outcome));
  }
}

/// How much of a flow's row is shown: less where the page is narrow.
enum class RowDetail : std::uint8_t { full, without_names, stage_only };

/// A socket at the called address itself: the row has said so already.
bool is_callee(const Culprit& culprit, const Flow& flow) {
  return culprit.kind == "socket" && culprit.id.ends_with("/" + endpoint_words(flow.to, flow.port));
}

std::string stop_words(const FlowReport& entry, RowDetail detail) {
  const auto& fate = entry.fate;
  if (!fate.stopped_at)
    return "-";
  std::string text(to_string(*fate.stopped_at));
  if (fate.culprit && detail != RowDetail::stage_only && !is_callee(*fate.culprit, entry.flow))
    text += ": " + culprit_words(*fate.culprit);
  return text;
}

/// "10.77.0.2 (on-link of eth0)"; the name is left out where the address says the same.
std::string client_cell(const Flow& flow, RowDetail detail) {
  auto text = client_words(flow);
  if (detail == RowDetail::full && !flow.name.empty() && flow.name != text)
    text += " (" + flow.name + ")";
  return text;
}

bool several_callees(const Report& report) {
  return std::ranges::any_of(report.flows, [&](const FlowReport& entry) {
    return callee_words(entry.flow) != callee_words(report.flows.front().flow);
  });
}

TableRow flow_row(const FlowReport& entry, RowDetail detail, bool with_callee) {
  TableRow row{{client_cell(entry.flow, detail), Style::plain}};
  if (with_callee)
    row.push_back({callee_words(entry.flow), Style::plain});
  row.push_back(
      {entry.flow.from_interface.empty() ? "-" : entry.flow.from_interface, Style::plain});
  auto outcome = outcome_words(entry.fate.outcome, entry.fate.icmp);
  if (entry.fate.certainty != Certainty::certain && entry.fate.outcome != Outcome::unknown)
    outcome += fmt::format(", {}", to_string(entry.fate.certainty));
  row.push_back({std::move(outcome), outcome_style(entry.fate.outcome)});
  row.push_back({stop_words(entry, detail), Style::plain});
  return row;
}

bool same_but_client(const TableRow& left, const TableRow& right) {
  return std::equal(left.begin() + 1, left.end(), right.begin() + 1, right.end(),
                    [](const auto& one, const auto& other) { return one.text == other.text; });
}

/// Rows that differ in the client alone become one: "10.0.0.2 and 7 more".
std::vector<TableRow> merged(const std::vector<TableRow>& rows) {
  std::vector<TableRow> kept;
  std::vector<std::size_t> counts;
  for (const auto& row : rows) {
    const auto like = std::ranges::find_if(
        kept, [&](const TableRow& other) { return same_but_client(row, other); });
    if (like == kept.end()) {
      kept.push_back(row);
      counts.push_back(1);
    } else {
      ++counts[static_cast<std::size_t>(like - kept.begin())];
    }
  }
  for (std::size_t index = 0; index < kept.size(); ++index)
    if (counts[index] > 1)
      kept[index].front().text += fmt::format(" and {} more", counts[index] - 1);
  return kept;
}

std::vector<TableRow> flow_rows(const Page& page, const Report& report, RowDetail detail) {
  const bool with_callee = several_callees(report);
  std::vector<TableRow> rows;
  for (const auto& entry : report.flows)
    rows.push_back(flow_row(entry, detail, with_callee));
  if (!page.options().verbose && rows.size() > flows_shown_singly)
    rows = merged(rows);
  TableRow head{{"from", Style::faint},
                {"arrives on", Style::faint},
                {"outcome", Style::faint},
                {"stopped at", Style::faint}};
  if (with_callee)
    head.insert(head.begin() + 1, {"to", Style::faint});
  rows.insert(rows.begin(), std::move(head));
  return rows;
}

void write_flows(Page& page, const Report& report) {
  if (report.flows.empty())
    return;
  page.blank();
  auto rows = flow_rows(page, report, RowDetail::full);
  for (const auto detail : {RowDetail::without_names, RowDetail::stage_only})
    if (page.options().width > 0 && table_width(rows) > page.options().width)
      rows = flow_rows(page, report, detail);
  page.table(2, rows);
  write_sources(page, report.sources);
  if (!report.sources_left_out)
    return;
  page.blank();
  page.paragraph("  ",
                 "The rules, sets or routes are too many to tell all sources at a glance: "
                 "synfate who " +
                     report.target.text,
                 Style::plain, Style::faint);
}

/// The flow whose path is shown: the first that is not open, else the first from the network.
const FlowReport* flow_to_show(const Report& report) {
  const auto& flows = report.flows;
  auto chosen = std::ranges::find_if(
      flows, [](const FlowReport& entry) { return entry.fate.outcome != Outcome::open; });
  if (chosen == flows.end())
    chosen = std::ranges::find_if(flows, [](const FlowReport& entry) { return !entry.flow.local; });
  if (chosen == flows.end())
    chosen = flows.begin();
  return chosen == flows.end() ? nullptr : &*chosen;
}

std::string_view packet_words(Packet packet) {
  switch (packet) {
  case Packet::syn:
    return "SYN";
  case Packet::synack:
    return "SYN-ACK";
  case Packet::ack:
    return "ACK";
  case Packet::data:
    return "data";
  case Packet::datagram:
    return "datagram";
  case Packet::reset:
    return "RST";
  case Packet::icmp:
    return "ICMP error";
  case Packet::neighbour:
    return "neighbour discovery";
  }
  return "";
}

/// One stage as the path line shows it: consecutive steps of it are one.
struct StageMark {
  Packet packet = Packet::syn;
  Stage stage = Stage::interface;
  Verdict verdict = Verdict::pass;
  std::string note; ///< of a diversion
};

/// Up to and with the first stop, since what follows is told as further blockers.
std::vector<StageMark> stage_marks(const Fate& fate) {
  std::vector<StageMark> marks;
  for (const auto& step : fate.path) {
    if (step.detail)
      continue;
    if (marks.empty() || marks.back().packet != step.packet || marks.back().stage != step.stage)
      marks.push_back({step.packet, step.stage, Verdict::pass, {}});
    if (step.verdict != Verdict::pass)
      marks.back().verdict = step.verdict;
    if (step.verdict == Verdict::divert)
      marks.back().note = step.note;
    if (step.verdict == Verdict::stop)
      break;
  }
  return marks;
}

std::string stage_words(const Page& page, const StageMark& mark) {
  std::string text(to_string(mark.stage));
  switch (mark.verdict) {
  case Verdict::pass:
    return text;
  case Verdict::stop:
    return text + std::string(page.mark(" ✗", " x"));
  case Verdict::divert:
    return mark.note.empty() ? text + " (diverted)" : fmt::format("{} ({})", text, mark.note);
  case Verdict::unknown:
    return text + " ?";
  case Verdict::assumed:
    return text + " (assumed)";
  }
  return text;
}

/// The first packet's stages in full; of a later packet only what is not a plain pass.
std::string path_words(const Page& page, const Fate& fate) {
  const auto marks = stage_marks(fate);
  const std::string arrow = fmt::format(" {} ", page.mark("→", ">"));
  const std::string good(page.mark("✓", "ok"));
  std::string text;
  for (std::size_t start = 0; start < marks.size();) {
    auto end = start;
    bool plain = true;
    std::string stages;
    for (; end < marks.size() && marks[end].packet == marks[start].packet; ++end) {
      plain = plain && marks[end].verdict == Verdict::pass;
      stages += (end == start ? "" : arrow) + stage_words(page, marks[end]);
    }
    text += (start == 0 ? "" : ", ") + std::string(packet_words(marks[start].packet)) + " ";
    text += start > 0 && plain ? good : stages;
    if (start == 0 && (end < marks.size() || fate.outcome == Outcome::open))
      text += " " + good;
    start = end;
  }
  return text;
}

void write_path(Page& page, const FlowReport& entry) {
  const auto words = path_words(page, entry.fate);
  if (words.empty())
    return;
  page.blank();
  page.paragraph("  path   ",
                 fmt::format("{} {} {}: {}", client_words(entry.flow), page.mark("→", "to"),
                             callee_words(entry.flow), words),
                 Style::plain, Style::faint);
}

void write_near_misses(Page& page, const Fate& fate) {
  std::string_view lead = "  near   ";
  for (const auto& miss : fate.near_misses) {
    auto text = culprit_text(miss.by);
    text +=
        fmt::format(", but it asks for {} {} and this is {}", miss.field, miss.wanted, miss.had);
    page.paragraph(lead, text, Style::plain, Style::faint);
    lead = "         ";
  }
}

void write_alternatives(Page& page, const Fate& fate) {
  std::string_view lead = "  either ";
  for (const auto& alternative : fate.alternatives) {
    auto text = outcome_words(alternative.outcome, alternative.icmp);
    if (alternative.culprit)
      text += " by " + culprit_text(*alternative.culprit);
    if (!alternative.when.empty())
      text += ", when " + alternative.when;
    page.paragraph(lead, text, Style::plain, Style::faint);
    lead = "  or     ";
  }
}

/// What is in the way behind the culprit; all of it where it cannot be told what decides.
void write_blockers(Page& page, const Fate& fate) {
  std::string_view lead = "  then   ";
  std::set<std::string> said;
  const bool told = !fate.blockers.empty() && fate.culprit == fate.blockers.front().culprit;
  for (const auto& blocker : std::span(fate.blockers).subspan(told ? 1 : 0)) {
    const auto text = fmt::format("{}in the way at {}: {}", fate.culprit ? "also " : "",
                                  to_string(blocker.stage), culprit_text(blocker.culprit));
    if (!said.insert(text).second)
      continue; // the same thing stops the answer, too
    page.paragraph(lead, text, Style::plain, Style::faint);
    lead = "         ";
  }
}

/// Where the end is open: the socket that a packet gets to if nothing stops it before.
void write_socket_behind(Page& page, const Snapshot& snapshot, const Fate& fate) {
  if (fate.outcome != Outcome::unknown || !fate.blockers.empty())
    return;
  std::vector<Evidence> sockets;
  std::ranges::copy_if(fate.evidence, std::back_inserter(sockets),
                       [](const Evidence& item) { return item.table == table_name<Socket>(); });
  for (const auto& line : evidence_lines(snapshot, sockets))
    page.paragraph("  behind ", line, Style::plain, Style::faint);
}

/// Who serves what is open: the sockets that no finding has shown among its proofs.
void write_servers(Page& page, const Snapshot& snapshot, const Report& report) {
  std::set<std::pair<std::string, std::size_t>> told;
  for (const auto& finding : report.findings)
    for (const auto& item : finding.evidence)
      told.emplace(item.table, item.row);
  std::vector<Evidence> sockets;
  for (const auto& entry : report.flows)
    if (entry.fate.outcome == Outcome::open)
      std::ranges::copy_if(
          entry.fate.evidence, std::back_inserter(sockets), [&](const Evidence& item) {
            return (item.table == table_name<Socket>() || item.table == table_name<UnixSocket>()) &&
                   told.emplace(item.table, item.row).second;
          });
  auto lines = evidence_lines(snapshot, sockets);
  if (!page.options().verbose && lines.size() > servers_shown) {
    const auto hidden = lines.size() - servers_shown;
    lines.resize(servers_shown);
    lines.push_back(fmt::format("and {} more sockets (-v shows them)", hidden));
  }
  if (!lines.empty())
    page.blank();
  std::string_view lead = "  server ";
  for (const auto& line : lines) {
    page.paragraph(lead, line, Style::plain, Style::faint);
    lead = "         ";
  }
}

/// What else is in the way after the culprit, what nearly let the flow in, what was assumed.
void write_rest_of_flow(Page& page, const Snapshot& snapshot, const Fate& fate) {
  write_blockers(page, fate);
  write_socket_behind(page, snapshot, fate);
  write_near_misses(page, fate);
  std::string_view lead;
  write_alternatives(page, fate);
  lead = "  given  ";
  for (const auto& assumption : fate.assumptions) {
    page.paragraph(lead, assumption, Style::plain, Style::faint);
    lead = "         ";
  }
}

TableRow step_row(const PathStep& step, std::int64_t home) {
  auto by = step.by ? culprit_text(*step.by) : std::string();
  if (!step.note.empty() && !(step.by && step.by->text == step.note))
    by += (by.empty() ? "" : "; ") + step.note;
  if (step.netns != 0 && step.netns != home)
    by += fmt::format("{}in netns {}", by.empty() ? "" : "; ", step.netns);
  const auto style = step.verdict == Verdict::stop ? Style::bad : Style::plain;
  return {{std::string(packet_words(step.packet)), Style::plain},
          {std::string(to_string(step.stage)), Style::plain},
          {step.chain, Style::plain},
          {step.priority ? fmt::format("{}", *step.priority) : "", Style::plain},
          {std::string(to_string(step.verdict)), style},
          {std::move(by), Style::plain}};
}

/// -v: every decision of one flow.
void write_decisions(Page& page, const Snapshot& snapshot, const Report& report,
                     const FlowReport& entry) {
  page.blank();
  const auto& error = entry.fate.error;
  page.paragraph("",
                 fmt::format("{} to {}: {}{}", client_cell(entry.flow, RowDetail::full),
                             callee_words(entry.flow),
                             outcome_words(entry.fate.outcome, entry.fate.icmp),
                             error.empty() ? "" : ", " + error),
                 Style::strong);
  std::vector<TableRow> rows{{{"packet", Style::faint},
                              {"stage", Style::faint},
                              {"chain", Style::faint},
                              {"prio", Style::faint},
                              {"verdict", Style::faint},
                              {"by", Style::faint}}};
  for (const auto& step : entry.fate.path)
    rows.push_back(step_row(step, report.host.netns));
  if (rows.size() > 1)
    page.table(2, rows);
  write_rest_of_flow(page, snapshot, entry.fate);
}

void write_paths(Page& page, const Snapshot& snapshot, const Report& report) {
  if (page.options().verbose) {
    for (const auto& entry : report.flows)
      write_decisions(page, snapshot, report, entry);
  } else if (const auto* entry = flow_to_show(report)) {
    write_path(page, *entry);
    write_rest_of_flow(page, snapshot, entry->fate);
  }
}

bool all_open(const Report& report) {
  return !report.flows.empty() && std::ranges::all_of(report.flows, [](const FlowReport& entry) {
    return entry.fate.outcome == Outcome::open;
  });
}

void write_closing(Page& page, const Report& report) {
  page.blank();
  write_gaps(page, report.gaps);
  if (page.options().verbose)
    for (const auto& rule : report.unknown_rules)
      page.paragraph("? ", fmt::format("The rule {} could not tell.", rule), Style::plain,
                     Style::doubtful);
  const bool is_unix = report.target.proto == Proto::unix_socket;
  if (!is_unix)
    write_outer_host(page, report.host);
  if (all_open(report))
    page.paragraph("", is_unix
                           ? "This host accepts it. If a client still fails, it runs as another "
                             "user, in another mount namespace, or under a sandbox of its own."
                           : "This host accepts it. If a client still times out, its packets do "
                             "not arrive here.");
}

Style verdict_style(const Report& report) {
  const auto outcome = report.outcome();
  return outcome ? outcome_style(*outcome) : Style::bad;
}

void write_report(Page& page, const Snapshot& snapshot, const Report& report) {
  page.paragraph("", verdict_line(report), verdict_style(report));
  write_findings(page, snapshot, report);
  write_unexplained(page, report);
  write_flows(page, report);
  write_servers(page, snapshot, report);
  write_paths(page, snapshot, report);
  write_closing(page, report);
}

} // namespace

std::string render_text(const Snapshot& snapshot, std::span<const Report> reports,
                        const TextOptions& options) {
  std::string text;
  for (const auto& report : reports) {
    Page page(options);
    write_report(page, snapshot, report);
    text += (text.empty() ? "" : "\n") + page.text();
    while (text.ends_with("\n\n"))
      text.pop_back();
  }
  return text;
}

} // namespace synfate
