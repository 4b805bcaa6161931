#include "core/rules/rule_run.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/rules/functions.h"

namespace synfate::rules {
namespace {

using cel::Value;

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::ranges::find(list, text) == list.end())
    list.push_back(text);
}

/// The elements of a list, or the value itself.
/// Stands in a message for a value that could not be told.
constexpr std::string_view unknown_words = "(unknown)";

std::vector<Value> each(const Value& value) {
  if (!value.is(cel::Kind::list))
    return {value};
  std::vector<Value> values;
  const auto& list = value.as_list();
  for (std::size_t at = 0; at < list.size(); ++at)
    values.push_back(list.at(at));
  return values;
}

bool asks_netns_itself(const TableSpec& spec) {
  const auto netns = spec.column("netns");
  return !netns || !spec.columns[*netns].key;
}

} // namespace

const cel::Program& Programs::of(const Expression& expression) {
  const auto& checked = expression.get();
  auto at = programs_.find(&checked);
  if (at == programs_.end())
    at = programs_.emplace(&checked, cel::link(checked.ast, environment_)).first;
  return at->second;
}

RuleRun::RuleRun(const Rule& rule, const Facts& facts, const cel::Bindings& base,
                 Programs& programs, const Options& options)
    : rule_(rule), facts_(facts), base_(base), programs_(programs), options_(options),
      deadline_(std::chrono::steady_clock::now() + options.budget.time) {}

Value RuleRun::value(const Expression& expression, const cel::Bindings& names, cel::Trace* trace) {
  return cel::evaluate(
      programs_.of(expression), names,
      {.step_limit = options_.budget.steps, .deadline = deadline_, .trace = trace});
}

void RuleRun::note_unknown(const Value& value, RuleStatus& status) {
  status.state = RuleState::unknown;
  if (value.is_unknown()) {
    for (const auto& reason : value.as_unknown().reasons)
      add_once(status.gaps, reason.text);
  } else if (value.is_error() && status.reason.empty()) {
    const auto& error = value.as_error();
    status.reason = error.failure == cel::Failure::budget ? "budget" : error.message;
  }
}

RuleStatus RuleRun::run(std::vector<Finding>& findings) {
  RuleStatus status{rule_.id.text, RuleState::quiet, {}, {}};
  const std::size_t before = findings.size();
  for (const auto& element : elements(status))
    decide(element, status, findings);
  if (findings.size() > before)
    status.state = RuleState::fires;
  return status;
}

std::vector<RuleRun::Element> RuleRun::elements(RuleStatus& status) {
  const auto accepted = [&](const NumberedFlow& flow) {
    return !rule_.on || rule_.on->accepts(*flow.report);
  };
  const auto& flows = facts_.flows();
  if (rule_.on && std::ranges::none_of(flows, accepted))
    return {};
  std::vector<Element> found;
  if (rule_.for_each) {
    const Value list = value(*rule_.for_each, base_);
    if (!list.is(cel::Kind::list))
      note_unknown(list, status);
    else
      for (auto& element : each(list))
        found.push_back({std::move(element), true});
  } else if (rule_.on) {
    for (const auto& flow : flows)
      if (accepted(flow))
        found.push_back({facts_.flow(flow.index), true});
  } else {
    found.push_back({});
  }
  return found;
}

// A table that nothing was read from, because it could not be or because nobody asked, must not
// look empty to a condition.
bool RuleRun::facts_are_there(RuleStatus& status) const {
  for (const auto& name : rule_.needs) {
    if (facts_.table(name)->size() > 0)
      continue;
    bool complete = false;
    std::vector<std::string> gaps;
    for (const auto& answer : facts_.snapshot().answers()) {
      if (answer.request.table != name)
        continue;
      complete = complete || answer.gaps.empty();
      gaps.insert(gaps.end(), answer.gaps.begin(), answer.gaps.end());
    }
    if (complete)
      continue;
    status.state = RuleState::unknown;
    if (gaps.empty())
      gaps.push_back("not-recorded." + name);
    for (const auto& gap : gaps)
      add_once(status.gaps, gap);
    return false;
  }
  return true;
}

