#include "core/report/render_json.h"

#include "core/report/json_parts.h"
#include "core/report/words.h"

namespace synfate {
namespace {

Json json_stage(const std::optional<Stage>& stage) {
  return stage ? Json(to_string(*stage)) : Json();
}

Json json_icmp(Icmp icmp) {
  return json_text_or_null(to_string(icmp));
}

Json json_host(const HostFacts& host) {
  Json json;
  json["name"] = json_text(host.name);
  json["os"] = json_text(host.os);
  json["kernel"] = json_text(host.kernel);
  json["netns"] = host.netns;
  return json;
}

Json json_from(const Flow& flow) {
  Json json;
  json["address"] = flow.proto == Proto::unix_socket ? Json() : Json(flow.from.to_string());
  json["interface"] = json_text_or_null(flow.from_interface);
  json["name"] = json_text(flow.name);
  return json;
}

Json json_to(const Flow& flow) {
  Json json;
  if (flow.proto == Proto::unix_socket) {
    json["path"] = json_text((flow.abstract ? "@" : "") + flow.path);
    return json;
  }
  json["address"] = flow.to.to_string();
  json["port"] = flow.port;
  return json;
}

Json json_alternatives(const Fate& fate) {
  auto list = Json::array();
  for (const auto& alternative : fate.alternatives) {
    Json json;
    json["outcome"] = to_string(alternative.outcome);
    json["icmp"] = json_icmp(alternative.icmp);
    json["stopped_at"] =
        alternative.outcome == Outcome::open ? Json() : Json(to_string(alternative.stopped_at));
    json["culprit"] = json_culprit(alternative.culprit, true);
    json["when"] = json_text(alternative.when);
    list.push_back(std::move(json));
  }
  return list;
}

Json json_blockers(const Fate& fate) {
  auto list = Json::array();
  for (const auto& blocker : fate.blockers)
    list.push_back(
        {{"stage", to_string(blocker.stage)}, {"culprit", json_culprit(blocker.culprit)}});
  return list;
}

Json json_near_misses(const Fate& fate) {
  auto list = Json::array();
  for (const auto& miss : fate.near_misses)
    list.push_back({{"by", json_culprit(miss.by)},
                    {"field", json_text(miss.field)},
                    {"wanted", json_text(miss.wanted)},
                    {"had", json_text(miss.had)}});
  return list;
}

Json json_step(const PathStep& step, std::int64_t home) {
  Json json;
  json["packet"] = to_string(step.packet);
  json["stage"] = to_string(step.stage);
  json["chain"] = json_text_or_null(step.chain);
  json["priority"] = step.priority ? Json(*step.priority) : Json();
  json["verdict"] = to_string(step.verdict);
  json["by"] = json_culprit(step.by);
  json["note"] = json_text(step.note);
  if (step.netns != 0 && step.netns != home)
    json["netns"] = step.netns;
  return json;
}

Json json_flow(const FlowReport& entry, std::int64_t home) {
  const auto& fate = entry.fate;
  Json json;
  json["from"] = json_from(entry.flow);
  json["to"] = json_to(entry.flow);
  json["outcome"] = to_string(fate.outcome);
  json["icmp"] = json_icmp(fate.icmp);
  json["errno"] = json_text_or_null(fate.error);
  json["certainty"] = to_string(fate.certainty);
  json["alternatives"] = json_alternatives(fate);
  json["stopped_at"] = json_stage(fate.stopped_at);
  json["culprit"] = json_culprit(fate.culprit, true);
  json["blockers"] = json_blockers(fate);
  json["near_misses"] = json_near_misses(fate);
  json["path"] = Json::array();
  for (const auto& step : fate.path)
    json["path"].push_back(json_step(step, home));
  for (const auto& assumption : fate.assumptions)
    json["assumptions"].push_back(json_text(assumption));
  for (const auto& gap : fate.gaps)
    json["gaps"].push_back(json_text(gap));
  return json;
}

Json json_report(const Snapshot& snapshot, const Report& report) {
  const auto outcome = report.outcome();
  Json json;
  json["schema"] = "synfate.report/1";
  json["host"] = json_host(report.host);
  json["taken_at"] = timestamp(report.host.taken_at);
  json["target"] = json_target(report.target);
  json["outcome"] = outcome ? to_string(*outcome) : "mixed";
  json["flows"] = Json::array();
  for (const auto& entry : report.flows)
    json["flows"].push_back(json_flow(entry, report.host.netns));
  json["findings"] = json_findings(snapshot, report.findings);
  json["holders"] = report.holders;
  json["holders_complete"] = report.holders_complete;
  json["gaps"] = json_gaps(report.gaps);
  return json;
}

} // namespace

std::string render_json(const Snapshot& snapshot, std::span<const Report> reports,
                        JsonLayout layout) {
  if (layout == JsonLayout::lines) {
    std::string lines;
    for (const auto& report : reports)
      lines += json_document(json_report(snapshot, report), true);
    return lines;
  }
  if (reports.size() == 1)
    return json_document(json_report(snapshot, reports.front()), false);
  auto list = Json::array();
  for (const auto& report : reports)
    list.push_back(json_report(snapshot, report));
  return json_document(list, false);
}

} // namespace synfate
