#include "core/rules/keys.h"

#include <algorithm>
#include <array>

namespace synfate::rules {
namespace {

using enum ValueKind;

constexpr std::array file_keys{
    KeySpec{"pack", table, true, "What this file is.", "pack"},
    KeySpec{"rule", tables, false, "Its rules.", "rule"},
    KeySpec{"override", tables, false, "Changes to rules of earlier files.", "override"},
    KeySpec{"waiver", tables, false, "Findings that are accepted for a time.", "waiver"},
};

constexpr std::array pack_keys{
    KeySpec{"id", text, true, "Short name of the pack.", ""},
    KeySpec{"title", text, true, "What its rules are about.", ""},
    KeySpec{"version", text, false, "Version of the pack.", ""},
};

constexpr std::array rule_keys{
    KeySpec{"id", text, true, "Stable name, parts joined by dots: what reports and audits print.",
            ""},
    KeySpec{"title", message, true, "One line: what is wrong, with names.", ""},
    KeySpec{"severity", severity, true, "error, warning or note.", ""},
    KeySpec{"certainty", certainty, false,
            "certain (default), likely or possible; lowered when the flow rests on an assumption.",
            ""},
    KeySpec{"stage", stage, false, "The stage of the path the rule speaks about.", ""},
    KeySpec{"tags", texts, false, "Words to select rules by.", ""},
    KeySpec{"needs", texts, false,
            "Tables without which the rule cannot be decided: unknown if one could not be read.",
            ""},
    KeySpec{"on", table, false,
            "Which flows the rule is about; without for_each its element is each of them.", "on"},
    KeySpec{"collect", tables, false, "Facts to read before the rule is decided.", "collect"},
    KeySpec{"for_each", expression, false,
            "A list; the rule is decided once per element, which conditions call `it`.", ""},
    KeySpec{"let", names, false, "Names for expressions, in the order written.", ""},
    KeySpec{"when", condition, false, "The condition; without it the rule fires.", ""},
    KeySpec{"culprit", expression, false,
            "The row to blame; without it the flow's own culprit when `it` is a flow.", ""},
    KeySpec{"flows", expression, false, "The flows the finding is about, when `it` is not a flow.",
            ""},
    KeySpec{"evidence", expressions, false, "Rows that prove it: a row or a list of rows each.",
            ""},
    KeySpec{"explain", message, true, "Plain prose: why this makes the connection fail.", ""},
    KeySpec{
        "fix", messages, false,
        "Commands or steps that mend it, the best one first; those that render empty are left out.",
        ""},
    KeySpec{"folds", texts, false,
            "Rules whose findings need not be shown for the same flows when this one fires.", ""},
    KeySpec{"refs", texts, false, "Manual pages and documents.", ""},
    KeySpec{"enabled", boolean, false, "false: the rule is never decided.", ""},
    KeySpec{"test", tables, false, "Fixtures and what the rule says to them.", "test"},
};

constexpr std::array on_keys{
    KeySpec{"outcome", texts, false, "The flow's outcome is one of these.", ""},
    KeySpec{"stopped_at", texts, false, "It was stopped at one of these stages.", ""},
    KeySpec{"culprit", texts, false, "Its culprit is of one of these kinds.", ""},
    KeySpec{"proto", texts, false, "tcp, udp or unix.", ""},
    KeySpec{"local", boolean, false, "The client is, or is not, on this host.", ""},
    KeySpec{"bind", boolean, false,
            "true: the rule is about bind() and listen(), and about no connections.", ""},
};

constexpr std::array collect_keys{
    KeySpec{"table", text, true, "The table to read from.", ""},
    KeySpec{"keys", names, false, "Columns and the values asked for; a list asks once per element.",
            ""},
    KeySpec{"optional", boolean, false,
            "true: what cannot be read is left out, and the rule is decided all the same.", ""},
};

constexpr std::array test_keys{
    KeySpec{"name", text, true, "What the test claims.", ""},
    KeySpec{"expect", expectation, true, "fires, quiet or unknown.", ""},
    KeySpec{"tables", rows, false, "Rows of the tables; netns defaults to the host's.", ""},
    KeySpec{"not_collected", texts, false, "Tables that could not be read.", ""},
    KeySpec{"target", text, false, "What was asked for; by default the first flow's `to`.", ""},
    KeySpec{"flow", table, false, "One flow and its fate.", "flow"},
    KeySpec{"flows", tables, false, "Several flows.", "flow"},
    KeySpec{"host", table, false, "The host.", "host"},
    KeySpec{"waivers", tables, false, "Waivers in force.", "waiver"},
    KeySpec{"title", text, false, "The finding's title.", ""},
    KeySpec{"explain", text, false, "The finding's explanation.", ""},
    KeySpec{"fix", texts, false, "The finding's fixes.", ""},
    KeySpec{"certainty", certainty, false, "The finding's certainty.", ""},
    KeySpec{"culprit", text, false, "The id of the finding's culprit.", ""},
};

constexpr std::array flow_keys{
    KeySpec{"to", text, true, "ADDRESS:PORT, or the path of a Unix socket.", ""},
    KeySpec{"from", text, false, "The client's address; 10.0.0.9 or 2001:db8::9 by default.", ""},
    KeySpec{"interface", text, false, "Where its packets arrive; eth0 or lo by default.", ""},
    KeySpec{"name", text, false, "What the report calls this client.", ""},
    KeySpec{"proto", text, false, "tcp (default), udp or unix.", ""},
    KeySpec{"local", boolean, false, "The client is on this host.", ""},
    KeySpec{"uid", integer, false, "The client's user.", ""},
    KeySpec{"bind", table, false, "It is a server that calls bind(); the flags it sets.", "bind"},
    KeySpec{"outcome", text, true, "open, refused, timeout, unreachable, stalled …", ""},
    KeySpec{"icmp", text, false, "The ICMP error.", ""},
    KeySpec{"error", text, false, "The client's errno.", ""},
    KeySpec{"certainty", certainty, false, "How sure the fate is.", ""},
    KeySpec{"stopped_at", stage, false, "The stage that stopped it.", ""},
    KeySpec{"culprit", table, false, "What stopped it.", "culprit"},
    KeySpec{"final", text, false, "ADDRESS:PORT after NAT; `to` by default.", ""},
    KeySpec{"final_netns", integer, false, "The namespace it ended in; the host's by default.", ""},
    KeySpec{"assumptions", texts, false, "What the fate takes for granted.", ""},
    KeySpec{"path", tables, false, "Steps of its path.", "step"},
    KeySpec{"blockers", tables, false, "Everything that must change.", "blocker"},
    KeySpec{"near_misses", tables, false, "What nearly let it in.", "miss"},
    KeySpec{"alternatives", tables, false, "What else may happen.", "alternative"},
};

constexpr std::array bind_keys{
    KeySpec{"reuse_address", boolean, false, "SO_REUSEADDR.", ""},
    KeySpec{"reuse_port", boolean, false, "SO_REUSEPORT.", ""},
    KeySpec{"v6only", boolean, false, "IPV6_V6ONLY.", ""},
    KeySpec{"interface", text, false, "SO_BINDTODEVICE.", ""},
};

constexpr std::array culprit_keys{
    KeySpec{"kind", text, true, "socket, process, nft_rule …", ""},
    KeySpec{"id", text, true, "Its id.", ""},
    KeySpec{"text", text, false, "What it says.", ""},
};

constexpr std::array step_keys{
    KeySpec{"stage", stage, true, "The stage.", ""},
    KeySpec{"packet", text, false, "syn (default), synack, ack, data or datagram.", ""},
    KeySpec{"chain", text, false, "The chain.", ""},
    KeySpec{"priority", integer, false, "Its priority.", ""},
    KeySpec{"verdict", text, false, "pass (default), stop, divert, unknown or assumed.", ""},
    KeySpec{"by", table, false, "What decided.", "culprit"},
    KeySpec{"note", text, false, "A remark.", ""},
    KeySpec{"netns", integer, false, "The namespace.", ""},
};

constexpr std::array blocker_keys{
    KeySpec{"stage", stage, true, "The stage.", ""},
    KeySpec{"culprit", table, true, "What blocks.", "culprit"},
};

constexpr std::array miss_keys{
    KeySpec{"by", table, true, "What nearly matched.", "culprit"},
    KeySpec{"field", text, true, "The field that did not match.", ""},
    KeySpec{"wanted", text, true, "What it wants.", ""},
    KeySpec{"had", text, true, "What the packet has.", ""},
};

constexpr std::array alternative_keys{
    KeySpec{"outcome", text, true, "The outcome.", ""},
    KeySpec{"when", text, false, "When that happens.", ""},
    KeySpec{"stopped_at", stage, false, "The stage that stops it.", ""},
    KeySpec{"culprit", table, false, "What stops it.", "culprit"},
};

constexpr std::array host_keys{
    KeySpec{"name", text, false, "Its name.", ""},
    KeySpec{"os", text, false, "linux (default) or windows.", ""},
    KeySpec{"kernel", text, false, "The kernel's release.", ""},
    KeySpec{"netns", integer, false, "Inode of the namespace looked at.", ""},
    KeySpec{"uid", integer, false, "Who looked; 0 by default.", ""},
    KeySpec{"taken_at", integer, false, "Milliseconds since 1970.", ""},
    KeySpec{"container", text, false, "The kind of container we are in.", ""},
};

constexpr std::array override_keys{
    KeySpec{"id", text, true, "The rule to change.", ""},
    KeySpec{"enabled", boolean, false, "false switches it off.", ""},
    KeySpec{"severity", severity, false, "Another severity.", ""},
    KeySpec{"certainty", certainty, false, "Another certainty.", ""},
    KeySpec{"when_and", condition, false, "A further condition that must hold as well.", ""},
    KeySpec{"title", message, false, "Another title.", ""},
    KeySpec{"explain", message, false, "Another explanation.", ""},
    KeySpec{"fix", messages, false, "Other fixes.", ""},
};

constexpr std::array waiver_keys{
    KeySpec{"id", text, true, "The rule whose findings are accepted.", ""},
    KeySpec{"reason", text, true, "Why.", ""},
    KeySpec{"expires", date, true, "The last day it holds.", ""},
    KeySpec{"culprit", text, false, "Only findings about the culprit with this id.", ""},
};

constexpr std::array all_sections{
    Section{"file", "A rule pack.", file_keys},
    Section{"pack", "The head of a pack.", pack_keys},
    Section{"rule", "One rule.", rule_keys},
    Section{"on", "A quick filter of flows.", on_keys},
    Section{"collect", "Facts to read.", collect_keys},
    Section{"test", "One test of a rule.", test_keys},
    Section{"flow", "A flow of a test.", flow_keys},
    Section{"bind", "What a server sets before bind().", bind_keys},
    Section{"culprit", "A culprit.", culprit_keys},
    Section{"step", "A step of a path.", step_keys},
    Section{"blocker", "Something in the way.", blocker_keys},
    Section{"miss", "A near miss.", miss_keys},
    Section{"alternative", "Another possible fate.", alternative_keys},
    Section{"host", "The host of a test.", host_keys},
    Section{"override", "A change to a rule of another file.", override_keys},
    Section{"waiver", "An accepted finding.", waiver_keys},
};

} // namespace

const KeySpec* Section::find(std::string_view key) const {
  const auto at = std::ranges::find(keys, key, &KeySpec::name);
  return at == keys.end() ? nullptr : &*at;
}

std::span<const Section> sections() {
  return all_sections;
}

const Section& section(std::string_view name) {
  return *std::ranges::find(all_sections, name, &Section::name);
}

std::string_view describe(ValueKind kind) {
  switch (kind) {
  case text:
    return "a string";
  case texts:
    return "a list of strings";
  case boolean:
    return "true or false";
  case integer:
    return "an integer";
  case date:
    return "a date such as 2027-01-31";
  case condition:
    return "a string with a condition (CEL)";
  case expression:
    return "a string with an expression (CEL)";
  case expressions:
    return "a list of strings with expressions (CEL)";
  case message:
    return "a string, with {CEL} placeholders";
  case messages:
    return "a list of strings, with {CEL} placeholders";
  case severity:
    return "error, warning or note";
  case certainty:
    return "certain, likely or possible";
  case stage:
    return "the name of a stage";
  case expectation:
    return "fires, quiet or unknown";
  case table:
    return "a table";
  case tables:
    return "a list of tables";
  case names:
    return "a table of names and expressions (CEL)";
  case rows:
    return "a table of lists of rows";
  }
  return "";
}

} // namespace synfate::rules
