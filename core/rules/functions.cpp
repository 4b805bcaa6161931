#include "core/rules/functions.h"

#include <algorithm>
#include <array>

#include <set>

#include <fmt/format.h>

#include "core/base/text.h"
#include "core/model/owners.h"
#include "core/rules/accept_command.h"
#include "core/rules/rule_keeper.h"
#include "core/rules/vocabulary.h"

namespace synfate::rules {
namespace {

using cel::Value;
using Arguments = std::span<const Value>;

Value host_error(std::string message) {
  return Value::error(cel::Failure::host, std::move(message));
}

Value string_value(std::string text) {
  return to_value(Cell(std::move(text)));
}

std::string text_of(const Value& value) {
  return std::string(value.as_text());
}

/// What could not be told: a need on a live host, gaps otherwise.
Value unknown_answer(const Facts& facts) {
  if (facts.inquiry().pending())
    return unknown_value("pending");
  std::vector<cel::UnknownReason> reasons;
  for (const auto& gap : facts.inquiry().gaps())
    reasons.push_back({0, gap});
  return reasons.empty() ? unknown_value("not-recorded") : Value::unknown(std::move(reasons));
}

/// Rows by one key. `complete` is false if there may be more.
struct Answer {
  std::vector<std::size_t> rows;
  bool complete = true;
};

/// Calls question(inquiry), which gives rows; incomplete also while it is only noted as a need.
template <typename Question> Answer answer_to(const Facts& facts, Question question) {
  Inquiry& inquiry = facts.inquiry();
  const auto noted = inquiry.questions_noted();
  Answer answer{question(inquiry), true};
  answer.complete = !inquiry.incomplete() && inquiry.questions_noted() == noted;
  return answer;
}

Answer ask(const Facts& facts, std::string_view table, std::vector<Key> keys) {
  const Request request{std::string(table), std::move(keys)};
  return answer_to(facts, [&](Inquiry& inquiry) { return inquiry.find(request); });
}

Answer ask_owners(const Facts& facts, const HeldSocket& socket, bool complete) {
  return answer_to(facts, [&](Inquiry& inquiry) { return find_owners(inquiry, socket, complete); });
}

Value row_value(const Facts& facts, std::string_view table, std::size_t row) {
  return Value::record(facts.table(table), static_cast<std::uint32_t>(row));
}

Value column_of(const Value& record, std::string_view column) {
  const auto& records = record.as_record_set();
  const auto at = records.type().find(column);
  return at ? records.field(record.row(), *at) : Value();
}

/// "vxlan vx0", of a UDP socket that the kernel opened for a link; else empty.
std::string kernel_link_of(const Facts& facts, const Value& socket) {
  const auto is = [&](const char* column, std::string_view text) {
    const Value value = column_of(socket, column);
    return value.is(cel::Kind::string) && value.as_text() == text;
  };
  const Value port = column_of(socket, "local_port");
  const Value netns = column_of(socket, "netns");
  const Value address = column_of(socket, "local_address");
  if (!is("proto", "udp") || !is("state", "unconnected") || !port.is(cel::Kind::integer) ||
      !address.is(cel::Kind::ip) || !address.as_ip().is_unspecified())
    return {};
  return kernel_link(facts.inquiry(),
                     netns.is(cel::Kind::integer) ? netns.as_int() : facts.host().netns,
                     port.as_int());
}

Value owners(const Facts& facts, const Value& socket) {
  const Value inode = column_of(socket, "inode");
  if (inode.is_unknown())
    return inode;
  const auto noted = facts.inquiry().questions_noted();
  if (!inode.is(cel::Kind::integer) || inode.as_int() == 0 ||
      !kernel_link_of(facts, socket).empty())
    return Value::list(std::vector<Value>());
  if (facts.inquiry().questions_noted() != noted)
    return unknown_answer(facts); // whether processes have to be searched is not known yet
  // One holder is enough for a name; the model asks in the same words, so nothing is read twice.
  const auto known = [&](const char* column) {
    const Value value = column_of(socket, column);
    return value.is(cel::Kind::integer) ? std::optional<Int>(value.as_int()) : std::nullopt;
  };
  const HeldSocket held_by{known("netns").value_or(0), inode.as_int(), known("cgroup_id"),
                           known("uid")};
  Answer held = ask_owners(facts, held_by, false);
  if (held.rows.empty() && held.complete)
    held = ask_owners(facts, held_by, true);
  std::vector<Value> processes;
  std::set<std::int64_t> seen;
  bool complete = held.complete;
  for (const auto row : held.rows) {
    const Value pid = column_of(row_value(facts, "socket_owner", row), "pid");
    if (!pid.is(cel::Kind::integer) || !seen.insert(pid.as_int()).second)
      continue;
    const Answer found = ask(facts, "process", {{"pid", pid.as_int()}});
    complete = complete && found.complete;
    for (const auto process : found.rows)
      processes.push_back(row_value(facts, "process", process));
  }
  return processes.empty() && !complete ? unknown_answer(facts) : Value::list(std::move(processes));
}

std::string process_name(const Value& process) {
  const Value name = column_of(process, "name");
  const Value pid = column_of(process, "pid");
  const std::string called = name.is(cel::Kind::string) ? text_of(name) : "a process";
  return pid.is(cel::Kind::integer) ? fmt::format("{} (pid {})", called, pid.as_int()) : called;
}

// systemd keeps a copy of the sockets it activates; who serves them is the one to name.
std::string owner_name(const Value& owners) {
  if (!owners.is(cel::Kind::list))
    return "an unknown process";
  const auto& list = owners.as_list();
  if (list.size() == 0)
    return "an unknown process";
  std::size_t chosen = 0;
  while (chosen + 1 < list.size() && column_of(list.at(chosen), "name").is(cel::Kind::string) &&
         column_of(list.at(chosen), "name").as_text() == "systemd")
    ++chosen;
  const Value process = list.at(chosen);
  if (list.size() == 1)
    return process_name(process);
  const Value name = column_of(process, "name");
  const Value pid = column_of(process, "pid");
  return fmt::format("{} (pid {} and {} more)",
                     name.is(cel::Kind::string) ? name.as_text() : "a process",
                     pid.is(cel::Kind::integer) ? pid.as_int() : 0, list.size() - 1);
}

std::string socket_owner_name(const Facts& facts, const Value& socket) {
  const std::string link = kernel_link_of(facts, socket);
  return link.empty() ? owner_name(owners(facts, socket)) : fmt::format("the kernel ({})", link);
}

Value process_of(const Facts& facts, const Value& pid) {
  const Answer found = ask(facts, "process", {{"pid", pid.as_int()}});
  if (!found.rows.empty())
    return row_value(facts, "process", found.rows.front());
  return found.complete ? host_error(fmt::format("there is no process {}", pid.as_int()))
                        : unknown_answer(facts);
}

// Of a few processes only those the run read are known, so this never says "none" for sure.
Value children_of(const Facts& facts, const Value& pid) {
  std::vector<Value> children;
  const auto& processes = facts.table("process");
  for (std::uint32_t row = 0; row < processes->size(); ++row) {
    Value process = Value::record(processes, row);
    const Value parent = column_of(process, "parent_pid");
    if (parent.is(cel::Kind::integer) && parent.as_int() == pid.as_int())
      children.push_back(std::move(process));
  }
  return Value::list(std::move(children));
}

Value evidence_of(const Facts& facts, const Value& of, std::string_view table) {
  std::vector<Value> rows;
  if (const NumberedFlow* flow = flow_of(of))
    for (const auto& evidence : flow->report->fate.evidence)
      if (evidence.table == table)
        rows.push_back(row_value(facts, table, evidence.row));
  return Value::list(std::move(rows));
}

Value setting(const Facts& facts, const Value& name) {
  const Answer found =
      ask(facts, "setting", {{"netns", facts.host().netns}, {"name", text_of(name)}});
  if (!found.rows.empty())
    return column_of(row_value(facts, "setting", found.rows.front()), "value");
  return found.complete ? Value() : unknown_answer(facts);
}

std::string address_port(const IpAddress& address, std::int64_t port) {
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), port)
                         : fmt::format("{}:{}", address.to_string(), port);
}

