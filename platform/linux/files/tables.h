// What the model needs to know of files and of the caller: the steps of a path, who runs this tool,
// and whether a datagram socket takes another message.
#pragma once

#include "core/facts/row.h"

namespace synfate {

/// One step of resolving a path, as the kernel takes it (fs/namei.c: link_path_walk()).
struct PathStepFacts {
  Fact<Text> path;
  Fact<Int> root_pid;
  Fact<Int> position;
  Fact<Text> resolved;
  Fact<Text> type;
  Fact<bool> last;
  Fact<Int> inode;
  Fact<Int> device;
  Fact<Int> mode;
  Fact<Int> uid;
  Fact<Int> gid;
  Fact<Bytes> acl;
  Fact<Text> link_target;
  Fact<bool> read_only;
  Fact<bool> immutable;
  Fact<Text> file_system;
};

template <>
inline constexpr auto description_of<PathStepFacts> = describe_answers(
    "path_step", "One file that the kernel looks at when it follows a path.",
    key(column(&PathStepFacts::path, "path", "", "Asked: the path, from the root.")),
    key(column(&PathStepFacts::root_pid, "root_pid", "",
               "Asked: below the root directory of this process; absent: of this tool.",
               "process.pid")),
    key(column(&PathStepFacts::position, "position", "", "The order of the steps, from 0.")),
    column(&PathStepFacts::resolved, "resolved", "", "The path to this file, without links."),
    column(&PathStepFacts::type, "type", "",
           "directory, socket, link, file, pipe, device, missing, too_long (its name), or loop: "
           "too many links."),
    column(&PathStepFacts::last, "last", "", "Nothing of the path is left behind this file."),
    column(&PathStepFacts::inode, "inode", "", "Its inode."),
    column(&PathStepFacts::device, "device", "", "The device of its file system, as stat has it."),
    column(&PathStepFacts::mode, "mode", "", "Its permissions (12 bits)."),
    column(&PathStepFacts::uid, "uid", "", "Its owner."),
    column(&PathStepFacts::gid, "gid", "", "Its group."),
    column(&PathStepFacts::acl, "acl", "",
           "Its access control list as the kernel stores it; absent if it has none."),
    column(&PathStepFacts::link_target, "link_target", "", "Links: where to."),
    column(&PathStepFacts::read_only, "read_only", "", "It lies on a read-only file system."),
    column(&PathStepFacts::immutable, "immutable", "",
           "Nobody may change it, not even root (chattr +i)."),
    column(&PathStepFacts::file_system, "file_system", "",
           "The kind of its file system, if it is one where nobody can make a socket: proc, sysfs, "
           "cgroup, vfat …"));

/// Who runs this tool, and what it may do in the network namespace.
struct Caller {
  Fact<Int> netns;
  Fact<Int> uid;
  Fact<Text> groups;
  Fact<Text> capabilities;
  Fact<Text> netns_user_namespace;
  Fact<Int> netns_owner_uid;
};

template <>
inline constexpr auto description_of<Caller> = describe(
    "caller", "The user of this run, and how the network namespace stands to its user namespace.",
    key(column(&Caller::netns, "netns", "", "Inode of the network namespace.", "netns.inode")),
    column(&Caller::uid, "uid", "", "Effective user id of this run."),
    column(&Caller::groups, "groups", "", "Its groups, separated by spaces; the primary first."),
    column(&Caller::capabilities, "capabilities", "", "Its effective capabilities, hexadecimal."),
    column(&Caller::netns_user_namespace, "netns_user_namespace", "",
           "own: the network namespace belongs to the caller's user namespace; child: to one that "
           "was made in it; below: to one further down; foreign: to none of these."),
    column(&Caller::netns_owner_uid, "netns_owner_uid", "",
           "The user that made the network namespace's user namespace; absent for own and "
           "foreign."));

/// Whether a Unix datagram socket takes another message now.
struct DatagramRoom {
  Fact<Int> netns;
  Fact<Text> path;
  Fact<bool> abstract;
  Fact<Int> root_pid;
  Fact<bool> reached;
  Fact<Text> error;
  Fact<bool> writable;
};

template <>
inline constexpr auto description_of<DatagramRoom> = describe_answers(
    "unix_datagram_room", "Whether a Unix datagram socket has room for another message.",
    key(column(&DatagramRoom::netns, "netns", "", "Inode of the network namespace.",
               "netns.inode")),
    key(column(&DatagramRoom::path, "path", "", "Asked: the socket's name.", "unix_socket.path")),
    key(column(&DatagramRoom::abstract, "abstract", "", "Asked: the name is abstract.")),
    key(column(&DatagramRoom::root_pid, "root_pid", "",
               "Asked: below the root directory of this process.", "process.pid")),
    column(&DatagramRoom::reached, "reached", "", "A datagram socket answers to the name."),
    column(&DatagramRoom::error, "error", "",
           "What connect() of a datagram socket says instead: ECONNREFUSED: no socket, of whatever "
           "network namespace; EPROTOTYPE: one of another type."),
    column(&DatagramRoom::writable, "writable", "",
           "poll(2) says that a message would be taken at once; nothing is sent."));

/// Adds every table of this file.
inline Status add_file_tables(Schema& schema) {
  Status added = schema.add(spec_of<PathStepFacts>());
  if (added)
    added = schema.add(spec_of<Caller>());
  if (added)
    added = schema.add(spec_of<DatagramRoom>());
  return added;
}

} // namespace synfate
