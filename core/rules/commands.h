// `synfate rules …`: what each subcommand prints, and its exit status.
//
// Tested by tests/unit/core/rules/commands_test.cpp.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/rules/engine.h"
#include "core/rules/loader.h"

namespace synfate::rules {

/// Where a command writes.
struct Output {
  std::ostream& out;
  std::ostream& err;
};

/// list: one line per rule: id, severity, certainty, where from, title.
int list_rules(const RuleSet& rules, const Output& output);
/// show ID: everything about one rule. 2 if there is none.
int show_rule(const RuleSet& rules, const std::string& id, const Output& output);
/// check FILE…: the errors of all files. They may refer to the built-in rules, and define those
/// anew only if `builtin` is false. 0 when sound, else 2.
int check_files(const std::vector<std::filesystem::path>& files, const Schema& schema, bool builtin,
                const Output& output);
/// test [--coverage] [FILE…]: without files the built-in packs. 0 when all pass, 1 when one fails
/// (or a hole, with coverage), 2 for errors in the files.
int test_files(const std::vector<std::filesystem::path>& files, const Schema& schema, bool builtin,
               bool coverage, const Output& output);
/// explain ID for a walked target: the condition as a tree of values. Prints only when nothing is
/// pending: call it in the loop that collects, with the status it gave last.
int explain_rule(Inquiry& inquiry, const RuleSet& rules, const std::string& id,
                 const Subject& subject, const Output& output);
/// eval EXPR [--with FILE.json].
int evaluate_expression(const std::string& expression, const std::string& json,
                        const Output& output);
/// eval --batch.
int evaluate_batch(std::istream& input, const Output& output);
/// doc: the reference of all rules in Markdown.
int write_reference(const RuleSet& rules, const Output& output);
/// schema: the JSON Schema of the pack format.
int write_schema(const Output& output);

} // namespace synfate::rules
