#include "core/report/text_parts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/report/evidence_text.h"

namespace synfate {
namespace {

constexpr std::size_t proof_lines_shown = 6;

/// Programs whose command lines appear among fixes: such a line must stay whole to be copied.
constexpr std::array<std::string_view, 32> programs{"bpftool",
                                                    "conntrack",
                                                    "docker",
                                                    "echo",
                                                    "ethtool",
                                                    "firewall-cmd",
                                                    "ip",
                                                    "ip6tables",
                                                    "ip6tables-legacy",
                                                    "iptables",
                                                    "iptables-legacy",
                                                    "ipset",
                                                    "kill",
                                                    "kubectl",
                                                    "mkdir",
                                                    "nft",
                                                    "nsenter",
                                                    "podman",
                                                    "printf",
                                                    "prlimit",
                                                    "redis-cli",
                                                    "rm",
                                                    "setcap",
                                                    "ss",
                                                    "sudo",
                                                    "synfate",
                                                    "sysctl",
                                                    "systemctl",
                                                    "tc",
                                                    "tee",
                                                    "ufw",
                                                    "xtables-monitor"};

bool is_command(std::string_view fix) {
  const auto word = fix.substr(0, fix.find(' '));
  return word.size() < fix.size() && std::ranges::find(programs, word) != programs.end();
}

void write_labelled(Page& page, std::string_view label, std::span<const std::string> texts) {
  std::string lead = fmt::format("  {:<7}", label);
  for (const auto& text : texts) {
    if (is_command(text))
      page.one_line(lead, text, Style::strong, Style::faint);
    else
      page.paragraph(lead, text, Style::plain, Style::faint);
    lead.assign(lead.size(), ' ');
  }
}

/// The paragraphs of an explanation: empty lines separate them.
void write_explanation(Page& page, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find("\n\n"), text.size());
    const auto paragraph = text.substr(0, end);
    if (paragraph.find_first_not_of(" \n\t") != std::string_view::npos)
      page.paragraph("  ", paragraph);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
}

std::string tag(const Finding& finding) {
  if (finding.certainty == Certainty::certain)
    return fmt::format("[{}]", finding.rule);
  return fmt::format("[{}, {}]", finding.rule, to_string(finding.certainty));
}

std::string_view severity_mark(const Page& page, Severity severity) {
  switch (severity) {
  case Severity::error:
    return page.mark("✗ ", "x ");
  case Severity::warning:
    return "! ";
  case Severity::note:
    return page.mark("· ", "- ");
  }
  return "";
}

Style severity_style(Severity severity) {
  switch (severity) {
  case Severity::error:
    return Style::bad;
  case Severity::warning:
    return Style::doubtful;
  case Severity::note:
    return Style::faint;
  }
  return Style::plain;
}

void append_sentence(std::string& text, std::string_view sentence) {
  if (sentence.empty())
    return;
  text += " ";
  text += sentence;
  if (!text.ends_with('.'))
    text += '.';
}

/// The same is not known of several things of a kind, such as network namespaces ("netns.INODE").
bool are_alike(const Gap& one, const Gap& other) {
  const auto kind = [](const Gap& gap) { return gap.id.substr(0, gap.id.find('.')); };
  return one.effect == other.effect && one.remedy == other.remedy && kind(one) == kind(other) &&
         one.id.find('.') != one.id.npos && other.id.find('.') != other.id.npos;
}

} // namespace

Style outcome_style(Outcome outcome) {
  switch (outcome) {
  case Outcome::open:
    return Style::good;
  case Outcome::unknown:
    return Style::doubtful;
  case Outcome::refused:
  case Outcome::timeout:
  case Outcome::unreachable:
  case Outcome::stalled:
  case Outcome::reset:
  case Outcome::denied:
    return Style::bad;
  }
  return Style::plain;
}

void write_finding(Page& page, const Snapshot& snapshot, const Finding& finding,
                   std::string_view affected) {
  page.paragraph(severity_mark(page, finding.severity), finding.title + "  " + tag(finding),
                 Style::strong, severity_style(finding.severity));
  write_explanation(page, finding.explain);
  if (!affected.empty())
    page.paragraph("  for    ", affected, Style::plain, Style::faint);
  auto proof = evidence_lines(snapshot, finding.evidence);
  if (!page.options().verbose && proof.size() > proof_lines_shown) {
    const auto hidden = proof.size() - proof_lines_shown;
    proof.resize(proof_lines_shown);
    proof.push_back(fmt::format("and {} more (-v shows them)", hidden));
  }
  write_labelled(page, "proof", proof);
  write_labelled(page, "fix", finding.fix);
  if (page.options().verbose) {
    write_labelled(page, "see", finding.refs);
    write_labelled(page, "folds", finding.folded);
  }
}

void write_gaps(Page& page, std::span<const Gap> gaps) {
  for (std::size_t at = 0; at < gaps.size(); ++at) {
    const Gap& gap = gaps[at];
    const auto is_like = [&](const Gap& other) { return are_alike(gap, other); };
    if (!page.options().verbose && std::ranges::any_of(gaps.first(at), is_like))
      continue;
    const auto more = std::ranges::count_if(gaps.subspan(at + 1), is_like);
    const auto others =
        more == 0 || page.options().verbose ? "" : fmt::format(" and {} more", more);
    auto text = fmt::format("Not seen: {}{} ({}).", gap.what, others, gap.why);
    append_sentence(text, gap.effect.empty() ? "" : "So: " + gap.effect);
    append_sentence(text, gap.remedy.empty() ? "" : "Remedy: " + gap.remedy);
    page.paragraph("? ", text, Style::plain, Style::doubtful);
  }
}

void write_outer_host(Page& page, const HostFacts& host) {
  if (!host.container.empty())
    page.paragraph("",
                   fmt::format("This is a container ({}): the firewall of the host around it is "
                               "not visible from here.",
                               host.container));
  else if (!host.initial_netns)
    page.paragraph("", "This is not the network namespace that the system started in: the firewall "
                       "of the host around it is not visible from here.");
}

} // namespace synfate
