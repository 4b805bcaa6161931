#include "core/report/overview.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/report/json_parts.h"
#include "core/report/text_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

std::string owner_words(const Listener& listener) {
  const Fact<ListenerOwner>& owner = listener.owner;
  if (!listener.led_to.empty())
    return "NAT to " + listener.led_to;
  if (listener.kernel)
    return "the kernel";
  if (owner.unknown())
    return "unknown process";
  if (owner.absent())
    return "no process seen";
  const auto& process = owner.value();
  return fmt::format("{} ({}{})", process.name, process.pid,
                     process.user.empty() ? "" : ", " + process.user);
}

std::string source_words(const IpRange& source) {
  if (const auto prefix = source.prefix(); prefix && prefix->length() == 0)
    return source.first.is_v4() ? "any IPv4" : "any IPv6";
  return source.to_string();
}

/// The vantage point or the sources, without the family where a name says enough.
std::string whereabouts(const SourceClass& entry) {
  if (entry.interface == "lo")
    return "this host";
  if (!entry.name.empty())
    return entry.name;
  std::string text;
  if (entry.sources.size() > 3)
    text = fmt::format("{} ranges", entry.sources.size());
  else
    for (const auto& source : entry.sources)
      text += (text.empty() ? "" : ", ") + source_words(source);
  return entry.interface.empty() ? text : text + " on " + entry.interface;
}

std::string doubt_words(const SourceClass& entry) {
  if (entry.outcome == Outcome::unknown)
    return " (cannot be told)";
  if (entry.certainty != Certainty::certain)
    return fmt::format(" ({})", to_string(entry.certainty));
  return {};
}

bool lets_in(const SourceClass& entry) {
  return !entry.martian && (entry.outcome == Outcome::open || entry.outcome == Outcome::unknown);
}

/// " (IPv4)" where the same place gets in by one family and not by the other.
std::string family_words(const Listener& listener, const SourceClass& entry) {
  const auto differs = [&](const SourceClass& other) {
    return whereabouts(other) == whereabouts(entry) && !lets_in(other);
  };
  if (!entry.to || std::ranges::none_of(listener.reachable_from, differs))
    return {};
  return entry.to->is_v4() ? " (IPv4)" : " (IPv6)";
}

/// Empty: nobody.
std::string reach_words(const Listener& listener) {
  std::vector<std::string> parts;
  for (const auto& entry : listener.reachable_from) {
    if (!lets_in(entry))
      continue;
    auto words = whereabouts(entry) + family_words(listener, entry) + doubt_words(entry);
    if (std::ranges::find(parts, words) == parts.end())
      parts.push_back(std::move(words));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string address_words(const Listener& listener) {
  if (listener.proto == Proto::unix_socket)
    return listener.path;
  const std::string device = listener.interface.empty() ? "" : "%" + listener.interface;
  return (listener.address ? listener.address->to_string() : "*") + device;
}

TableRow listener_row(const Listener& listener, const char* nobody) {
  const auto reach = reach_words(listener);
  const std::string port = listener.proto == Proto::unix_socket
                               ? "unix"
                               : fmt::format("{}/{}", to_string(listener.proto), listener.port);
  return {{port, Style::strong},
          {address_words(listener), Style::plain},
          {owner_words(listener), Style::plain},
          {listener.service.empty() ? "-" : listener.service, Style::plain},
          {reach.empty() ? nobody : reach, reach.empty() ? Style::bad : Style::plain}};
}

void write_listeners(Page& page, const Overview& overview) {
  std::vector<TableRow> rows{{{"port", Style::faint},
                              {"address", Style::faint},
                              {"owner", Style::faint},
                              {"service", Style::faint},
                              {"reachable from", Style::faint}}};
  rows.reserve(overview.listeners.size() + 1);
  for (const auto& listener : overview.listeners)
    rows.push_back(listener_row(listener, overview.clients_named ? "none of these" : "nobody"));
  page.table(0, std::move(rows));
  if (overview.sources_left_out) {
    page.blank();
    page.paragraph("",
                   "Listeners, rules, sets or routes are too many to tell all sources at a glance: "
                   "synfate who PORT",
                   Style::plain, Style::faint);
  }
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
  json["interface"] = json_text_or_null(listener.interface);
  json["owner"] = json_owner(listener.owner);
  json["holders"] = listener.holders;
  json["holders_complete"] = listener.holders_complete;
  json["led_to"] = json_text_or_null(listener.led_to);
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
