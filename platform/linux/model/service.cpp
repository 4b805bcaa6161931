// Behind the accept queue: is there a process that can call accept()?
//
// A listener is served if any of its holders can run. A stopped or traced process keeps state T or
// t; a frozen cgroup leaves the state S, so the cgroup is asked as well. Where one holder is the
// parent of another (a master that never accepts, a manager that passed the socket on), only the
// children count. A process that could run and leaves connections waiting for seconds is hung: the
// kernel tells how long the oldest one waits (tcpi_last_data_recv; a connection that nobody has
// accepted has inode 0).
#include <algorithm>
#include <array>

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

/// It waits for a signal, a child or a point in time, as a master does whose children accept.
bool leaves_it_to_others(const Process& process) {
  constexpr std::array waits{"pause", "sigsuspend", "do_wait", "nanosleep", "sigtimedwait"};
  const std::string channel = process.wait_channel.value_or("");
  return std::ranges::any_of(
      waits, [&](const char* wait) { return channel.find(wait) != std::string::npos; });
}

/// Holders among the children of those that leave accept() to others: whoever asks for any holder
/// may have got the master alone.
std::vector<Process> holding_children(Walk& walk, const std::vector<Process>& holders, Int inode) {
  constexpr std::size_t most = 64;
  std::vector<Process> found;
  for (const auto& holder : holders) {
    if (!leaves_it_to_others(holder))
      continue;
    auto children = walk.inquiry.rows<Process>({{"parent_pid", holder.pid.value_or(0)}});
    children.resize(std::min(children.size(), most));
    for (auto& child : children) {
      const auto held = walk.inquiry.rows<SocketOwner>({{"pid", child.pid.value_or(0)}});
      if (std::ranges::any_of(held, [&](const auto& owner) { return owner.inode.is(inode); }))
        found.push_back(std::move(child));
    }
  }
  return found;
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

constexpr Int patience_ms = 2000; ///< a connection that waits longer is not just about to be taken

/// How long the oldest finished connection has waited for accept(); 0 if none does.
Int longest_wait(Walk& walk, const Journey& journey, const Socket& listener) {
  if (listener.accept_queue.value_or(0) == 0 || listener.state.is("unconnected"))
    return 0;
  const IpAddress bound = listener.local_address.value_or(IpAddress());
  Int longest = 0;
  for (const char* state : {"established", "close_wait"}) {
    for (const auto& waiting :
         walk.inquiry.rows<Socket>({{"netns", journey.netns},
                                    {"proto", std::string("tcp")},
                                    {"inode", Int{0}},
                                    {"state", std::string(state)},
                                    {"local_port", listener.local_port.value_or(0)}}))
      if (bound.is_unspecified() || waiting.local_address == listener.local_address)
        longest = std::max(longest, waiting.idle_ms.value_or(0));
    if (longest >= patience_ms || walk.inquiry.pending())
      break;
  }
  return longest;
}

Culprit process_culprit(const Process& process) {
  return {"process", fmt::format("{}", process.pid.value_or(0)), process.name.value_or("")};
}

/// What a client meets whose connection or datagram nobody takes.
Stop not_served(const Walk& walk, Culprit culprit, std::string note) {
  const bool udp = walk.flow.proto == Proto::udp;
  return {udp ? Outcome::timeout : Outcome::stalled,
          Icmp::none,
          udp ? "ETIMEDOUT" : "",
          Stage::accept,
          std::move(culprit),
          std::move(note)};
}

/// The owners could run; do they take connections?
void check_waiting(Walk& walk, Journey& journey, const Socket& listener, const Process& owner) {
  const Int waited = longest_wait(walk, journey, listener);
  if (walk.inquiry.pending())
    return;
  if (waited < patience_ms) {
    add_step(journey, Stage::accept, Verdict::pass, process_culprit(owner));
    return;
  }
  assume(journey, "what has waited for seconds is not accepted in the next moment");
  add_stop(journey, not_served(walk, process_culprit(owner),
                               fmt::format("a connection has waited {}.{} s for it to accept",
                                           waited / 1000, waited % 1000 / 100)));
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
  for (auto& child : holding_children(walk, holders, listener.inode.value()))
    if (std::ranges::none_of(holders, [&](const auto& held) { return held.pid == child.pid; }))
      holders.push_back(std::move(child));
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
  const auto able = std::ranges::find_if_not(asked, cannot_run);
  if (able != asked.end())
    return check_waiting(walk, journey, listener, *able);
  if (asked.size() < holders.size())
    assume(journey, "the parent of the stopped processes does not accept connections itself");
  const Process& first = asked.front();
  add_stop(journey, not_served(walk, process_culprit(first), why_not(first)));
}

} // namespace synfate
