// bind() and listen() of a Unix socket.
//
// net/unix/af_unix.c: unix_bind_bsd() with kern_path_create() and vfs_mknod(),
// unix_bind_abstract(); fs/namei.c: filename_create(), may_create(); Linux 6.12. Whatever is at the
// path already, socket or not, used or left over, gives EADDRINUSE; only then a read-only file
// system (EROFS), an immutable directory (EPERM), its write permission (EACCES), and whether its
// file system has sockets at all (EPERM) count. Tested by tests/lab/cases_bind.py and
// tests/twin/unix.py.
#include <algorithm>

#include <fmt/format.h>

#include "platform/linux/model/bind.h"
#include "platform/linux/model/unix_path.h"
#include "platform/linux/model/unix_sockets.h"
#include "platform/linux/model/unix_walk.h"

namespace synfate {
namespace {

constexpr int may_write_and_search = 3;

void deny(Fate& fate, std::string error, Culprit culprit, std::string note) {
  fate.blockers.push_back({Stage::client, culprit});
  fate.outcome = Outcome::denied;
  fate.error = std::move(error);
  fate.stopped_at = Stage::client;
  fate.culprit = culprit;
  fate.path.push_back({.packet = Packet::data,
                       .stage = Stage::client,
                       .chain = {},
                       .priority = {},
                       .verdict = Verdict::stop,
                       .by = std::move(culprit),
                       .note = std::move(note),
                       .carried = {}});
}

void assume(Fate& fate, std::string what) {
  fate.certainty = std::max(fate.certainty, Certainty::likely);
  fate.assumptions.push_back(std::move(what));
}

/// The type that a server asks for unless it is told: a stream.
std::string type_of(const Flow& flow) {
  return flow.socket_type.empty() ? "stream" : flow.socket_type;
}

void bind_abstract(Inquiry& inquiry, const Flow& flow, Fate& fate) {
  const Int netns = inquiry.snapshot().host().netns;
  const auto found = find_abstract(inquiry, netns, flow.path);
  if (inquiry.incomplete())
    assume(fate, "the sockets that could not be read do not have this name");
  for (const auto& one : found) {
    if (!one.socket.type.is(type_of(flow)))
      continue;
    fate.evidence.push_back(one.evidence);
    if (owns_name(one.socket))
      return deny(fate, "EADDRINUSE", unix_culprit(one.socket), "a socket has this name");
    assume(fate, "the connections of this name were accepted by a socket that is closed");
  }
}

/// The socket of the file in the way, if there is one: who holds the name.
Culprit culprit_in_the_way(Inquiry& inquiry, const Flow& flow, const PathStepFacts& file,
                           Fate& fate) {
  if (!file.type.is("socket"))
    return file_culprit(file, "a " + file.type.value_or("file"));
  const auto listed = find_socket_of_file(inquiry, file, flow.path);
  if (listed.found && owns_name(listed.found->socket)) {
    fate.evidence.push_back(listed.found->evidence);
    return unix_culprit(listed.found->socket);
  }
  const auto bound = ask_bound_to_file(inquiry, flow.path, flow.root_pid);
  if (bound == BoundToFile::nothing || (bound == BoundToFile::unknown && listed.complete))
    return unix_name_culprit(flow.path, false, "no socket is bound to this file");
  return unix_name_culprit(flow.path, false,
                           bound == BoundToFile::unknown
                               ? "it cannot be told whether a socket is bound to this file"
                               : "a socket of a network namespace that cannot be seen is bound to "
                                 "this file");
}

void bind_path(Inquiry& inquiry, const Flow& flow, const FileUser& user, Fate& fate) {
  PathEnd end = find_last_name(inquiry, flow.path, flow.root_pid, user);
  if (inquiry.pending())
    return;
  fate.evidence.insert(fate.evidence.end(), end.evidence.begin(), end.evidence.end());
  if (end.doubtful)
    assume(fate, "the access control lists on the way let the server through");
  if (end.unknown) {
    fate.outcome = Outcome::unknown;
    return;
  }
  if (!end.error.empty())
    return deny(fate, end.error, *end.culprit, end.note);
  if (end.file)
    return deny(fate, "EADDRINUSE", culprit_in_the_way(inquiry, flow, *end.file, fate),
                "something is there already");
  const PathStepFacts& directory = *end.parent;
  const std::string kind = directory.file_system.value_or("");
  if (kind == "proc") // fs/proc/generic.c: proc_lookup() knows no name that is not there
    return deny(fate, "ENOENT", file_culprit(directory, "in a file system without sockets (proc)"),
                "nobody can make files there");
  if (directory.read_only.is(true))
    return deny(fate, "EROFS", file_culprit(directory, "on a read-only file system"),
                "the file system is read-only");
  if (directory.immutable.is(true))
    return deny(fate, "EPERM", file_culprit(directory, "an immutable directory (chattr +i)"),
                "nobody may change the directory");
  const auto may = may_access(user, directory, may_write_and_search);
  if (!may)
    assume(fate, "the directory's access control list lets the server write");
  else if (!*may)
    return deny(fate, "EACCES", file_culprit(directory),
                fmt::format("{} may not make files in this directory", user.name));
  if (!kind.empty())
    deny(fate, "EPERM",
         file_culprit(directory, fmt::format("in a file system without sockets ({})", kind)),
         "nobody can make sockets there");
}

} // namespace

FlowReport bind_unix_attempt(Inquiry& inquiry, const Target& target, const BindRequest& request) {
  FlowReport report{unix_flow(target), {}};
  report.flow.name = "bind";
  report.flow.identity = request.identity;
  report.flow.bind = request.flags;
  Fate& fate = report.fate;
  fate.outcome = Outcome::open;
  fate.final_netns = inquiry.snapshot().host().netns;
  const Flow& flow = report.flow;
  if (flow.path.size() + (flow.abstract ? 1 : 0) > longest_unix_name) {
    deny(fate, "EINVAL",
         unix_name_culprit(flow.path, flow.abstract, fmt::format("{} bytes", flow.path.size())),
         fmt::format("a Unix socket's name has room for {} bytes", longest_unix_name));
  } else if (flow.abstract) {
    bind_abstract(inquiry, flow, fate);
  } else if (const auto user = file_user(inquiry, request.identity)) {
    bind_path(inquiry, flow, *user, fate);
  } else {
    fate.outcome = Outcome::unknown;
  }
  fate.gaps = inquiry.gaps();
  return report;
}

} // namespace synfate
