#include "core/report/overview.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

std::string owner_words(const Fact<ListenerOwner>& owner) {
  if (owner.unknown())
    return "unknown process";
  if (owner.absent())
    return "-";
  const auto& process = owner.value();
  return fmt::format("{} ({}{})", process.name, process.pid,
                     process.user.empty() ? "" : ", " + process.user);
}

std::string source_words(const IpRange& source) {
  if (const auto prefix = source.prefix(); prefix && prefix->length() == 0)
    return source.first.is_v4() ? "any IPv4" : "any IPv6";
  return source.to_string();
}

std::string class_words(const WhoClass& entry) {
  std::string text;
  if (entry.interface == "lo")
    text = "this host";
  else if (entry.sources.size() > 3)
    text = fmt::format("{} ranges", entry.sources.size());
  else
    for (const auto& source : entry.sources)
      text += (text.empty() ? "" : ", ") + source_words(source);
  if (!entry.interface.empty() && entry.interface != "lo")
    text += " on " + entry.interface;
  if (entry.outcome == Outcome::unknown)
    text += " (cannot be told)";
  else if (entry.certainty != Certainty::certain)
    text += fmt::format(" ({})", to_string(entry.certainty));
  return text;
}

std::string reach_words(const Listener& listener) {
  std::vector<std::string> parts;
  for (const auto& entry : listener.reachable_from) {
    if (entry.martian || (entry.outcome != Outcome::open && entry.outcome != Outcome::unknown))
      continue;
    auto words = class_words(entry);
    if (std::ranges::find(parts, words) == parts.end())
      parts.push_back(std::move(words));
  }
  return parts.empty() ? "nobody" : fmt::format("{}", fmt::join(parts, "; "));
}

std::string address_words(const Listener& listener) {
  if (listener.proto == Proto::unix_socket)
    return listener.path;
  return listener.address ? listener.address->to_string() : "*";
}

TableRow listener_row(const Listener& listener) {
  const auto reach = reach_words(listener);
  const std::string port = listener.proto == Proto::unix_socket
                               ? "unix"
                               : fmt::format("{}/{}", to_string(listener.proto), listener.port);
  return {{port, Style::strong},
          {address_words(listener), Style::plain},
          {owner_words(listener.owner), Style::plain},
          {listener.service.empty() ? "-" : listener.service, Style::plain},
          {reach, reach == "nobody" ? Style::bad : Style::plain}};
}

void write_listeners(Page& page, const Overview& overview) {
  std::vector<TableRow> rows{{{"port", Style::faint},
                              {"address", Style::faint},
                              {"owner", Style::faint},
                              {"service", Style::faint},
                              {"reachable from", Style::faint}}};
  for (const auto& listener : overview.listeners)
    rows.push_back(listener_row(listener));
  page.table(0, rows);
}

Json json_owner(const Fact<ListenerOwner>& owner) {
  if (owner.unknown())
    return Json::object({{"unknown", json_text(owner.gap())}});
  if (owner.absent())
    return {};
  Json json;
  json["pid"] = owner.value().pid;
  json["name"] = json_text(owner.value().name);
  json["user"] = json_text_or_null(owner.value().user);
  return json;
}

Json json_listener(const Snapshot& snapshot, const Listener& listener) {
  const bool is_unix = listener.proto == Proto::unix_socket;
  Json json;
  json["proto"] = to_string(listener.proto);
  json["address"] = listener.address ? Json(listener.address->to_string()) : Json();
  json["port"] = is_unix ? Json() : Json(listener.port);
  if (is_unix)
    json["path"] = json_text(listener.path);
  json["owner"] = json_owner(listener.owner);
  json["service"] = json_text_or_null(listener.service);
  json["reachable_from"] = Json::array();
  for (const auto& entry : listener.reachable_from)
    json["reachable_from"].push_back(json_class(entry));
  json["findings"] = json_findings(snapshot, listener.findings);
  return json;
}

} // namespace

std::string render_overview_text(const Snapshot& snapshot, const Overview& overview,
                                 const TextOptions& options) {
  Page page(options);
  if (overview.listeners.empty())
    page.paragraph("", overview.gaps.empty()
                           ? "Nothing listens here."
                           : "No listener was seen; something could not be read:");
  else
    write_listeners(page, overview);
  std::set<std::string> said;
  for (const auto& listener : overview.listeners)
    for (const auto& finding : listener.findings)
      if (said.insert(finding.rule + finding.title).second) {
        page.blank();
        write_finding(page, snapshot, finding);
      }
  if (!overview.gaps.empty() || !overview.host.initial_netns || !overview.host.container.empty())
    page.blank();
  write_gaps(page, overview.gaps);
  write_outer_host(page, overview.host);
  return page.text();
}

std::string render_overview_json(const Snapshot& snapshot, const Overview& overview,
                                 bool one_line) {
  Json json;
  json["schema"] = "synfate.overview/1";
  json["listeners"] = Json::array();
  for (const auto& listener : overview.listeners)
    json["listeners"].push_back(json_listener(snapshot, listener));
  json["gaps"] = json_gaps(overview.gaps);
  return json_document(json, one_line);
}

} // namespace synfate