void RuleRun::decide(const Element& element, RuleStatus& status, std::vector<Finding>& findings) {
  cel::Bindings names(&base_);
  if (element.has_value)
    names.set("it", element.value);
  bool waiting = false;
  for (const auto& wanted : rule_.collect)
    if (rests_on_pending(wanted))
      waiting = true; // what comes behind it is asked for together with what it waits for
    else if (!collect(wanted, names, status))
      return;
  if (waiting || facts_.inquiry().pending() || !facts_are_there(status))
    return;
  if (!needed_names_)
    needed_names_ = names_of_condition();
  name(*needed_names_, true, names);
  const Value holds = condition(element, names);
  if (holds.is_true()) {
    // What it cost to decide, such as looking for owners, is not taken from the texts' time.
    deadline_ = std::chrono::steady_clock::now() + options_.budget.time;
    name(*needed_names_, false, names);
    findings.push_back(make_finding(element, names));
  } else if (!holds.is_false()) {
    note_unknown(holds, status);
  }
}

std::vector<bool> RuleRun::names_of_condition() {
  std::vector<bool> needed(rule_.let.size(), options_.observer != nullptr);
  if (options_.observer != nullptr || !rule_.when)
    return needed;
  std::vector<std::string> wanted = programs_.of(*rule_.when).variables();
  for (std::size_t at = rule_.let.size(); at-- > 0;) {
    const auto& [name, expression] = rule_.let[at];
    needed[at] = std::ranges::find(wanted, name) != wanted.end();
    if (!needed[at])
      continue;
    const auto& further = programs_.of(expression).variables();
    wanted.insert(wanted.end(), further.begin(), further.end());
  }
  return needed;
}

void RuleRun::name(const std::vector<bool>& which, bool wanted, cel::Bindings& names) {
  for (std::size_t at = 0; at < rule_.let.size(); ++at) {
    if (which[at] != wanted)
      continue;
    const auto& [name, expression] = rule_.let[at];
    const Value named = value(expression, names);
    if (options_.observer != nullptr)
      options_.observer->named(rule_, name, named);
    names.set(name, named);
  }
}

Value RuleRun::condition(const Element& element, const cel::Bindings& names) {
  if (!rule_.when)
    return Value::boolean(true);
  if (options_.observer == nullptr)
    return value(*rule_.when, names);
  cel::Trace trace;
  const Value holds = value(*rule_.when, names, &trace);
  options_.observer->decided(rule_, element.value, programs_.of(*rule_.when), trace, holds);
  return holds;
}

/// False if the rule cannot be decided yet, or not at all.
bool RuleRun::collect(const Collect& collect, const cel::Bindings& names, RuleStatus& status) {
  bool complete = true;
  for (const auto& request : requests(collect, names, status))
    complete = (collect.optional ? ask_if_possible(request) : ask(request, status)) && complete;
  return complete && status.state != RuleState::unknown;
}

/// What to ask for is told by a table that is still to be read. Anything else can be asked for at
/// once, so that all of it is read together.
bool RuleRun::rests_on_pending(const Collect& collect) {
  const auto& needs = facts_.inquiry().needs();
  return !needs.empty() && std::ranges::any_of(collect.keys, [&](const auto& key) {
    const auto& names = programs_.of(key.second).variables();
    return std::ranges::any_of(needs, [&](const Request& need) {
      return std::ranges::find(names, need.table) != names.end();
    });
  });
}

/// Missing facts leave the answer empty, and nothing else rests on them.
bool RuleRun::ask_if_possible(const Request& request) {
  const Snapshot& snapshot = facts_.snapshot();
  if (!snapshot.sealed() || snapshot.answer(request) != nullptr)
    facts_.inquiry().find(request);
  return true;
}

bool RuleRun::ask(const Request& request, RuleStatus& status) {
  Inquiry& inquiry = facts_.inquiry();
  const bool found = !inquiry.find(request).empty();
  if (inquiry.pending() || !inquiry.incomplete())
    return true;
  assumed_ = true;
  if (found)
    return true;
  const Answered* answer = facts_.snapshot().answer(request);
  status.state = RuleState::unknown;
  for (const auto& gap :
       answer == nullptr ? std::vector{"not-recorded." + request.table} : answer->gaps)
    add_once(status.gaps, gap);
  return false;
}