std::string ago(double ms) {
  if (ms < 1000)
    return fmt::format("{:.0f} ms", ms);
  if (ms < 120'000)
    return fmt::format("{:.1f} s", ms / 1000);
  if (ms < 7'200'000)
    return fmt::format("{:.0f} min", ms / 60'000);
  return ms < 172'800'000 ? fmt::format("{:.0f} h", ms / 3'600'000)
                          : fmt::format("{:.0f} days", ms / 86'400'000);
}

/// The word behind an option, as in "-m recent --name bad -j DROP"; empty if there is none.
std::string word_after(std::string_view text, std::string_view option) {
  const auto at = text.find(fmt::format("{} ", option));
  if (at == std::string_view::npos)
    return "";
  const auto word = text.substr(at + option.size() + 1);
  return std::string(word.substr(0, word.find(' ')));
}

/// A command for the firewall of the namespace where the flow is stopped, and the way in there.
Value command_there(const Facts& facts, const FlowReport& flow, std::string command) {
  const auto stop = std::ranges::find(flow.fate.path, Verdict::stop, &PathStep::verdict);
  if (command.empty() || stop == flow.fate.path.end() || stop->netns == 0 ||
      stop->netns == facts.host().netns)
    return Value::string(std::move(command));
  const Answer found = ask(facts, "netns", {{"inode", stop->netns}});
  if (found.rows.empty())
    return found.complete ? Value::string(std::move(command)) : unknown_answer(facts);
  const Value there = row_value(facts, "netns", found.rows.front());
  if (const Value name = column_of(there, "name"); name.is(cel::Kind::string))
    return Value::string(fmt::format("ip netns exec {} {}", quote(name.as_text()), command));
  if (const Value pid = column_of(there, "pid"); pid.is(cel::Kind::integer))
    return Value::string(fmt::format("nsenter -t {} -n {}", pid.as_int(), command));
  return Value::string(std::move(command));
}

std::string plural(std::int64_t count, std::string_view noun) {
  if (count == 1)
    return fmt::format("1 {}", noun);
  const bool hisses = noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch");
  if (noun.ends_with('y') && noun.size() > 1 &&
      std::string_view("aeiou").find(noun[noun.size() - 2]) == std::string_view::npos)
    return fmt::format("{} {}ies", count, noun.substr(0, noun.size() - 1));
  return fmt::format("{} {}{}", count, noun, hisses ? "es" : "s");
}

/// As bash, zsh and POSIX 2024 have it: '$' and quotes, with escapes for what a terminal would not
/// show.
std::string quote_bytes(std::string_view text) {
  std::string quoted = "$'";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '\'' || letter == '\\')
      quoted += std::string("\\") + letter;
    else if (byte < 0x20 || byte > 0x7e)
      quoted += fmt::format("\\x{:02x}", byte);
    else
      quoted += letter;
  }
  return quoted + "'";
}

} // namespace

