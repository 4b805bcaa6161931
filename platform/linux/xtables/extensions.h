// The matches and targets we know, by name, revision and family: how each is printed and evaluated.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/linux/xtables/entry.h"
#include "platform/linux/xtables/printing.h"

namespace synfate::xt {

struct MatchCall;
struct MatchAnswer;
struct TargetCall;
struct TargetAnswer;

/// What a match says about a packet class, and what a target does to it: see xt_evaluate.h.
using TestMatch = MatchAnswer (*)(const MatchCall& call);
using RunTarget = TargetAnswer (*)(const TargetCall& call);

/// Where an extension exists.
enum class Families : std::uint8_t { both, v4, v6 };

struct ExtensionKind {
  std::string_view name;
  std::uint8_t revision = 0;
  Families families = Families::both;
  std::size_t size = 0; ///< of its wire struct: shorter data is not this extension
  Print print = nullptr;
  TestMatch test = nullptr; ///< matches only
  RunTarget run = nullptr;  ///< targets only
};

/// The kind, or null if the name, the revision or the size is not one we know.
const ExtensionKind* find_match(const Extension& match, IpFamily family);
const ExtensionKind* find_target(const Extension& target, IpFamily family);

/// The name iptables shows: an alias (state, NOTRACK) where the private data says so.
std::string_view shown_name(const Extension& extension);

} // namespace synfate::xt
