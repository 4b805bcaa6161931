// Behind the accept queue: is there a process that can call accept()?
//
// A listener is served if any of its holders can run. A stopped or traced process keeps state T or
// t; a frozen cgroup leaves the state S, so the cgroup is asked as well. Where one holder is the
// parent of another (a master that never accepts, a manager that passed the socket on), only the
// children count; who is asked for any holder may get the master, so its children that do not run
// are looked at. A process that could run and leaves connections waiting for seconds is hung: the
// kernel tells how long the oldest one waits (tcpi_last_data_recv; a connection that nobody has
// accepted has inode 0).
//
// A process that could run and has no descriptor left cannot accept either: accept() fails with
// EMFILE at its own limit (fs/file.c: alloc_fd()) and with ENFILE at that of the machine, unless it
// has CAP_SYS_ADMIN (fs/file_table.c: alloc_empty_file()), Linux 6.12. Tested by
// tests/lab/cases_limits.py and tests/unit/platform/linux/model/service_test.cpp.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/model/owners.h"
#include "platform/linux/capabilities.h"
#include "platform/linux/model/ask.h"
#include "platform/linux/model/confirmation.h"
#include "platform/linux/model/socket_lookup.h"
#include "platform/linux/model/walk.h"

namespace synfate {
namespace {

std::optional<Process> ask_process(Walk& walk, Int pid) {
  auto rows = walk.inquiry.rows<Process>({{"pid", pid}});
  if (rows.empty())
    return std::nullopt;
  return std::move(rows.front());
}

/// Its first thread has ended and others go on: the process is shown as a zombie, and is none.
bool outlived_by_threads(const Process& process) {
  return process.state.is("zombie") && process.threads.value_or(1) > 1;
}

bool cannot_run(const Process& process) {
  const std::string state = process.state.value_or("");
  const bool ended = state == "zombie" || state == "dead";
  return state == "stopped" || state == "traced" || (ended && !outlived_by_threads(process)) ||
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

struct Holders {
  std::vector<Process> list;
  bool hidden = false; ///< there may be others that could not be seen
};

Holders ask_holders(Walk& walk, const Socket& listener, bool complete) {
  std::vector<Process> holders;
  const auto owners = ask_owners(walk.inquiry, listener, complete);
  const bool hidden = walk.inquiry.incomplete();
  for (const auto& owner : owners) {
    if (!owner.pid.known() ||
        std::ranges::any_of(holders, [&](const Process& held) { return held.pid == owner.pid; }))
      continue;
    if (auto process = ask_process(walk, owner.pid.value()))
      holders.push_back(std::move(*process));
  }
  return {std::move(holders), hidden};
}

/// It waits for a signal, a child or a point in time, as a master does whose children accept.
bool leaves_it_to_others(const Process& process) {
  constexpr std::array waits{"pause", "sigsuspend", "do_wait", "nanosleep", "sigtimedwait"};
  const std::string channel = process.wait_channel.value_or("");
  return std::ranges::any_of(
      waits, [&](const char* wait) { return channel.find(wait) != std::string::npos; });
}

/// It is in accept() itself (net/ipv4/inet_connection_sock.c).
bool is_accepting(const Process& process) {
  return process.wait_channel.value_or("").find("inet_csk_accept") != std::string::npos;
}

/// Whether other sockets share the port with this one (SO_REUSEPORT).
bool shares_port(Walk& walk, const Journey& journey, const Socket& listener) {
  const bool udp = walk.flow.proto == Proto::udp;
  const auto rows = walk.inquiry.find({std::string(table_name<Socket>()),
                                       {{"netns", journey.netns},
                                        {"proto", std::string(udp ? "udp" : "tcp")},
                                        {"state", std::string(udp ? "unconnected" : "listen")},
                                        {"local_port", listener.local_port.value_or(0)}}});
  return rows.size() > 1 && std::ranges::any_of(rows, [&](std::size_t row) {
           const auto& sockets = *walk.inquiry.snapshot().table(table_name<Socket>());
           const auto other = read_row<Socket>(sockets, row);
           return !(other.cookie == listener.cookie) && may_share(listener, other);
         });
}

std::vector<Process> children_of(Walk& walk, const Process& parent) {
  if (parent.children.is(0))
    return {};
  return walk.inquiry.rows<Process>({{"parent_pid", parent.pid.value_or(0)}});
}

/// The process, and its children where they are few: some masters have a master below them that
/// starts the workers (nsd). Without those that are known to have no children.
std::vector<Int> it_and_few_children(Walk& walk, const Process& parent) {
  constexpr std::size_t few = 4;
  if (parent.children.is(0))
    return {};
  std::vector<Int> masters{parent.pid.value_or(0)};
  const auto children = children_of(walk, parent);
  if (children.size() <= few)
    for (const auto& child : children)
      masters.push_back(child.pid.value_or(0));
  return masters;
}

bool holds(Walk& walk, const Process& process, const Fact<Int>& inode) {
  const auto held = walk.inquiry.rows<SocketOwner>({{"pid", process.pid.value_or(0)}});
  return std::ranges::any_of(held, [&](const auto& owner) { return owner.inode == inode; });
}

struct HoldingChildren {
  std::vector<Process> list;
  bool others = false; ///< of their parents, some may have further ones
};

/// Holders among the children: whoever asks for any holder may have got the master alone. Of a
/// master that may well accept itself only those that do not run are looked at.
HoldingChildren holding_children(Walk& walk, const std::vector<Process>& holders, Int inode) {
  constexpr std::size_t most = 64;
  HoldingChildren found;
  const auto add = [&](std::vector<Process> children) {
    children.resize(std::min(children.size(), most));
    bool any = false;
    for (auto& child : children) {
      if (holds(walk, child, inode)) {
        found.list.push_back(std::move(child));
        any = true;
      }
    }
    return any;
  };
  for (const auto& holder : holders) {
    if (leaves_it_to_others(holder)) {
      add(children_of(walk, holder));
      continue;
    }
    if (is_accepting(holder))
      continue;
    for (const Int above : it_and_few_children(walk, holder))
      for (const char* state : {"stopped", "traced"})
        if (above > 0 &&
            add(walk.inquiry.rows<Process>({{"parent_pid", above}, {"state", std::string(state)}})))
          found.others = true;
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

/// sock_alloc_file() in net/socket.c (Linux 6.12): the file of an accepted socket has the
/// credentials of the thread that calls accept(), not those of whoever made the listener.
SocketFile file_of_accepted(const std::vector<Process>& accepting) {
  const auto of_all = [&](Fact<Int> Process::* id, const char* what) {
    const Fact<Int>& first = accepting.front().*id;
    if (!first.known() ||
        std::ranges::any_of(accepting, [&](const Process& other) { return !(other.*id == first); }))
      return Perhaps<std::uint32_t>::unknown(what);
    return Perhaps<std::uint32_t>(static_cast<std::uint32_t>(first.value()));
  };
  return {of_all(&Process::uid, "the user of the process that accepts"),
          of_all(&Process::gid, "the group of the process that accepts")};
}

bool at_its_limit(const Process& process) {
  return process.descriptors.known() && process.descriptor_limit.known() &&
         process.descriptors.value() >= process.descriptor_limit.value();
}

bool cannot_serve(const Process& process) {
  return cannot_run(process) || at_its_limit(process);
}

/// fs.file-nr is "open 0 maximum".
bool machine_is_full(Walk& walk, Int netns) {
  const auto text = ask_setting(walk.inquiry, netns, "fs.file-nr").value_or("");
  std::array<std::uint64_t, 3> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (auto& number : numbers) {
    at = std::find_if_not(at, end, [](char each) { return each == ' ' || each == '\t'; });
    const auto [rest, error] = std::from_chars(at, end, number);
    if (error != std::errc())
      return false;
    at = rest;
  }
  const auto& [open, unused, most] = numbers;
  return most > 0 && open >= most;
}

constexpr Int patience_ms = 2000;  ///< a connection that waits longer is not just about to be taken
constexpr Int promptness_ms = 100; ///< one that waits less may just have come

/// How long the oldest finished connection has waited for accept(); 0 if none does.
Int longest_wait(Walk& walk, const Journey& journey, const Socket& listener) {
  if (walk.flow.proto != Proto::tcp || listener.accept_queue.value_or(0) == 0)
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

/// Connections are accepted, each with a descriptor; datagrams are not.
bool needs_descriptor(const Walk& walk, const Socket& listener) {
  return walk.flow.proto != Proto::udp && !listener.state.is("unconnected");
}

Stop no_descriptor(const Walk& walk, Culprit culprit) {
  std::string note = culprit.text;
  return not_served(walk, std::move(culprit), std::move(note));
}

/// True if the process has no descriptor for a further connection.
bool check_descriptors(Walk& walk, Journey& journey, const Socket& listener, const Process& owner,
                       bool machine_full) {
  constexpr unsigned capability_sys_admin = 21;
  const bool own = at_its_limit(owner);
  if (!own &&
      (!machine_full || has_capability(owner.capabilities.value_or(""), capability_sys_admin)))
    return false;
  if (listener.accept_queue.value_or(0) == 0)
    assume(journey, "no descriptor becomes free before the client comes");
  if (own)
    add_stop(journey,
             no_descriptor(walk, {"limit", fmt::format("{}/nofile", owner.pid.value_or(0)),
                                  fmt::format("{} has {} descriptors, its limit is {}",
                                              owner.name.value_or(""), owner.descriptors.value(),
                                              owner.descriptor_limit.value())}));
  else
    add_stop(journey, no_descriptor(walk, {"sysctl", "fs.file-max",
                                           "the machine has as many open files as it allows"}));
  return true;
}

/// A single thread that sleeps in something that no connection ends: a pause, a child, the answer
/// of another server. A name of fs/select.c, fs/eventpoll.c or inet_csk_accept() is none of these.
bool waits_elsewhere(const Process& process) {
  constexpr std::array waits{"nanosleep", "wait_woken", "sk_wait_data", "pipe_read",
                             "anon_pipe", "do_wait",    "unix_stream",  "rpc_wait"};
  const std::string channel = process.wait_channel.value_or("");
  return process.threads.is(1) && std::ranges::any_of(waits, [&](const char* wait) {
           return channel.find(wait) != std::string::npos;
         });
}

/// They run the same program; workers may have names of their own ("nsd: server 1").
bool alike(const Process& one, const Process& other) {
  return one.name == other.name || (one.executable.known() && one.executable == other.executable);
}

/// Workers may hold each other's listeners and serve their own alone, as those of nginx do: what
/// the hash gives to one that does not run, no other takes. The holder that was found may be one of
/// the workers or their parent.
void doubt_other_workers(Walk& walk, Journey& journey, const Socket& listener,
                         const Process& owner) {
  constexpr Int init = 1;
  if (walk.flow.proto == Proto::unix_socket || !shares_port(walk, journey, listener))
    return;
  for (const Int parent : {owner.parent_pid.value_or(init), owner.pid.value_or(init)}) {
    if (parent <= init)
      continue;
    for (const auto& worker : walk.inquiry.rows<Process>({{"parent_pid", parent}}))
      if (alike(worker, owner) && cannot_run(worker))
        return assume(journey, "the listeners of a process that does not run are served by others");
  }
}

/// Where a master was found, the first of its workers that has the listener as well.
const Process& worker_of(const Process& owner, const std::vector<Process>& holders) {
  const auto is_child = [&](const Process& other) {
    return other.parent_pid == owner.pid && !(other.pid == owner.pid) && alike(other, owner);
  };
  const auto found = std::ranges::find_if(holders, is_child);
  return found == holders.end() ? owner : *found;
}

/// A master that was found may leave accept() to workers of its own program, which it shares the
/// listener with (gunicorn, uwsgi), and all of these may have something else to wait for.
bool workers_wait_elsewhere(Walk& walk, const Socket& listener, const Process& owner) {
  constexpr std::size_t most = 64;
  if (is_accepting(owner))
    return false;
  auto workers = children_of(walk, owner);
  std::erase_if(workers, [&](const auto& child) { return !alike(child, owner); });
  return !workers.empty() && workers.size() <= most &&
         std::ranges::all_of(workers, waits_elsewhere) &&
         std::ranges::all_of(
             workers, [&](const auto& worker) { return holds(walk, worker, listener.inode); });
}

/// The owners could run; do they take connections?
void check_waiting(Walk& walk, Journey& journey, const Socket& listener, const Process& owner) {
  const Int waited = longest_wait(walk, journey, listener);
  if (walk.inquiry.pending())
    return;
  if (waited < patience_ms) {
    if (waited >= promptness_ms)
      assume(journey, "the connections that wait already are accepted in the next moment");
    if (outlived_by_threads(owner))
      assume(journey, "the threads that are left of it run");
    const bool accepts = needs_descriptor(walk, listener);
    const bool reads = walk.flow.proto == Proto::udp;
    if (((accepts || reads) && waits_elsewhere(owner)) ||
        (accepts && workers_wait_elsewhere(walk, listener, owner)))
      assume(journey, fmt::format("the process comes back to {} from what it waits for",
                                  accepts ? "accept()" : "the socket"));
    doubt_other_workers(walk, journey, listener, owner);
    add_step(journey, Stage::accept, Verdict::pass, process_culprit(owner));
    return;
  }
  const auto holders = ask_holders(walk, listener, true);
  if (walk.inquiry.pending())
    return;
  assume(journey, "what has waited for seconds is not accepted in the next moment");
  add_stop(journey, not_served(walk, process_culprit(worker_of(owner, holders.list)),
                               fmt::format("a connection has waited {}.{} s for it to accept",
                                           waited / 1000, waited % 1000 / 100)));
}

/// The link that the kernel has the listener for, or empty; nothing while that is to be asked.
std::optional<std::string> link_of(Walk& walk, Int netns, const Socket& listener) {
  if (!may_be_for_a_link(listener))
    return std::string();
  const auto noted = walk.inquiry.questions_noted();
  auto link = kernel_link(walk.inquiry, netns, listener.local_port.value());
  return walk.inquiry.questions_noted() == noted ? std::optional(std::move(link)) : std::nullopt;
}

} // namespace

void foresee_service(Walk& walk, const Socket& listener) {
  if (!listener.inode.known() || listener.inode.is(0))
    return;
  if (const auto link = link_of(walk, walk.inquiry.snapshot().host().netns, listener);
      !link || !link->empty())
    return;
  const auto holders = ask_holders(walk, listener, false);
  holding_children(walk, holders.list, listener.inode.value());
}

SocketFile file_of(Walk& walk, const Socket& socket) {
  SocketFile file;
  if (socket.uid.known())
    file.uid = static_cast<std::uint32_t>(socket.uid.value());
  if (!socket.inode.known() || socket.inode.is(0))
    return file;
  const auto link = link_of(walk, socket.netns.value_or(0), socket);
  file.present = link && link->empty();
  if (!file.present)
    return file;
  for (const auto& owner : ask_owners(walk.inquiry, socket, false))
    if (owner.gid.known())
      file.gid = static_cast<std::uint32_t>(owner.gid.value());
  return file;
}

void serve(Walk& walk, Journey& journey) {
  if (!journey.listener)
    return;
  const Socket& listener = *journey.listener;
  if (!listener.inode.known() || listener.inode.is(0)) {
    assume(journey, "the owner of the listener serves");
    return;
  }
  const auto link = link_of(walk, journey.netns, listener);
  if (!link)
    return;
  if (!link->empty())
    return add_step(journey, Stage::accept, Verdict::pass, {},
                    fmt::format("the kernel has it for {}", *link));
  auto [holders, hidden] = ask_holders(walk, listener, false);
  if (walk.inquiry.pending())
    return;
  auto children = holding_children(walk, holders, listener.inode.value());
  for (auto& child : children.list)
    if (std::ranges::none_of(holders, [&](const auto& held) { return held.pid == child.pid; }))
      holders.push_back(std::move(child));
  if (walk.inquiry.pending())
    return;
  const bool counted = needs_descriptor(walk, listener);
  const bool machine_full = counted && machine_is_full(walk, journey.netns);
  if (walk.inquiry.pending())
    return;
  if (children.others ||
      (!holders.empty() && std::ranges::all_of(holders, counted ? cannot_serve : cannot_run))) {
    auto all = ask_holders(walk, listener, true);
    if (walk.inquiry.pending())
      return;
    holders = std::move(all.list);
    hidden = all.hidden;
  }
  if (holders.empty()) {
    add_step(journey, Stage::accept, Verdict::assumed, {},
             hidden ? "its owner is not visible" : "no process holds it: the kernel itself serves");
    assume(journey, "the owner of the listener serves");
    return;
  }
  const auto accepting = those_who_accept(holders);
  const auto& asked = accepting.empty() ? holders : accepting;
  auto able = std::ranges::find_if_not(asked, counted ? cannot_serve : cannot_run);
  if (able == asked.end())
    able = std::ranges::find_if_not(asked, cannot_run);
  if (able != asked.end()) {
    journey.accepted = file_of_accepted(asked);
    if (hidden && counted && at_its_limit(*able))
      assume(journey, "no process that cannot be seen holds the socket as well");
    if (!counted || !check_descriptors(walk, journey, listener, *able, machine_full))
      check_waiting(walk, journey, listener, *able);
    return;
  }
  if (hidden)
    assume(journey, "no process that cannot be seen holds the socket as well");
  if (!std::ranges::all_of(holders, cannot_run))
    assume(journey, "the parent of the stopped processes does not accept connections itself");
  const Process& first = asked.front();
  add_stop(journey, not_served(walk, process_culprit(first), why_not(first)));
}

} // namespace synfate
