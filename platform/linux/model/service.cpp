// Behind the accept queue: is there a process that can call accept()?
//
// A listener is served if any of its holders can run. A stopped or traced process keeps state T or
// t; a frozen cgroup leaves the state S, so the cgroup is asked as well. Where one holder is the
// parent of another (a master that never accepts, a manager that passed the socket on), only the
// children count.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

std::optional<Process> ask_process(Walk& walk, Int pid) {
  auto rows = walk.inquiry.rows<Process>({{"pid", pid}});
  if (rows.empty())
    return std::nullopt;
  return std::move(rows.front());
}

bool cannot_run(const Process& process) {
  const std::string state = process.state.value_or("");
  return state == "stopped" || state == "traced" || state == "zombie" || state == "dead" ||
         process.frozen.is(true);
}

std::string why_not(const Process& process) {
  if (process.frozen.is(true))
    return "its cgroup is frozen";
  if (process.state.is("traced"))
    return fmt::format("it is stopped by a debugger (pid {})", process.tracer_pid.value_or(0));
  if (process.state.is("stopped"))
    return "it is stopped by a signal";
  return "it has ended and waits for its parent";
}

std::vector<Process> ask_holders(Walk& walk, const Socket& listener, bool complete) {
  std::vector<Process> holders;
  for (const auto& owner : ask_owners(walk.inquiry, listener, complete)) {
    if (!owner.pid.known() ||
        std::ranges::any_of(holders, [&](const Process& held) { return held.pid == owner.pid; }))
      continue;
    if (auto process = ask_process(walk, owner.pid.value()))
      holders.push_back(std::move(*process));
  }
  return holders;
}

/// Holders that are the parent of another holder leave accept() to their children.
std::vector<Process> those_who_accept(const std::vector<Process>& holders) {
  std::vector<Process> accepting;
  for (const auto& holder : holders)
    if (std::ranges::none_of(holders, [&](const Process& other) {
          return other.parent_pid == holder.pid && !(other.pid == holder.pid);
        }))
      accepting.push_back(holder);
  return accepting;
}

} // namespace

void serve(Walk& walk, Journey& journey) {
  if (!journey.listener)
    return;
  const Socket& listener = *journey.listener;
  if (!listener.inode.known() || listener.inode.is(0)) {
    assume(journey, "the owner of the listener serves");
    return;
  }
  auto holders = ask_holders(walk, listener, false);
  const bool hidden = walk.inquiry.incomplete();
  if (walk.inquiry.pending())
    return;
  if (!holders.empty() && std::ranges::all_of(holders, cannot_run)) {
    holders = ask_holders(walk, listener, true);
    if (walk.inquiry.pending())
      return;
  }
  if (holders.empty()) {
    add_step(journey, Stage::accept, Verdict::assumed, {},
             hidden ? "its owner is not visible" : "no process holds it: the kernel itself serves");
    assume(journey, "the owner of the listener serves");
    return;
  }
  const auto accepting = those_who_accept(holders);
  const auto& asked = accepting.empty() ? holders : accepting;
  if (!std::ranges::all_of(asked, cannot_run)) {
    add_step(journey, Stage::accept, Verdict::pass,
             Culprit{"process", fmt::format("{}", asked.front().pid.value_or(0)),
                     asked.front().name.value_or("")});
    return;
  }
  const Process& first = asked.front();
  if (asked.size() < holders.size())
    assume(journey, "the parent of the stopped processes does not accept connections itself");
  add_stop(journey,
           {Outcome::stalled, Icmp::none, "", Stage::accept,
            Culprit{"process", fmt::format("{}", first.pid.value_or(0)), first.name.value_or("")},
            why_not(first)});
}

} // namespace synfate