std::vector<Request> RuleRun::requests(const Collect& collect, const cel::Bindings& names,
                                       RuleStatus& status) {
  const TableSpec* spec = facts_.snapshot().schema().find(collect.table.text);
  if (spec == nullptr)
    return {};
  std::vector<Request> requests{{spec->name, {}}};
  const auto written = [](const auto& key) { return key.first == "netns"; };
  if (!asks_netns_itself(*spec) && std::ranges::none_of(collect.keys, written))
    requests.front().keys.push_back({"netns", facts_.host().netns});
  for (const auto& [column, expression] : collect.keys) {
    const Value wanted = value(expression, names);
    if (!wanted.is_known())
      note_unknown(wanted, status);
    std::vector<Request> extended;
    for (const auto& element : wanted.is_known() ? each(wanted) : std::vector<Value>())
      for (Request request : requests) {
        const auto cell = rules::to_cell(element, spec->columns[*spec->column(column)].type);
        if (!cell)
          continue;
        request.keys.push_back({column, *cell});
        extended.push_back(std::move(request));
      }
    requests = std::move(extended);
  }
  return requests;
}

Finding RuleRun::make_finding(const Element& element, cel::Bindings& names) {
  Finding finding;
  finding.rule = rule_.id.text;
  finding.severity = rule_.severity;
  finding.certainty = rule_.certainty;
  finding.stage = rule_.stage;
  finding.refs = rule_.refs;
  name_culprit(element, names, finding);
  name_flows(element, names, finding);
  lower_certainty(finding);
  for (const auto& rows : rule_.evidence)
    add_evidence(value(rows, names), finding);
  finding.title = render(rule_.title, names);
  finding.explain = render(rule_.explain, names);
  for (const auto& fix : rule_.fix) // half a command is none
    if (std::string text = render(fix, names); !text.empty() && !text.contains(unknown_words))
      finding.fix.push_back(std::move(text));
  return finding;
}

void RuleRun::name_culprit(const Element& element, cel::Bindings& names, Finding& finding) {
  if (rule_.culprit) {
    const Value blamed = value(*rule_.culprit, names);
    finding.culprit = culprit_of(blamed);
    names.set("culprit", blamed);
    add_evidence(blamed, finding);
  } else if (const auto* flow = flow_of(element.value);
             flow != nullptr && flow->report->fate.culprit) {
    finding.culprit = flow->report->fate.culprit;
    names.set("culprit", struct_value(culprit_type(), *flow->report->fate.culprit));
  }
}

void RuleRun::name_flows(const Element& element, const cel::Bindings& names, Finding& finding) {
  const auto add = [&finding](const NumberedFlow* flow) {
    if (flow != nullptr)
      finding.flows.push_back(flow->index);
  };
  if (rule_.flows) {
    for (const auto& flow : each(value(*rule_.flows, names)))
      add(flow_of(flow));
  } else if (flow_of(element.value) != nullptr) {
    add(flow_of(element.value));
  } else if (rule_.on) {
    for (const auto& flow : facts_.flows())
      if (rule_.on->accepts(*flow.report))
        add(&flow);
  }
  const auto* flow = finding.flows.empty() ? nullptr : &facts_.flows()[finding.flows.front()];
  if (!finding.stage && flow != nullptr)
    finding.stage = flow->report->fate.stopped_at;
}

void RuleRun::lower_certainty(Finding& finding) const {
  for (const auto index : finding.flows) {
    const Fate& fate = facts_.flows()[index].report->fate;
    finding.certainty = std::max(finding.certainty, fate.certainty);
    if (!fate.assumptions.empty())
      finding.certainty = std::max(finding.certainty, Certainty::likely);
  }
  if (assumed_)
    finding.certainty = std::max(finding.certainty, Certainty::likely);
}

void RuleRun::add_evidence(const Value& value, Finding& finding) const {
  for (const auto& element : each(value)) {
    const auto row = row_of(element);
    if (!row)
      continue;
    const Evidence evidence{row->records->spec().name, row->row};
    const auto same = [&](const Evidence& other) {
      return other.table == evidence.table && other.row == evidence.row;
    };
    if (std::ranges::none_of(finding.evidence, same))
      finding.evidence.push_back(evidence);
  }
}

std::string RuleRun::render(const Template& message, const cel::Bindings& names) {
  std::string text;
  for (const auto& piece : message.pieces)
    text += piece.expression
                ? message_text(value(*piece.expression, names)).value_or(std::string(unknown_words))
                : piece.text;
  return text;
}

} // namespace synfate::rules
