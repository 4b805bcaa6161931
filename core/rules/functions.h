// The functions that conditions and messages of rules have beside CEL's own.
//
//   owners(socket) -> list(process)        who holds it; asks for what is not read yet
//   owner_name(socket) -> string           "nginx (pid 12)", or "an unknown process"
//   process_of(pid) -> process             unknown when it could not be read
//   sockets_of(flow) -> list(socket)       those that decide it; unix_sockets_of() alike
//   children_of(pid) -> list(process)      those that are known
//   setting(name) -> string                a sysctl of the host's namespace
//   made_by(culprit) -> string             the program that keeps this rule: "firewalld", "docker"
//   keeper_command(flow) -> string         what that program is told to let the flow in
//   accept_command(flow) -> string         lets the flow past the rule that stops it
//   answer_command(flow) -> string         lets the answer past the next one
//   culprit(kind, id, text) -> culprit     something that is no row
//   address_port(ip, port) -> string       "10.0.0.5:80", "[::1]:80"
//   plural(n, "connection") -> string      "1 connection", "3 connections"
//   word_after(text, "--name") -> string   the word behind an option in a rule's text
//   ago(ms) -> string                      "2.5 s", "3 min", "4 h"
//   join(list) -> string                   with ", " between
//   quote(text) -> string                  as one word of a shell command
//
// Tested by tests/unit/core/rules/functions_test.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/cel/environment.h"
#include "core/facts/schema.h"

namespace synfate::rules {

class Facts;

/// A word as a shell takes it, in quotes where it needs them.
std::string quote(std::string_view text);

/// Declares them all; without facts for the checker alone.
void declare_functions(cel::Environment& environment, const Schema& schema, const Facts* facts);

/// One function for the reference page.
struct FunctionDescription {
  std::string_view signature;
  std::string_view meaning;
};
std::vector<FunctionDescription> function_descriptions();

/// How a value reads in a message; nothing for what has no text (a row, a map).
std::optional<std::string> message_text(const cel::Value& value);
/// Whether values of this type have a text.
bool has_message_text(const cel::Type& type);

} // namespace synfate::rules
