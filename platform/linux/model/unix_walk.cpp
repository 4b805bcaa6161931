// connect() to a Unix socket: the name, the file and its permissions, the socket behind it, its
// queue, its owner.
//
// net/unix/af_unix.c: unix_validate_addr(), unix_find_other(), unix_stream_connect(),
// unix_dgram_connect(), unix_dgram_sendmsg(); Linux 6.12. In order: EINVAL for a name that does not
// fit; what the path says (unix_path.h); EACCES without write permission for the file; ECONNREFUSED
// if it is no socket or nobody is bound to it; EPROTOTYPE for another type; for streams
// ECONNREFUSED unless it listens, and a full queue (EAGAIN, or waiting); for datagrams EPERM if it
// talks to another socket only, and EAGAIN while its queue is full. Tested by
// tests/lab/cases_unix.py and tests/twin/unix.py.
#include "platform/linux/model/unix_walk.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/ask.h"
#include "platform/linux/model/unix_path.h"
#include "platform/linux/model/unix_sockets.h"

namespace synfate {
namespace {

constexpr int may_write = 2;

Stop denied(std::string error, Stage stage, Culprit culprit, std::string note) {
  return {Outcome::denied, Icmp::none,         std::move(error),
          stage,           std::move(culprit), std::move(note)};
}

Stop refused(Culprit culprit, std::string note) {
  return {Outcome::refused,     Icmp::none,         "ECONNREFUSED",
          Stage::socket_lookup, std::move(culprit), std::move(note)};
}

Culprit name_culprit(const Flow& flow, std::string text) {
  return unix_name_culprit(flow.path, flow.abstract, std::move(text));
}

void note_evidence(Journey& journey, const FoundUnixSocket& found) {
  if (!found.evidence.table.empty()) // it was listed
    journey.evidence.push_back(found.evidence);
}

/// True if the process has this socket's file under `path` in its own root directory and mounts.
bool sees_file(Walk& walk, const SocketOwner& owner, const UnixSocket& socket,
               const std::string& path) {
  for (const auto& step :
       walk.inquiry.rows<PathStepFacts>({{"root_pid", owner.pid.value_or(0)}, {"path", path}}))
    if (step.type.is("socket") && step.last.is(true))
      return same_inode(step, socket);
  return false;
}

/// A socket that was bound to this path and whose file is neither here nor where its owner looks:
/// the file was removed. Namesakes are evidence in any case.
std::optional<UnixSocket> without_file(Walk& walk, Journey& journey) {
  std::optional<UnixSocket> lost;
  for (const auto& namesake : find_by_name(walk.inquiry, walk.flow.path)) {
    note_evidence(journey, namesake);
    Socket held;
    held.inode = namesake.socket.inode;
    held.uid = namesake.socket.uid;
    const auto owners = ask_owners(walk.inquiry, held, false);
    if (walk.inquiry.pending() || owners.empty() || lost)
      continue;
    if (!sees_file(walk, owners.front(), namesake.socket, walk.flow.path))
      lost = namesake.socket;
  }
  return lost;
}

/// The file behind the path, if the client may write to it; a stop if not.
std::optional<PathStepFacts> reach_file(Walk& walk, Journey& journey, const FileUser& user) {
  const Flow& flow = walk.flow;
  PathEnd end = follow_path(walk.inquiry, flow.path, flow.root_pid, user);
  if (walk.inquiry.pending())
    return std::nullopt;
  journey.evidence.insert(journey.evidence.end(), end.evidence.begin(), end.evidence.end());
  if (end.doubtful)
    assume(journey, "the access control lists on the way let the client through");
  if (end.unknown) {
    add_stop(journey, unknown_at(Stage::client, end.note));
    return std::nullopt;
  }
  if (!end.error.empty()) {
    const auto lost = end.error == "ENOENT" ? without_file(walk, journey) : std::nullopt;
    if (lost)
      add_stop(journey, denied(end.error, Stage::client,
                               unix_culprit(*lost, "its file was removed"), end.note));
    else
      add_stop(journey, denied(end.error, Stage::client, *end.culprit, end.note));
    return std::nullopt;
  }
  const auto may = may_access(user, *end.file, may_write);
  if (!may)
    assume(journey, "the file's access control list lets the client write");
  if (!may.value_or(true))
    add_stop(journey, denied("EACCES", Stage::client, file_culprit(*end.file),
                             fmt::format("{} may not write to the socket's file", user.name)));
  else
    add_step(journey, Stage::client, Verdict::pass);
  return std::move(end.file);
}

/// A datagram socket that the kernel finds behind the file and nobody lists.
FoundUnixSocket hidden_datagram_socket(const Flow& flow) {
  FoundUnixSocket hidden;
  hidden.socket.type = Text("dgram");
  hidden.socket.path = flow.path;
  hidden.socket.abstract = false;
  return hidden;
}

void nobody_bound(Walk& walk, Journey& journey, const PathStepFacts& file) {
  for (const auto& namesake : find_by_name(walk.inquiry, walk.flow.path)) // for the rules
    note_evidence(journey, namesake);
  if (!walk.inquiry.pending())
    add_stop(journey, refused(file_culprit(file, "no socket is bound to this file"),
                              "no socket is bound to this file"));
}

/// No socket is listed for this file: does the kernel know of one that cannot be seen?
std::optional<FoundUnixSocket> look_beyond(Walk& walk, Journey& journey, const PathStepFacts& file,
                                           bool complete) {
  const auto bound = ask_bound_to_file(walk.inquiry, walk.flow.path, walk.flow.root_pid);
  if (walk.inquiry.pending())
    return std::nullopt;
  const bool sends_datagrams = walk.flow.socket_type == "dgram";
  switch (bound) {
  case BoundToFile::nothing:
    nobody_bound(walk, journey, file);
    return std::nullopt;
  case BoundToFile::datagram:
    return hidden_datagram_socket(walk.flow);
  case BoundToFile::other:
    if (sends_datagrams)
      add_stop(journey, denied("EPROTOTYPE", Stage::client,
                               name_culprit(walk.flow, "a socket of another type"),
                               "client and server use different types"));
    else
      add_stop(journey,
               unknown_at(Stage::socket_lookup,
                          "a socket is bound to this file, in a network namespace that cannot "
                          "be seen from here"));
    return std::nullopt;
  case BoundToFile::unknown:
    break;
  }
  if (!complete) {
    add_stop(journey, unknown_at(Stage::socket_lookup, "not all sockets could be read"));
    return std::nullopt;
  }
  assume(journey, "no socket of a network namespace that does not show is bound to this file");
  nobody_bound(walk, journey, file);
  return std::nullopt;
}

std::optional<FoundUnixSocket> look_up_file(Walk& walk, Journey& journey,
                                            const PathStepFacts& file) {
  if (!file.type.is("socket")) {
    add_stop(journey, {Outcome::refused, Icmp::none, "ECONNREFUSED", Stage::client,
                       file_culprit(file, "a " + file.type.value_or("file") + ", no socket"),
                       "the file is no socket"});
    return std::nullopt;
  }
  auto listed = find_socket_of_file(walk.inquiry, file, walk.flow.path);
  if (walk.inquiry.pending())
    return std::nullopt;
  if (!listed.found)
    return look_beyond(walk, journey, file, listed.complete);
  if (listed.found->by_name_only)
    assume(journey, "the socket of this name is the one of this file");
  return std::move(listed.found);
}

/// The namesake that a client of this type finds; abstract names are kept apart by type.
std::optional<FoundUnixSocket> look_up_abstract(Walk& walk, Journey& journey) {
  const auto found = find_abstract(walk.inquiry, journey.netns, walk.flow.path);
  const bool incomplete = walk.inquiry.incomplete();
  if (walk.inquiry.pending())
    return std::nullopt;
  const std::string& type = walk.flow.socket_type;
  for (const auto& one : found)
    if (owns_name(one.socket) && (type.empty() || one.socket.type.is(type)))
      return one;
  if (incomplete) {
    add_stop(journey, unknown_at(Stage::socket_lookup, "not all sockets could be read"));
    return std::nullopt;
  }
  for (const auto& other : walk.inquiry.rows<NetworkNamespace>({})) // for the rules to tell of
    if (other.inode.known() && !other.inode.is(journey.netns))
      for (const auto& elsewhere : find_abstract(walk.inquiry, other.inode.value(), walk.flow.path))
        note_evidence(journey, elsewhere);
  if (walk.inquiry.pending())
    return std::nullopt;
  add_stop(journey, refused(name_culprit(walk.flow, "no socket has this name"),
                            "no socket of this namespace has this abstract name"));
  return std::nullopt;
}

void enter_stream(Journey& journey, const UnixSocket& socket) {
  if (!socket.state.is("listen")) {
    add_stop(journey, refused(unix_culprit(socket), "the socket does not listen"));
    return;
  }
  add_step(journey, Stage::socket_lookup, Verdict::pass, unix_culprit(socket));
  if (!socket.queue.known() || !socket.queue_limit.known()) {
    assume(journey, "the queue has room");
    return;
  }
  const std::string note =
      fmt::format("{} waiting, room for {}", socket.queue.value(), socket.queue_limit.value() + 1);
  if (socket.queue.value() > socket.queue_limit.value())
    add_stop(journey, denied("EAGAIN", Stage::queue_accept, unix_culprit(socket, note), note));
  else
    add_step(journey, Stage::queue_accept, Verdict::pass, {}, note);
}

/// Only a probe tells whether there is room; it does not work across namespaces of abstract names.
void check_room(Walk& walk, Journey& journey, const UnixSocket& socket) {
  const Flow& flow = walk.flow;
  const auto rooms = ask_datagram_room(walk.inquiry, flow.path, flow.abstract, flow.root_pid);
  if (walk.inquiry.pending())
    return;
  if (rooms.empty() || !rooms.front().writable.known()) {
    assume(journey, "the queue has room for a message");
    add_step(journey, Stage::queue_accept, Verdict::assumed, {}, "its queue is not readable");
  } else if (rooms.front().writable.is(false)) {
    add_stop(journey, denied("EAGAIN", Stage::queue_accept, unix_culprit(socket, "queue full"),
                             "its queue takes no further message"));
  } else {
    add_step(journey, Stage::queue_accept, Verdict::pass, {}, "room for a message");
  }
}

void enter_datagram(Walk& walk, Journey& journey, const UnixSocket& socket) {
  if (socket.state.is("connected") && socket.peer_inode.value_or(0) != 0) {
    add_stop(journey,
             denied("EPERM", Stage::socket_lookup,
                    unix_culprit(socket, "connected to another socket, takes messages of it only"),
                    "it takes messages of one peer only"));
    return;
  }
  add_step(journey, Stage::socket_lookup, Verdict::pass, unix_culprit(socket));
  check_room(walk, journey, socket);
}

void enter_socket(Walk& walk, Journey& journey, const UnixSocket& socket) {
  const std::string& asked = walk.flow.socket_type;
  if (!socket.type.known()) {
    assume(journey, "the socket is of the client's type");
  } else if (!asked.empty() && !socket.type.is(asked)) {
    add_stop(journey, denied("EPROTOTYPE", Stage::client,
                             unix_culprit(socket, "a " + socket.type.value() + " socket"),
                             "client and server use different types"));
    return;
  }
  journey.listener = Socket();
  journey.listener->inode = socket.inode;
  journey.listener->uid = socket.uid;
  journey.listener->state = Text(socket.type.is("dgram") ? "unconnected" : "listen");
  journey.listener->accept_queue = socket.queue;
  if (socket.type.is("dgram"))
    enter_datagram(walk, journey, socket);
  else
    enter_stream(journey, socket);
}

Journey begin(const Walk& walk) {
  Journey journey;
  journey.netns = walk.inquiry.snapshot().host().netns;
  journey.kind = Packet::data;
  return journey;
}

bool name_fits(const Flow& flow) {
  return flow.path.size() + (flow.abstract ? 1 : 0) <= longest_unix_name;
}

std::optional<FoundUnixSocket> look_up(Walk& walk, Journey& journey) {
  if (walk.flow.abstract) {
    add_step(journey, Stage::client, Verdict::pass);
    return look_up_abstract(walk, journey);
  }
  const auto user = file_user(walk.inquiry, walk.flow.identity);
  if (walk.inquiry.pending())
    return std::nullopt;
  if (!user) {
    add_stop(journey, unknown_at(Stage::client, "who asks is not known"));
    return std::nullopt;
  }
  const auto file = reach_file(walk, journey, *user);
  if (!file)
    return std::nullopt;
  return look_up_file(walk, journey, *file);
}

} // namespace

Flow unix_flow(const Target& target) {
  Flow flow;
  flow.proto = Proto::unix_socket;
  flow.local = true;
  flow.name = "this host";
  flow.path = target.path;
  flow.abstract = target.abstract;
  flow.socket_type = target.socket_type;
  flow.root_pid = target.root_pid;
  return flow;
}

Journeys walk_unix(Walk& walk) {
  Journey journey = begin(walk);
  if (!name_fits(walk.flow)) {
    add_stop(journey,
             denied("EINVAL", Stage::client,
                    name_culprit(walk.flow, fmt::format("{} bytes, room for {}",
                                                        walk.flow.path.size(), longest_unix_name)),
                    "the name does not fit into a socket address"));
  } else if (const auto found = look_up(walk, journey)) {
    note_evidence(journey, *found);
    enter_socket(walk, journey, found->socket);
    if (!walk.inquiry.pending())
      serve(walk, journey);
  }
  Journeys journeys;
  journeys.push_back(std::move(journey));
  return journeys;
}

} // namespace synfate