std::string quote(std::string_view text) {
  constexpr std::string_view harmless =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";
  if (!text.empty() && text.find_first_not_of(harmless) == std::string_view::npos)
    return std::string(text);
  if (escape_for_terminal(text) != text)
    return quote_bytes(text);
  std::string quoted = "'";
  for (const char letter : text)
    quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return quoted + "'";
}

namespace {

std::string joined(const cel::List& list) {
  std::string text;
  for (std::size_t at = 0; at < list.size(); ++at)
    text.append(at == 0 ? "" : ", ").append(message_text(list.at(at)).value_or("…"));
  return text;
}

struct Function {
  std::string_view name;
  std::string_view signature;
  std::string_view meaning;
  Value (*native)(const Facts&, Arguments);
};

constexpr std::array functions{
    Function{"owners", "(socket) -> list(process)", "The processes that hold the socket.",
             [](const Facts& facts, Arguments a) { return owners(facts, a[0]); }},
    Function{"owners", "(unix_socket) -> list(process)", "The same for a Unix socket.",
             [](const Facts& facts, Arguments a) { return owners(facts, a[0]); }},
    Function{"owner_name", "(socket) -> string",
             "\"nginx (pid 12)\", \"the kernel (vxlan vx0)\", or \"an unknown process\".",
             [](const Facts& facts, Arguments a) {
               return string_value(socket_owner_name(facts, a[0]));
             }},
    Function{"owner_name", "(unix_socket) -> string", "The same for a Unix socket.",
             [](const Facts& facts, Arguments a) {
               return string_value(owner_name(owners(facts, a[0])));
             }},
    Function{"owner_name", "(process) -> string", "\"nginx (pid 12)\".",
             [](const Facts&, Arguments a) { return string_value(process_name(a[0])); }},
    Function{"sockets_of", "(flow) -> list(socket)",
             "The sockets that decide the flow, the most important first.",
             [](const Facts& facts, Arguments a) { return evidence_of(facts, a[0], "socket"); }},
    Function{
        "unix_sockets_of", "(flow) -> list(unix_socket)", "The same for Unix sockets.",
        [](const Facts& facts, Arguments a) { return evidence_of(facts, a[0], "unix_socket"); }},
    Function{"process_of", "(int) -> process", "The process with this id.",
             [](const Facts& facts, Arguments a) { return process_of(facts, a[0]); }},
    Function{"children_of", "(int) -> list(process)", "Its children, as far as they were read.",
             [](const Facts& facts, Arguments a) { return children_of(facts, a[0]); }},
    Function{"setting", "(string) -> string",
             "The value of a sysctl in the namespace looked at; null if there is none.",
             [](const Facts& facts, Arguments a) { return setting(facts, a[0]); }},
    Function{"made_by", "(culprit) -> string",
             "The program that keeps this firewall rule, by its table's and chain's names; \"\" if "
             "they do not tell.",
             [](const Facts&, Arguments a) {
               const auto culprit = culprit_of(a[0]);
               return Value::borrowed_string(culprit ? keeper_of(*culprit) : "");
             }},
    Function{"made_by", "(flow) -> string",
             "The same of what stops the flow, told also by the chains that it came through.",
             [](const Facts&, Arguments a) {
               const auto* flow = flow_of(a[0]);
               return Value::borrowed_string(flow == nullptr ? "" : keeper_of(*flow->report));
             }},
    Function{
        "keeper_command", "(flow) -> string",
        "What the program that keeps the firewall rule is told to let the flow in, where it is "
        "one that has words of its own for that; else \"\".",
        [](const Facts&, Arguments a) {
          const auto* flow = flow_of(a[0]);
          return Value::string(flow == nullptr ? "" : keeper_command(*flow->report));
        }},
    Function{"accept_command", "(flow) -> string",
             "The command that lets the flow past the firewall rule or policy that stops it, in "
             "the words of nft, iptables-nft or iptables-legacy, and in the namespace where it "
             "stands; \"\" if there is none.",
             [](const Facts& facts, Arguments a) {
               const auto* flow = flow_of(a[0]);
               return flow == nullptr
                          ? Value::string("")
                          : command_there(facts, *flow->report, accept_command(*flow->report));
             }},
    Function{"answer_command", "(flow) -> string",
             "The same past the rule or policy that would stop the answer to a remote client next; "
             "\"\" if there is none.",
             [](const Facts&, Arguments a) {
               const auto* flow = flow_of(a[0]);
               return Value::string(flow == nullptr ? "" : answer_command(*flow->report));
             }},
    Function{"culprit", "(string, string, string) -> culprit", "Kind, id and text of no row.",
             [](const Facts&, Arguments a) {
               return Value::record(
                   cel::make_shared_object<OwnedRecord<Culprit>>(
                       culprit_type(), Culprit{text_of(a[0]), text_of(a[1]), text_of(a[2])}),
                   0);
             }},
    Function{"address_port", "(net.IP, int) -> string", "\"10.0.0.5:80\", \"[::1]:80\".",
             [](const Facts&, Arguments a) {
               return Value::string(address_port(a[0].as_ip(), a[1].as_int()));
             }},
    Function{"plural", "(int, string) -> string", "\"1 connection\", \"3 connections\".",
             [](const Facts&, Arguments a) {
               return Value::string(plural(a[0].as_int(), a[1].as_text()));
             }},
    Function{"word_after", "(string, string) -> string",
             "The word behind an option in a rule's text; \"\" if there is none.",
             [](const Facts&, Arguments a) {
               return Value::string(word_after(a[0].as_text(), a[1].as_text()));
             }},
    Function{"ago", "(int) -> string", "Milliseconds for people: \"2.5 s\", \"3 min\".",
             [](const Facts&, Arguments a) {
               return Value::string(ago(static_cast<double>(a[0].as_int())));
             }},
    Function{"join", "(list(T)) -> string", "The elements with \", \" between.",
             [](const Facts&, Arguments a) { return string_value(joined(a[0].as_list())); }},
    Function{"quote", "(string) -> string", "One word of a shell command.",
             [](const Facts&, Arguments a) { return Value::string(quote(a[0].as_text())); }},
};

bool known_types(const Schema& schema, std::string_view signature) {
  const auto mentions = [&](std::string_view table) {
    return signature.find(table) == std::string_view::npos || schema.find(table) != nullptr;
  };
  return mentions("socket") && mentions("unix_socket") && mentions("process");
}

} // namespace

