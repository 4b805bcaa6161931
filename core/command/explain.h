// `synfate explain TARGET…`: what becomes of a connection, and why.
#pragma once

#include "core/command/session.h"
#include "core/model/owners.h"
#include "core/report/report.h"
#include "core/rules/engine.h"

namespace synfate {

/// Gives every flow its fate; facts that several of them need are read together.
void walk_flows(Session& session, std::span<FlowReport> flows);

/// The sockets that are proof of what becomes of the flows, without repetition.
std::vector<HeldSocket> sockets_met(const Snapshot& snapshot, std::span<const FlowReport> flows);

/// Derives the whole answer to one target. `all_holders`: looks for every process that holds the
/// listeners, not only for one of each.
Report explain_target(Session& session, const Target& target, const rules::RuleSet& rules,
                      std::span<const ZonedAddress> clients, const std::optional<Identity>& as,
                      bool all_holders = false);

/// The targets of the command line.
Result<std::vector<Target>> read_targets(const Program& program, const Options& options);
/// The same for commands about clients: 0.0.0.0 and [::], as a listener is printed, mean every
/// address.
Result<std::vector<Target>> read_called_targets(const Program& program, const Options& options);
/// The clients of --from.
Result<std::vector<ZonedAddress>> read_clients(const Options& options);
/// The flows of these clients, or without any those of a plain question.
std::vector<Flow> asked_flows(Inquiry& inquiry, Model& model, const Target& target,
                              std::span<const ZonedAddress> clients);
/// What is asked about, with the names of interfaces.
struct NamedEnds {
  std::vector<Target> targets;
  std::vector<ZonedAddress> clients;
};
/// Checks that the interfaces behind a '%' exist, and names those that are given by number.
Result<NamedEnds> resolve_zones(Session& session, std::vector<Target> targets,
                                std::vector<ZonedAddress> clients);
/// The user of --as; nothing if there is none.
Result<std::optional<Identity>> read_identity(const Program& program, const Options& options);
/// The process that --netns names by its number or by /proc/PID/ns/net; 0 if it names none. Its
/// root directory is where the paths of Unix sockets begin.
std::int64_t root_process_of(const std::string& netns);

int run_explain(const Program& program, const Options& options);

} // namespace synfate
