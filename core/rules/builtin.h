// The rules that are part of the program: checked and written as C++ by the build
// (compile_main.cpp), so that a start parses no TOML and no CEL.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/rules/pack.h"
#include "core/rules/source.h"

namespace synfate::rules {

/// An expression: its text and its serialised tree; or plain text, when there is no tree.
struct BuiltinText {
  std::string_view text;
  std::string_view tree;
};

struct BuiltinMessage {
  std::string_view words;
  std::span<const BuiltinText> pieces;
};

struct BuiltinName {
  std::string_view name;
  BuiltinText value;
};

struct BuiltinCollect {
  std::string_view table;
  std::span<const BuiltinName> keys;
  bool optional;
};

struct BuiltinFilter {
  std::span<const Outcome> outcome;
  std::span<const Stage> stopped_at;
  std::span<const std::string_view> culprit;
  std::span<const Proto> proto;
  int local = -1; ///< -1: either
  bool bind = false;
  bool given = false;
};

struct BuiltinRule {
  std::string_view id;
  std::string_view pack;
  std::string_view file;
  BuiltinMessage title;
  BuiltinMessage explain;
  std::span<const BuiltinMessage> fix;
  Severity severity;
  Certainty certainty;
  int stage; ///< -1: none
  bool enabled;
  std::span<const std::string_view> tags;
  std::span<const std::string_view> refs;
  std::span<const std::string_view> needs;
  std::span<const std::string_view> folds;
  BuiltinFilter on;
  std::span<const BuiltinCollect> collect;
  std::span<const BuiltinName> let;
  BuiltinText for_each;
  BuiltinText when;
  BuiltinText culprit;
  BuiltinText flows;
  std::span<const BuiltinText> evidence;
};

/// A pack as it was written, tests included.
struct BuiltinFile {
  std::string_view name; ///< "built-in:fw.toml"
  std::string_view text;
};

/// Written by the build.
std::span<const BuiltinRule> builtin_table();
std::span<const BuiltinFile> builtin_files();

/// The rules as the engine takes them. Trees are read from their bytes when a rule is first
/// decided.
RuleSet builtin_rules();
RuleSet rules_of(std::span<const BuiltinRule> table);

/// The C++ source that defines builtin_table() for these rules.
std::string write_builtin_table(const RuleSet& rules);
/// The C++ source that defines builtin_files() for these packs.
std::string write_builtin_files(const std::vector<std::shared_ptr<const SourceFile>>& files);

} // namespace synfate::rules