void declare_functions(cel::Environment& environment, const Schema& schema, const Facts* facts) {
  for (const auto& function : functions) {
    if (!known_types(schema, function.signature))
      continue;
    cel::Native native;
    if (facts != nullptr)
      native = [facts, call = function.native](cel::CallContext&, Arguments arguments) {
        return call(*facts, arguments);
      };
    (void)environment.declare_function(std::string(function.name), function.signature,
                                       std::move(native));
  }
}

std::vector<FunctionDescription> function_descriptions() {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> made;
    for (const auto& function : functions)
      made.push_back(fmt::format("{}{}", function.name, function.signature));
    return made;
  }();
  std::vector<FunctionDescription> described;
  for (std::size_t at = 0; at < functions.size(); ++at)
    described.push_back({lines[at], functions[at].meaning});
  return described;
}

std::optional<std::string> message_text(const cel::Value& value) {
  switch (value.kind()) {
  case cel::Kind::string:
    return text_of(value);
  case cel::Kind::null:
    return "none";
  case cel::Kind::unknown:
    return "(unknown)";
  case cel::Kind::ip:
    return value.as_ip().to_string();
  case cel::Kind::list:
    return joined(value.as_list());
  case cel::Kind::record:
    if (const auto culprit = culprit_of(value); culprit && !row_of(value))
      return culprit->text.empty() ? culprit->id : culprit->text;
    return std::nullopt;
  case cel::Kind::map:
  case cel::Kind::error:
  case cel::Kind::opaque:
    return std::nullopt;
  case cel::Kind::boolean:
  case cel::Kind::integer:
  case cel::Kind::unsigned_integer:
  case cel::Kind::floating:
  case cel::Kind::timestamp:
  case cel::Kind::duration:
  case cel::Kind::cidr:
  case cel::Kind::bytes:
  case cel::Kind::type:
  case cel::Kind::optional:
    return cel::to_text(value);
  }
  return std::nullopt;
}

bool has_message_text(const cel::Type& type) {
  if (type.is(cel::TypeKind::list))
    return type.parameters.empty() || has_message_text(type.parameters.front());
  if (type.is(cel::TypeKind::record))
    return type.name == "culprit";
  return !type.is(cel::TypeKind::map);
}

} // namespace synfate::rules
