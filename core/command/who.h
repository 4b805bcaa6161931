// `synfate who TARGET…`: every source there can be, by what becomes of it and which rule decides.
#pragma once

#include <optional>
#include <span>

#include "core/command/session.h"
#include "core/report/who_report.h"

namespace synfate {

/// Derives the partition of all sources. With `clients` only the classes that they are in.
WhoReport who_reaches(Session& session, const Target& target, std::span<const ZonedAddress> clients,
                      const std::optional<Identity>& as);

/// What a glance tells of other hosts' addresses: nothing that is large is read.
struct WhoGlance {
  std::vector<SourceClass> classes; ///< empty: it does not tell
  bool too_much = false;            ///< since rules, sets or routes are many
  std::vector<std::string> gaps;    ///< ids of what could not be read for it
};
WhoGlance who_at_a_glance(Session& session, const Target& target,
                          const std::optional<Identity>& as);

int run_who(const Program& program, const Options& options);

} // namespace synfate
