// What renderers show: one value, complete, to which they add no facts and no opinions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/facts/snapshot.h"
#include "core/model/flow.h"

namespace synfate {

enum class Severity : std::uint8_t { error, warning, note };

/// A rule that fired, rendered.
struct Finding {
  std::string rule; ///< "listen.loopback_only"
  Severity severity = Severity::error;
  Certainty certainty = Certainty::certain;
  std::optional<Stage> stage;
  std::string title;
  std::string explain;
  std::vector<std::string> fix;
  std::vector<std::size_t> flows; ///< positions in Report::flows
  std::optional<Culprit> culprit;
  std::vector<Evidence> evidence;
  std::vector<std::string> refs;
  std::vector<std::string> folded; ///< rules whose findings this one explains away
};

/// The answer to one target.
struct Report {
  HostFacts host;
  Target target;
  std::vector<FlowReport> flows;
  std::vector<Finding> findings; ///< ordered: what stops an asked flow first, most certain first
  std::vector<Gap> gaps;         ///< those that matter to this report
  std::vector<std::string> unknown_rules; ///< rules that could not tell, for -v
  std::vector<std::int64_t> holders;      ///< processes that hold the listeners the flows come to
  bool holders_complete = false;          ///< these are all of them (--all-holders)
  std::vector<SourceClass> sources;       ///< every client there can be, where a glance tells
  bool sources_left_out = false;          ///< there is too much to tell them at a glance

  /// The flows' one outcome; nothing if they differ ("mixed").
  std::optional<Outcome> outcome() const;
};

} // namespace synfate
